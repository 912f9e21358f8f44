"""What a price series must satisfy. The first violation is refused, with the place where it stands."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from simcal.errors import DataError

MINIMUM_PRICES = 100
"""Fewest prices that `load_series` accepts: with less, no stylised fact can be told from chance."""

# Says where element i stands, as the beginning of a sentence: "Row 17 of prices.csv".
Place = Callable[[int], str]


def check_prices(prices: np.ndarray, place: Place) -> None:
    """Refuse the first price that is missing, infinite, zero or negative."""
    wrong = ~(np.isfinite(prices) & (prices > 0.0))
    if not wrong.any():
        return
    i = int(np.argmax(wrong))
    price = prices[i]
    if np.isnan(price):
        raise DataError(f"{place(i)} has no price. Fill the missing value or remove the row.")
    if np.isinf(price):
        raise DataError(f"{place(i)} has an infinite price. Prices must be finite: correct or remove the row.")
    raise DataError(
        f"{place(i)} has the price {price:g}. Prices must be greater than zero, because log returns are taken: "
        "correct or remove the row."
    )


def check_dates(dates: pd.DatetimeIndex, place: Place) -> None:
    """Refuse the first date that is missing, repeated, or earlier than the one before it."""
    if dates.hasnans:
        i = int(np.argmax(dates.isna()))
        raise DataError(f"{place(i)} has no date. Fill the missing date or remove the row.")
    steps = np.diff(dates.asi8)
    if (steps > 0).all():
        return
    i = int(np.argmax(steps <= 0)) + 1
    if steps[i - 1] == 0:
        raise DataError(
            f"{place(i)} repeats the date {_show(dates, i)} of the row before. Each date may stand only once: "
            "remove one of the two."
        )
    raise DataError(
        f"{place(i)} has the date {_show(dates, i)}, which is earlier than {_show(dates, i - 1)} in the row before. "
        "Dates must increase from row to row: sort the rows by date, oldest first."
    )


def check_count(count: int, source: str) -> None:
    """Refuse a source with fewer rows than `MINIMUM_PRICES`."""
    if count < MINIMUM_PRICES:
        raise DataError(
            f"{source} has {count} rows of prices; at least {MINIMUM_PRICES} are needed. Give a longer series."
        )


def _show(dates: pd.DatetimeIndex, i: int) -> str:
    at_midnight = bool((dates == dates.normalize()).all())
    return str(dates.strftime("%Y-%m-%d" if at_midnight else "%Y-%m-%d %H:%M:%S")[i])
