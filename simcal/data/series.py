"""A price series, and what it must satisfy: checked where it is built, the first violation with its place."""

import hashlib
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from simcal.data.frequency import Frequency, infer_frequency, periods_per_year
from simcal.data.table import Place, position_in
from simcal.errors import DataError, ParameterError


@dataclass(frozen=True, eq=False)
class PriceSeries:
    """Prices of one asset in the order of time. Immutable: the arrays are copies that cannot be written to.

    Parameters
    ----------
    name
        What to call it in tables and figures.
    dates
        Strictly increasing dates, length n; or a plain index 0..n-1 where the source had no dates.
    prices
        Positive, finite prices, shape (n,), in the source's unit.

    Other Parameters
    ----------------
    volume
        Traded volume per period, shape (n,); NaN where the source had none. None: no volume at all.
    frequency
        "daily", "weekly", ...; inferred from the dates when not given. Without dates, "daily".

    Raises
    ------
    DataError
        Prices or dates are not what is said above; the message names the first offending position.

    Examples
    --------
    >>> series = PriceSeries("made", pd.bdate_range("2020-01-01", periods=5), np.array([10.0, 11, 12, 11, 10]))
    >>> first, second = series.split(0.5)
    >>> first.n, second.n
    (3, 3)
    """

    name: str
    dates: pd.Index
    prices: np.ndarray
    volume: np.ndarray | None = field(default=None, repr=False)
    frequency: Frequency | None = None

    def __post_init__(self) -> None:
        prices = np.array(self.prices, dtype=np.float64)
        dates = pd.Index(self.dates)
        if prices.ndim != 1 or prices.size < 2 or len(dates) != prices.size:
            raise DataError(
                f"A price series needs at least 2 prices in one dimension and as many dates; '{self.name}' was given "
                f"prices of shape {prices.shape} and {len(dates)} dates."
            )
        place = position_in(f"'{self.name}'")
        check_prices(prices, place)
        if isinstance(dates, pd.DatetimeIndex):
            dates = dates.as_unit("us")
            check_dates(dates, place)
        elif not np.array_equal(dates, np.arange(prices.size)):
            raise DataError(
                f"The dates of '{self.name}' are of type {dates.dtype}. Give a pandas DatetimeIndex, or "
                "pd.RangeIndex(n) where there are no dates."
            )
        prices.flags.writeable = False
        object.__setattr__(self, "prices", prices)
        object.__setattr__(self, "dates", dates)
        if self.volume is not None:
            volume = np.array(self.volume, dtype=np.float64)
            if volume.shape != prices.shape:
                raise DataError(
                    f"The volume of '{self.name}' has shape {volume.shape} but its prices have {prices.shape}; "
                    "give one volume per price."
                )
            volume.flags.writeable = False
            object.__setattr__(self, "volume", volume)
        if self.frequency is None:
            object.__setattr__(self, "frequency", infer_frequency(dates))

    def __len__(self) -> int:
        return self.n

    @property
    def n(self) -> int:
        """Number of prices (one more than log returns)."""
        return self.prices.size

    @property
    def log_returns(self) -> np.ndarray:
        """ln P(t) - ln P(t-1), shape (n - 1,), dimensionless."""
        return np.diff(np.log(self.prices))

    @property
    def periods_per_year(self) -> float:
        """Prices per year, to annualise: 252 for daily prices, 52 for weekly ones, and so on."""
        return periods_per_year(self.frequency or "daily", self.dates)

    @property
    def sha256(self) -> str:
        """Hash of dates, prices and volume (not of the name), the same on every platform."""
        digest = hashlib.sha256(self.prices.astype("<f8").tobytes())
        if isinstance(self.dates, pd.DatetimeIndex):
            digest.update(b"dates" + self.dates.asi8.astype("<i8").tobytes())
        if self.volume is not None:
            digest.update(b"volume" + self.volume.astype("<f8").tobytes())
        return digest.hexdigest()

    def split(self, train: float = 0.7) -> tuple["PriceSeries", "PriceSeries"]:
        """The first share `train` of the log returns and the rest, in the order of time.

        The last price of the first part is the first price of the second, so that every return is in exactly one.
        """
        if not 0.0 < train < 1.0:
            raise ParameterError(
                f"The training share is {train}; it must lie strictly between 0 and 1, for example 0.7."
            )
        cut = round(train * (self.n - 1))
        if not 0 < cut < self.n - 1:
            raise DataError(
                f"'{self.name}' has {self.n} prices, too few to put a share of {train} of its returns on one side and "
                "the rest on the other. Give a longer series or a share nearer to 0.5."
            )
        return self._part(0, cut + 1), self._part(cut, self.n)

    def windows(self, length: int, stride: int | None = None) -> np.ndarray:
        """Prices in windows of `length` returns, shape (number of windows, length + 1).

        `stride` (returns between starts) is `length` by default: no return is in two windows, and neighbours share
        one price. What is left at the end and fills no window is not used.
        """
        step = length if stride is None else stride
        if length < 1 or step < 1:
            raise ParameterError(f"Window length {length} and stride {step} must both be at least 1.")
        if length > self.n - 1:
            raise DataError(
                f"'{self.name}' has {self.n - 1} returns, fewer than one window of {length}. "
                "Give a longer series or a shorter window."
            )
        return np.lib.stride_tricks.sliding_window_view(self.prices, length + 1)[::step]

    def to_pandas(self) -> pd.DataFrame:
        """A frame indexed by date with the column `price`, and `volume` where there is one."""
        columns = {"price": self.prices.copy()}
        if self.volume is not None:
            columns["volume"] = self.volume.copy()
        return pd.DataFrame(columns, index=self.dates.rename("date"))

    def _part(self, start: int, stop: int) -> "PriceSeries":
        dates = self.dates[start:stop]
        return PriceSeries(
            self.name,
            dates if isinstance(dates, pd.DatetimeIndex) else pd.RangeIndex(stop - start),
            self.prices[start:stop],
            None if self.volume is None else self.volume[start:stop],
            self.frequency,
        )


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


def _show(dates: pd.DatetimeIndex, i: int) -> str:
    at_midnight = bool((dates == dates.normalize()).all())
    return str(dates.strftime("%Y-%m-%d" if at_midnight else "%Y-%m-%d %H:%M:%S")[i])
