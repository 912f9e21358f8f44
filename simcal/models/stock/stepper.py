"""The stock market one step at a time, so that others may act between the steps: strategies and environments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simcal.models.stock.coefficients import coefficients, numbers_of
from simcal.models.stock.lanes import LANES, OPTIONS, U32, U64
from simcal.models.stock.market import StockMarket
from simcal.models.stock.specs import STREAM_TRADERS
from simcal.models.stock.step import NAMES, PRICE, SCRATCH, VALUE, VARIANCE, step_block
from simcal.noise.compiled import normal_pair, philox
from simcal.noise.counters import key_of


@njit(**OPTIONS)
def _draw_each(normals, draws, k0, k1, numbers, ages):
    """As `lanes.draw`, where each lane has its own path number and its own step."""
    like = normals.dtype.type(0)
    for pair in range((draws + 1) // 2):
        a, b = normals[2 * pair], normals[2 * pair + 1]
        for lane in range(LANES):
            path = numbers[lane]
            words = philox(k0, k1, U32(path), U32(path >> U64(32)), U32(ages[lane]), U32(pair // 2))
            if pair % 2 == 0:
                a[lane], b[lane] = normal_pair(words[0], words[1], like)
            else:
                a[lane], b[lane] = normal_pair(words[2], words[3], like)


@njit(cache=True, **OPTIONS)
def _advance(p, hard, k0, k1, t, oldest, youngest, ages, numbers, recent, trends, now, failed, outside, prices):
    """Step `t` of all blocks; `prices` gets the new ones."""
    draws = STREAM_TRADERS + p.public.size + p.value.size
    normals = np.empty((draws + 3, LANES), now.dtype)
    scratch = np.empty((SCRATCH, LANES), now.dtype)
    for block in range(now.shape[0]):
        begin, end = block * LANES, (block + 1) * LANES
        _draw_each(normals, draws, k0, k1, numbers[begin:end], ages[begin:end])
        step_block(
            p, hard, t, oldest, youngest, ages[begin:end], normals, recent[block], trends[block], now[block],
            failed[begin:end], outside[begin:end], False, scratch,
        )  # fmt: skip
        prices[begin:end] = now[block, PRICE]


class StockStepper:
    """Paths of the stock market, one step at a time (``market.stepper(...)``).

    Without outside demand path k makes the prices of `simcal.simulate`, bit for bit, as long as no path is begun anew;
    beside paths begun anew, moving averages may differ in their last digits.

    Parameters
    ----------
    market
        What is simulated.
    seed, first_path, n_paths
        Of the noise; path j here is path ``first_path + j`` of the seed.
    dtype
        "float64" or "float32".

    Attributes
    ----------
    prices
        (n_paths,) prices now; a view that the next step overwrites.
    ages
        (n_paths,) steps that each path has taken.
    failed
        (n_paths,) the first step at which a path's price or value was no usable number, 0 for none.
    """

    def __init__(
        self, market: StockMarket, seed: int, first_path: int, n_paths: int, *, dtype: str = "float64"
    ) -> None:
        self.market, self.n_paths, self._t = market, n_paths, 0
        self._p: Any = coefficients(market, numbers_of(market), dtype)
        self._hard = market.rule == "hard"
        self._k0, self._k1 = map(U32, key_of(seed))
        blocks = -(-n_paths // LANES)
        size = max(2, market.longest_window + 1)
        self._recent = np.empty((blocks, size, LANES), dtype)
        self._trends = np.empty((blocks, market.n_technical, LANES), dtype)
        self._now = np.zeros((blocks, len(NAMES), LANES), dtype)
        self._prices, self._outside = np.empty(blocks * LANES, dtype), np.zeros(blocks * LANES, dtype)
        self._ages, self._failed = np.zeros(blocks * LANES, np.int32), np.zeros(blocks * LANES, np.int32)
        self._numbers = np.arange(blocks * LANES, dtype=np.uint64) + np.uint64(first_path)
        self.prices, self.ages, self.failed = (a[:n_paths] for a in (self._prices, self._ages, self._failed))
        self._begin(slice(None), slice(None))
        self._prices[:] = self._p.initial_price

    def _begin(self, block: Any, lane: Any) -> None:
        self._recent[block, :, lane], self._trends[block, :, lane] = self._p.initial_price, 0
        self._now[block, PRICE, lane] = self._p.initial_price
        self._now[block, VALUE, lane], self._now[block, VARIANCE, lane] = self._p.start, self._p.variance_start

    @property
    def fundamental_value(self) -> np.ndarray:
        """(n_paths,) P* now; a copy."""
        return self._now[:, VALUE].reshape(-1)[: self.n_paths]

    def advance(self, outside: np.ndarray | None = None) -> np.ndarray:
        """Take one step and return `prices`; `outside` (n_paths,) is excess demand from outside, in traders."""
        self._outside[: self.n_paths] = 0 if outside is None else outside
        self._t += 1
        self._ages += 1
        ages = self._ages[: self.n_paths]
        _advance(
            self._p, self._hard, self._k0, self._k1, self._t, int(ages.max()), int(ages.min()), self._ages,
            self._numbers, self._recent, self._trends, self._now, self._failed, self._outside, self._prices,
        )  # fmt: skip
        return self.prices

    def restart(self, places: np.ndarray, numbers: np.ndarray) -> None:
        """Begin the paths at `places` anew, as the paths `numbers` of the seed; both are whole numbers, (count,)."""
        places = np.asarray(places)
        self._begin(places // LANES, places % LANES)
        self._prices[places] = self._p.initial_price
        self._ages[places], self._failed[places] = 0, 0
        self._numbers[places] = np.asarray(numbers, dtype=np.uint64)

    def adopt(self, places: np.ndarray, other: StockStepper, theirs: np.ndarray) -> None:
        """Go on at `places` with the paths that stand at `theirs` in another stepper of the same market and seed."""
        here, there = np.divmod(np.asarray(places), LANES), np.divmod(np.asarray(theirs), LANES)
        size = self._recent.shape[1]
        mine, others = (self._t - np.arange(size)) % size, (other._t - np.arange(size)) % size
        self._recent[here[0][:, None], mine, here[1][:, None]] = other._recent[
            there[0][:, None], others, there[1][:, None]
        ]
        for kept, taken in ((self._trends, other._trends), (self._now, other._now)):
            kept[here[0], :, here[1]] = taken[there[0], :, there[1]]
        for name in ("prices", "ages", "failed", "_numbers"):
            getattr(self, name)[places] = getattr(other, name)[theirs]
