"""The game of a stock market: traders' targets in, orders that move the price, and their accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

from simcal.environments.game import Game, finite_actions, positive, rewarded
from simcal.environments.reserve import Reserve
from simcal.errors import ParameterError
from simcal.noise import check_integer
from simcal.trading.observations import LIMIT, N_OTHERS, observe, positions_of
from simcal.trading.orders.terms import Terms

Reward = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], Any]


class StockGame(Game):
    """Several traders in each of many paths of a market that has a stepper; see `simcal.environments.stock.StockEnv`.

    Parameters
    ----------
    market
        Anything with ``stepper(seed, first_path, n_paths)``.
    terms
        Sizes of the traders and costs; orders are executed at the price that they help to make.

    Attributes
    ----------
    position, cash, wealth
        (n_traders, n_paths) units held, cash and cash + position * price, both per unit.
    rewards, ruined
        (n_traders, n_paths) of the last step.
    """

    def __init__(
        self,
        market: Any,
        n_paths: int,
        n_steps: int,
        *,
        terms: Terms,
        burn_in: int,
        n_returns: int,
        capital: float | None,
        actions: str,
        reward: Reward | None,
    ) -> None:
        super().__init__(n_paths, n_steps)
        self.market, self.terms, self.reward = market, terms, reward
        self.burn_in = check_integer("burn_in", burn_in, 0, 2**31 - 1)
        self.n_returns = check_integer("n_returns", n_returns, 1, 2**16)
        self.capital = np.nan if capital is None else positive("capital", capital)
        if actions not in ("continuous", "discrete"):
            raise ParameterError(f"actions is {actions!r}, but must be 'continuous' or 'discrete'.")
        self._discrete = actions == "discrete"
        spaces = gymnasium.spaces
        self.action_space = spaces.Discrete(3) if self._discrete else spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.observation_space = spaces.Box(-LIMIT, LIMIT, (self.n_returns + N_OTHERS,), np.float32)
        self._sizes, self._scales = np.array(terms.sizes)[:, None], terms.scales[:, None]
        shape = (len(terms.sizes), self.n_paths)
        self.position, self.cash, self.wealth, self.rewards = (np.zeros(shape) for _ in range(4))
        self.ruined = np.zeros(shape, bool)
        self._stepper: Any = None

    def _warmed(self, first_path: int, count: int) -> tuple[Any, np.ndarray]:
        """A stepper after the burn-in, and the last prices of its paths (count, n_returns + 1)."""
        assert self.seed is not None
        stepper = self.market.stepper(self.seed, first_path, count)
        self.capital = float(stepper.prices[0]) if np.isnan(self.capital) else self.capital
        prices = np.repeat(stepper.prices[:, None], self.n_returns + 1, axis=1).astype(float)
        for _ in range(self.burn_in):
            _append(prices, stepper.advance(None))
        return stepper, prices

    def _warm_next(self, count: int) -> tuple[Any, np.ndarray, np.ndarray]:
        numbers = self._numbered(count)
        return *self._warmed(int(numbers[0]), count), numbers

    def _begin(self, first_path: int) -> None:
        self._stepper, self._prices = self._warmed(first_path, self.n_paths)
        self._reserve = Reserve(self._warm_next)
        for account in (self.position, self.cash, self.wealth):
            account[:] = 0.0

    def renew(self, places: np.ndarray) -> None:
        """Begin some episodes anew."""
        if self.burn_in:
            for some, stepper, where, prices, numbers in self._reserve.take(places):
                self._stepper.adopt(some, stepper, where)
                self._prices[some], self.numbers[some] = prices, numbers
        else:
            self.numbers[places] = self._numbered(len(places))
            self._stepper.restart(places, self.numbers[places])
            self._prices[places] = self._stepper.prices[places, None]
        self.steps[places] = 0
        for account in (self.position, self.cash, self.wealth):
            account[:, places] = 0.0

    def targets(self, actions: Any) -> np.ndarray:
        """The target positions (n_paths,) of one trader that its actions stand for."""
        if self._discrete:
            chosen = finite_actions(actions, (self.n_paths,))
            if not np.isin(chosen, (0, 1, 2)).all():
                raise ParameterError("The actions must be 0 (short), 1 (flat) or 2 (long), one per episode.")
        else:
            chosen = finite_actions(actions, (self.n_paths, 1))
        return np.clip(positions_of(chosen, self.action_space), -1.0, 1.0)

    def play(self, actions: np.ndarray, idle: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One step of a single trader."""
        failed, truncated = self.trade(self.targets(actions)[None], idle)
        return self.rewards[0].copy(), failed | self.ruined[0], truncated & ~failed & ~self.ruined[0]

    def trade(self, targets: np.ndarray, idle: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """One step of all traders with targets (n_traders, n_paths): which paths failed, and which took all steps."""
        orders = targets - self.position
        if idle is not None:
            orders[:, idle] = 0.0
        moved = self._stepper.advance((self._sizes * orders).sum(axis=0))
        before, failed = self._prices[:, -1].copy(), self._stepper.failed > 0
        price = np.where(failed, before, moved)  # the price stands still where it failed
        _append(self._prices, price)
        self.position = self.position + orders
        self.cash = self.cash - orders * price - self.terms.cost(orders, price, self._scales)
        wealth = self.cash + self.position * price
        change, self.wealth = wealth - self.wealth, wealth
        self.rewards = rewarded(self.reward, change, self.position, orders, price)
        self.ruined = wealth <= -self.capital
        self.steps += 1
        return failed, self.steps >= self.n_steps

    def seen_by(self, trader: int) -> np.ndarray:
        """The observations of one trader, (n_paths, entries)."""
        position, cash = self.position[trader], self.cash[trader]
        return observe(self._prices, position, cash, self.steps, self.n_steps, self.n_returns)

    def observe(self) -> np.ndarray:
        """The observations of a single trader."""
        return self.seen_by(0)

    def info(self) -> dict[str, np.ndarray]:
        """Path, price, position and wealth of a single trader."""
        return {
            "path": self.numbers.copy(), "price": self._prices[:, -1].copy(), "position": self.position[0].copy(),
            "wealth": self.wealth[0].copy(),
        }  # fmt: skip


def _append(prices: np.ndarray, price: np.ndarray) -> None:
    """Write the newest column and drop the oldest."""
    prices[:, :-1] = prices[:, 1:]
    prices[:, -1] = price
