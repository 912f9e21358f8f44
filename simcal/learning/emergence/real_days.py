"""Days of a real series, to be set beside those of a market."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simcal.data import PriceSeries
from simcal.errors import DataError
from simcal.learning.emergence.statistics import z_scores

FEWEST_PRICES = 80
"""Of a day that counts."""


def real_days(series: PriceSeries, n_bars: int) -> np.ndarray:
    """z-scored returns of a real series, (n_days, n).

    Intraday prices are taken day by day: those of a day are dealt out to `n_bars` bars, or to as many as the day with
    the fewest has prices, each bar with the same number of prices; days with fewer than 80 are left out. Of a daily
    series (or a rarer one) each window of `n_bars` prices stands for a day, about a year of them: daily prices are not
    intraday ones, and what is compared is shape and memory on the scale of bars.

    Raises
    ------
    DataError
        Where there is no day.
    """
    if series.frequency != "intraday" or not isinstance(series.dates, pd.DatetimeIndex):
        return z_scores(series.windows(n_bars - 1))
    _, starts = np.unique(series.dates.normalize().asi8, return_index=True)
    parts = [part for part in np.split(series.prices, starts[1:]) if len(part) >= FEWEST_PRICES]
    if not parts:
        raise DataError(
            f"'{series.name}' has no day of {FEWEST_PRICES} or more prices; give prices at shorter intervals, or daily "
            "ones."
        )
    n = min(n_bars, *(len(part) for part in parts))
    return z_scores(np.array([part[-(-np.arange(1, n + 1) * len(part) // n) - 1] for part in parts]))
