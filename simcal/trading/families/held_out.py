"""Real prices, split into what the market was calibrated to and what was held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from simcal.data import load_series
from simcal.errors import DataError
from simcal.trading.families.markets import train_share_of

FEWEST = 20  # steps to trade


@dataclass(frozen=True)
class RealPrices:
    """Real prices as a family meets them.

    Parameters
    ----------
    training, held_out
        (n,) each with its burn-in at the beginning; that of held-out prices is the end of the training ones.
    log_returns
        Of the training part.
    n_held_out
        Steps.
    periods_per_year, described
        Of the series; what settings say of it.
    """

    training: np.ndarray
    held_out: np.ndarray
    log_returns: np.ndarray
    n_held_out: int
    periods_per_year: float
    described: Mapping[str, Any]


def without_drift(log_returns: np.ndarray, axis: int | None = -1) -> np.ndarray:
    """Log returns less a constant, so that the mean simple return along `axis` is 0."""
    return log_returns - np.log(np.exp(log_returns).mean(axis=axis, keepdims=True))


def split(prices: Any, train_share: float | None, markets: Any, burn_in: int, drift: bool) -> RealPrices:
    """Split a series (what `load_series` takes) where the run that `markets` names did, or at `train_share`.

    Without `drift` each part has lost its own.

    Raises
    ------
    DataError
        The prices cannot be read, or are too few on one side.
    """
    series = load_series(prices)
    sha256 = series.sha256
    share = train_share_of(markets) if train_share is None else train_share
    training, held_out = series.split(share)
    if not drift:
        parts = [without_drift(part.log_returns) for part in (training, held_out)]
        moved = np.cumsum(np.concatenate([[0.0], *parts]))
        series = replace(series, prices=series.prices[0] * np.exp(moved))
        training, held_out = series.split(share)
    if training.n <= burn_in + FEWEST or held_out.n <= FEWEST:
        raise DataError(
            f"'{series.name}' has {training.n} prices to train on and {held_out.n} held out, too few for a burn-in of "
            f"{burn_in} and {FEWEST} steps; give a longer series, a shorter burn-in or another train_share."
        )
    before = series.prices[training.n - 1 - burn_in : training.n - 1]
    dates = {}
    if isinstance(held_out.dates, pd.DatetimeIndex):
        dates = {"held_out_from": str(held_out.dates[0])[:10], "held_out_to": str(held_out.dates[-1])[:10]}
    return RealPrices(
        training.prices,
        np.concatenate([before, held_out.prices]),
        training.log_returns,
        held_out.n - 1,
        series.periods_per_year,
        {
            "data": series.name, "data_sha256": sha256, "drift": drift, "train_share": share,
            "held_out_steps": held_out.n - 1, **dates,
        },
    )  # fmt: skip
