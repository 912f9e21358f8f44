"""How often a series is observed, and how many observations make a year."""

from typing import Literal

import numpy as np
import pandas as pd

Frequency = Literal["intraday", "daily", "weekly", "monthly", "quarterly", "yearly"]

# Upper end, in days, of the median distance between two dates.
_MEDIAN_GAP_DAYS: tuple[tuple[float, Frequency], ...] = (
    (0.75, "intraday"),
    (4.0, "daily"),
    (15.0, "weekly"),
    (60.0, "monthly"),
    (200.0, "quarterly"),
    (np.inf, "yearly"),
)
_PER_YEAR: dict[Frequency, float] = {
    "daily": 252.0,
    "weekly": 52.0,
    "monthly": 12.0,
    "quarterly": 4.0,
    "yearly": 1.0,
}
_SECONDS_PER_YEAR = 365.25 * 86_400.0
# Markets that never close (crypto-assets, currencies at weekends) have more dates a year than this.
_MOST_TRADING_DAYS = 300.0


def infer_frequency(dates: pd.Index) -> Frequency:
    """The frequency by the median distance of the dates; "daily" for an index that holds no dates."""
    if not isinstance(dates, pd.DatetimeIndex):
        return "daily"
    gap = float(np.median(np.diff(dates.as_unit("us").asi8))) / 86_400e6
    return next(name for bound, name in _MEDIAN_GAP_DAYS if gap <= bound)


def periods_per_year(frequency: Frequency, dates: pd.Index) -> float:
    """Observations per year: by convention (252 trading days), counted for intraday and seven-day markets."""
    counted = _PER_YEAR.get(frequency, _PER_YEAR["daily"])
    if isinstance(dates, pd.DatetimeIndex) and frequency in ("intraday", "daily"):
        seconds = np.ptp(dates.as_unit("us").asi8) / 1e6
        rate = float((len(dates) - 1) * _SECONDS_PER_YEAR / seconds)
        if frequency == "intraday":
            return rate
        if rate > _MOST_TRADING_DAYS:
            return 365.0
    return counted
