"""The order-book market one step at a time, so that others may act between the steps: strategies and environments."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numba import njit

from simcal.book import layout as at
from simcal.book.engine import OPTIONS
from simcal.book.kernel import NAMES, observe, step
from simcal.book.layout import constants, new_states, one_of
from simcal.book.market import BookMarket
from simcal.book.sessions import start
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
        prices[i], failed[i] = values[0], s.counts[at.FAILED]


class BookPaths:
    """Paths in order books, one step at a time: what is seen of them, and paths that go on elsewhere.

    Demand from outside is sent as a market order at the end of a step: 1 is ``outside_volume`` shares to buy. What is
    no whole share, or finds nobody to trade with, waits for the next step. Without it path k makes the prices of
    `simcal.simulate`, bit for bit.

    Attributes
    ----------
    prices
        (n_paths,) prices now; a view that the next step overwrites.
    ages
        (n_paths,) steps that each path has taken, those before time 0 left out.
    failed
        (n_paths,) the first step at which a path's price or value was no usable number, 0 for none.
    """

    _state: Any  # a tuple of arrays with an axis of paths in front, a book and accounts of ``traders`` among them
    _outside: int  # place of the account of demand from outside

    def __init__(self, market: Any, n_paths: int, dtype: str) -> None:
        self.market, self.n_paths = market, n_paths
        self.prices, self.ages = np.empty(n_paths, dtype), np.zeros(n_paths, np.int32)
        self.failed = np.zeros(n_paths, np.int32)

    def adopt(self, places: np.ndarray, other: Self, theirs: np.ndarray) -> None:
        """Go on at `places` with the paths that stand at `theirs` in another stepper of the same market and seed."""
        for here, there in zip(self._arrays(), other._arrays(), strict=True):
            here[places] = there[theirs]

    def _arrays(self) -> tuple[np.ndarray, ...]:
        """All that a path is, each with an axis of paths in front."""
        return (*self._state.book, *self._state[1:], self.prices, self.ages, self.failed)

    @property
    def accounts(self) -> np.ndarray:
        """(n_paths, n_accounts, 2) shares and cash of traders, demand from outside, and fat fingers; a copy."""
        return self._state.traders[:, :, [at.SHARES, at.CASH]]

    @property
    def outside_shares(self) -> np.ndarray:
        """(n_paths,) shares that demand from outside has bought so far, less those it sold; a copy."""
        return self._state.traders[:, self._outside, at.SHARES].copy()

    @property
    def outside_cash(self) -> np.ndarray:
        """(n_paths,) money that demand from outside has received so far, less what it paid; a copy."""
        return self._state.traders[:, self._outside, at.CASH].copy()


class BookStepper(BookPaths):
    """Paths of the order-book market, one step at a time (``market.stepper(...)``); see `BookPaths`.

    Parameters
    ----------
    market
        What is simulated.
    seed, first_path, n_paths
        Of the noise; path j here is path ``first_path + j`` of the seed.
    dtype
        "float64" or "float32", of the prices.
    """

    def __init__(self, market: BookMarket, seed: int, first_path: int, n_paths: int, *, dtype: str = "float64") -> None:
        super().__init__(market, n_paths, dtype)
        self._k0, self._k1 = map(np.uint32, key_of(seed))
        self._constants, self._outside = constants(market), market.n_traders
        self._state = new_states(market, n_paths)
        self._demand = np.zeros(n_paths)
        self._numbers = np.arange(n_paths, dtype=np.uint64) + np.uint64(first_path)
        self.restart(np.arange(n_paths), self._numbers)

    def advance(self, outside: np.ndarray | None = None) -> np.ndarray:
        """Take one step and return `prices`; `outside` (n_paths,) is demand from outside in units."""
        self._demand[:] = 0 if outside is None else outside
        self.ages += 1
        _advance(
            self._state, self._constants, self._k0, self._k1, self._numbers, self._demand, self.prices, self.failed
        )  # fmt: skip
        return self.prices

    def restart(self, places: np.ndarray, numbers: np.ndarray) -> None:
        """Begin the paths at `places` anew, as the paths `numbers` of the seed; both are whole numbers, (count,)."""
        places = np.asarray(places, dtype=np.int64)
        self._numbers[places] = np.asarray(numbers, dtype=np.uint64)
        self.ages[places], self.failed[places] = 0, 0
        _begin(self._state, self._constants, self._k0, self._k1, self._numbers, places, self.prices)

    def _arrays(self) -> tuple[np.ndarray, ...]:
        return (*super()._arrays(), self._numbers)

    @property
    def fundamental_value(self) -> np.ndarray:
        """(n_paths,) P* now; a copy."""
        return self.market.tick * self._state.numbers[:, at.VALUE_NOW]
