"""The order-book market one step at a time, so that others may act between the steps: strategies and environments."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numba import njit

from simcal.models.book.layout import CASH, FAILED, SHARES, VALUE, constants, new_states, one_of
from simcal.models.book.market import BookMarket
from simcal.models.book.start import start
from simcal.models.book.step import NAMES, observe, step
from simcal.models.lanes import OPTIONS, U32
from simcal.noise.counters import key_of


@njit(cache=True, **OPTIONS)
def _begin(states, c, k0, k1, numbers, places, prices):
    values = np.empty(len(NAMES))
    for i in places:
        s = one_of(states, i)
        start(c, s, k0, k1, numbers[i])
        for _ in range(c.warm_up):
            step(c, s, k0, k1, numbers[i], 0.0)
        observe(c, s, values)
        prices[i] = values[0]


@njit(cache=True, **OPTIONS)
def _advance(states, c, k0, k1, numbers, outside, prices, failed):
    values = np.empty(len(NAMES))
    for i in range(prices.size):
        s = one_of(states, i)
        step(c, s, k0, k1, numbers[i], outside[i])
        observe(c, s, values)
        prices[i], failed[i] = values[0], s.counts[FAILED]


class BookStepper:
    """Paths of the order-book market, one step at a time (``market.stepper(...)``).

    Without outside demand path k makes the prices of `simcal.simulate`, bit for bit. Demand from outside is sent as a
    market order at the end of the step: 1 is ``outside_volume`` shares to buy. What is not a whole share, or
    finds nobody to trade with, waits for the next step.

    Parameters
    ----------
    market
        What is simulated.
    seed, first_path, n_paths
        Of the noise; path j here is path ``first_path + j`` of the seed.
    dtype
        "float64" or "float32", of the prices.

    Attributes
    ----------
    prices
        (n_paths,) prices now; a view that the next step overwrites.
    ages
        (n_paths,) steps that each path has taken, warm-up left out.
    failed
        (n_paths,) the first step at which a path's price or value was no usable number, 0 for none.
    """

    def __init__(self, market: BookMarket, seed: int, first_path: int, n_paths: int, *, dtype: str = "float64") -> None:
        self.market, self.n_paths = market, n_paths
        self._k0, self._k1 = map(U32, key_of(seed))
        self._constants: Any = constants(market)
        self._states: Any = new_states(market, n_paths)
        self._numbers = np.arange(n_paths, dtype=np.uint64) + np.uint64(first_path)
        self._outside = np.zeros(n_paths)
        self.prices, self.ages = np.empty(n_paths, dtype), np.zeros(n_paths, np.int32)
        self.failed = np.zeros(n_paths, np.int32)
        self._restart(np.arange(n_paths))

    def advance(self, outside: np.ndarray | None = None) -> np.ndarray:
        """Take one step and return `prices`; `outside` (n_paths,) is demand from outside in units."""
        self._outside[:] = 0 if outside is None else outside
        self.ages += 1
        _advance(
            self._states, self._constants, self._k0, self._k1, self._numbers, self._outside, self.prices, self.failed
        )  # fmt: skip
        return self.prices

    def restart(self, places: np.ndarray, numbers: np.ndarray) -> None:
        """Begin the paths at `places` anew, as the paths `numbers` of the seed; both are whole numbers, (count,)."""
        places = np.asarray(places, dtype=np.int64)
        self._numbers[places] = np.asarray(numbers, dtype=np.uint64)
        self._restart(places)

    def adopt(self, places: np.ndarray, other: Self, theirs: np.ndarray) -> None:
        """Go on at `places` with the paths that stand at `theirs` in another stepper of the same market and seed."""
        mine, others = self._states, other._states
        for here, there in zip((*mine.book, *mine[1:]), (*others.book, *others[1:]), strict=True):
            here[places] = there[theirs]
        for name in ("prices", "ages", "failed", "_numbers"):
            getattr(self, name)[places] = getattr(other, name)[theirs]

    @property
    def fundamental_value(self) -> np.ndarray:
        """(n_paths,) P* now; a copy."""
        return self.market.tick * self._states.numbers[:, VALUE]

    @property
    def accounts(self) -> np.ndarray:
        """(n_paths, n_traders + 2, 2) shares and cash of traders, demand from outside, fat fingers; a copy."""
        return self._states.traders[:, :, [SHARES, CASH]]

    @property
    def outside_shares(self) -> np.ndarray:
        """(n_paths,) shares that demand from outside has bought so far, less those it sold; a copy."""
        return self._states.traders[:, self._constants.outside, SHARES].copy()

    @property
    def outside_cash(self) -> np.ndarray:
        """(n_paths,) money that demand from outside has received so far, less what it paid; a copy."""
        return self._states.traders[:, self._constants.outside, CASH].copy()

    def _restart(self, places: np.ndarray) -> None:
        self.ages[places], self.failed[places] = 0, 0
        _begin(self._states, self._constants, self._k0, self._k1, self._numbers, places, self.prices)
