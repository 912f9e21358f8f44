"""The engine: strategies and market take turns, step by step, and what was traded is written down.

A market is anything with ``stepper(seed, first_path, n_paths)``; see `simcal.definition.stepper`. The same loop plays
real or recorded prices, which notice nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np

from simcal.errors import ParameterError
from simcal.threads import check_threads, run
from simcal.trading.noise import Noise
from simcal.trading.orders.calls import Caller
from simcal.trading.orders.forms import Strategy
from simcal.trading.orders.terms import Terms

BLOCK = 512  # paths that a stepper takes together; fewer cost as much
CHUNK = 2_000_000  # paths x steps in memory at a time
LEAP = 100.0  # no order may multiply the price by more in one step


class Stepper(Protocol):
    """What the engine asks of a market that takes one step at a time."""

    prices: np.ndarray
    failed: np.ndarray

    def advance(self, outside: np.ndarray | None = None) -> np.ndarray:
        """Take a step with excess demand from outside, (n_paths,) in traders; the new prices."""
        ...


@dataclass(frozen=True, eq=False)
class Played:
    """What k strategies did on n paths of T steps.

    Main attributes
    ---------------
    prices
        (n, T + 1) from the price at which the strategies begin.
    orders, positions
        (k, n, T) order of each step, and what is held after it, in units.
    pnl
        (k, n, T) profit of each step per unit, costs taken off: the change of cash + position * price.

    Other attributes
    ----------------
    numbers
        (n,) numbers of the paths.
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
        """(k, n, T) profit of each step, per unit."""
        return np.diff(self.equity, axis=2, prepend=0.0)

    @property
    def executed(self) -> np.ndarray:
        """(n, T) the price at which the orders of each step were executed."""
        return self.terms.executed(self.prices[:, :-1], self.prices[:, 1:])

    def usable(self) -> Played:
        """The same without the paths that failed."""
        good = self.failed == 0
        if good.all():
            return self
        parts = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "terms"}
        cut = {name: a[:, good] if a.ndim == 3 else a[good] for name, a in parts.items()}
        return Played(**cut, terms=self.terms)


def play(
    strategies: Sequence[Strategy], market: Any, noise: Noise, terms: Terms, *, frozen: bool = False
) -> Played:  # fmt: skip
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
    return joined(list(play_chunks(strategies, market, noise, terms, frozen=frozen)))


def play_chunks(
    strategies: Sequence[Strategy], market: Any, noise: Noise, terms: Terms, *, frozen: bool = False
) -> Iterator[Played]:  # fmt: skip
    """As `play`, some paths at a time; in threads where all strategies are compiled."""
    length = noise.burn_in + noise.n_steps
    threads = check_threads(noise.threads) if all(s.form == "compiled" for s in strategies) else 1
    most = max(CHUNK // (length * threads * BLOCK), 1)
    even = -(-noise.n_paths // (BLOCK * threads))
    bearable = max(10 * CHUNK // (length * threads), 1)  # of very long paths, where a block is too many
    chunks = list(noise.chunks(min(BLOCK * min(most, even), bearable)))

    def work(part: Noise, results: dict[int, Played]) -> None:
        stepper = market.stepper(noise.seed, part.first_path, part.n_paths)
        results[part.first_path] = _loop(stepper, strategies, part, terms, frozen)

    for begin in range(0, len(chunks), threads):
        batch, results = chunks[begin : begin + threads], {}
        run([(work, (part, results)) for part in batch])
        for part in batch:
            yield results.pop(part.first_path)


def replay(strategies: Sequence[Strategy], prices: np.ndarray, terms: Terms, *, burn_in: int = 0) -> Played:
    """The strategies on given prices, (n_paths, burn_in + n_steps + 1), which do not notice them."""
    prices = np.asarray(prices, float)
    if prices.ndim != 2 or prices.shape[1] < burn_in + 2 or not (np.isfinite(prices) & (prices > 0)).all():
        raise ParameterError(
            f"The prices to replay have shape {prices.shape}, but must be finite and positive of shape (n_paths, "
            f"n_steps + 1) with at least {burn_in + 2} times; give such an array."
        )
    n_paths, times = prices.shape
    noise = Noise(0, 0, n_paths, times - 1 - burn_in, burn_in)
    return _loop(_Tape(prices), strategies, noise, terms, frozen=True)


def joined(parts: Sequence[Played]) -> Played:
    """Several sets of paths as one."""
    if len(parts) == 1:
        return parts[0]
    stacked = {}
    for field in fields(Played):
        if field.name != "terms":
            arrays = [getattr(part, field.name) for part in parts]
            stacked[field.name] = np.concatenate(arrays, axis=1 if arrays[0].ndim == 3 else 0)
    return Played(**stacked, terms=parts[0].terms)


class _Tape:
    """Given prices as a stepper."""

    def __init__(self, prices: np.ndarray) -> None:
        self._prices, self._t = prices, 0
        self.prices, self.failed = prices[:, 0], np.zeros(len(prices), int)

    def advance(self, outside: np.ndarray | None = None) -> np.ndarray:
        self._t += 1
        self.prices = self._prices[:, self._t]
        return self.prices


def _loop(
    stepper: Stepper, strategies: Sequence[Strategy], noise: Noise, terms: Terms, frozen: bool
) -> Played:  # fmt: skip
    n, k, n_steps, burn_in = noise.n_paths, len(strategies), noise.n_steps, noise.burn_in
    numbers = np.uint64(noise.first_path) + np.arange(n, dtype=np.uint64)
    history = np.empty((n, burn_in + n_steps + 1))
    history[:, 0] = stepper.prices

    def step(t: int, outside: np.ndarray | None) -> np.ndarray:
        """Write down the prices at t; which paths have failed, whose prices stand still."""
        history[:, t] = stepper.advance(outside)
        dead = stepper.failed > 0
        if dead.any():
            history[dead, t] = history[dead, t - 1]
        return dead

    dead = np.zeros(n, bool)
    for t in range(1, burn_in + 1):
        dead = step(t, None)
    callers = [Caller(strategy, numbers, n_steps) for strategy in strategies]
    position, cash, orders, costs = (np.zeros((k, n)) for _ in range(4))
    kept = {name: np.empty((k, n, n_steps)) for name in ("orders", "positions", "costs", "cash")}
    sizes, scales = np.array(terms.sizes)[:, None], terms.scales[:, None]
    for s in range(n_steps):
        now = burn_in + s
        for j, caller in enumerate(callers):
            given = caller(history, now + 1, position[j], cash[j], s, dead)
            if strategies[j].gives == "order":
                orders[j], position[j] = given, position[j] + given
            else:
                orders[j], position[j] = given - position[j], given
        demands = sizes * orders
        was_dead, dead = dead, step(now + 1, None if frozen else demands.sum(axis=0))
        if not frozen:
            leap = (dead & ~was_dead) | (history[:, now + 1] > LEAP * history[:, now])
            if leap.any():
                _check_orders(strategies, history[:, now], stepper.prices, demands, leap, numbers, s)
        price = terms.executed(history[:, now], history[:, now + 1])
        costs[:] = terms.cost(orders, price, scales)
        cash -= orders * price + costs
        for name, value in (("orders", orders), ("positions", position), ("costs", costs), ("cash", cash)):
            kept[name][:, :, s] = value
    return Played(numbers, history[:, burn_in:], **kept, failed=np.array(stepper.failed), terms=terms)


def _check_orders(
    strategies: Sequence[Strategy],
    before: np.ndarray,
    after: np.ndarray,
    demands: np.ndarray,
    leap: np.ndarray,
    numbers: np.ndarray,
    step: int,
) -> None:
    """Raise where a strategy traded on a path whose price took a leap; `demands` (k, n) in traders."""
    at_fault = leap & (demands != 0).any(axis=0)
    if not at_fault.any():
        return
    path = int(np.flatnonzero(at_fault)[0])
    largest = int(np.abs(demands[:, path]).argmax())
    raise ParameterError(
        f"The order of the strategy {strategies[largest].name} for path {numbers[path]} at step {step} counts as "
        f"{demands[largest, path]:.6g} traders and takes the price from {before[path]:.6g} to {after[path]:.6g}; give "
        "a smaller size, or spread the order over more steps."
    )
