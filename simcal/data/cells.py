"""From the cells of a column to numbers and dates, refusing the first cell that is neither."""

import re
from decimal import Decimal

import numpy as np
import pandas as pd

from simcal.data.table import Cells, Place
from simcal.errors import DataError

_NUMBER = r"(?:[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:[+-]?inf(?:inity)?))"
_SIGNS = "$€£¥"
# Notations that a whole column may be written in. A comma before three digits alone says neither "thousands" nor
# "decimals", so each needs a cell that only it can read: (what all cells are, what one must be, how to read it).
_DOLLARS = (r"[0-9]{1,3}(?:,[0-9]{3})*\.[0-9]+", r".*,.*", {",": ""})
_MILLIONS = (r"[0-9]{1,3}(?:,[0-9]{3})*", r".*,.*,.*", {",": ""})
_COMMAS = (r"(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+),[0-9]+", r".*\..*|.*,(?![0-9]{3}$).*", {".": "", ",": "."})
_SCALES = {"K": 1e3, "M": 1e6, "B": 1e9}

_OFFSET = r"(?:Z|[+-][0-9]{2}:?[0-9]{2})$"
_TIMED = re.compile(r"(.*[^ ])[ T-]+([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)", re.ASCII)
_EPOCHS = {10: "s", 13: "ms", 16: "us", 19: "ns"}  # digits of a time since 1970 between 2001 and 2286, by its unit
# Besides ISO 8601; each may be followed by a time of day. Month-first and day-first need care: both can read the same
# text.
_MONTH_FIRST, _DAY_FIRST = "%m/%d/%Y", "%d/%m/%Y"
_FORMATS = (
    "ISO8601", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", _MONTH_FIRST, _DAY_FIRST, "%d.%m.%Y", "%d-%b-%Y", "%d %b %Y",
    "%b %d, %Y",
)  # fmt: skip


def to_numbers(cells: Cells, name: str, place: Place) -> np.ndarray:
    """All cells as numbers, shape (rows,).

    Numbers have a decimal point; or the whole column has a currency sign, commas between thousands or decimal commas.

    Raises
    ------
    DataError
        The first cell that is empty or no number, with its row.
    """
    cells = cells if isinstance(cells, pd.Series) else pd.Series(list(cells), dtype=object)
    missing = cells.map(is_missing).to_numpy(dtype=bool) if _is_text(cells) else cells.isna().to_numpy(dtype=bool)
    if missing.any():
        i = int(np.argmax(missing))
        raise DataError(f"{place(i)} has no value in '{name}'. Fill the missing value or remove the row.")
    if not _is_text(cells):
        return cells.to_numpy(dtype=np.float64)
    text = cells.astype(str).str.strip()
    wrong = ~text.str.fullmatch(_NUMBER)
    if wrong.any():
        plain = _in_plain_notation(text)
        if plain is None:
            i = int(np.argmax(wrong))
            raise DataError(
                f"{place(i)} has {str(cells.iloc[i])!r} in '{name}', which is not a number. Write numbers with a "
                "decimal point and without thousands separators, currency signs or words: 1234.5."
            )
        text = plain
    return text.to_numpy(dtype=object).astype(np.float64)  # Python's own parser, which is exact to the last bit


def to_volumes(cells: pd.Series) -> np.ndarray:
    """Volumes as numbers, shape (rows,); NaN where a cell is not one. Written also as 1,234 or 1.2K, 3.4M, 5B."""
    if not _is_text(cells):
        volume = cells.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    else:
        parts = cells.astype(str).str.strip().str.replace(",", "").str.extract(rf"^({_NUMBER})([KMB]?)$")
        volume = parts[0].astype(object).to_numpy(dtype=np.float64, na_value=np.nan)
        volume = volume * parts[1].map(_SCALES).fillna(1.0).to_numpy(dtype=np.float64)
    volume[~np.isfinite(volume) | (volume < 0.0)] = np.nan
    return volume


def parse_number(cell: object) -> float | None:
    """The number in a cell as written with a decimal point; None when there is none. Empty is None too."""
    if isinstance(cell, str):
        return float(cell) if re.fullmatch(_NUMBER, cell.strip()) else None
    if isinstance(cell, (int, float, np.number, Decimal)) and not isinstance(cell, (bool, np.bool_)):
        return None if np.isnan(float(cell)) else float(cell)
    return None


def is_missing(cell: object) -> bool:
    """Whether a cell is empty, as opposed to holding something that is not a number."""
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or cell is pd.NaT or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell))


def mostly_numbers(cells: pd.Series) -> bool:
    """Whether most cells are numbers; the few that are not will be refused with their row."""
    if not _is_text(cells):
        return True
    text = cells.astype(str).str.strip()
    return float(text.str.fullmatch(_NUMBER).mean()) > 0.5 or _in_plain_notation(text) is not None


def to_dates(cells: Cells, name: str, place: Place) -> pd.DatetimeIndex:
    """All cells as dates without a time zone; times given with an offset become UTC.

    Raises
    ------
    DataError
        The first cell that is empty or no date like the others, with its row; or day and month cannot be told apart.
    """
    if isinstance(cells, pd.Series) and pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return without_zone(pd.DatetimeIndex(cells))
    text = _dates_as_text(cells)
    usual = _since_1970(text) if text and text[0].isdigit() else _parse(text, _FORMATS[0])
    if usual is not None and not usual.hasnans:
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
    text = _dates_as_text(cells)
    return max(float(_parse(text, form).notna().mean()) for form in _FORMATS) if text else 0.0


def without_zone(dates: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Dates with a time zone as UTC, others as they are; days, all at midnight of their zone, stay as they are."""
    if dates.tz is None:
        return dates
    local = dates.tz_localize(None)
    return local if bool((local == local.normalize()).all()) else dates.tz_convert("UTC").tz_localize(None)


def _is_text(cells: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(cells.dtype) or pd.api.types.is_bool_dtype(cells.dtype)


def _in_plain_notation(text: pd.Series) -> pd.Series | None:
    """The column with decimal points and nothing else beside the digits; None where no one notation reads it all."""
    if text.str[0].isin(list(_SIGNS)).all():
        text = text.str[1:].str.strip()
        if text.str.fullmatch(_NUMBER).all():
            return text
    for every, one, changes in (_DOLLARS, _MILLIONS, _COMMAS):
        if text.str.fullmatch(every).all() and text.str.fullmatch(one).any():
            return text.str.translate(str.maketrans(changes))
    return None


def _dates_as_text(cells: Cells) -> list[str]:
    return ["" if is_missing(cell) else str(cell).strip() for cell in cells]


def _since_1970(text: list[str]) -> pd.DatetimeIndex | None:
    unit = _EPOCHS.get(len(text[0]))
    if unit is None or not all(cell.isdigit() and len(cell) == len(text[0]) for cell in text):
        return None
    return pd.DatetimeIndex(pd.to_datetime([int(cell) for cell in text], unit=unit))


def _parse(text: list[str], form: str) -> pd.DatetimeIndex:
    # pandas would read the counter or price 1995 as a year.
    text = ["" if cell.isdigit() and len(cell) != 8 else cell for cell in text]
    if form != "ISO8601":
        return _parse_with_times(text, form)
    zoned = bool(text) and re.search(_OFFSET, text[0]) is not None and ":" in text[0]
    try:
        if zoned and all(re.search(r"[T ]00:00(:00(\.0+)?)?$", re.sub(_OFFSET, "", cell)) for cell in text):
            text, zoned = [re.sub(_OFFSET, "", cell) for cell in text], False  # days, as in `without_zone`
        return without_zone(pd.DatetimeIndex(pd.to_datetime(text, format=form, errors="coerce", utc=zoned)))
    except ValueError:  # a mixture of times with and without an offset
        return pd.DatetimeIndex([pd.NaT] * len(text))


def _parse_with_times(text: list[str], form: str) -> pd.DatetimeIndex:
    """Dates of one form, each with or without a time of day behind it, such as 31.01.2020 09:30."""
    parts = [match.groups() if (match := _TIMED.fullmatch(cell)) else (cell, "") for cell in text]
    dates = pd.to_datetime([date for date, _ in parts], format=form, errors="coerce")
    times = [time + ":00" if time.count(":") == 1 else time or "0:00:00" for _, time in parts]
    return pd.DatetimeIndex(dates + pd.to_timedelta(times, errors="coerce"))
