"""Files and frames as named columns whose every row knows where it stands. Nothing is dropped or reordered."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from simcal.data.checks import Place
from simcal.errors import DataError

Cells = Sequence[Any] | pd.Series

_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Table:
    """Columns by name, all of one length; cells are text (CSV) or typed values (Parquet, frames)."""

    source: str
    columns: dict[str, Cells]
    place: Place
    index: pd.DatetimeIndex | None = None


def read_csv(path: Path) -> Table:
    """A CSV file with one header line; commas, semicolons or tabs between the cells.

    A row's number is its line in the file as an editor shows it: the header is line 1.
    """
    header, rows, lines = _csv_rows(path)
    if not header:
        raise DataError(
            f"{path.name} is empty. Give a file with a header line that names the columns, and rows below it."
        )
    names = [name.strip() for name in header]
    if any(_looks_like_data(name) for name in names):
        raise DataError(
            f"Row 1 of {path.name} is {','.join(names)!r}, which looks like data. "
            "The first line must name the columns, such as date,close of a price series: add it."
        )
    _refuse_repeated(names, path.name)
    for cells, line in zip(rows, lines, strict=True):
        if not cells:
            raise DataError(f"Row {line} of {path.name} is empty. Remove the empty line.")
        if len(cells) != len(names):
            raise DataError(
                f"Row {line} of {path.name} has {len(cells)} cells but the header names {len(names)} columns. "
                "Correct the row; a thousands separator inside a number is a common cause."
            )
    columns: dict[str, Cells] = {name: [cells[j] for cells in rows] for j, name in enumerate(names)}
    return Table(path.name, columns, lambda i: f"Row {lines[i]} of {path.name}")


def read_parquet(path: Path) -> Table:
    """A Parquet file; rows are numbered from 1, since there is no header line."""
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's own errors derive from these
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path.name} could not be read as Parquet ({reason}). Give a valid Parquet file.") from error
    return from_frame(frame, path.name, lambda i: f"Row {i + 1} of {path.name}")


def from_frame(frame: pd.DataFrame, source: str, place: Place) -> Table:
    """The columns of a pandas frame; its index gives the dates when it is one of dates."""
    names = [str(name) for name in frame.columns]
    _refuse_repeated(names, source)
    columns: dict[str, Cells] = {name: frame.iloc[:, j].reset_index(drop=True) for j, name in enumerate(names)}
    if isinstance(frame.index, pd.DatetimeIndex):
        return Table(source, columns, place, frame.index)
    if not pd.api.types.is_numeric_dtype(frame.index.dtype):
        columns = {str(frame.index.name or "date"): frame.index.to_series().reset_index(drop=True), **columns}
    return Table(source, columns, place)


def _csv_rows(path: Path) -> tuple[list[str], list[list[str]], list[int]]:
    """Header, rows and the line on which each row begins, without empty lines at the end."""
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(_DELIMITERS, key=first.count), strict=True)
            start = 1
            for cells in reader:
                rows.append(cells)
                lines.append(start)
                start = reader.line_num + 1
        if "\0" in first:  # UTF-16 without a mark at the beginning
            raise UnicodeError("zero bytes in the header")
    except UnicodeError as error:
        raise DataError(f"{path.name} is not text in UTF-8. Save it as CSV with the encoding UTF-8.") from error
    except csv.Error as error:
        raise DataError(
            f"Row {lines[-1] + 1 if lines else 1} of {path.name} is not valid CSV ({error}). Correct the row."
        ) from error
    except OSError as error:
        raise DataError(f"{path} could not be read ({error.strerror}). Check the file and its permissions.") from error
    while rows and not any(cell.strip() for cell in rows[-1]) and len(rows[-1]) < 2:
        rows.pop()
        lines.pop()
    return (rows[0], rows[1:], lines[1:]) if rows else ([], [], [])


def _looks_like_data(name: str) -> bool:
    return name[:1].isdigit() and not any(letter.isalpha() for letter in name)


def _refuse_repeated(names: list[str], source: str) -> None:
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise DataError(
            f"{source} has more than one column named '{repeated}'. Each name may stand only once: rename one."
        )
