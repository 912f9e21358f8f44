"""What a calibrated market has to beat: simple models of the same training prices, and luck."""

from __future__ import annotations

import numpy as np

from simcal.facts import fit_baseline
from simcal.trading.families.held_out import without_drift
from simcal.trading.families.recorded import RecordedPrices

PEERS = ("block-bootstrap", "gjr-garch-t")


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
