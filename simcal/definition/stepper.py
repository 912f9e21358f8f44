"""Paths of a market one step at a time, so that others may act between the steps: strategies and environments."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from simcal.definition.kernel import kernel_of, pack
from simcal.definition.lanes import LANES, U32
from simcal.definition.language import Definition
from simcal.definition.program import numbers_of
from simcal.errors import ParameterError
from simcal.noise.counters import key_of


class Stepper:
    """Paths of a market, one step at a time (``market.stepper(...)``).

    Without outside demand path k makes the prices of `simcal.simulate`, bit for bit, as long as no path is begun anew;
    beside paths begun anew, moving means may differ in their last digits.

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

    def __init__(self, market: Definition, seed: int, first_path: int, n_paths: int, *, dtype: str = "float64") -> None:
        self.market, self.n_paths, self._t = market, n_paths, 0
        self._kernel = kernel = kernel_of(market, outputs=True)
        self._p = pack(kernel.emitter, numbers_of(market), dtype)
        self._k0, self._k1 = map(U32, key_of(seed))
        blocks = -(-n_paths // LANES)
        n_lanes, like = blocks * LANES, np.empty(0, dtype)
        rings, rows = kernel.module.new_memory(self._p, kernel.sizes, LANES, like)
        start = np.zeros(kernel.module.ROWS * LANES, dtype)
        kernel.module.restart(self._p, start, rings, rows)
        # What a block is at its start, and as many copies of it as there are blocks.
        self._starts = (start, *rings, *rows)
        self._w = np.repeat(start[None], blocks, axis=0)
        self._rings = tuple(np.repeat(a[None], blocks, axis=0) for a in rings)
        self._rows = tuple(np.repeat(a[None], blocks, axis=0) for a in rows)
        self._outside = np.zeros(n_lanes, dtype)
        self._ages, self._failed = np.zeros(n_lanes, np.int32), np.zeros(n_lanes, np.int32)
        self._numbers = np.arange(n_lanes, dtype=np.uint64) + np.uint64(first_path)
        self._prices = np.empty(n_lanes, dtype)
        self.prices, self.ages, self.failed = (a[:n_paths] for a in (self._prices, self._ages, self._failed))
        self._show()

    def advance(self, outside: np.ndarray | None = None) -> np.ndarray:
        """Take one step and return `prices`; `outside` (n_paths,) is excess demand from outside."""
        self._outside[: self.n_paths] = 0 if outside is None else outside
        self._t += 1
        self._ages += 1
        self._kernel.module.advance(
            self._p, self._kernel.sizes, self._k0, self._k1, self._t, int(self.ages.max()), int(self.ages.min()),
            self._ages, self._numbers, self._w, self._rings, self._rows, self._outside, self._failed,
        )  # fmt: skip
        self._show()
        return self.prices

    def restart(self, places: np.ndarray, numbers: np.ndarray) -> None:
        """Begin the paths at `places` anew, as the paths `numbers` of the seed; both are whole numbers, (count,)."""
        places = np.asarray(places)
        block, lane = places // LANES, places % LANES
        for array, start in zip(self._arrays(), self._start_rows(), strict=True):
            array[block, :, lane] = start[:, 0]
        self._ages[places], self._failed[places] = 0, 0
        self._numbers[places] = np.asarray(numbers, dtype=np.uint64)
        self._show()

    def adopt(self, places: np.ndarray, other: Self, theirs: np.ndarray) -> None:
        """Go on at `places` with the paths that stand at `theirs` in another stepper of the same market and seed."""
        here, there = np.divmod(np.asarray(places), LANES), np.divmod(np.asarray(theirs), LANES)
        n_rings = len(self._rings)
        for j, (mine, others) in enumerate(zip(self._arrays(), other._arrays(), strict=True)):
            size = mine.shape[1]
            if 1 <= j <= n_rings:  # row t % size is the value at t: they may have taken another number of steps
                to, of = (self._t - np.arange(size)) % size, (other._t - np.arange(size)) % size
            else:
                to = of = np.arange(size)
            mine[here[0][:, None], to, here[1][:, None]] = others[there[0][:, None], of, there[1][:, None]]
        for name in ("_ages", "_failed", "_numbers"):
            getattr(self, name)[places] = getattr(other, name)[theirs]
        self._show()

    def value(self, name: str) -> np.ndarray:
        """(n_paths,) a state after, or an output of, the last step; a copy."""
        row = self._kernel.row(name)
        if row is None:
            raise ParameterError(f"The {self.market.title} has no {name!r} that differs between paths.")
        return self._w[:, row].reshape(-1)[: self.n_paths].copy()

    @property
    def fundamental_value(self) -> np.ndarray:
        """(n_paths,) the fundamental value now; a copy."""
        return self.value("fundamental_value")

    def _arrays(self) -> list[np.ndarray]:
        """Everything that a path is, as arrays (blocks, rows, LANES)."""
        return [self._w.reshape(len(self._w), -1, LANES), *self._rings, *self._rows]

    def _start_rows(self) -> list[Any]:
        start, *others = self._starts
        return [start.reshape(-1, LANES), *others]

    def _show(self) -> None:
        price = self._kernel.row("price")
        self._prices[:] = self._w[:, price].reshape(-1)
