"""Compiled code that no longer fits its source is forgotten before it can be loaded.

Numba keeps machine code beside a function's file and compiles again when that file changes, but not when a file changes
whose functions were inlined. So what lies in the caches is stamped with a hash of all sources that are compiled.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
from pathlib import Path

_PACKAGE = Path(__file__).parent


@functools.cache
def forget_stale_code(package: Path = _PACKAGE) -> None:
    """Delete the caches of compiled functions under `package` where its sources have changed since they were made.

    To be called by modules with compiled functions when they are imported; does its work once in a process. A folder
    that cannot be written to is left as it is.
    """
    compiled = ("noise/*.py", "models/**/*.py", "rfq/**/*.py", "learning/**/*.py", "threads.py")
    sources = sorted(path for pattern in compiled for path in package.glob(pattern))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    mark = package / "__pycache__" / "compiled-sources.sha256"
    if mark.is_file() and mark.read_text(encoding="utf-8") == digest:
        return
    if not os.access(package, os.W_OK):
        return
    for cached in [*package.rglob("__pycache__/*.nbi"), *package.rglob("__pycache__/*.nbc")]:
        with contextlib.suppress(OSError):  # another process was quicker
            cached.unlink()
    mark.parent.mkdir(exist_ok=True)
    partial = mark.with_suffix(f".{os.getpid()}")
    partial.write_text(digest, encoding="utf-8")
    os.replace(partial, mark)
