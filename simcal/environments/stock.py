"""``simcal/Stock-v0``: a trader whose orders move the price of a market, as an environment and a vector of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from simcal.environments.episodes import Episodes, finite_actions, market_of, positive, rewarded
from simcal.environments.gym import NativeVectorEnv, SingleEnv
from simcal.errors import ParameterError
from simcal.models import Market
from simcal.noise import check_integer
from simcal.trading.observations import LIMIT, N_OTHERS, N_RETURNS, names, observe, positions_of
from simcal.trading.orders.terms import terms_of

MARKET = "stock-sp500"
WARM = 512  # paths that play their burn-in together; fewer cost as much

StockReward = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], Any]


class StockEnv(SingleEnv):
    """A trader in a stock market: the action is the position to hold, and the order for it moves the price.

    An episode begins after the burn-in with neither units nor cash. At each step the trader sees prices up to now and
    chooses a target position between -1 (short) and 1 (long). The order, target less position, counts as `size`
    traders per unit in the excess demand that makes the next price, and is executed at that price. So the trader pays
    the whole impact of its own order.

    Observation, entries of ``StockEnv.OBSERVATIONS`` (`simcal.trading.observations.names` says more): the last log
    returns in per cent, newest first, the position, the profit in tenths of the price, the share of the steps left;
    clipped to plus and minus 10. A backtest of a policy shows it the same.

    Reward: the change of wealth, cash + position * price, costs taken off, in price per unit (a reward of 1 at a price
    of 100 is a gain of 1 per cent). The position is marked at the last price and not liquidated at the end.

    An episode is truncated after `n_steps`. It is terminated where the trader is ruined, that is where its wealth
    falls to minus `capital`, and where the market fails because no positive, finite price is left: the price then
    stands still, and the order of that step is executed at it.

    Parameters
    ----------
    market
        A market whose price orders can move, or its name, TOML file or run folder.
    n_steps
        Steps of an episode.
    size
        Traders of the model that one unit counts as; 0 is a trader whom the market does not notice.
    actions
        "continuous", a target in [-1, 1], beyond which it is clipped; or "discrete": 0 short, 1 flat, 2 long.
    burn_in
        Steps that the market takes before an episode, so that traders who look back have prices to look at.
    n_returns
        Returns that are observed.
    capital
        Money per unit that may be lost; None is the market's first price.
    fixed_cost, proportional_cost, quadratic_cost
        Money per trade, share of the value traded, money per squared trader.
    reward
        Instead of the change of wealth: ``f(change, position, order, price) -> reward``, of arrays.

    Raises
    ------
    ParameterError
        An argument or an action is not allowed.
    """

    OBSERVATIONS = names()

    def __init__(self, market: Market | str | Path = MARKET, **options: Any) -> None:
        game = StockEpisodes(market, 1, 1, **options)
        super().__init__(game)
        self.OBSERVATIONS = names(game.n_returns)


class StockVectorEnv(NativeVectorEnv):
    """`num_envs` episodes of `StockEnv` side by side, played by one engine: the arguments are the same.

    Path j of the seed is played by episode j first; see `NativeVectorEnv` for what happens when an episode ends.
    """

    OBSERVATIONS = names()

    def __init__(
        self,
        num_envs: int = 1,
        market: Market | str | Path = MARKET,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        **options: Any,
    ) -> None:
        game = StockEpisodes(market, num_envs, 1, **options)
        super().__init__(game, autoreset_mode)
        self.OBSERVATIONS = names(game.n_returns)


class StockEpisodes(Episodes):
    """Several traders in each of many paths of a market whose price orders move; the options are those of `StockEnv`.

    Parameters
    ----------
    market
        With ``stepper(seed, first_path, n_paths)``, or its name, TOML file or run folder.
    n_paths, n_traders
        Episodes side by side, and traders in each; orders are executed at the price that they help to make.

    Attributes
    ----------
    position, cash, wealth
        (n_traders, n_paths) units held, cash and cash + position * price, both per unit.
    rewards, ruined
        (n_traders, n_paths) of the last step.
    """

    def __init__(
        self,
        market: Market | str | Path,
        n_paths: int,
        n_traders: int,
        *,
        n_steps: int = 250,
        size: Any = 0.1,
        actions: str = "continuous",
        burn_in: int = 100,
        n_returns: int = N_RETURNS,
        capital: float | None = None,
        fixed_cost: float = 0.0,
        proportional_cost: float = 0.0,
        quadratic_cost: float = 0.0,
        reward: StockReward | None = None,
    ) -> None:
        self.market = market_of(market, "one whose price orders move, such as 'stock-sp500'", "stepper")
        self.terms = terms_of(
            size, n_traders, execution="next", fixed=fixed_cost, proportional=proportional_cost,
            quadratic=quadratic_cost,
        )  # fmt: skip
        super().__init__(n_paths, n_steps)
        self.reward = reward
        self.burn_in = check_integer("burn_in", burn_in, 0, 2**31 - 1)
        self.n_returns = check_integer("n_returns", n_returns, 1, 2**16)
        self.capital = np.nan if capital is None else positive("capital", capital)
        if actions not in ("continuous", "discrete"):
            raise ParameterError(f"actions is {actions!r}, but must be 'continuous' or 'discrete'.")
        self._discrete = actions == "discrete"
        spaces = gymnasium.spaces
        self.action_space = spaces.Discrete(3) if self._discrete else spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.observation_space = spaces.Box(-LIMIT, LIMIT, (self.n_returns + N_OTHERS,), np.float32)
        self._sizes, self._scales = np.array(self.terms.sizes)[:, None], self.terms.scales[:, None]
        shape = (len(self.terms.sizes), self.n_paths)
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

    def _begin(self, first_path: int) -> None:
        self._stepper, self._prices = self._warmed(first_path, self.n_paths)
        self._reserve: tuple[Any, np.ndarray, np.ndarray] | None = None
        self._left = 0
        for account in (self.position, self.cash, self.wealth):
            account[:] = 0.0

    def _warm_paths(self, places: np.ndarray) -> Iterator[tuple[np.ndarray, Any, np.ndarray, np.ndarray, np.ndarray]]:
        """Paths that have played their burn-in, for some of the places at a time.

        The places, a stepper, where in it, their prices and numbers. They are made `WARM` at a time and wait.
        """
        while len(places):
            if self._reserve is None or not self._left:
                numbers = self._numbered(WARM)
                self._reserve, self._left = (*self._warmed(int(numbers[0]), WARM), numbers), WARM
            count, (stepper, prices, numbers) = min(self._left, len(places)), self._reserve
            where = WARM - self._left + np.arange(count)
            yield places[:count], stepper, where, prices[where], numbers[where]
            places, self._left = places[count:], self._left - count

    def renew(self, places: np.ndarray) -> None:
        """Begin some episodes anew."""
        if self.burn_in:
            for some, stepper, where, prices, numbers in self._warm_paths(places):
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
