"""Given prices in the place of a market, so that the engine plays them as it plays one."""

from __future__ import annotations

from typing import Any

import numpy as np

from simcal.errors import ParameterError
from simcal.trading.noise import Noise
from simcal.trading.orders.engine import BLOCK, Stepper


class RecordedPrices:
    """A market whose prices are known beforehand and notice nobody.

    Parameters
    ----------
    prices
        (n_paths, n_times), or (n_times,) for one path, such as a real series; finite and above 0. A strategy's burn-in
        is their beginning.
    first_path
        Number of the first path.
    failed
        (n_paths,) the first step without a usable price, 0 for none; from there on prices do not count.

    Raises
    ------
    ParameterError
        Other shapes or numbers.
    """

    kind = "recorded"

    def __init__(self, prices: Any, *, first_path: int = 0, failed: np.ndarray | None = None) -> None:
        array = np.atleast_2d(np.asarray(prices, float))
        if array.ndim != 2 or array.shape[1] < 2 or not (np.isfinite(array) & (array > 0)).all():
            raise ParameterError(
                f"Recorded prices have shape {array.shape}, but must be finite numbers above 0 of shape (n_paths, "
                "n_times) with at least 2 times; give such an array."
            )
        self.prices, self.first_path = array, first_path
        self.failed = np.zeros(len(array), int) if failed is None else failed

    def stepper(self, seed: int, first_path: int, n_paths: int, dtype: str = "float64") -> Stepper:
        """The prices of some paths, one step at a time; the seed changes nothing."""
        begin = first_path - self.first_path
        if begin < 0 or begin + n_paths > len(self.prices):
            raise ParameterError(
                f"Paths {first_path} to {first_path + n_paths - 1} were asked, but {len(self.prices)} are recorded, "
                f"from {self.first_path} on; give fewer paths."
            )
        part = slice(begin, begin + n_paths)
        return _Recorded(self.prices[part], self.failed[part])


class _Recorded:
    def __init__(self, prices: np.ndarray, failed: np.ndarray) -> None:
        self._prices, self._failed, self._t = prices, failed, 0
        self.prices, self.failed = prices[:, 0], np.zeros(len(prices), int)

    def advance(self, outside: np.ndarray | None = None) -> np.ndarray:
        self._t += 1
        if self._t >= self._prices.shape[1]:
            raise ParameterError(
                f"There are {self._prices.shape[1]} recorded prices, too few for the steps and their burn-in; give "
                "fewer steps or more prices."
            )
        self.prices = self._prices[:, self._t]
        self.failed = np.where(self._failed <= self._t, self._failed, 0)
        return self.prices


def recorded(market: Any, noise: Noise) -> RecordedPrices:
    """The prices that a market makes alone, bit for bit; where it fails, the last usable one from there on.

    A strategy of size 0 trades at just these; many strategies then need one simulation.
    """
    length, kept, failed = noise.burn_in + noise.n_steps, [], []
    for part in noise.chunks(BLOCK):
        stepper = market.stepper(part.seed, part.first_path, part.n_paths)
        prices = np.empty((part.n_paths, length + 1))
        prices[:, 0] = stepper.prices
        for t in range(1, length + 1):
            prices[:, t] = stepper.advance(None)
            dead = np.asarray(stepper.failed) > 0
            prices[dead, t] = prices[dead, t - 1]
        kept.append(prices)
        failed.append(np.array(stepper.failed, int))
    return RecordedPrices(np.concatenate(kept), first_path=noise.first_path, failed=np.concatenate(failed))
