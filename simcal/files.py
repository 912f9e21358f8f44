"""Writing files so that a reader never sees half of one."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from simcal.errors import DataError


def write_atomically(path: str | Path, content: str | bytes | Callable[[Path], object]) -> Path:
    """Write a file to a temporary name beside its target, then rename it; missing folders are made.

    Parameters
    ----------
    path
        Where the file shall be; an existing file there is replaced in one step.
    content
        Text (stored as UTF-8), bytes, or a function that is given the temporary path and writes there.

    Returns
    -------
    The target's path. When writing fails, the temporary file is removed and the old target is untouched.

    Raises
    ------
    DataError
        The file cannot be written there.
    """
    target = Path(path)
    # The suffix stays last because some writers choose their format by it.
    temporary = target.with_name(f".{target.stem}.{secrets.token_hex(4)}.partial{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            content(temporary)
        elif isinstance(content, bytes):
            temporary.write_bytes(content)
        else:
            temporary.write_text(content, encoding="utf-8", newline="\n")
        os.replace(temporary, target)
    except OSError as error:
        raise DataError(
            f"{target} could not be written ({error.strerror or error}). "
            "Choose a place that exists, has room and allows writing."
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    return target


def make_folder(path: str | Path) -> Path:
    """Make a folder and those above it, unless they are there; `DataError` where that cannot be."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"The folder {folder} could not be made ({error.strerror or error}). "
            "Choose a place that exists, has room and allows writing."
        ) from error
    return folder
