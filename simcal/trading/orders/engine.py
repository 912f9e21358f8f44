"""The engine: strategies and market take turns, step by step, and what was traded is written down.

A market is anything with ``stepper(seed, first_path, n_paths)``; see `PriceStepper`. The same loop plays real or
recorded prices, which notice nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np

from simcal.errors import ParameterError
from simcal.threads import check_threads, run
from simcal.trading.bands import Noise
from simcal.trading.orders.forms import Caller, Strategy
from simcal.trading.orders.terms import Terms

BLOCK = 512  # paths that a stepper takes together; fewer cost as much
CHUNK = 2_000_000  # paths x steps in memory at a time
LEAP = 100.0  # no order may multiply the price by more in one step


class PriceStepper(Protocol):
    """What the engine asks of a market that takes one step at a time.

    ``prices`` are those now, ``failed`` the first step at which each path had no usable price, 0 for none.
    """

    prices: np.ndarray
    failed: np.ndarray

    def advance(self, outside: np.ndarray | None = None) -> np.ndarray:
        """Take a step with excess demand from outside, (n_paths,) in traders; the new prices."""
        ...


@dataclass(frozen=True, eq=False)
class Trades:
    """What k strategies did on n paths of T steps.

    Parameters
    ----------
    numbers
        (n,) numbers of the paths.
    prices
        (n, T + 1) from the price at which the strategies begin.
    orders, positions
        (k, n, T) order of each step, and what is held after it, in units.
    costs, cash
        (k, n, T) costs of each step, and cash after it, per unit.
    failed
        (n,) the first step, burn-in included, at which a path had no usable price; 0 for none. The price then stands
        still, and nobody trades.
    terms
        Size, execution and costs.
    """

    numbers: np.ndarray
    prices: np.ndarray
    orders: np.ndarray
    positions: np.ndarray
    costs: np.ndarray
    cash: np.ndarray
    failed: np.ndarray
    terms: Terms

    @property
    def equity(self) -> np.ndarray:
        """(k, n, T) cash + position * price after each step, per unit; it starts at 0."""
        return self.cash + self.positions * self.prices[:, 1:]

    @property
    def pnl(self) -> np.ndarray:
        """(k, n, T) profit of each step, per unit, costs taken off: the change of the equity."""
        return np.diff(self.equity, axis=2, prepend=0.0)

    @property
    def executed(self) -> np.ndarray:
        """(n, T) the price at which the orders of each step were executed."""
        return self.terms.executed(self.prices[:, :-1], self.prices[:, 1:])

    def usable(self) -> Trades:
        """The same without the paths that failed."""
        good = self.failed == 0
        if good.all():
            return self
        return Trades(**{n: a[:, good] if a.ndim == 3 else a[good] for n, a in self._arrays()}, terms=self.terms)

    def _arrays(self) -> list[tuple[str, np.ndarray]]:
        return [(field.name, getattr(self, field.name)) for field in fields(self) if field.name != "terms"]


def play(
    strategies: Sequence[Strategy], market: Any, noise: Noise, terms: Terms, *, frozen: bool = False
) -> Trades:  # fmt: skip
    """Play strategies together on all paths of the noise.

    Parameters
    ----------
    strategies
        From `strategy_of`; all orders enter the same demand.
    market
        With a ``stepper``.
    noise
        Paths, steps and burn-in.
    terms
        Sizes (one per strategy), execution, costs.
    frozen
        The prices do not notice the strategies, as in a replay; accounts and costs stay those of the sizes.

    Raises
    ------
    ParameterError
        A strategy raises or returns something else than one finite number per path, or an order is too large.
    """
    parts = list(play_chunks(strategies, market, noise, terms, frozen=frozen))
    if len(parts) == 1:
        return parts[0]
    stacks = zip(*(part._arrays() for part in parts), strict=True)
    stacked = {s[0][0]: np.concatenate([a for _, a in s], axis=1 if s[0][1].ndim == 3 else 0) for s in stacks}
    return Trades(**stacked, terms=terms)


def play_chunks(
    strategies: Sequence[Strategy], market: Any, noise: Noise, terms: Terms, *, frozen: bool = False
) -> Iterator[Trades]:  # fmt: skip
    """As `play`, some paths at a time; in threads where all strategies are compiled."""
    length = noise.burn_in + noise.n_steps
    threads = check_threads(noise.threads) if all(s.form == "compiled" for s in strategies) else 1
    most = max(CHUNK // (length * threads * BLOCK), 1)
    even = -(-noise.n_paths // (BLOCK * threads))
    bearable = max(10 * CHUNK // (length * threads), 1)  # of very long paths, where a block is too many
    chunks = list(noise.chunks(min(BLOCK * min(most, even), bearable)))

    def work(part: Noise, results: dict[int, Trades]) -> None:
        stepper = market.stepper(noise.seed, part.first_path, part.n_paths)
        results[part.first_path] = _take_turns(stepper, strategies, part, terms, frozen)

    for begin in range(0, len(chunks), threads):
        batch, results = chunks[begin : begin + threads], {}
        run([(work, (part, results)) for part in batch])
        for part in batch:
            yield results.pop(part.first_path)


def replay(strategies: Sequence[Strategy], prices: np.ndarray, terms: Terms, *, burn_in: int = 0) -> Trades:
    """The strategies on given prices, (n_paths, burn_in + n_steps + 1), which do not notice them."""
    if np.ndim(prices) != 2 or np.shape(prices)[1] < burn_in + 2:
        raise ParameterError(
            f"The prices to replay have shape {np.shape(prices)}, but must be of shape (n_paths, n_steps + 1) with at "
            f"least {burn_in + 2} times; give such an array."
        )
    market = RecordedPrices(prices)
    n_paths, times = market.prices.shape
    return play(strategies, market, Noise(0, 0, n_paths, times - 1 - burn_in, burn_in), terms, frozen=True)


class RecordedPrices:
    """A market whose prices are known beforehand and notice nobody.

    Parameters
    ----------
    prices
        (n_paths, n_times), or (n_times,) for one path, such as a real series; finite and above 0. A strategy's burn-in
        is their beginning.
    first_path
        Number of the first path.
    failed
        (n_paths,) the first step without a usable price, 0 for none; from there on prices do not count.

    Raises
    ------
    ParameterError
        Other shapes or numbers.
    """

    kind = "recorded"

    def __init__(self, prices: Any, *, first_path: int = 0, failed: np.ndarray | None = None) -> None:
        array = np.atleast_2d(np.asarray(prices, float))
        if array.ndim != 2 or array.shape[1] < 2 or not (np.isfinite(array) & (array > 0)).all():
            raise ParameterError(
                f"Recorded prices have shape {array.shape}, but must be finite and positive numbers of shape (n_paths, "
                "n_times) with at least 2 times; give such an array."
            )
        self.prices, self.first_path = array, first_path
        self.failed = np.zeros(len(array), int) if failed is None else failed

    def stepper(self, seed: int, first_path: int, n_paths: int, dtype: str = "float64") -> PriceStepper:
        """The prices of some paths, one step at a time; the seed changes nothing."""
        begin = first_path - self.first_path
        if begin < 0 or begin + n_paths > len(self.prices):
            raise ParameterError(
                f"Paths {first_path} to {first_path + n_paths - 1} were asked, but {len(self.prices)} are recorded, "
                f"from {self.first_path} on; give fewer paths."
            )
        part = slice(begin, begin + n_paths)
        return _Tape(self.prices[part], self.failed[part])


class _Tape:
    def __init__(self, prices: np.ndarray, failed: np.ndarray) -> None:
        self._prices, self._failed, self._t = prices, failed, 0
        self.prices, self.failed = prices[:, 0], np.zeros(len(prices), int)

    def advance(self, outside: np.ndarray | None = None) -> np.ndarray:
        self._t += 1
        if self._t >= self._prices.shape[1]:
            raise ParameterError(
                f"There are {self._prices.shape[1]} recorded prices, too few for the steps and their burn-in; give "
                "fewer steps or more prices."
            )
        self.prices = self._prices[:, self._t]
        self.failed = np.where(self._failed <= self._t, self._failed, 0)
        return self.prices


def recorded(market: Any, noise: Noise) -> RecordedPrices:
    """The prices that a market makes alone, bit for bit; where it fails, the last usable one from there on.

    A strategy of size 0 trades at just these; many strategies then need one simulation.
    """
    kept, failed = [], []
    for part in noise.chunks(BLOCK):
        history = _History(market.stepper(part.seed, part.first_path, part.n_paths), noise.burn_in + noise.n_steps)
        history.advance(noise.burn_in + noise.n_steps)
        kept.append(history.prices)
        failed.append(np.array(history.stepper.failed, int))
    return RecordedPrices(np.concatenate(kept), first_path=noise.first_path, failed=np.concatenate(failed))


class _History:
    """The prices of some paths so far; where a path fails, its price stands still."""

    def __init__(self, stepper: PriceStepper, n_steps: int) -> None:
        self.stepper, self.known = stepper, 1
        self.prices = np.empty((len(stepper.prices), n_steps + 1))
        self.prices[:, 0] = stepper.prices
        self.dead = np.zeros(len(stepper.prices), bool)

    def advance(self, n_steps: int, outside: np.ndarray | None = None) -> None:
        for t in range(self.known, self.known + n_steps):
            self.prices[:, t] = self.stepper.advance(outside)
            self.dead = np.asarray(self.stepper.failed) > 0
            if self.dead.any():
                self.prices[self.dead, t] = self.prices[self.dead, t - 1]
        self.known += n_steps


def _take_turns(
    stepper: PriceStepper, strategies: Sequence[Strategy], noise: Noise, terms: Terms, frozen: bool
) -> Trades:  # fmt: skip
    n, k, n_steps = noise.n_paths, len(strategies), noise.n_steps
    numbers = np.uint64(noise.first_path) + np.arange(n, dtype=np.uint64)
    history = _History(stepper, noise.burn_in + n_steps)
    history.advance(noise.burn_in)
    callers = [Caller(strategy, numbers, n_steps) for strategy in strategies]
    position, cash, orders, costs = (np.zeros((k, n)) for _ in range(4))
    kept = {name: np.empty((k, n, n_steps)) for name in ("orders", "positions", "costs", "cash")}
    sizes, scales = np.array(terms.sizes)[:, None], terms.scales[:, None]
    for s in range(n_steps):
        for j, caller in enumerate(callers):
            given = caller(history.prices, history.known, position[j], cash[j], s, history.dead)
            if strategies[j].gives == "order":
                orders[j], position[j] = given, position[j] + given
            else:
                orders[j], position[j] = given - position[j], given
        demands, was_dead = sizes * orders, history.dead
        history.advance(1, None if frozen else demands.sum(axis=0))
        before, after = history.prices[:, history.known - 2], history.prices[:, history.known - 1]
        leap = (history.dead & ~was_dead) | (after > LEAP * before)
        at_fault = leap & (demands != 0).any(axis=0)
        if not frozen and at_fault.any():
            path = int(np.flatnonzero(at_fault)[0])
            largest = int(np.abs(demands[:, path]).argmax())
            raise ParameterError(
                f"The order of the strategy {strategies[largest].name} for path {numbers[path]} at step {s} counts as "
                f"{demands[largest, path]:.6g} traders and takes the price from {before[path]:.6g} to "
                f"{stepper.prices[path]:.6g}; give a smaller size, or spread the order over more steps."
            )
        price = terms.executed(before, after)
        costs[:] = terms.cost(orders, price, scales)
        cash -= orders * price + costs
        for name, value in (("orders", orders), ("positions", position), ("costs", costs), ("cash", cash)):
            kept[name][:, :, s] = value
    prices = history.prices[:, noise.burn_in :]
    return Trades(numbers, prices, **kept, failed=np.array(stepper.failed), terms=terms)
