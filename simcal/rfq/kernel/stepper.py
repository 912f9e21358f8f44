"""The dealer market one request at a time, so that others may quote between: environments, functions in Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numba import njit

from simcal.definition.lanes import LANES, U32, U64
from simcal.errors import ParameterError
from simcal.noise.compiled import philox
from simcal.noise.counters import key_of
from simcal.rfq.kernel.choice import NAMES, choose, hold, output
from simcal.rfq.kernel.chunks import AT_START, take_margins
from simcal.rfq.kernel.draws import CACHED, coefficients, draw_clients, draw_mids, draw_quotes, new_lanes
from simcal.rfq.market import Quoting, RfqMarket


@njit(**CACHED)
def _draw_words_each(words, needed, k0, k1, numbers, ages):
    """As `draws.draw_words`, where each lane has its own path number and its own step."""
    for block in range(needed.size):
        if needed[block]:
            a, b, c, d = words[4 * block], words[4 * block + 1], words[4 * block + 2], words[4 * block + 3]
            for lane in range(LANES):
                path, step = numbers[lane], U32(ages[lane] + 1)
                a[lane], b[lane], c[lane], d[lane] = philox(k0, k1, U32(path), U32(path >> U64(32)), step, U32(block))


@njit(**CACHED)
def _request(p, k0, k1, numbers, ages, failed, mids, sides, w):
    """Draw the request that comes after `ages` answered ones, from the mids and sides of the last; it may be redone."""
    w.mid[:], w.side[:] = mids, sides
    w.size[:], w.panel[:] = p.size_median, p.mean.size
    _draw_words_each(w.words, p.needed, k0, k1, numbers, ages)
    draw_clients(p, w)
    draw_mids(p, w, False, True, np.empty(0))
    if p.walk:
        for lane in range(LANES):
            w.mid[lane] = p.start if ages[lane] == 0 else w.mid[lane]  # the walk has made no move yet
            usable = w.mid[lane] > 0.0 and w.mid[lane] < np.inf
            failed[lane] = failed[lane] if usable or failed[lane] > 0 else ages[lane] + 1


@njit(**CACHED)
def _answer(p, margins, ages, mids, sides, w):
    """Let the client choose, with the given margins of dealer 0."""
    w.quotes[0][:] = margins
    take_margins(p, w)
    draw_quotes(p, w, 1)
    choose(p, w, p.skew.max() > 0.0)
    hold(p, w, True, p.skew.max() > 0.0, np.empty(0))
    mids[:], sides[:] = w.mid, w.side
    ages += 1


class RfqStepper:
    """Paths of the dealer market, one request at a time (``market.request_stepper(...)``).

    Path k meets the requests of `simcal.simulate` and, where dealer 0 quotes the same, ends them the same, bit for bit.

    Parameters
    ----------
    market
        What is simulated.
    seed, first_path, n_paths
        Of the noise; path j here is path ``first_path + j`` of the seed.

    Attributes
    ----------
    side, size, n_dealers, mid
        (n_paths,) the request that waits for quotes; copies.
    inventory
        (n_paths,) what dealer 0 holds; a copy.
    ages
        (n_paths,) requests that each path has answered.
    failed
        (n_paths,) the first request, from 1, whose mid is no usable number, 0 for none.
    """

    def __init__(self, market: RfqMarket, seed: int, first_path: int, n_paths: int) -> None:
        self.market, self.n_paths = market, n_paths
        self._p: Any = coefficients(market)
        self._k0, self._k1 = map(U32, key_of(seed))
        self._blocks: list[Any] = [new_lanes(market.n_dealers) for _ in range(-(-n_paths // LANES))]
        count = len(self._blocks) * LANES
        self._numbers = np.arange(count, dtype=np.uint64) + np.uint64(first_path)
        self._ages, self._failed = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self._mids, self._sides, self._margins = np.full(count, self._p.start), np.zeros(count), np.zeros(count)
        self.ages, self.failed = self._ages[:n_paths], self._failed[:n_paths]
        self.proceed(range(len(self._blocks)))

    def proceed(self, blocks: Iterable[int] | None = None) -> None:
        """Let the next request come, in all blocks of lanes or in some."""
        for block in range(len(self._blocks)) if blocks is None else blocks:
            lanes = slice(block * LANES, (block + 1) * LANES)
            _request(
                self._p, self._k0, self._k1, self._numbers[lanes], self._ages[lanes], self._failed[lanes],
                self._mids[lanes], self._sides[lanes], self._blocks[block],
            )  # fmt: skip

    def _joined(self, name: str) -> np.ndarray:
        return np.concatenate([getattr(w, name) for w in self._blocks])[: self.n_paths]

    @property
    def side(self) -> np.ndarray:
        """+1 where the client buys, -1 where she sells."""
        return self._joined("side")

    @property
    def size(self) -> np.ndarray:
        """Units asked for."""
        return self._joined("size")

    @property
    def n_dealers(self) -> np.ndarray:
        """Dealers asked, dealer 0 among them."""
        return self._joined("panel").astype(np.int64)

    @property
    def mid(self) -> np.ndarray:
        """Price in the middle of the market."""
        return self._joined("mid")

    @property
    def inventory(self) -> np.ndarray:
        """Units that dealer 0 holds."""
        return np.concatenate([w.inventory[0] for w in self._blocks])[: self.n_paths]

    def decide(self, margins: Any) -> None:
        """Quote `margins` as `answer` does, and let the clients choose; the next request does not come yet."""
        self._margins[: self.n_paths] = margins
        for block, w in enumerate(self._blocks):
            lanes = slice(block * LANES, (block + 1) * LANES)
            _answer(self._p, self._margins[lanes], self._ages[lanes], self._mids[lanes], self._sides[lanes], w)

    def output(self, name: str) -> np.ndarray:
        """(n_paths,) what `RfqMarket.simulate_chunk` calls that, of the request that was decided."""
        for w in self._blocks:
            output(NAMES.index(name), self._p, w)
        return self._joined("row")

    def answer(self, margins: np.ndarray) -> np.ndarray:
        """Quote `margins` (n_paths,) in half spreads, NaN for no quote; the shares of the sizes that dealer 0 trades.

        Then the next request waits.
        """
        self.decide(margins)
        shares = np.concatenate([w.shares[0] for w in self._blocks])[: self.n_paths]
        self.proceed()
        return shares

    def restart(self, places: np.ndarray, numbers: np.ndarray) -> None:
        """Begin the paths at `places` anew, as the paths `numbers` of the seed; both are whole numbers, (count,)."""
        places = np.asarray(places)
        self._numbers[places] = np.asarray(numbers, dtype=np.uint64)
        self._ages[places], self._failed[places] = 0, 0
        self._mids[places], self._sides[places] = self._p.start, 0.0
        for block in np.unique(places // LANES):
            self._blocks[block].inventory[:, places[places // LANES == block] % LANES] = 0.0
            self.proceed([block])


def simulate_chunk(
    market: RfqMarket, seed: int, first_path: int, n_paths: int, n_steps: int, *, save: Sequence[str], every: int,
    burn_in: int, dtype: str, quoting: Quoting,
) -> dict[str, np.ndarray]:  # fmt: skip
    """See `RfqMarket.simulate_chunk`; `quoting` is a Python function."""
    stepper, names = RfqStepper(market, seed, first_path, n_paths), ["prices", *save]
    out = {name: np.empty((n_paths, n_steps // every + 1), dtype) for name in names}
    if burn_in == 0:
        for name in names:
            out[name][:, 0] = stepper._p.start if name == "prices" else AT_START[NAMES.index(name)]
    for step in range(1, n_steps + burn_in + 1):
        if step > 1:
            stepper.proceed()
        stepper.decide(_margins(quoting, stepper, step))
        place, rest = divmod(step - burn_in, every)
        if place >= 0 and rest == 0:
            for name in names:
                out[name][:, place] = stepper.output(name)
    return {**out, "failed_step": stepper.failed.copy()}


def _margins(quoting: Quoting, stepper: RfqStepper, step: int) -> np.ndarray:
    """What the quoting function answers, one margin per path."""
    request = (stepper.side, stepper.size, stepper.n_dealers, stepper.mid)
    given = quoting(*request, stepper.market.half_spread, stepper.inventory, step)
    try:
        return np.broadcast_to(np.asarray(given, float), (stepper.n_paths,))
    except (TypeError, ValueError):
        raise ParameterError(
            f"The quoting function returned {type(given).__name__} of shape {np.shape(given)} at step {step}, but must "
            f"return one number, or an array of one margin per path, shape ({stepper.n_paths},)."
        ) from None
