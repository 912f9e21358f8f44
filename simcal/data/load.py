"""`load_series`: from whatever the user has to a checked `PriceSeries`."""

import difflib
import re
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from simcal.data.catalogue import catalogue, request_catalogue
from simcal.data.cells import mostly_numbers, share_of_dates, to_dates, to_numbers, to_volumes, without_zone
from simcal.data.frequency import Frequency
from simcal.data.named import named_series
from simcal.data.series import PriceSeries, check_dates, check_prices
from simcal.data.table import Table, existing_file, from_frame, position_in, read_table
from simcal.errors import DataError, NumericalWarning

MINIMUM_PRICES = 127
"""Fewest prices that `load_series` accepts: the default stylised facts need 126 returns."""

# Names as `_plain` makes them; where a file has several, the first of the list wins.
_DATES = ("date", "datetime", "timestamp", "time", "day", "observation date", "trade date", "trading date", "")
_ADJUSTED = ("adj close", "adjusted close", "adjclose", "close adj", "close adjusted", "adjustedclose")
_PRICES = (*_ADJUSTED, "close", "closing price", "close price", "price", "prices", "last", "close last", "value")
_VOLUMES = ("volume", "vol", "volume traded", "tickvol")


def load_series(
    source: str | Path | PriceSeries | pd.Series | pd.DataFrame | npt.ArrayLike, column: str | None = None
) -> PriceSeries:
    """Load and check one price series.

    Parameters
    ----------
    source
        A name of `data/catalog.toml` or of an installed package; ``FILE.py:NAME``; a CSV (.csv, .csv.gz) or Parquet
        file; a pandas Series or DataFrame; prices as a 1-d array. Files and frames may have the shape date,close or
        Date,Open,High,Low,Close,Adj Close,Volume (in any case); the adjusted close is preferred, and a single column of
        numbers is taken whatever its name. What yfinance, Nasdaq, Investing, MetaTrader, Kraken and Binance write is
        understood.
    column
        The price column, where the names do not tell.

    Returns
    -------
    PriceSeries
        The series, oldest price first: a source that has the newest first is turned round. Nothing is dropped, filled
        or sorted otherwise (except what a catalogue entry says under `drop_missing`). Volumes that are not numbers
        become NaN, with a warning that counts them.

    Raises
    ------
    DataError
        One sentence with the row's number when a price is missing, not a number, infinite, zero or negative, or when a
        date is missing, unreadable, repeated or out of order; also for fewer than 127 rows, no price column, an
        unknown name, or a file that is missing, empty or of another kind.

    Examples
    --------
    >>> series = load_series("sp500")
    >>> series.n, series.frequency, series.periods_per_year
    (5031, 'daily', 252.0)
    """
    source = named_series(source)
    if isinstance(source, PriceSeries):
        return source
    if isinstance(source, str) and source in catalogue():
        entry = catalogue()[source]
        frame = entry.load()
        frame = frame.dropna(subset=[entry.column]) if entry.drop_missing else frame
        table = from_frame(frame, f"The series '{source}'", position_in(f"the series '{source}'"))
        return _from_table(table, source, column or entry.column, entry.frequency)
    if isinstance(source, str) and source in request_catalogue():
        raise DataError(
            f"'{source}' is a table of requests for quotes, not a price series. Load it with load_requests('{source}')."
        )
    if isinstance(source, (str, Path)):
        path = existing_file(source, list(catalogue()))
        return _from_table(read_table(path), re.sub(r"\.(csv|csv\.gz|parquet)$", "", path.name, flags=re.I), column)
    if isinstance(source, pd.Series):
        source = source.to_frame(name=source.name if source.name is not None else "price")
    if isinstance(source, pd.DataFrame):
        name = str(source.columns[0]) if source.shape[1] == 1 else "frame"
        return _from_table(from_frame(source, "The frame", position_in("the frame")), name, column)
    values = np.ma.filled(source.astype(float), np.nan) if isinstance(source, np.ma.MaskedArray) else np.asarray(source)
    if values.ndim != 1:
        raise DataError(
            f"Prices were given as an array of shape {values.shape}; one series is one dimension. "
            "Give one row or column of it, or a DataFrame."
        )
    return _from_table(Table("The array", {"price": pd.Series(values)}, position_in("the array")), "array", "price")


def _from_table(table: Table, name: str, column: str | None, frequency: Frequency | None = None) -> PriceSeries:
    plain = {_plain(theirs): theirs for theirs in table.columns}
    date_name = None if table.index is not None else _date_column(table, plain)
    price_name = _price_column(table, column, date_name)
    prices = to_numbers(table.columns[price_name], price_name, table.place)
    check_prices(prices, table.place)
    if table.index is not None:
        dates: pd.Index = without_zone(table.index)
    elif date_name is not None:
        dates = to_dates(_with_time(table, plain, date_name), date_name, table.place)
    else:
        dates = pd.RangeIndex(prices.size)
    volume = _volume(table, next((plain[known] for known in _VOLUMES if known in plain), None))
    if isinstance(dates, pd.DatetimeIndex):
        if len(dates) > 1 and not dates.hasnans and dates.is_monotonic_decreasing and dates.is_unique:
            dates, prices = pd.DatetimeIndex(dates[::-1]), prices[::-1]
            volume = None if volume is None else volume[::-1]
        check_dates(dates, table.place)
    if prices.size < MINIMUM_PRICES:
        raise DataError(
            f"{table.source} has {prices.size} rows of prices; at least {MINIMUM_PRICES} are needed. "
            "Give a longer series."
        )
    return PriceSeries(name, dates, prices, volume, frequency)


def _date_column(table: Table, plain: dict[str, str]) -> str | None:
    """The column of dates: by its name, or else the only column that reads as dates. None when there is none."""
    for known in _DATES:
        # A nameless first column is often a row counter instead.
        if known in plain and (known or share_of_dates(table.columns[plain[known]]) > 0.5):
            return plain[known]
    typed = [name for name, cells in table.columns.items() if not mostly_numbers(cells) and share_of_dates(cells) > 0.5]
    return typed[0] if len(typed) == 1 else None


def _with_time(table: Table, plain: dict[str, str], date_name: str) -> pd.Series:
    """The cells of the dates, with the times of day that some files hold in a column of their own."""
    dates = table.columns[date_name]
    if _plain(date_name) != "date" or "time" not in plain:
        return dates
    times = table.columns[plain["time"]].astype(str).str.strip()
    alone = times.str.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?").all() and not dates.astype(str).str.contains(":").any()
    return dates.astype(str).str.strip() + " " + times if alone else dates


def _price_column(table: Table, column: str | None, dates: str | None) -> str:
    """The one asked for, or adjusted close before close before other names, or the only column of numbers."""
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
    plain = [_plain(name) for name in candidates]
    for known in _PRICES:
        if plain.count(known) == 1:
            return candidates[plain.index(known)]
    numeric = [name for name in candidates if mostly_numbers(table.columns[name])]
    if len(numeric) == 1:
        return numeric[0]
    if len(candidates) == 1:
        return candidates[0]  # its cells will be refused with their row, which says more than this function could
    raise DataError(
        f"Nothing tells which column of {table.source} holds the prices; it has {found}. "
        "Name the one that does 'close'; in Python, load_series(..., column=...) chooses one."
    )


def _volume(table: Table, name: str | None) -> np.ndarray | None:
    """Volumes as numbers; NaN, counted in a warning, where a cell is not one: prices do not depend on them."""
    if name is None:
        return None
    volume = to_volumes(table.columns[name])
    unusable = np.isnan(volume)
    if unusable.any():
        warnings.warn(
            f"{table.place(int(np.argmax(unusable)))} is the first of {int(unusable.sum())} rows without a usable "
            f"number in '{name}'; they count as missing wherever volume is used.",
            NumericalWarning,
            stacklevel=4,
        )
    return None if unusable.all() else volume


def _plain(name: str) -> str:
    """A column's name without capitals and signs; empty where pandas or nobody gave it one."""
    plain = re.sub(r"[\s_\-./*<>]+", " ", name.lower()).strip()
    return "" if re.fullmatch(r"unnamed: \d+|index level \d+", plain) else plain
