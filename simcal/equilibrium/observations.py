"""What the moments are taken of: price changes and volume of each step, checked and brought to one scale."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simcal.calibration.recipe import EquilibriumSettings
from simcal.data import PriceSeries, load_series
from simcal.errors import DataError, NumericalWarning

FEWEST = 500
"""Steps to calibrate to, below which neither the memory of volume nor the premium can be told."""


@dataclass(frozen=True, eq=False)
class Observations:
    """Price changes in money and volume in shares, both (n,), per step; the asset's shares, and its price at the end.

    `premium` is the mean price change where that is known; the price changes then have it.
    """

    changes: np.ndarray
    volume: np.ndarray
    supply: float
    level: float
    premium: float | None = None


def volume_series(data: Any) -> PriceSeries:
    """The series with a volume at every price but the first.

    Raises
    ------
    DataError
        In one sentence: there is no volume, or some of it is missing, negative or not a number, with the rows.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericalWarning)  # of volumes that are refused below
        series = data if isinstance(data, PriceSeries) else load_series(data)
    if series.volume is None:
        raise DataError(
            f"{series.name} has no usable volume, but a market with trading costs is calibrated to prices and volume; "
            "give a file with the columns date, close and volume."
        )
    wrong = np.flatnonzero(~np.isfinite(series.volume[1:])) + 1  # what was traded before the first price is not used
    if wrong.size:
        raise DataError(
            f"{_rows(data, wrong)} {series.name} {'has' if wrong.size == 1 else 'have'} no usable volume (missing, "
            "negative or not a number); correct or remove them."
        )
    return series


def observe(series: PriceSeries, settings: EquilibriumSettings) -> Observations:
    """Price changes and volume in the units of the market.

    Raises
    ------
    DataError
        The series is too short, or prices or volume do not move.
    """
    assert series.volume is not None
    prices, volume = series.prices, np.array(series.volume[1:])
    n, level = volume.size, float(prices[-1])
    if n < FEWEST:
        raise DataError(
            f"{series.name} has {n} steps to calibrate to, but at least {FEWEST} are needed to tell how long volume "
            "remembers and what risk is paid; give a longer series, or raise the recipe's train_share."
        )
    changes = np.diff(np.log(prices)) * level if settings.changes == "relative" else np.diff(prices)
    premium = settings.premium
    if premium is not None:
        premium *= level if settings.changes == "relative" else 1
        changes += premium - changes.mean()
    if not np.ptp(changes) > 0:
        raise DataError(f"The prices of {series.name} do not move, so that there is nothing to calibrate to.")
    if not np.ptp(volume) > 0:
        raise DataError(f"The volume of {series.name} is the same at all times; the recipe needs one that varies.")
    if np.mean(volume == 0) > 0.1:
        raise DataError(
            f"{np.mean(volume == 0):.0%} of the steps of {series.name} have no volume; give a period in which the "
            "asset was traded."
        )
    if settings.detrend:
        volume = detrended(volume)
    supply = settings.supply if settings.supply is not None else float(volume.mean()) / settings.turnover
    return Observations(changes, volume, supply, level, premium)


def detrended(volume: np.ndarray) -> np.ndarray:
    """Volume divided by its exponential trend, of the same mean; shape (n,)."""
    time = np.arange(volume.size) - (volume.size - 1) / 2
    traded = volume > 0
    slope = np.polyfit(time[traded], np.log(volume[traded]), 1)[0]
    level = volume * np.exp(-slope * time)
    return level * (volume.mean() / level.mean())


def _rows(data: Any, positions: np.ndarray, most: int = 3) -> str:
    """The places as the reader counts them: lines of a CSV file, rows of a Parquet file, else positions."""
    path = Path(data) if isinstance(data, (str, Path)) else None
    file = path is not None and path.is_file()
    offset = 0 if not file or path is None else 1 if path.suffix.lower() == ".parquet" else 2
    numbers = [str(int(i) + offset) for i in positions[:most]]
    more = f" and {positions.size - most} more" if positions.size > most else ""
    word = ("Row" if file else "Position") + ("s" if positions.size > 1 else "")
    return f"{word} {', '.join(numbers)}{more} {'of' if file else '(counted from 0) of'}"
