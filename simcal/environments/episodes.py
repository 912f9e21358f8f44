"""What all environments share: many paths of one market, each with its episode, and where their numbers come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from simcal import models
from simcal.errors import ParameterError
from simcal.models import Market
from simcal.noise import check_integer, check_range, check_seed


class Episodes(ABC):
    """`n_paths` episodes of a market, side by side.

    The noise of an episode is a path of a seed, as in `simcal.simulate`. With a seed, path j begins with number j;
    each later episode takes the next number that was not yet played.

    Parameters
    ----------
    n_paths, n_steps
        Episodes side by side, and steps of each.

    Attributes
    ----------
    steps
        (n_paths,) steps that each episode has taken.
    numbers
        (n_paths,) the number of the path that each plays.
    """

    observation_space: gymnasium.spaces.Box
    action_space: gymnasium.spaces.Space

    def __init__(self, n_paths: int, n_steps: int) -> None:
        self.n_paths = check_integer("num_envs", n_paths, 1, 2**31 - 1)
        self.n_steps = check_integer("n_steps", n_steps, 1, 2**31 - 1)
        self.seed: int | None = None
        self.steps = np.zeros(self.n_paths, np.int64)
        self.numbers = np.zeros(self.n_paths, np.uint64)
        self._next = 0

    def begin(self, seed: int | None, options: Mapping[str, Any] | None, generator: np.random.Generator) -> None:
        """All episodes anew; without a seed with the next paths, and at the very first time with a drawn seed.

        The option ``path`` is the number to go on with.
        """
        if seed is not None:
            self.seed, self._next = check_seed(int(seed)), 0
        elif self.seed is None:
            self.seed = int(generator.integers(2**63))
        if options and "path" in options:
            self._next = options["path"]
            check_range(self._next, self.n_paths, 1, self.n_steps)
            self._next = int(self._next)
        self.numbers[:] = self._numbered(self.n_paths)
        self.steps[:] = 0
        self._begin(int(self.numbers[0]))

    def _numbered(self, count: int) -> np.ndarray:
        """The next numbers of paths."""
        first, self._next = self._next, self._next + count
        return np.uint64(first) + np.arange(count, dtype=np.uint64)

    @abstractmethod
    def _begin(self, first_path: int) -> None:
        """Set up all paths, from the path `first_path` of the seed on."""

    @abstractmethod
    def play(self, actions: np.ndarray, idle: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One step with actions (n_paths, ...): rewards, terminated and truncated, each (n_paths,).

        What happens on `idle` paths, a mask, is of no interest: they are begun anew next.
        """

    @abstractmethod
    def renew(self, places: np.ndarray) -> None:
        """Begin the episodes at some places anew, with the next paths."""

    @abstractmethod
    def observe(self) -> np.ndarray:
        """(n_paths, entries) float32."""

    @abstractmethod
    def info(self) -> dict[str, np.ndarray]:
        """What is told beside observations, each (n_paths,)."""


def market_of(market: Market | str | Path, kind: str, answers: str) -> Any:
    """A market from itself or its name, file or run folder; `answers` is a method that it must have."""
    found = models.load(market) if isinstance(market, (str, Path)) else market
    if not hasattr(found, answers):
        what = f"a market of kind {found.kind!r}" if hasattr(found, "kind") else repr(found)
        raise ParameterError(f"market is {what}, but this environment needs {kind}.")
    return found


def finite_actions(actions: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Actions as floats of a shape, or `ParameterError`."""
    try:
        given = np.asarray(actions, float)
    except (TypeError, ValueError):
        given = np.full(1, np.nan)
    if given.shape != shape or not np.isfinite(given).all():
        what = f"have shape {given.shape}" if given.shape != shape else "hold numbers that are not finite"
        raise ParameterError(f"The actions {what}, but must be finite numbers of shape {shape}, as of action_space.")
    return given


def rewarded(reward: Any, change: np.ndarray, *seen: np.ndarray) -> np.ndarray:
    """The change of wealth, or what the user's function makes of it and of what it sees."""
    if reward is None:
        return change
    given = np.asarray(reward(change, *seen), float)
    if given.shape != change.shape or not np.isfinite(given).all():
        what = f"an array of shape {given.shape}" if given.shape != change.shape else "numbers that are not finite"
        raise ParameterError(f"The reward function returned {what}; return finite numbers of shape {change.shape}.")
    return given


def positive(name: str, value: Any) -> float:
    """`value` as a float above 0, or `ParameterError`."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)) or not value > 0:
        raise ParameterError(f"{name} is {value!r}, but must be a positive number.")
    return float(value)
