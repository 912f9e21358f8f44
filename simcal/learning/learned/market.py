"""The market of traders who have learned, as all verbs take it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Self

import numpy as np

from simcal.errors import ParameterError
from simcal.learning.learned.stepper import LearnedStepper
from simcal.learning.market import LearningMarket
from simcal.learning.trained import TrainedMarket, load_trained
from simcal.noise import check_integer
from simcal.parameters import Parameter, check_names

_CHANGEABLE = ("deterministic", "days", "outside_volume")
_MOST_SESSIONS = 100
_BLOCK = 256  # paths side by side


@dataclass(frozen=True, eq=False)
class LearnedMarket:
    """An order-book market whose traders have learned (immutable): one step is one decision of one trader.

    A path begins after the opening of the first session; its price is the mid, or that of the last trade where a side
    of the book is empty. Longer paths are of several days: sessions and breaks follow each other as in the first one,
    traders keep what they have.

    Outputs: ``fundamental_value``, ``last_price``, ``volume`` (shares that traded in the step).

    Main arguments
    --------------
    trained
        See `simcal.learning.train` and `load_trained`.
    deterministic
        Whether traders do what the policy means once there is trade, or act with the noise that they learned with.

    Other arguments
    ---------------
    days
        Of a path that is played one step at a time; `simulate` takes as many as it needs.
    outside_volume
        Shares that one unit of demand from outside counts as.

    Raises
    ------
    ParameterError
        Where a value is not allowed.
    """

    kind: ClassVar[str] = "learned"
    SPECS: ClassVar[dict[str, Parameter]] = {}
    OUTPUTS: ClassVar[tuple[str, ...]] = ("fundamental_value", "last_price", "volume")

    trained: TrainedMarket
    deterministic: bool = False
    days: int = 1
    outside_volume: int = 10

    def __post_init__(self) -> None:
        if not isinstance(self.deterministic, bool):
            raise ParameterError(f"deterministic is {self.deterministic!r}, but must be true or false.")
        object.__setattr__(self, "days", check_integer("days", self.days, 1, 1000))
        volume = check_integer("outside_volume", self.outside_volume, 1, 1_000_000)
        object.__setattr__(self, "outside_volume", volume)
        _ = self.episode

    @cached_property
    def episode(self) -> LearningMarket:
        """The market with the sessions of all days."""
        first = tuple(self.trained.market.sessions)
        between = first[2] if len(first) > 2 else 0
        sessions = first + (between, *first[1:]) * (self.days - 1)
        if len(sessions) > max(_MOST_SESSIONS, len(first)):
            most = 1 + (_MOST_SESSIONS - len(first)) // len(first)
            raise ParameterError(
                f"{self.days} days have {len(sessions)} sessions, but a path of traders who have learned can have "
                f"{_MOST_SESSIONS}, that is {most} days of {sum(first)} steps; give fewer."
            )
        return self.trained.market.replace(sessions=sessions)

    @property
    def n_traders(self) -> int:
        """How many learn."""
        return self.trained.market.n_traders

    def replace(self, **changes: Any) -> Self:
        """The same traders with other days, noise or unit of demand from outside."""
        check_names(changes, _CHANGEABLE, "what can be changed once traders have learned")
        return replace(self, **changes)

    def rescaled(self, factor: float) -> NoReturn:
        """Traders who have learned cannot be scaled: `ParameterError`."""
        raise ParameterError("Traders who have learned cannot be rescaled; change the market, and train them again.")

    def to_dict(self) -> dict[str, Any]:
        """Plain values: what was learned stands as a hash of its weights."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.trained.weights.items()):
            digest.update(name.encode() + tensor.numpy().tobytes())
        return {
            "kind": self.kind, "market": self.trained.market.to_dict(), "training": self.trained.settings.to_dict(),
            "seed": self.trained.seed, "weights": digest.hexdigest(), "deterministic": self.deterministic,
            "days": self.days, "outside_volume": self.outside_volume,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> NoReturn:
        """A hash does not bring back what was learned: `ParameterError`."""
        raise ParameterError("Traders who have learned are loaded from the folder of their training: give that.")

    def describe(self) -> list[dict[str, Any]]:
        """One row per parameter of the market that was learned in."""
        return self.trained.market.describe()

    def simulate_chunk(
        self,
        seed: int,
        first_path: int,
        n_paths: int,
        n_steps: int,
        *,
        save: Sequence[str] = (),
        every: int = 1,
        burn_in: int = 0,
        dtype: str = "float64",
        threads: int | None = 1,
    ) -> dict[str, np.ndarray]:
        """Let traders trade; the arguments are those of `simcal.simulate`, which checks them. Runs on one thread.

        Returns
        -------
        ``prices`` and each name in `save`, shape (n_paths, n_steps // every + 1); ``failed_step`` (n_paths,), all 0.
        """
        market, columns = self._long_enough(n_steps + burn_in), ("prices", *save)
        arrays = {name: np.empty((n_paths, n_steps // every + 1), dtype) for name in columns}
        for begin in range(0, n_paths, _BLOCK):
            part = slice(begin, min(begin + _BLOCK, n_paths))
            stepper = LearnedStepper(market, seed, first_path + begin, part.stop - begin)
            for step in range(burn_in + n_steps + 1):
                before = stepper.volume
                if step:
                    stepper.advance()
                now, rest = divmod(step - burn_in, every)
                if now >= 0 and rest == 0:
                    values = {"prices": stepper.prices, "fundamental_value": stepper.fundamental_value,
                              "last_price": stepper.last_price, "volume": stepper.volume - before}  # fmt: skip
                    for name in columns:
                        arrays[name][part, now] = values[name]
        return {**arrays, "failed_step": np.zeros(n_paths, np.int64)}

    def stepper(self, seed: int, first_path: int, n_paths: int, *, dtype: str = "float64") -> LearnedStepper:
        """The same paths one step at a time, with room for orders from outside: see `LearnedStepper`."""
        return LearnedStepper(self, seed, first_path, n_paths, dtype=dtype)

    def twin(self, trainable: Sequence[str] = (), *, per_trader: Sequence[str] = (), **options: Any) -> NoReturn:
        """An order book has no differentiable twin: `ParameterError`."""
        raise ParameterError(
            "A market of traders who have learned has no differentiable twin. Fit the distributions of their traits "
            "with simcal.learning.emergence.calibrate_traits."
        )

    def _long_enough(self, n_steps: int) -> LearnedMarket:
        first = self.trained.market.sessions
        more = sum(first[1:]) + (first[2] if len(first) > 2 else 0)
        needed = 1 + max(0, -(-(n_steps - sum(first[1:])) // more))
        return self if self.days >= needed else self.replace(days=needed)


def load_learned(folder: str | Path) -> LearnedMarket:
    """The market of a finished training, from its folder; see `simcal.learning.load_trained`."""
    return LearnedMarket(load_trained(folder))
