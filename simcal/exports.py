"""Paths as the tables that backtesters and libraries of performance measures read: bars, wide prices, returns."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from simcal.errors import DataError, NumericalWarning, ParameterError, check_names
from simcal.files import write_atomically
from simcal.noise import check_integer

if TYPE_CHECKING:
    import pandas as pd

    from simcal.paths import Paths

Layout = Literal["ohlcv", "wide", "returns"]
ENDINGS = (".csv", ".parquet")  # of the files that `write` makes
LAST_YEAR = 9999  # of Python's own dates, and of dates in four digits


def volumes(outputs: Iterable[str]) -> list[str]:
    """Which outputs make the volume of a bar: the market's, or else those of its groups of traders."""
    outputs = list(outputs)
    return ["volume"] if "volume" in outputs else [name for name in outputs if name.startswith("volume_")]


def check_target(layout: str, file: Path) -> None:
    """`ParameterError` where `write` does not know the layout, `DataError` where the file's name does not fit."""
    check_names([layout], get_args(Layout), "a form in which paths are written")
    if file.suffix not in ENDINGS:
        raise DataError(f"{file} has the ending {file.suffix!r}, but {layout} is written to '.csv' or '.parquet'.")


def write(paths: Paths, layout: str, file: Path, bar: int = 1) -> Path:
    """Write usable paths as a table with the column Date; bars of more than one path have the column Path, too.

    Raises
    ------
    ParameterError, DataError
        As `check_target` and the methods of `Paths`, and where the file cannot be written.
    """
    import pandas as pd

    check_target(layout, file)
    if layout == "ohlcv":
        table = pd.concat([frame.assign(Path=number) for number, frame in paths.iter_ohlcv(bar)])
        table = table if paths.n_paths > 1 else table.drop(columns="Path")
    else:
        table = paths.to_wide()
        table = table if layout == "wide" else table.pct_change().iloc[1:]
    table = table.rename(columns=str).rename_axis(columns=None).reset_index()
    if file.suffix == ".csv":
        return write_atomically(file, lambda temporary: table.to_csv(temporary, index=False))
    return write_atomically(file, lambda temporary: table.to_parquet(temporary, index=False))


def bars(paths: Paths, row: int, bar: int, dates: pd.DatetimeIndex) -> pd.DataFrame:
    """The bars of one usable path; saved prices that fill no bar at the end are left out."""
    import pandas as pd

    def grouped(values: np.ndarray) -> np.ndarray:
        return values[row, : len(dates) * bar].astype(float).reshape(len(dates), bar)

    prices = grouped(paths.prices)
    volume = np.zeros(len(dates))
    for name in volumes(paths.outputs):
        volume += grouped(paths.outputs[name]).sum(axis=1)
    columns = {
        "Open": prices[:, 0],
        "High": prices.max(axis=1),
        "Low": prices.min(axis=1),
        "Close": prices[:, -1],
        "Volume": volume,
    }
    return pd.DataFrame(columns, index=dates)


def dates_of_bars(paths: Paths, bar: int, start: Any, freq: Any) -> pd.DatetimeIndex:
    bar = check_integer("bar", bar, 1, paths.prices.shape[1])
    if paths.every > 1 and volumes(paths.outputs):
        raise DataError(
            f"The volume was saved every {paths.every} steps, so that bars would miss what was traded in between: "
            f"simulate with every=1 and make bars of {paths.every * bar} steps, or save no volume."
        )
    return trading_dates(paths.prices.shape[1] // bar, start, freq)


def trading_dates(n: int, start: Any, freq: Any) -> pd.DatetimeIndex:
    """`n` dates, the first not before `start`, or `ParameterError`."""
    import pandas as pd
    from pandas.tseries.frequencies import to_offset

    try:
        first = pd.Timestamp(start) if isinstance(start, (str, date, np.datetime64)) else pd.NaT
    except ValueError:
        first = pd.NaT
    if first is pd.NaT:
        raise ParameterError(f"start is {start!r}, but must be a date, such as '2000-01-03'.")
    try:
        offset = to_offset(freq)
    except (ValueError, TypeError):
        offset = None
    if offset is None or offset.n < 1:
        raise ParameterError(
            f"freq is {freq!r}, but must be a frequency of pandas that goes forward, such as 'B' (business days), "
            "'W-FRI' or 'min'."
        )
    try:
        dates = pd.date_range(first, periods=n, freq=offset, name="Date")
        fit = not (dates.year > LAST_YEAR).any()
    except (ValueError, OverflowError):
        fit = False
    if not fit:
        raise ParameterError(
            f"{n} dates from {start} at freq {freq!r} go beyond what pandas' timestamps hold (nanoseconds end in "
            f"2262, four digits in {LAST_YEAR}): choose a finer freq, such as 'min', an earlier start or fewer steps."
        )
    return dates


def _unusable(prices: np.ndarray) -> np.ndarray:
    return ~(np.isfinite(prices) & (prices > 0))


def usable_path(paths: Paths, path: int) -> int:
    """The position of a path that holds usable prices only, or `DataError`."""
    row = check_integer("path", path, 0, paths.n_paths - 1)
    bad = np.flatnonzero(_unusable(paths.prices[row]))
    if bad.size:
        raise DataError(
            f"Path {paths.first_path + row} has the price {paths.prices[row, bad[0]]:g} at step "
            f"{paths.steps[bad[0]]}, but prices must be positive and finite here: choose another path or milder "
            "parameters of the market."
        )
    return row


def usable_paths(paths: Paths) -> np.ndarray:
    """The positions of all paths with usable prices only; the others are counted in a warning, or all a `DataError`."""
    failed = _unusable(paths.prices).any(axis=1)
    if failed.all():
        raise DataError("Every path has prices that are not positive and finite: choose milder parameters or float64.")
    if failed.any():
        warnings.warn(
            f"{failed.sum()} of {paths.n_paths} paths have prices that are not positive or not finite, and are left "
            f"out; the first is path {paths.first_path + int(failed.argmax())}.",
            NumericalWarning,
            stacklevel=3,
        )
    return np.flatnonzero(~failed)
