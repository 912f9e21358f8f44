"""The herding market one step at a time, so that others may act between the steps: strategies and environments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simcal.models.herding.coefficients import coefficients, numbers_of
from simcal.models.herding.market import HerdingMarket
from simcal.models.herding.specs import STREAM_VALUE, STREAM_VARIANCE
from simcal.models.herding.step import BALANCE, PRICE, ROWS, SCRATCH, VALUE, begin, step_block
from simcal.models.lanes import LANES, OPTIONS, draw_each
from simcal.models.stepper import Stepper


@njit(cache=True, **OPTIONS)
def _begin_block(p, now):
    begin(p, now)


@njit(cache=True, **OPTIONS)
def _advance(p, k0, k1, ages, numbers, now, failed, outside, prices):
    """One step of all blocks; `prices` gets the new ones."""
    draws = STREAM_VARIANCE + 1 if p.moving else STREAM_VALUE
    normals, before = np.empty((draws + 3, LANES), now.dtype), np.empty(now.shape[1:], now.dtype)
    scratch = np.zeros((SCRATCH, LANES), now.dtype)
    for block in range(now.shape[0]):
        lanes = slice(block * LANES, (block + 1) * LANES)
        before[:] = now[block]
        draw_each(normals, draws, k0, k1, numbers[lanes], ages[lanes])
        step_block(p, normals, before, now[block], outside[lanes], failed[lanes], ages[lanes], True, scratch)
        prices[lanes] = now[block, PRICE]


class HerdingStepper(Stepper):
    """Paths of the herding market, one step at a time (``market.stepper(...)``): see `Stepper`.

    Without outside demand path k makes the prices of `simcal.simulate`, bit for bit. Outside demand is per head of the
    population, as the demand of the market's own traders: 1 counts as much as one unit more from every trader, and
    moves the log price by the market's ``impact``.

    Parameters
    ----------
    market
        What is simulated.
    seed, first_path, n_paths, dtype
        As of `Stepper`.
    """

    def __init__(
        self, market: HerdingMarket, seed: int, first_path: int, n_paths: int, *, dtype: str = "float64"
    ) -> None:
        self.market = market
        self._p: Any = coefficients(market, numbers_of(market), dtype)
        super().__init__(self._p.initial_price, ROWS, seed, first_path, n_paths, dtype)
        self._start = np.empty((ROWS, LANES), dtype)
        _begin_block(self._p, self._start)
        self._now[:] = self._start

    @property
    def fundamental_value(self) -> np.ndarray:
        """(n_paths,) P* now; a copy."""
        return self._row(VALUE)

    @property
    def share_fundamental(self) -> np.ndarray:
        """(n_paths,) share of fundamentalists at the next step; a copy."""
        return (1 + self._row(BALANCE)) / 2

    def _begin(self, block: Any, lane: Any) -> None:
        self._now[block, :, lane] = self._start[:, 0]

    def _advance(self) -> None:
        _advance(
            self._p, self._k0, self._k1, self._ages, self._numbers, self._now, self._failed, self._outside, self._prices
        )
