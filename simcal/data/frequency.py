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
_PER_YEAR: dict[Frequency, float] = {"weekly": 52.0, "monthly": 12.0, "quarterly": 4.0, "yearly": 1.0}
_TRADING_DAYS, _DAYS = 252.0, 365.0
_DAYS_PER_YEAR = 365.25
_USUAL = (230.0, 300.0)  # weekdays less holidays, as counted; markets that never close have more
_HOLE = 10.0  # gaps of so many medians are holes in the data, not the rhythm of the market
_SHORT = 14.0  # days in which a rhythm of weeks cannot be counted


def infer_frequency(dates: pd.Index) -> Frequency:
    """The frequency by the median distance of the dates; "daily" for an index that holds no dates."""
    if not isinstance(dates, pd.DatetimeIndex):
        return "daily"
    gap = float(np.median(_gaps(dates)))
    return next(name for bound, name in _MEDIAN_GAP_DAYS if gap <= bound)


def periods_per_year(frequency: Frequency, dates: pd.Index) -> float:
    """Observations per year.

    By convention for weeks and longer. Days are counted: 252 where they are the usual weekdays, 365 where the market
    never closes, and what they are otherwise (three days a week: 157). Bars within the day are as many as the median
    day has, times those 252; where there are bars on weekends too, what the clock counts from the first to the last.
    """
    if frequency in _PER_YEAR:
        return _PER_YEAR[frequency]
    if not isinstance(dates, pd.DatetimeIndex):
        return _TRADING_DAYS
    days, bars = np.unique(dates.normalize(), return_counts=True)
    days_per_year = _trading_days(pd.DatetimeIndex(days))
    if frequency == "daily":
        return days_per_year
    if days_per_year == _DAYS:
        return (len(dates) - 1) * _DAYS_PER_YEAR / float(_gaps(dates).sum())
    return float(np.median(bars)) * days_per_year


def _trading_days(days: pd.DatetimeIndex) -> float:
    """Days a year on which this market trades."""
    if _gaps(days).sum() < _SHORT:
        return _DAYS if bool((days.day_of_week >= 5).any()) else _TRADING_DAYS
    gaps = _gaps(days)
    rate = _DAYS_PER_YEAR / float(gaps[gaps <= _HOLE * np.median(gaps)].mean())
    if rate > _USUAL[1]:
        return _DAYS
    return _TRADING_DAYS if rate > _USUAL[0] else rate


def _gaps(dates: pd.DatetimeIndex) -> np.ndarray:
    """Days between the dates."""
    return np.diff(dates.as_unit("us").asi8) / 86_400e6
