"""What a calibrated market has to beat: simple models of the same training prices, and luck."""

from __future__ import annotations

import numpy as np

from simcal.facts import fit_baseline
from simcal.trading.families.recorded import RecordedPrices

PEERS = ("block-bootstrap", "gjr-garch-t")


def peer_prices(name: str, log_returns: np.ndarray, n_paths: int, length: int, seed: int) -> RecordedPrices:
    """Paths of `length` steps from 100, of a baseline of `simcal.facts` fitted to log returns (n,)."""
    return RecordedPrices(_prices(fit_baseline(name, log_returns).simulate(n_paths, length, seed)))


def without_skill(prices: np.ndarray, n_paths: int, seed: int) -> RecordedPrices:
    """Prices as wild as the given ones (n_times,), on which no strategy earns anything in the mean: a martingale.

    Each log return keeps its size |x| and gets a sign of its own, up with probability 1 / (1 + exp |x|), so that
    E P(t+1) = P(t). When it is calm and when wild stays as it was; trend and reversion go.
    """
    size = np.abs(np.diff(np.log(prices)))
    up = np.random.default_rng(seed).random((n_paths, size.size)) < 1 / (1 + np.exp(size))
    return RecordedPrices(_prices(np.where(up, size, -size)))


def _prices(log_returns: np.ndarray) -> np.ndarray:
    start = np.zeros((len(log_returns), 1))
    return 100.0 * np.exp(np.concatenate([start, np.cumsum(log_returns, axis=1)], axis=1))
