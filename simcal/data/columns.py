"""Which column holds the dates, which the prices, which the volume."""

import difflib
import re

import pandas as pd

from simcal.data.cells import parse_number, share_of_dates
from simcal.data.table import Table
from simcal.errors import DataError

# Names as `_plain` makes them; where a file has several, the first of the list wins.
_DATES = ("date", "datetime", "timestamp", "time", "day", "observation date", "trade date", "trading date", "")
_ADJUSTED = ("adj close", "adjusted close", "adjclose", "close adj", "close adjusted", "adjustedclose")
_PRICES = (*_ADJUSTED, "close", "closing price", "close price", "price", "prices", "last", "close last", "value")
_VOLUMES = ("volume", "vol", "volume traded")


def date_column(table: Table) -> str | None:
    """The column of dates: by its name, or else the only column that reads as dates. None when there is none."""
    by_name = {_plain(name): name for name in table.columns}
    for known in _DATES:
        # A nameless first column is often a row counter instead.
        if known in by_name and (known or share_of_dates(table.columns[by_name[known]]) > 0.5):
            return by_name[known]
    typed = [
        name for name, cells in table.columns.items() if not _is_numeric(table, name) and share_of_dates(cells) > 0.5
    ]
    return typed[0] if len(typed) == 1 else None


def price_column(table: Table, column: str | None, dates: str | None) -> str:
    """The column of prices: the one asked for, or adjusted close before close before other names, or the only number.

    Raises
    ------
    DataError
        The one asked for does not exist, or nothing tells which column is meant; lists the columns.
    """
    found = ", ".join(f"'{name}'" for name in table.columns)
    if column is not None:
        if column in table.columns:
            return column
        same = [name for name in table.columns if _plain(name) == _plain(column)]
        if len(same) == 1:
            return same[0]
        close = difflib.get_close_matches(column, list(table.columns), n=1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        raise DataError(f"{table.source} has no column '{column}'; it has {found}.{hint}")
    candidates = [name for name in table.columns if name != dates and _plain(name) not in ("", *_VOLUMES)]
    by_name: dict[str, list[str]] = {}
    for name in candidates:
        by_name.setdefault(_plain(name), []).append(name)
    for known in _PRICES:
        if len(by_name.get(known, [])) == 1:
            return by_name[known][0]
    numeric = [name for name in candidates if _is_numeric(table, name)]
    if len(numeric) == 1:
        return numeric[0]
    if len(candidates) == 1:
        return candidates[0]  # its cells will be refused with their row, which says more than this function could
    raise DataError(
        f"Nothing tells which column of {table.source} holds the prices; it has {found}. "
        "Name the one that does 'close'; in Python, load_series(..., column=...) chooses one."
    )


def volume_column(table: Table) -> str | None:
    """The column of traded volume, if there is one."""
    by_name = {_plain(name): name for name in table.columns}
    return next((by_name[known] for known in _VOLUMES if known in by_name), None)


def _plain(name: str) -> str:
    plain = re.sub(r"[\s_\-./*]+", " ", name.lower()).strip()
    return "" if re.fullmatch(r"unnamed: \d+|index level \d+", plain) else plain


def _is_numeric(table: Table, name: str) -> bool:
    """Whether most cells are numbers; the few that are not will be refused with their row."""
    cells = table.columns[name]
    if isinstance(cells, pd.Series) and pd.api.types.is_numeric_dtype(cells.dtype):
        return not pd.api.types.is_bool_dtype(cells.dtype)
    return sum(parse_number(cell) is not None for cell in cells) > 0.5 * len(cells)
