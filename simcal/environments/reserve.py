"""Paths that have played their burn-in and wait to be an episode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

SIZE = 512  # paths that a stepper takes together; fewer cost as much


class Reserve:
    """Warm paths, made `SIZE` at a time.

    Parameters
    ----------
    warm
        Given a count, makes that many paths: their stepper, their prices so far (count, times) and their numbers.
    """

    def __init__(self, warm: Callable[[int], tuple[Any, np.ndarray, np.ndarray]]) -> None:
        self._warm, self._left = warm, 0
        self._paths: tuple[Any, np.ndarray, np.ndarray] | None = None

    def take(self, places: np.ndarray) -> Iterator[tuple[np.ndarray, Any, np.ndarray, np.ndarray, np.ndarray]]:
        """For some of the places at a time: the places, a stepper, where in it, their prices and numbers."""
        while len(places):
            if self._paths is None or not self._left:
                self._paths, self._left = self._warm(SIZE), SIZE
            count, (stepper, prices, numbers) = min(self._left, len(places)), self._paths
            where = SIZE - self._left + np.arange(count)
            yield places[:count], stepper, where, prices[where], numbers[where]
            places, self._left = places[count:], self._left - count
