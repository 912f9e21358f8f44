"""`load_series`: from whatever the user has to a checked `PriceSeries`."""

import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from simcal.data.catalogue import CatalogueEntry, catalogue, request_catalogue
from simcal.data.cells import parse_number, to_dates, to_numbers, without_zone
from simcal.data.checks import check_count, check_dates, check_prices
from simcal.data.columns import date_column, price_column, volume_column
from simcal.data.files import existing_file, position_in, read_table
from simcal.data.frequency import Frequency
from simcal.data.named import named_series
from simcal.data.series import PriceSeries
from simcal.data.table import Table, from_frame
from simcal.errors import DataError, NumericalWarning


def load_series(
    source: str | Path | PriceSeries | pd.Series | pd.DataFrame | npt.ArrayLike, column: str | None = None
) -> PriceSeries:
    """Load and check one price series.

    Parameters
    ----------
    source
        A name of `data/catalog.toml` or of an installed package; a CSV or Parquet file; ``FILE.py:NAME``; a pandas
        Series or DataFrame; prices as a 1-d array. Files and frames may have the shape date,close or
        Date,Open,High,Low,Close,Adj Close,Volume (in any case); the adjusted close is preferred, and a single column of
        numbers is taken whatever its name.
    column
        The price column, where the names do not tell.

    Returns
    -------
    The series in the order of the source. Nothing is dropped, filled or sorted (except what a catalogue entry says
    under `drop_missing`). Volumes that are not numbers become NaN, with a warning that counts them.

    Raises
    ------
    DataError
        One sentence with the row's number when a price is missing, not a number, infinite, zero or negative, or when a
        date is missing, unreadable, repeated or out of order; also for too few rows, no price column, an unknown name,
        or a file that is missing, empty or of another kind.
    """
    source = named_series(source)
    if isinstance(source, PriceSeries):
        return source
    if isinstance(source, str) and source in catalogue():
        return _load_named(source, catalogue()[source], column)
    if isinstance(source, str) and source in request_catalogue():
        raise DataError(
            f"'{source}' is a table of requests for quotes, not a price series. Load it with load_requests('{source}')."
        )
    if isinstance(source, (str, Path)):
        path = existing_file(source, list(catalogue()))
        return _from_table(read_table(path), path.stem, column)
    if isinstance(source, pd.Series):
        source = source.to_frame(name=source.name if source.name is not None else "price")
    if isinstance(source, pd.DataFrame):
        return _from_table(from_frame(source, "The frame", position_in("the frame")), _frame_name(source), column)
    return _from_array(source)


def _load_named(name: str, entry: CatalogueEntry, column: str | None) -> PriceSeries:
    frame = entry.load()
    if entry.drop_missing:
        frame = frame.dropna(subset=[entry.column])
    table = from_frame(frame, f"The series '{name}'", position_in(f"the series '{name}'"))
    return _from_table(table, name, column or entry.column, entry.frequency)


def _from_table(table: Table, name: str, column: str | None, frequency: Frequency | None = None) -> PriceSeries:
    date_name = None if table.index is not None else date_column(table)
    price_name = price_column(table, column, date_name)
    prices = to_numbers(table.columns[price_name], price_name, table.place)
    check_prices(prices, table.place)
    if table.index is not None:
        dates: pd.Index = without_zone(table.index)
    elif date_name is not None:
        dates = to_dates(table.columns[date_name], date_name, table.place)
    else:
        dates = pd.RangeIndex(prices.size)
    if isinstance(dates, pd.DatetimeIndex):
        check_dates(dates, table.place)
    check_count(prices.size, table.source)
    return PriceSeries(name, dates, prices, _volume(table), frequency)


def _from_array(source: npt.ArrayLike) -> PriceSeries:
    values = np.asarray(source)
    if values.ndim != 1:
        raise DataError(
            f"Prices were given as an array of shape {values.shape}; one series is one dimension. "
            "Give one row or column of it, or a DataFrame."
        )
    place = position_in("the array")
    prices = to_numbers(values.tolist(), "price", place)
    check_prices(prices, place)
    check_count(prices.size, "The array")
    return PriceSeries("array", pd.RangeIndex(prices.size), prices)


def _volume(table: Table) -> np.ndarray | None:
    """Volumes as numbers; NaN, counted in a warning, where a cell is not one: prices do not depend on them."""
    name = volume_column(table)
    if name is None:
        return None
    parsed = [parse_number(cell) for cell in table.columns[name]]
    volume = np.array([np.nan if value is None else value for value in parsed], dtype=np.float64)
    volume[~np.isfinite(volume) | (volume < 0.0)] = np.nan
    unusable = np.isnan(volume)
    if unusable.any():
        warnings.warn(
            f"{table.place(int(np.argmax(unusable)))} is the first of {int(unusable.sum())} rows without a usable "
            f"number in '{name}'; they count as missing wherever volume is used.",
            NumericalWarning,
            stacklevel=4,
        )
    return None if unusable.all() else volume


def _frame_name(frame: pd.DataFrame) -> str:
    return str(frame.columns[0]) if frame.shape[1] == 1 else "frame"
