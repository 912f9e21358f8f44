"""The market of traders who have learned, as all verbs take it, and its paths one step at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Self

import numpy as np
from numba import njit

from simcal.book import check_fields, parameter
from simcal.book.engine import OPTIONS
from simcal.book.stepper import BookPaths
from simcal.errors import ParameterError, check_names
from simcal.learning.books import layout as at
from simcal.learning.books.batch import BookBatch
from simcal.learning.books.features import mid_or_price
from simcal.learning.books.step import from_outside, look, play
from simcal.learning.market import LearningMarket
from simcal.learning.ppo import squashed
from simcal.learning.trained import TrainedMarket, load_trained
from simcal.parameters import Parameter
from simcal.training import torch_threads

FIRST_PATH = 2**41
"""The number of the episode of path 0: neither a training nor `simcal.learning.evaluate` comes that far."""
_ROWS = 64  # that the network takes at once, always: sums of other shapes may be rounded otherwise
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

    Parameters
    ----------
    trained
        See `simcal.learning.train` and `load_trained`.
    deterministic
        Whether traders do what the policy means once there is trade, or act with the noise that they learned with.

    Other Parameters
    ----------------
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
    days: int = parameter(1, "days of a path that is played one step at a time", 1, 1000, integer=True)
    outside_volume: int = parameter(10, "shares of a unit of demand from outside", 1, 1_000_000, integer=True)

    def __post_init__(self) -> None:
        check_fields(self)
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


class LearnedStepper(BookPaths):
    """Paths of traders who have learned, one step at a time (``market.stepper(...)``); see `BookPaths`.

    A path begins with the first session in which there is trade, after its opening; no path fails. Demand from outside
    is sent before the next trader looks. Prices are mids, or prices of the last trade where a side is empty.

    Parameters
    ----------
    market
        What is simulated.
    seed, first_path, n_paths
        Of the noise; path j here is path ``first_path + j`` of the seed.
    dtype
        "float64" or "float32", of the prices.
    """

    def __init__(
        self, market: LearnedMarket, seed: int, first_path: int, n_paths: int, *, dtype: str = "float64"
    ) -> None:
        super().__init__(market, n_paths, dtype)
        self._batch, self._outside = BookBatch(market.episode, n_paths, seed), market.n_traders
        # One account more, of those outside, and room for the trades of their orders.
        self._state = self._batch.state = self._batch.state._replace(
            traders=np.zeros((n_paths, market.n_traders + 1, at.N_TRADER)),
            trades=np.zeros((n_paths, 2 * market.episode.n_steps), at.TRADE),
        )
        self._waiting, self._rewards = np.zeros(n_paths), np.zeros(n_paths)
        self._places = np.arange(n_paths)
        self.restart(self._places, np.uint64(first_path) + np.arange(n_paths, dtype=np.uint64))

    def advance(self, outside: np.ndarray | None = None) -> np.ndarray:
        """Take one step and return `prices`; `outside` (n_paths,) is demand from outside in units.

        Raises
        ------
        ParameterError
            Where the days of the market are over.
        """
        n_steps, days = self._batch.market.n_steps, self.market.days
        if (self._state.counts[:, at.STEP] >= n_steps).any():
            raise ParameterError(
                f"The market has {days} {'day' if days == 1 else 'days'} of {n_steps} steps, opening included, which "
                "are over; give it more, with market.replace(days=...)."
            )
        if outside is not None:
            self._waiting += np.asarray(outside, float) * self.market.outside_volume
        self._step(self._places, noisy=not self.market.deterministic)
        self.ages += 1
        return self.prices

    def restart(self, places: np.ndarray, numbers: np.ndarray) -> None:
        """Begin the paths at `places` anew, as the paths `numbers` of the seed; both are whole numbers, (count,)."""
        places = np.asarray(places)
        self._state.traders[places, -1] = 0.0
        self._waiting[places], self.ages[places] = 0.0, 0
        self._batch.begin(np.asarray(numbers, np.uint64) + np.uint64(FIRST_PATH), places)
        for _ in range(self.market.episode.first_trade):
            self._step(places, noisy=True)

    def _arrays(self) -> tuple[np.ndarray, ...]:
        batch = self._batch
        return (*super()._arrays(), batch.features, batch.noise, batch.numbers, self._waiting)

    @property
    def fundamental_value(self) -> np.ndarray:
        """(n_paths,) the fundamental value now; a copy."""
        return self._state.record[self._places, self._state.counts[:, at.STEP], at.RECORD_VALUE]

    @property
    def last_price(self) -> np.ndarray:
        """(n_paths,) price of the last trade; a copy."""
        return self._state.numbers[:, at.PRICE] * self.market.episode.tick

    @property
    def volume(self) -> np.ndarray:
        """(n_paths,) shares traded so far, the opening included; a copy."""
        return self._state.counts[:, at.N_VOLUME].astype(float)

    @property
    def empty(self) -> np.ndarray:
        """(n_paths,) steps with trade so far after which a side of the book was empty; a copy."""
        return self._state.counts[:, at.N_EMPTY].astype(float)

    def _step(self, places: np.ndarray, *, noisy: bool) -> None:
        batch = self._batch
        raw = self._raw(batch.features[places], batch.noise[places] if noisy else None)
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
        one = at.one_of(books, b)
        rewards[b] = play(c, one, actions[row, 0], actions[row, 1])
        shares = np.int64(np.floor(abs(waiting[b]) + 1e-9))
        if shares > 0:
            shares = min(shares, np.int64(10**9))
            waiting[b] -= from_outside(c, one, shares if waiting[b] > 0 else -shares)
        prices[b] = mid_or_price(one) * c.tick
        if books.counts[b, at.STEP] < c.n_steps:
            look(c, one, k0, k1, numbers[b], features[b], noise[b])
