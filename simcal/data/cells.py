"""From the cells of a column to numbers and dates, refusing the first cell that is neither."""

import re
from decimal import Decimal

import numpy as np
import pandas as pd

from simcal.data.checks import Place
from simcal.data.table import Cells
from simcal.errors import DataError

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_OFFSET = r"(?:Z|[+-][0-9]{2}:?[0-9]{2})$"
_TIMED = re.compile(r"(.*[^ ])[ T-]+([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)", re.ASCII)

# Besides ISO 8601; each may be followed by a time of day. Month-first and day-first need care: both can read the same
# text.
_MONTH_FIRST, _DAY_FIRST = "%m/%d/%Y", "%d/%m/%Y"
_FORMATS = ("ISO8601", "%Y/%m/%d", "%Y%m%d", _MONTH_FIRST, _DAY_FIRST, "%d.%m.%Y", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y")


def parse_number(cell: object) -> float | None:
    """The number in a cell as written with a decimal point; None when there is none. Empty is None too."""
    if isinstance(cell, str):
        text = cell.strip()
        return float(text) if _NUMBER.fullmatch(text) or _INFINITE.fullmatch(text) else None
    if isinstance(cell, (int, float, np.number, Decimal)) and not isinstance(cell, (bool, np.bool_)):
        value = float(cell)
        return None if np.isnan(value) else value
    return None


def to_numbers(cells: Cells, name: str, place: Place) -> np.ndarray:
    """All cells as numbers, shape (rows,)."""
    if isinstance(cells, pd.Series) and pd.api.types.is_float_dtype(cells.dtype):
        numbers = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        if not np.isnan(numbers).any():
            return numbers
    values = [parse_number(cell) for cell in cells]
    if None not in values:
        return np.array(values, dtype=np.float64)
    i = values.index(None)
    cell = list(cells)[i]
    if is_missing(cell):
        raise DataError(f"{place(i)} has no value in '{name}'. Fill the missing value or remove the row.")
    raise DataError(
        f"{place(i)} has {str(cell)!r} in '{name}', which is not a number. Write numbers with a decimal point and "
        "without thousands separators, currency signs or words: 1234.5."
    )


def is_missing(cell: object) -> bool:
    """Whether a cell is empty, as opposed to holding something that is not a number."""
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or cell is pd.NaT or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell))


def to_dates(cells: Cells, name: str, place: Place) -> pd.DatetimeIndex:
    """All cells as dates without a time zone; times given with an offset become UTC."""
    if isinstance(cells, pd.Series) and pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return without_zone(pd.DatetimeIndex(cells))
    text = _text(cells)
    usual = _parse(text, _FORMATS[0])
    if not usual.hasnans:
        return usual
    parsed = {form: _parse(text, form) for form in _FORMATS}
    best = max(parsed, key=lambda form: int(parsed[form].notna().sum()))
    dates = parsed[best]
    if dates.hasnans:
        i = int(np.argmax(dates.isna()))
        if not text[i]:
            raise DataError(f"{place(i)} has no date in '{name}'. Fill the missing date or remove the row.")
        raise DataError(
            f"{place(i)} has {text[i]!r} in '{name}', which is not a date"
            + (" like the others. " if dates.notna().any() else " that is understood. ")
            + "Write dates as 2020-01-31 or 2020-01-31 09:30:00, all in the same way."
        )
    if best in (_MONTH_FIRST, _DAY_FIRST):
        other = parsed[_DAY_FIRST if best == _MONTH_FIRST else _MONTH_FIRST]
        if not other.hasnans and not other.equals(dates):
            i = int(np.argmax(other != dates))
            raise DataError(
                f"{place(i)} has {text[i]!r} in '{name}', and nothing in the column tells whether the day or the month "
                "stands first. Write dates as 2020-01-31."
            )
    return dates


def share_of_dates(cells: Cells) -> float:
    """The share of cells that some accepted format reads as a date."""
    if isinstance(cells, pd.Series) and pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return 1.0
    text = _text(cells)
    if not text:
        return 0.0
    return max(float(_parse(text, form).notna().mean()) for form in _FORMATS)


def without_zone(dates: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Dates with a time zone as UTC, others as they are."""
    return dates if dates.tz is None else dates.tz_convert("UTC").tz_localize(None)


def _text(cells: Cells) -> list[str]:
    return ["" if is_missing(cell) else str(cell).strip() for cell in cells]


def _parse(text: list[str], form: str) -> pd.DatetimeIndex:
    # pandas would read the counter or price 1995 as a year.
    text = ["" if cell.isdigit() and len(cell) != 8 else cell for cell in text]
    if form != "ISO8601":
        return _parse_with_times(text, form)
    zoned = bool(text) and re.search(_OFFSET, text[0]) is not None and ":" in text[0]
    try:
        return without_zone(pd.DatetimeIndex(pd.to_datetime(text, format=form, errors="coerce", utc=zoned)))
    except ValueError:  # a mixture of times with and without an offset
        return pd.DatetimeIndex([pd.NaT] * len(text))


def _parse_with_times(text: list[str], form: str) -> pd.DatetimeIndex:
    """Dates of one form, each with or without a time of day behind it, such as 31.01.2020 09:30."""
    parts = [match.groups() if (match := _TIMED.fullmatch(cell)) else (cell, "") for cell in text]
    dates = pd.to_datetime([date for date, _ in parts], format=form, errors="coerce")
    times = [time + ":00" if time.count(":") == 1 else time or "0:00:00" for _, time in parts]
    return pd.DatetimeIndex(dates + pd.to_timedelta(times, errors="coerce"))
