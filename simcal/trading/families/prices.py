"""The prices beside a market: real ones, split into training and held-out parts, and what a market has to beat."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal.data import PriceSeries, load_series
from simcal.errors import DataError
from simcal.facts import block_indices, fit_baseline
from simcal.trading.families.markets import several
from simcal.trading.orders.engine import RecordedPrices

FEWEST = 20  # steps to trade
PEERS = ("block-bootstrap", "gjr-garch-t")
TRAIN_SHARE = 0.7


@dataclass(frozen=True)
class RealPrices:
    """Real prices as a family meets them."""

    training: np.ndarray  # (n,) with a burn-in at the beginning
    held_out: np.ndarray  # the same; its burn-in is the end of the training part
    log_returns: np.ndarray  # of the training part
    n_held_out: int  # steps
    periods_per_year: float
    described: Mapping[str, Any]  # what settings say of the series


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


def train_share_of(markets: Any) -> float:
    """The share of the data that a run was trained on, where `markets` names one; 0.7 elsewhere."""
    for one in markets.values() if isinstance(markets, Mapping) else several(markets):
        file = Path(one) / "recipe.toml" if isinstance(one, (str, Path)) else None
        if file is not None and file.is_file():
            try:
                return float(tomllib.loads(file.read_text(encoding="utf-8")).get("train_share", TRAIN_SHARE))
            except (OSError, ValueError, TypeError):
                continue
    return TRAIN_SHARE


def resampled(series: PriceSeries, seed: int, *, block: int = 500, train: float = TRAIN_SHARE) -> PriceSeries:
    """The series with its training part's returns resampled in circular blocks, the rest untouched.

    Calibrations to several of them, one for each seed, sample what the data leave open about the market::

        for seed in range(10):
            simcal.calibrate(None, resampled(series, seed), out=f"runs/resample-{seed}")
        simcal.backtest_family("standard", [f"runs/resample-{seed}/market.toml" for seed in range(10)], prices=series)
    """
    returns = series.log_returns.copy()
    cut = series.split(train)[0].n - 1
    chosen = block_indices(cut, min(block, cut), 1, np.random.default_rng(seed))[0]
    returns[:cut] = returns[chosen]
    prices = series.prices[0] * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))
    return PriceSeries(f"{series.name}, resample {seed}", series.dates, prices, None, series.frequency)


def peer_prices(
    name: str, log_returns: np.ndarray, n_paths: int, length: int, seed: int, *, drift: bool
) -> RecordedPrices:
    """Paths of `length` steps from 100, of a baseline of `simcal.facts` fitted to log returns (n,).

    Without `drift` the paths together have none: a model may be fitted with another mean than that of the returns.
    """
    paths = fit_baseline(name, log_returns).simulate(n_paths, length, seed)
    return RecordedPrices(_prices(paths if drift else without_drift(paths, axis=None)))


def without_skill(prices: np.ndarray, n_paths: int, seed: int, *, pinned: int = 0) -> RecordedPrices:
    """Prices as wild as the given ones (n_times,), on which no strategy earns anything in the mean: a martingale.

    Each log return keeps its size |x| and gets a sign of its own, up with probability 1 / (1 + exp |x|), so that
    E P(t+1) = P(t). When it is calm and when wild stays as it was; trend and reversion go. Each path loses the drift of
    its last `pinned` steps, as prices did whose drift was taken off: that alone makes trends look worse than they are.
    """
    size = np.abs(np.diff(np.log(prices)))
    up = np.random.default_rng(seed).random((n_paths, size.size)) < 1 / (1 + np.exp(size))
    moves = np.where(up, size, -size)
    if pinned:
        moves[:, -pinned:] = without_drift(moves[:, -pinned:])
    return RecordedPrices(_prices(moves))


def _prices(log_returns: np.ndarray) -> np.ndarray:
    start = np.zeros((len(log_returns), 1))
    return 100.0 * np.exp(np.concatenate([start, np.cumsum(log_returns, axis=1)], axis=1))
