"""The stock market one step at a time, so that others may act between the steps: strategies and environments."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numba import njit

from simcal.models.lanes import LANES, OPTIONS, draw_each
from simcal.models.stepper import Stepper
from simcal.models.stock.coefficients import coefficients, numbers_of
from simcal.models.stock.market import StockMarket
from simcal.models.stock.specs import STREAM_TRADERS
from simcal.models.stock.step import BALANCE, PRICE, ROWS, SCRATCH, VALUE, VARIANCE, step_block


@njit(cache=True, **OPTIONS)
def _advance(p, hard, k0, k1, t, oldest, youngest, ages, numbers, recent, trends, now, failed, outside, prices):
    """Step `t` of all blocks; `prices` gets the new ones."""
    draws = STREAM_TRADERS + p.public.size + p.value.size
    normals = np.empty((draws + 3, LANES), now.dtype)
    scratch = np.empty((SCRATCH, LANES), now.dtype)
    for block in range(now.shape[0]):
        begin, end = block * LANES, (block + 1) * LANES
        draw_each(normals, draws, k0, k1, numbers[begin:end], ages[begin:end])
        step_block(
            p, hard, t, oldest, youngest, ages[begin:end], normals, recent[block], trends[block], now[block],
            failed[begin:end], outside[begin:end], False, scratch,
        )  # fmt: skip
        prices[begin:end] = now[block, PRICE]


class StockStepper(Stepper):
    """Paths of the stock market, one step at a time (``market.stepper(...)``): see `Stepper`.

    Without outside demand path k makes the prices of `simcal.simulate`, bit for bit, as long as no path is begun anew;
    beside paths begun anew, moving averages may differ in their last digits. Outside demand is in traders: 1 is the
    full order of one trader.

    Parameters
    ----------
    market
        What is simulated.
    seed, first_path, n_paths, dtype
        As of `Stepper`.
    """

    def __init__(
        self, market: StockMarket, seed: int, first_path: int, n_paths: int, *, dtype: str = "float64"
    ) -> None:
        self.market = market
        self._p: Any = coefficients(market, numbers_of(market), dtype)
        super().__init__(self._p.initial_price, ROWS, seed, first_path, n_paths, dtype)
        blocks, size = len(self._now), max(2, market.longest_window + 1)
        self._recent = np.empty((blocks, size, LANES), dtype)
        self._trends = np.empty((blocks, market.n_technical, LANES), dtype)
        self._begin(slice(None), slice(None))

    def _begin(self, block: Any, lane: Any) -> None:
        self._recent[block, :, lane], self._trends[block, :, lane] = self._p.initial_price, 0
        self._now[block, PRICE, lane], self._now[block, BALANCE, lane] = self._p.initial_price, 0
        self._now[block, VALUE, lane], self._now[block, VARIANCE, lane] = self._p.start, self._p.variance_start

    def adopt(self, places: np.ndarray, other: Self, theirs: np.ndarray) -> None:
        """Go on at `places` with the paths that stand at `theirs` in another stepper of the same market and seed."""
        super().adopt(places, other, theirs)
        here, there = np.divmod(np.asarray(places), LANES), np.divmod(np.asarray(theirs), LANES)
        size = self._recent.shape[1]
        mine, others = (self._t - np.arange(size)) % size, (other._t - np.arange(size)) % size
        self._recent[here[0][:, None], mine, here[1][:, None]] = other._recent[
            there[0][:, None], others, there[1][:, None]
        ]
        self._trends[here[0], :, here[1]] = other._trends[there[0], :, there[1]]

    @property
    def fundamental_value(self) -> np.ndarray:
        """(n_paths,) P* now; a copy."""
        return self._row(VALUE)

    def _advance(self) -> None:
        ages, hard = self.ages, self.market.rule == "hard"
        _advance(
            self._p, hard, self._k0, self._k1, self._t, int(ages.max()), int(ages.min()), self._ages, self._numbers,
            self._recent, self._trends, self._now, self._failed, self._outside, self._prices,
        )  # fmt: skip
