"""``simcal/Stock-v0``: a trader whose orders move the price of a market, as an environment and a vector of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

from gymnasium.vector import AutoresetMode

from simcal.environments.game import market_of
from simcal.environments.single import SingleEnv
from simcal.environments.stock_game import Reward, StockGame
from simcal.environments.vector import NativeVectorEnv
from simcal.models import Market
from simcal.trading.observations import N_RETURNS, names
from simcal.trading.orders.terms import terms_of

MARKET = "stock-sp500"


class StockOptions(TypedDict, total=False):
    """The arguments of `StockEnv` beside the market."""

    n_steps: int
    size: float | Sequence[float]
    actions: str
    burn_in: int
    n_returns: int
    capital: float | None
    fixed_cost: float
    proportional_cost: float
    quadratic_cost: float
    reward: Reward | None


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

    Main arguments
    --------------
    market
        A market whose price orders can move, or its name, TOML file or run folder.
    n_steps
        Steps of an episode.
    size
        Traders of the model that one unit counts as; 0 is a trader whom the market does not notice.
    actions
        "continuous", a target in [-1, 1], beyond which it is clipped; or "discrete": 0 short, 1 flat, 2 long.

    Other arguments
    ---------------
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

    def __init__(self, market: Market | str | Path = MARKET, **options: Unpack[StockOptions]) -> None:
        game = stock_game(market, 1, 1, **options)
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
        **options: Unpack[StockOptions],
    ) -> None:
        game = stock_game(market, num_envs, 1, **options)
        super().__init__(game, autoreset_mode)
        self.OBSERVATIONS = names(game.n_returns)


def stock_game(
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
    reward: Reward | None = None,
) -> StockGame:
    """The game behind the environments; their arguments, and the numbers of paths and traders."""
    found = market_of(market, "one whose price orders move, such as 'stock-sp500'", "stepper")
    terms = terms_of(
        size, n_traders, execution="next", fixed=fixed_cost, proportional=proportional_cost, quadratic=quadratic_cost
    )
    return StockGame(
        found, n_paths, n_steps, terms=terms, burn_in=burn_in, n_returns=n_returns, capital=capital, actions=actions,
        reward=reward,
    )  # fmt: skip
