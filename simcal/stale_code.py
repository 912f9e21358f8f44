"""Compiled code that no longer fits its source is forgotten before it can be loaded.

Numba keeps machine code of a function's file and compiles again when that file changes, but not when a file changes
whose functions were inlined. So what lies in the caches is stamped with a hash of all sources that are compiled.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
from pathlib import Path

_PACKAGE = Path(__file__).parent
_COMPILED = ("noise", "definition", "models", "book", "rfq", "learning", "trading")
"""The rooms with compiled functions, or with constants that are frozen into them."""


@functools.cache
def forget_stale_code(package: Path = _PACKAGE) -> None:
    """Delete the caches of compiled functions of `package` where its sources have changed since they were made.

    To be called by modules with compiled functions when they are imported; does its work once in a process. Folders
    that cannot be written to are left as they are.
    """
    sources = sorted(path for room in _COMPILED for path in (package / room).rglob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in [*sources, *package.glob("threads.py")])).hexdigest()
    caches = _caches(package)
    mark = caches[0] / "compiled-sources.sha256"
    if mark.is_file() and mark.read_text(encoding="utf-8") == digest:
        return
    with contextlib.suppress(OSError):  # nowhere to write, or another process was quicker
        mark.parent.mkdir(parents=True, exist_ok=True)
        partial = mark.with_suffix(f".{os.getpid()}")
        partial.write_text(digest, encoding="utf-8")
        for cached in [file for folder in caches for end in ("nbi", "nbc") for file in folder.glob(f"*.{end}")]:
            cached.unlink(missing_ok=True)
        os.replace(partial, mark)


def _caches(package: Path) -> list[Path]:
    """The folders where Numba looks for the code of each folder of the package, the package's own first.

    Numba's order: NUMBA_CACHE_DIR where it is set, beside the sources where they can be written to, else the user's.
    """
    from numba.core import config
    from numba.core.caching import _CacheLocator
    from numba.misc.appdirs import AppDirs

    rooms = [package, *sorted(path for path in package.rglob("*") if path.is_dir() and path.name != "__pycache__")]
    chosen = getattr(config, "CACHE_DIR", "")
    if not chosen and os.access(package, os.W_OK):
        return [room / "__pycache__" for room in rooms]
    base = Path(chosen or AppDirs("numba", False).user_cache_dir)
    return [base / _CacheLocator.get_suitable_cache_subpath(str(room / "any.py")) for room in rooms]
