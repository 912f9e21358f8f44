"""What was simulated: prices and saved outputs of many paths, as arrays, tables and Parquet files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from simcal.errors import DataError, ParameterError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Paths:
    """Simulated paths (a result of `simcal.simulate`).

    Parameters
    ----------
    prices
        Shape (n_paths, n_saved), at the steps `steps`; without thinning n_saved is n_steps + 1. In the market's unit.
    outputs
        What else was saved, by name, in the same shape. Demand and volume are those of the orders that made the price
        of that step, zero at time 0.
    market
        The market as plain values; ``simcal.models.from_dict`` makes it a market again.
    seed, first_path
        Path j here is path ``first_path + j`` of that seed.
    every, burn_in
        Every how many steps was saved, and how many steps were simulated before the first saved one.
    status
        "ok", or a sentence that says how many paths hold numbers that are not usable.
    n_failed
        That number.

    Examples
    --------
    >>> paths = Paths(np.array([[100.0, 101.0, 99.0], [100.0, 100.0, 102.0]]), seed=1)
    >>> paths.log_returns.shape
    (2, 2)
    >>> paths.to_ohlcv(path=1)["Close"].to_list()
    [100.0, 100.0, 102.0]
    """

    prices: np.ndarray = field(repr=False)
    outputs: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    market: Mapping[str, Any] = field(default_factory=dict, repr=False)
    seed: int = 0
    first_path: int = 0
    every: int = 1
    burn_in: int = 0
    status: str = "ok"
    n_failed: int = 0

    def __post_init__(self) -> None:
        if self.prices.ndim != 2:
            raise DataError(f"prices have shape {self.prices.shape}, but must be an array (n_paths, n_saved).")
        for name, values in self.outputs.items():
            if values.shape != self.prices.shape:
                raise DataError(
                    f"The output {name} has shape {values.shape}, but must have the prices' shape {self.prices.shape}."
                )

    @property
    def n_paths(self) -> int:
        """Number of paths."""
        return self.prices.shape[0]

    @property
    def steps(self) -> np.ndarray:
        """The saved steps, shape (n_saved,), counted from the end of the burn-in: 0, every, 2 every, ..."""
        return self.every * np.arange(self.prices.shape[1])

    @property
    def path_numbers(self) -> np.ndarray:
        """The paths' numbers, shape (n_paths,): int64, or uint64 where they need it."""
        last = self.first_path + max(self.n_paths - 1, 0)
        dtype = np.int64 if last < 2**63 else np.uint64
        return np.arange(self.n_paths).astype(dtype) + dtype(self.first_path)

    @property
    def log_returns(self) -> np.ndarray:
        """Differences of log prices between saved steps, shape (n_paths, n_saved - 1)."""
        return np.diff(np.log(self.prices), axis=1)

    def to_dict(self) -> dict[str, Any]:
        """What the file's header says too: where the paths come from and how many there are; no paths."""
        return {
            "seed": self.seed,
            "first_path": self.first_path,
            "n_paths": self.n_paths,
            "n_steps": int(self.steps[-1]) if self.prices.shape[1] else 0,
            "every": self.every,
            "burn_in": self.burn_in,
            "dtype": self.prices.dtype.name,
            "outputs": list(self.outputs),
            "status": self.status,
            "n_failed": self.n_failed,
            "market": dict(self.market),
        }

    def summary(self) -> pd.DataFrame:
        """A row per fact in the columns quantity and value: last prices, log returns, range; failed paths left out."""
        import pandas as pd
        from scipy import stats

        usable = self.prices[np.isfinite(self.prices).all(axis=1) & (self.prices > 0).all(axis=1)].astype(float)
        facts: dict[str, Any] = {"paths": self.n_paths, "saved steps": self.prices.shape[1]}
        if usable.size:
            returns = np.diff(np.log(usable), axis=1).ravel()
            facts |= {
                "mean of the last price": usable[:, -1].mean(),
                "deviation of the last price": usable[:, -1].std(),
                "lowest price": usable.min(),
                "highest price": usable.max(),
            }
            if returns.size and returns.std() > 0:
                facts |= {
                    "deviation of log returns": returns.std(),
                    "excess kurtosis of log returns": stats.kurtosis(returns),
                }
        facts["status"] = self.status
        return pd.DataFrame({"quantity": list(facts), "value": list(facts.values())})

    def to_pandas(self, layout: Literal["wide", "long"] = "wide") -> pd.DataFrame:
        """A table: "wide" has prices only, a row per step and a column per path; "long" has everything.

        The long table has the columns ``path``, ``step``, ``price`` and one per output, a row per path and step.
        """
        import pandas as pd

        if layout == "wide":
            columns = pd.Index(self.path_numbers, name="path")
            return pd.DataFrame(self.prices.T, index=pd.Index(self.steps, name="step"), columns=columns)
        if layout == "long":
            return pd.DataFrame(self.columns())
        raise ParameterError(f"layout is {layout!r}, but must be 'wide' or 'long'.")

    def columns(self) -> dict[str, np.ndarray]:
        """The columns of the long table and of the Parquet file: path, step, price and the outputs, path after path."""
        return {
            "path": np.repeat(self.path_numbers, self.prices.shape[1]),
            "step": np.tile(self.steps, self.n_paths),
            "price": self.prices.ravel(),
            **{name: values.ravel() for name, values in self.outputs.items()},
        }

    def to_xarray(self) -> xr.Dataset:
        """A dataset: dimensions path and step, the variable price, one per output, the header as attributes."""
        import xarray as xr

        header = {**self.to_dict(), "market": json.dumps(dict(self.market))}
        variables = {"price": self.prices, **self.outputs}
        return xr.Dataset(
            {name: (("path", "step"), values) for name, values in variables.items()},
            coords={"path": self.path_numbers, "step": self.steps},
            attrs=header,
        )

    def to_ohlcv(self, path: int = 0, bar: int = 1, *, start: Any = "2000-01-03", freq: Any = "B") -> pd.DataFrame:
        """Bars of one path for backtesting.py, backtrader and others: Open, High, Low, Close and Volume by Date.

        Open is the first and Close the last of the `bar` prices in a bar. With ``bar=1`` all four are the price, and an
        order that a tool fills at the next open gets the next price, as with ``execution="next"`` in `simcal.backtest`.

        Parameters
        ----------
        path
            Position among these paths, from 0; its number is ``first_path + path``.
        bar
            Saved prices per bar. Prices that do not fill a bar at the end are left out.
        start, freq
            The first date, or the first of `freq` after it, and the frequency of pandas at which bars follow each
            other: business days. Dates end in 9999; with pandas 2, and in tools that keep nanoseconds, on 2262-04-11,
            which is some 68 000 business days after 2000: longer paths need a finer frequency, such as "min".

        Returns
        -------
        A frame with ``n_saved // bar`` rows, in float64. Volume is the sum of the saved output ``volume``, or of those
        of the groups of traders (``volume_noise``, ...) that were saved, over the bar; at time 0 nothing is traded.
        Where none was saved it is 0, because tools refuse gaps.

        Raises
        ------
        ParameterError
            Where an argument is not allowed, or there are more bars than dates.
        DataError
            Where the path holds a price that is not positive and finite, or a volume was saved with ``every > 1``.
        """
        from simcal.exports import bars, dates_of_bars, usable_path

        row = usable_path(self, path)
        return bars(self, row, bar, dates_of_bars(self, bar, start, freq))

    def iter_ohlcv(
        self, bar: int = 1, *, start: Any = "2000-01-03", freq: Any = "B"
    ) -> Iterator[tuple[int, pd.DataFrame]]:
        """The number and the bars of each path, one after the other; see `to_ohlcv`. ``dict(...)`` holds all at once.

        Warns
        -----
        NumericalWarning
            Where paths hold prices that are not positive and finite; these paths are left out.
        """
        from simcal.exports import bars, dates_of_bars, usable_paths

        dates = dates_of_bars(self, bar, start, freq)
        # A generator expression, so that arguments are checked when it is made and not when it is first used.
        return ((self.first_path + int(row), bars(self, row, bar, dates)) for row in usable_paths(self))

    def to_wide(self, *, start: Any = "2000-01-03", freq: Any = "B") -> pd.DataFrame:
        """Prices by Date, a column per path with its number, in float64, for vectorbt and others; see `to_ohlcv`.

        Warns
        -----
        NumericalWarning
            Where paths hold prices that are not positive and finite; these paths are left out.
        """
        import pandas as pd

        from simcal.exports import trading_dates, usable_paths

        dates = trading_dates(self.prices.shape[1], start, freq)
        rows = usable_paths(self)
        columns = pd.Index(self.path_numbers[rows], name="path")
        return pd.DataFrame(self.prices[rows].T.astype(float), index=dates, columns=columns)

    def to_returns(self, path: int = 0, *, start: Any = "2000-01-03", freq: Any = "B") -> pd.Series:
        """Simple returns of one path by Date, for quantstats, empyrical and others; arguments as of `to_ohlcv`.

        A return has the date of its second price in `to_wide`, so that there is one date less.
        """
        import pandas as pd

        from simcal.exports import trading_dates, usable_path

        row = usable_path(self, path)
        prices = self.prices[row].astype(float)
        dates = trading_dates(len(prices), start, freq)
        return pd.Series(prices[1:] / prices[:-1] - 1, index=dates[1:], name=f"path {self.first_path + row}")

    def save(self, path: str | Path) -> Path:
        """Write a Parquet file with the columns of the long table and `to_dict` in its header; returns its path.

        Raises
        ------
        DataError
            Where the name does not end in ``.parquet`` or the file cannot be written.
        """
        from simcal.path_files import stream

        stream(path, [self])
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read paths from a Parquet file that simcal wrote.

        Raises
        ------
        DataError
            Where there is no such file, simcal did not write it, or it is damaged.
        """
        from simcal.path_files import read_paths

        return cls(**read_paths(path))
