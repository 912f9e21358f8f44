"""Many markets side by side, one step of all at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from simcal.book.engine import OPTIONS
from simcal.errors import ParameterError
from simcal.learning.books import layout as at
from simcal.learning.books.features import observe
from simcal.learning.books.layout import Books, constants, new_books, one_of
from simcal.learning.books.step import close, look, play, start
from simcal.learning.market import ACTIONS, FEATURES, LearningMarket
from simcal.noise import check_integer, check_seed
from simcal.noise.compiled import normal_pair, philox
from simcal.noise.counters import key_of

U32, U64 = np.uint32, np.uint64


class BookBatch:
    """Episodes of a market of learning traders, side by side, of which each step is one decision in each.

    The noise of an episode is path `number` of a seed, as in `simcal.simulate`: an episode that is given the same
    actions has the same bits, whatever is played beside it.

    Parameters
    ----------
    market
        What is played.
    n_books
        Episodes side by side.
    seed
        Whole number from 0 to 2**64 - 1.

    Attributes
    ----------
    features
        (n_books, 11) float32: what the traders see whose turn it is; a view, as all that follow.
    noise
        (n_books, 2) float32: standard normals for their policy.
    rewards
        (n_books,): what the decision earned that came before the one just played, of the same trader; 0 without one.
    state
        The arrays themselves, see `simcal.learning.books.layout`.
    """

    def __init__(self, market: LearningMarket, n_books: int, seed: int) -> None:
        self.market, self.n_books = market, check_integer("n_books", n_books, 1, 2**20)
        self._k0, self._k1 = (U32(word) for word in key_of(check_seed(seed)))
        self._constants = constants(market)
        self.state: Books = new_books(market, self.n_books)
        self.numbers = np.zeros(self.n_books, np.uint64)
        self.features = np.zeros((self.n_books, len(FEATURES)), np.float32)
        self.noise = np.zeros((self.n_books, len(ACTIONS)), np.float32)
        self.rewards = np.zeros(self.n_books)
        self._all = np.ones(self.n_books, bool)

    def begin(self, numbers: Sequence[int] | np.ndarray, places: np.ndarray | None = None) -> None:
        """Begin the episodes `numbers` at `places`; without places everywhere, (n_books,) numbers from 0."""
        chosen = slice(None) if places is None else places
        mask = np.zeros(self.n_books, bool)
        mask[chosen] = True
        self.numbers[chosen] = np.asarray(numbers, np.uint64)
        _begin(self._constants, self.state, self._k0, self._k1, self.numbers, mask, self.features, self.noise)

    @property
    def steps(self) -> np.ndarray:
        """(n_books,) steps that were played."""
        return self.state.counts[:, at.STEP]

    @property
    def acting(self) -> np.ndarray:
        """(n_books,) the traders whose turn it is."""
        return self.state.counts[:, at.ACTING]

    @property
    def previous(self) -> np.ndarray:
        """(n_books,) the step of the last decision of who acts now, -1 where it is her first; a copy."""
        return self._of_acting(at.PREVIOUS).astype(np.int64)

    @property
    def discounts(self) -> np.ndarray:
        """(n_books,) the discount per decision of who acts now; a copy."""
        return self._of_acting(at.DISCOUNT)

    def _of_acting(self, column: int) -> np.ndarray:
        return self.state.traders[np.arange(self.n_books), self.acting, column]

    def advance(self, actions: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """Play one step where `mask` says so (everywhere without one), and let the next traders look.

        Parameters
        ----------
        actions
            (n_books, 2) float64, from -1 to 1, see `LearningMarket`; what lies beyond is cut off.
        mask
            (n_books,) bool; episodes that are over are left as they are.

        Returns
        -------
        `rewards`.

        Raises
        ------
        ParameterError
            Where an action has another shape or is not a number.
        """
        actions = np.ascontiguousarray(actions, dtype=np.float64)
        if actions.shape != (self.n_books, len(ACTIONS)) or np.isnan(actions).any():
            raise ParameterError(
                f"The actions have shape {actions.shape}, but must be finite and have {(self.n_books, len(ACTIONS))}: "
                "a price and a volume, each from -1 to 1, of each market."
            )
        _advance(
            self._constants, self.state, self._k0, self._k1, self.numbers, self._all if mask is None else mask, actions,
            self.features, self.noise, self.rewards,
        )  # fmt: skip
        return self.rewards

    def close(self) -> np.ndarray:
        """(n_books, n_traders): what last decisions earned up to the close, with reward "gains"; else 0."""
        earned = np.zeros((self.n_books, self.market.n_traders))
        if self._constants.gains:
            _close(self._constants, self.state, earned)
        return earned

    def see_all(self, b: int) -> np.ndarray:
        """(n_traders, 11) float32: what each trader of one market would see now."""
        seen = np.zeros((self.market.n_traders, len(FEATURES)), np.float32)
        _see_all(self._constants, self.state, b, self._k0, self._k1, self.numbers[b], seen)
        seen[self.acting[b]] = self.features[b]
        return seen


@njit(cache=True, **OPTIONS)
def _begin(c, books, k0, k1, numbers, mask, features, noise):
    for b in range(numbers.size):
        if mask[b]:
            one = one_of(books, b)
            start(c, one, k0, k1, numbers[b])
            look(c, one, k0, k1, numbers[b], features[b], noise[b])


@njit(cache=True, **OPTIONS)
def _advance(c, books, k0, k1, numbers, mask, actions, features, noise, rewards):
    for b in range(numbers.size):
        rewards[b] = 0.0
        if mask[b] and books.counts[b, at.STEP] < c.n_steps:
            one = one_of(books, b)
            rewards[b] = play(c, one, actions[b, 0], actions[b, 1])
            if books.counts[b, at.STEP] < c.n_steps:
                look(c, one, k0, k1, numbers[b], features[b], noise[b])


@njit(cache=True, **OPTIONS)
def _close(c, books, earned):
    for b in range(earned.shape[0]):
        close(c, one_of(books, b), earned[b])


@njit(cache=True, **OPTIONS)
def _see_all(c, books, b, k0, k1, path, seen):
    one = one_of(books, b)
    step = U32(books.counts[b, at.STEP] + 1)
    for j in range(c.n_traders):
        words = philox(k0, k1, U32(path), U32(path >> U64(32)), step, U32(at.BLOCK_OTHERS + j))
        blur, _ = normal_pair(words[0], words[1], 1.0)
        observe(c, one, j, blur, seen[j])
