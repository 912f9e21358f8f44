"""A market whose traders have learned, one step at a time, so that others may act between the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from simcal.errors import ParameterError
from simcal.learning.books.batch import BookBatch
from simcal.learning.books.features import mid_or_price
from simcal.learning.books.layout import (
    CASH,
    N_EMPTY,
    N_TRADER,
    N_VOLUME,
    PRICE,
    RECORD_VALUE,
    SHARES,
    STEP,
    TRADE,
    one_of,
)
from simcal.learning.books.step import from_outside, look, play
from simcal.learning.ppo import squashed
from simcal.models.lanes import OPTIONS
from simcal.training import torch_threads

if TYPE_CHECKING:
    from simcal.learning.learned.market import LearnedMarket

FIRST_PATH = 2**41
"""The number of the episode of path 0: neither a training nor `simcal.learning.evaluate` comes that far."""
_ROWS = 64  # that the network takes at once, always: sums of other shapes may be rounded otherwise


class LearnedStepper:
    """Paths of traders who have learned, one step at a time (``market.stepper(...)``).

    A path begins with the first session in which there is trade, after its opening. Without demand from outside path k
    makes the prices of `simcal.simulate`, bit for bit. Demand from outside is sent as a market order at the end of a
    step, before the next trader looks: 1 is ``outside_volume`` shares to buy. What is no whole share, or finds nobody
    to trade with, waits for the next step.

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
        (n_paths,) mids now, or prices of the last trade where a side of the book is empty; a view that the next step
        overwrites.
    ages
        (n_paths,) steps that each path has taken.
    failed
        (n_paths,) 0: no path fails.
    """

    def __init__(
        self, market: LearnedMarket, seed: int, first_path: int, n_paths: int, *, dtype: str = "float64"
    ) -> None:
        self.market, self.n_paths = market, n_paths
        self._batch = BookBatch(market.episode, n_paths, seed)
        state, n_steps = self._batch.state, market.episode.n_steps
        # One account more, of those outside, and room for the trades of their orders.
        self._batch.state = state._replace(
            traders=np.zeros((n_paths, market.episode.n_traders + 1, N_TRADER)),
            trades=np.zeros((n_paths, 2 * n_steps), TRADE),
        )
        self._waiting, self._rewards = np.zeros(n_paths), np.zeros(n_paths)
        self._places = np.arange(n_paths)
        self.prices, self.ages = np.empty(n_paths, dtype), np.zeros(n_paths, np.int32)
        self.failed = np.zeros(n_paths, np.int32)
        self.restart(self._places, np.uint64(first_path) + np.arange(n_paths, dtype=np.uint64))

    def advance(self, outside: np.ndarray | None = None) -> np.ndarray:
        """Take one step and return `prices`; `outside` (n_paths,) is demand from outside in units.

        Raises
        ------
        ParameterError
            Where the days of the market are over.
        """
        if outside is not None:
            self._waiting += np.asarray(outside, float) * self.market.outside_volume
        self._step(self._places)
        self.ages += 1
        return self.prices

    def restart(self, places: np.ndarray, numbers: np.ndarray) -> None:
        """Begin the paths at `places` anew, as the paths `numbers` of the seed; both are whole numbers, (count,)."""
        places = np.asarray(places)
        batch = self._batch
        batch.state.traders[places, -1] = 0.0
        self._waiting[places], self.ages[places] = 0.0, 0
        batch.begin(np.asarray(numbers, np.uint64) + np.uint64(FIRST_PATH), places)
        for _ in range(self.market.episode.first_trade):
            self._step(places, opening=True)

    def adopt(self, places: np.ndarray, other: LearnedStepper, theirs: np.ndarray) -> None:
        """Go on at `places` with the paths that stand at `theirs` in another stepper of the same market and seed."""
        mine, others = self._batch, other._batch
        for here, there in zip((*mine.state.book, *mine.state[1:]), (*others.state.book, *others.state[1:]),
                               strict=True):  # fmt: skip
            here[places] = there[theirs]
        for name in ("features", "noise", "numbers"):
            getattr(mine, name)[places] = getattr(others, name)[theirs]
        for name in ("prices", "ages", "failed", "_waiting"):
            getattr(self, name)[places] = getattr(other, name)[theirs]

    @property
    def fundamental_value(self) -> np.ndarray:
        """(n_paths,) the fundamental value now; a copy."""
        state = self._batch.state
        return state.record[self._places, state.counts[:, STEP], RECORD_VALUE]

    @property
    def last_price(self) -> np.ndarray:
        """(n_paths,) price of the last trade; a copy."""
        return self._batch.state.numbers[:, PRICE] * self.market.episode.tick

    @property
    def volume(self) -> np.ndarray:
        """(n_paths,) shares traded so far, the opening included; a copy."""
        return self._batch.state.counts[:, N_VOLUME].astype(float)

    @property
    def empty(self) -> np.ndarray:
        """(n_paths,) steps with trade so far after which a side of the book was empty; a copy."""
        return self._batch.state.counts[:, N_EMPTY].astype(float)

    @property
    def outside_shares(self) -> np.ndarray:
        """(n_paths,) shares that demand from outside has bought so far, less those it sold; a copy."""
        return self._batch.state.traders[:, -1, SHARES].copy()

    @property
    def outside_cash(self) -> np.ndarray:
        """(n_paths,) money that demand from outside has received so far, less what it paid; a copy."""
        return self._batch.state.traders[:, -1, CASH].copy()

    @property
    def accounts(self) -> np.ndarray:
        """(n_paths, n_traders + 1, 2) shares and cash of traders, then of demand from outside; a copy."""
        return self._batch.state.traders[:, :, [SHARES, CASH]]

    def _step(self, places: np.ndarray, *, opening: bool = False) -> None:
        batch = self._batch
        if not opening and (batch.state.counts[:, STEP] >= batch.market.n_steps).any():
            days = self.market.days
            raise ParameterError(
                f"The market has {days} {'day' if days == 1 else 'days'} of {batch.market.n_steps} steps, opening "
                "included, which are over; give it more, with market.replace(days=...)."
            )
        means = self.market.deterministic and not opening
        raw = self._raw(batch.features[places], None if means else batch.noise[places])
        _advance(
            batch._constants, batch.state, batch._k0, batch._k1, batch.numbers, places, squashed(raw), self._waiting,
            batch.features, batch.noise, self._rewards, self.prices,
        )  # fmt: skip

    def _raw(self, features: np.ndarray, noise: np.ndarray | None) -> np.ndarray:
        """The policy's u in blocks of `_ROWS`, the last one filled up."""
        n = len(features)
        filled = np.zeros((-(-n // _ROWS) * _ROWS, features.shape[1]), np.float32)
        filled[:n] = features
        policy = self.market.trained.policy
        with torch_threads(1):
            means = np.concatenate([policy.raw(filled[i : i + _ROWS]) for i in range(0, len(filled), _ROWS)])[:n]
        return means if noise is None else means + np.float32(policy.sd) * noise


@njit(cache=True, **OPTIONS)
def _advance(c, books, k0, k1, numbers, places, actions, waiting, features, noise, rewards, prices):
    for row in range(places.size):
        b = places[row]
        one = one_of(books, b)
        rewards[b] = play(c, one, actions[row, 0], actions[row, 1])
        shares = np.int64(np.floor(abs(waiting[b]) + 1e-9))
        if shares > 0:
            shares = min(shares, np.int64(10**9))
            waiting[b] -= from_outside(c, one, shares if waiting[b] > 0 else -shares)
        prices[b] = mid_or_price(one) * c.tick
        if books.counts[b, STEP] < c.n_steps:
            look(c, one, k0, k1, numbers[b], features[b], noise[b])
