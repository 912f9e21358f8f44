"""Files and frames as named columns whose every row knows where it stands. Nothing is dropped or reordered."""

import csv
import difflib
import gzip
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import DataError

Cells = Sequence[Any] | pd.Series
Place = Callable[[int], str]
"""Says where row i stands, as the beginning of a sentence: "Row 17 of prices.csv"."""

_ENDINGS = (".csv", ".csv.gz", ".parquet")
_DELIMITERS = ",;\t"
# Files that exchanges publish without a header line, by their number of columns; the first is a time since 1970.
_KRAKEN = ["time", "open", "high", "low", "close", "volume", "trades"]
_BINANCE = [*_KRAKEN[:6], "close time", "quote volume", "trades", "taker base", "taker quote", "ignore"]
_HEADERLESS = {len(names): names for names in (_KRAKEN, _BINANCE)}
# First cells of the second and third header line that yfinance writes.
_MORE_HEADER = ("ticker", "tickers", "date", "datetime")


@dataclass(frozen=True)
class Table:
    """Columns by name, all of one length; cells are text (CSV) or typed values (Parquet, frames).

    `index` holds the dates of a frame that is indexed by them.
    """

    source: str
    columns: dict[str, pd.Series]
    place: Place
    index: pd.DatetimeIndex | None = None


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
            f"'{source}' is {kind}; give a .csv, .csv.gz or .parquet file, or a name of the catalogue: "
            f"{', '.join(names)}."
        )
    return path


def is_table_file(source: str | Path) -> bool:
    """Whether this is a file of a kind that can be read."""
    return Path(source).is_file() and Path(source).name.lower().endswith(_ENDINGS)


def read_table(path: Path) -> Table:
    """The table in a file that `existing_file` let pass; a row's number is what the user sees.

    Rows of a CSV file are numbered as lines, with the header as line 1; rows of a Parquet file from 1.
    """
    if path.suffix.lower() != ".parquet":
        return _read_csv(path)
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's own errors derive from these
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path.name} could not be read as Parquet ({reason}). Give a valid Parquet file.") from error
    return from_frame(frame, path.name, lambda i: f"Row {i + 1} of {path.name}")


def from_frame(frame: pd.DataFrame, source: str, place: Place) -> Table:
    """The columns of a pandas frame; its index gives the dates when it is one of dates."""
    levels = [frame.columns.get_level_values(k) for k in range(frame.columns.nlevels)]
    names = _one_line([[str(name) for name in level] for level in levels])
    _refuse_repeated(names, source)
    columns = {name: frame.iloc[:, j].reset_index(drop=True) for j, name in enumerate(names)}
    if isinstance(frame.index, pd.DatetimeIndex):
        return Table(source, columns, place, frame.index)
    if not pd.api.types.is_numeric_dtype(frame.index.dtype):
        columns = {str(frame.index.name or "date"): frame.index.to_series().reset_index(drop=True), **columns}
    return Table(source, columns, place)


def position_in(where: str) -> Place:
    """Rows of what is no file, counted from 0."""
    return lambda i: f"Position {i} (counted from 0) of {where}"


def _read_csv(path: Path) -> Table:
    """A CSV file with commas, semicolons or tabs between the cells and a header line that names them."""
    text = _text(path)
    delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
    try:
        cells = pd.read_csv(
            io.StringIO(text), sep=delimiter, header=None, dtype=str, keep_default_na=False, index_col=False,
            skip_blank_lines=False,
        )  # fmt: skip
    except pd.errors.EmptyDataError as error:
        raise _empty(path) from error
    except (pd.errors.ParserError, ValueError) as error:
        raise _not_csv(path, str(error)) from error
    text_columns = [cells[j] for j in cells]
    blank = np.column_stack([(column.str.strip() == "").to_numpy(dtype=bool) for column in text_columns])
    filled = np.flatnonzero(~blank.all(axis=1))
    if not filled.size:
        raise _empty(path)
    rows = int(filled[-1]) + 1  # without empty lines at the end
    heights = 1 + sum(column.str.count("\n").to_numpy(dtype=int) for column in text_columns)
    lines = np.cumsum(heights) - heights + 1  # on which each row begins
    if blank[:rows, -1].any():
        _refuse_short(text, lines[:rows][blank[:rows, -1]], delimiter, len(text_columns), path.name)
    names, header = _header([[cell.strip() for cell in cells.iloc[i]] for i in range(min(rows, 4))], path.name)
    _refuse_repeated(names, path.name)
    columns = {
        name: column.iloc[header:rows].reset_index(drop=True) for name, column in zip(names, text_columns, strict=True)
    }
    return Table(path.name, columns, lambda i: f"Row {lines[i + header]} of {path.name}")


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix.lower() == ".gz" else raw).decode("utf-8-sig")
    except UnicodeError as error:
        raise _not_text(path) from error
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path} could not be read ({reason}). Check the file and its permissions.") from error
    if "\0" in text.partition("\n")[0]:  # UTF-16 without a mark at the beginning
        raise _not_text(path)
    return text


def _header(rows: list[list[str]], source: str) -> tuple[list[str], int]:
    """The names of the columns and the number of lines that name them, from the first lines of a file."""
    first = rows[0]
    if len(first) in _HEADERLESS and re.fullmatch(r"\d{10}|\d{13}|\d{16}", first[0]):
        return _HEADERLESS[len(first)], 0
    if any(name[:1].isdigit() and not any(letter.isalpha() for letter in name) for name in first):
        raise DataError(
            f"Row 1 of {source} is {','.join(first)!r}, which looks like data. "
            "The first line must name the columns, such as date,close of a price series: add it."
        )
    more = 1
    while more < len(rows) and rows[more][0].lower() in _MORE_HEADER:
        more += 1
    if more == 1:
        return first, 1
    own = rows[more - 1][0]  # the first column's own name stands in the last of these lines, or nowhere
    names = _one_line([level[1:] for level in rows[:more] if any(level[1:])])
    return ["" if own.lower().startswith("ticker") else own, *names], more


def _one_line(levels: list[list[str]]) -> list[str]:
    """Names from several lines of them: lines that say the same of all columns (one ticker) are left out."""
    telling = [level for level in levels if len(set(level)) > 1] or levels[:1]
    return [" ".join(part for part in parts if part) for parts in zip(*telling, strict=True)]


def _refuse_short(text: str, lines: np.ndarray, delimiter: str, needed: int, source: str) -> None:
    """Refuse rows with too few cells among those whose last cell is empty, which is how pandas fills them up."""
    written = re.split(r"\r\n|\r|\n", text)
    for line in lines:
        cells = next(csv.reader(written[line - 1 : line + 49], delimiter=delimiter), [])
        if not cells:
            raise DataError(f"Row {line} of {source} is empty. Remove the empty line.")
        if len(cells) < needed:
            raise _other_length(line, len(cells), needed, source)


def _refuse_repeated(names: list[str], source: str) -> None:
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise DataError(
            f"{source} has more than one column named '{repeated}'. Each name may stand only once: rename one."
        )


def _empty(path: Path) -> DataError:
    return DataError(f"{path.name} is empty. Give a file with a header line that names the columns, and rows below it.")


def _not_text(path: Path) -> DataError:
    return DataError(f"{path.name} is not text in UTF-8. Save it as CSV with the encoding UTF-8.")


def _other_length(line: int, found: int, needed: int, source: str) -> DataError:
    return DataError(
        f"Row {line} of {source} has {found} cells but the header names {needed} columns. "
        "Correct the row; a thousands separator inside a number is a common cause."
    )


def _not_csv(path: Path, reason: str) -> DataError:
    """What the parser of pandas says, with the row as the user counts it."""
    if lengths := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", reason):
        needed, line, found = map(int, lengths.groups())
        return _other_length(line, found, needed, path.name)
    at = re.search(r"starting at row (\d+)", reason)
    line = int(at[1]) + 1 if at else 1
    reason = reason.splitlines()[0].removeprefix("Error tokenizing data. C error: ")
    return DataError(f"Row {line} of {path.name} is not valid CSV ({reason}). Correct the row.")
