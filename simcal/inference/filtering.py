"""The verb `filter`: the hidden state of a market on every day of a price series, and the market of its last day."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal import models
from simcal.data import PriceSeries, load_series
from simcal.definition import PriceMarket
from simcal.definition.likelihood import Passage
from simcal.errors import DataError, ParameterError
from simcal.models import Market


@dataclass(frozen=True, eq=False)
class Filtered:
    """What a price series tells of a market's hidden state.

    Attributes
    ----------
    market
        The market whose paths begin after the last observed price: `simcal.simulate` and `simcal.backtest` take it.
    series
        The prices.
    table
        A row per return, indexed by its date: the price, the log return, its expected mean and deviation the day before
        (``expected_return``, ``expected_deviation``), the ``residual``, standard normal where the market is true, its
        probability ``pit``, ``log_density``; then the market's states and outputs after that day.
    next_deviation
        The expected deviation of the log return after the last price.
    """

    market: PriceMarket
    series: PriceSeries
    table: pd.DataFrame = field(repr=False)
    next_deviation: float

    @property
    def log_score(self) -> float:
        """Mean log density of a log return."""
        return float(np.mean(self.table["log_density"]))

    def summary(self) -> pd.DataFrame:
        """The last day beside the range of all days: one row per number that moves."""
        left_out = ["price", "log_return", "residual", "pit", "log_density"]
        shown = self.table.drop(columns=left_out)
        shown = shown.loc[:, shown.nunique() > 1]
        found = shown.quantile([0.05, 0.5, 0.95]).T
        found.columns = ["5 %", "median", "95 %"]
        found.insert(0, "last day", shown.iloc[-1])
        return found.rename_axis("").reset_index()

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the series, the score, the last day."""
        last = {name: float(value) for name, value in self.table.iloc[-1].items()}
        return {
            "series": self.series.name, "days": len(self.table), "log_score": self.log_score,
            "next_deviation": self.next_deviation, "last_day": last, "market": self.market.to_dict(),
        }  # fmt: skip

    def plot(self) -> np.ndarray:
        """The price, the greatest falls marked, above the expected deviation and the shares of traders where known."""
        from simcal.report.style import OTHERS, REAL, SIMULATED, house_style, name_grid, new_grid

        table, panels = self.table, [("expected_deviation", "expected deviation\nof a log return")]
        if "share_fundamental" in table:
            panels.append(("share_fundamental", "share of\nfundamentalists"))
        with house_style():
            grid = new_grid(None, 1 + len(panels), 1, height=2.2 * (1 + len(panels)))
            axes = grid.ravel()
            axes[0].plot(table.index, table["price"], color=REAL, lw=0.9, label="price")
            falls = table.index[np.argsort(table["log_return"].to_numpy())[:5]]
            axes[0].plot(falls, table.loc[falls, "price"], "v", color=OTHERS[0], ms=6, label="the five greatest falls")
            axes[0].set_yscale("log")
            axes[0].set_ylabel("price")
            for ax, (name, words) in zip(axes[1:], panels, strict=True):
                ax.plot(table.index, table[name], color=SIMULATED, lw=0.8)
                ax.set_ylabel(words)
                for fall in falls:
                    ax.axvline(fall, color=OTHERS[0], lw=0.6, ls=":")
            axes[-1].set_xlabel("date" if isinstance(table.index, pd.DatetimeIndex) else "step")
            return name_grid(grid, f"The hidden state of {self.series.name}", axes[0].get_legend_handles_labels()[0])


def filter(market: Market | str | Path, data: Any) -> Filtered:
    """Follow a market's hidden state through a price series, exactly.

    Parameters
    ----------
    market
        What `simcal.load` takes; one whose draws follow from prices, such as ``herding-today`` or what the recipe
        ``likelihood`` calibrates.
    data
        What `simcal.load_series` takes, or a `PriceSeries`.

    Returns
    -------
    Filtered

    Raises
    ------
    ParameterError
        The market has no exact likelihood, in one sentence that says why.

    Examples
    --------
    >>> import simcal
    >>> prices = simcal.simulate(simcal.load("herding-today"), 1, 300, seed=2).prices[0]
    >>> found = filter("herding-today", prices)
    >>> len(found.table), found.market.begun["price"] == float(prices[-1])
    (300, True)
    """
    series = data if isinstance(data, PriceSeries) else load_series(data)
    passage = following(models.load(market), series)
    table = pd.DataFrame(
        {"price": series.prices[1:], "log_return": series.log_returns, "expected_return": passage.means[:-1],
         "expected_deviation": passage.deviations[:-1], "residual": passage.residuals,
         "pit": passage.probabilities, "log_density": passage.densities, **passage.values},
        index=series.dates[1:],
    )  # fmt: skip
    return Filtered(passage.market, series, table, float(passage.deviations[-1]))  # type: ignore[arg-type]


def following(market: Market, series: PriceSeries) -> Passage:
    """A market's states through the prices of a series.

    Raises
    ------
    ParameterError
        The market has no exact likelihood.
    DataError
        A return has no density under it.
    """
    if not isinstance(market, PriceMarket):
        raise ParameterError(
            f"The {getattr(market, 'title', 'market')} is not written in the language of `simcal.definition`, so its "
            "hidden state cannot be followed; give a market such as herding-today."
        )
    passage = Passage(market, series.prices)
    if not np.isfinite(passage.densities).all():
        day = int(np.flatnonzero(~np.isfinite(passage.densities))[0])
        raise DataError(
            f"The return that ends at {series.dates[day + 1]} has no density under this market: its states are no "
            "longer finite numbers. Calibrate the market to the series first."
        )
    return passage
