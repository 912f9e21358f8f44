"""What the steppers of price markets share: paths one step at a time, so that others may act between the steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np

from simcal.models.lanes import LANES, U32
from simcal.noise.counters import key_of


class Stepper(ABC):
    """Paths of a market, one step at a time (``market.stepper(...)``).

    Parameters
    ----------
    initial_price
        Of every path, in the precision of the simulation.
    n_rows
        Quantities that the market keeps of a path from step to step.
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
        self, initial_price: np.floating, n_rows: int, seed: int, first_path: int, n_paths: int, dtype: str
    ) -> None:
        self.n_paths, self._t, self._initial_price = n_paths, 0, initial_price
        self._k0, self._k1 = map(U32, key_of(seed))
        n_lanes = -(-n_paths // LANES) * LANES
        self._now = np.zeros((n_lanes // LANES, n_rows, LANES), dtype)
        self._prices, self._outside = np.empty(n_lanes, dtype), np.zeros(n_lanes, dtype)
        self._ages, self._failed = np.zeros(n_lanes, np.int32), np.zeros(n_lanes, np.int32)
        self._numbers = np.arange(n_lanes, dtype=np.uint64) + np.uint64(first_path)
        self.prices, self.ages, self.failed = (a[:n_paths] for a in (self._prices, self._ages, self._failed))
        self._prices[:] = initial_price

    @abstractmethod
    def _begin(self, block: Any, lane: Any) -> None:
        """Put some lanes where paths begin."""

    @abstractmethod
    def _advance(self) -> None:
        """Take a step: the number `_t` of the stepper, `_ages` of each lane, with the demand `_outside`."""

    def advance(self, outside: np.ndarray | None = None) -> np.ndarray:
        """Take one step and return `prices`; `outside` (n_paths,) is excess demand from outside."""
        self._outside[: self.n_paths] = 0 if outside is None else outside
        self._t += 1
        self._ages += 1
        self._advance()
        return self.prices

    def restart(self, places: np.ndarray, numbers: np.ndarray) -> None:
        """Begin the paths at `places` anew, as the paths `numbers` of the seed; both are whole numbers, (count,)."""
        places = np.asarray(places)
        self._begin(places // LANES, places % LANES)
        self._prices[places] = self._initial_price
        self._ages[places], self._failed[places] = 0, 0
        self._numbers[places] = np.asarray(numbers, dtype=np.uint64)

    def adopt(self, places: np.ndarray, other: Self, theirs: np.ndarray) -> None:
        """Go on at `places` with the paths that stand at `theirs` in another stepper of the same market and seed."""
        here, there = np.divmod(np.asarray(places), LANES), np.divmod(np.asarray(theirs), LANES)
        self._now[here[0], :, here[1]] = other._now[there[0], :, there[1]]
        for name in ("prices", "ages", "failed", "_numbers"):
            getattr(self, name)[places] = getattr(other, name)[theirs]

    def _row(self, row: int) -> np.ndarray:
        """(n_paths,) one quantity now; a copy."""
        return self._now[:, row].reshape(-1)[: self.n_paths]
