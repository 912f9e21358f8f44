"""The files that can be read, and what is said of the others."""

import difflib
from collections.abc import Sequence
from pathlib import Path

from simcal.data.checks import Place
from simcal.data.table import Table, read_csv, read_parquet
from simcal.errors import DataError

_READERS = {".csv": read_csv, ".parquet": read_parquet}


def existing_file(source: str | Path, names: Sequence[str]) -> Path:
    """The path of a CSV or Parquet file that is there; `names` are what else could have been meant.

    Raises
    ------
    DataError
        There is no such file, or it is of another kind.
    """
    path = Path(source)
    if not path.exists():
        close = difflib.get_close_matches(str(source), names, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        raise DataError(
            f"'{source}' is neither a file that exists nor a name of the catalogue.{hint} The catalogue has: "
            f"{', '.join(names)}."
        )
    if not is_table_file(path):
        kind = "a folder" if path.is_dir() else f"a file of the kind '{path.suffix or 'without an extension'}'"
        raise DataError(
            f"'{source}' is {kind}; give a .csv or .parquet file, or a name of the catalogue: {', '.join(names)}."
        )
    return path


def is_table_file(source: str | Path) -> bool:
    """Whether this is a file of a kind that can be read."""
    return Path(source).is_file() and Path(source).suffix.lower() in _READERS


def read_table(path: Path) -> Table:
    """The table in a file that `existing_file` let pass."""
    return _READERS[path.suffix.lower()](path)


def position_in(where: str) -> Place:
    """Rows of what is no file, counted from 0."""
    return lambda i: f"Position {i} (counted from 0) of {where}"
