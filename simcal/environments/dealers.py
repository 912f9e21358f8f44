"""``simcal/Dealer-v0``: a dealer who quotes requests against rivals, as an environment and as a vector of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gymnasium.vector import AutoresetMode

from simcal.environments.dealer_game import OBSERVATIONS, DealerGame, Reward
from simcal.environments.episodes import market_of
from simcal.environments.gym import NativeVectorEnv, SingleEnv
from simcal.models import Market

MARKET = "rfq-desk"


class DealerEnv(SingleEnv):
    """Dealer 0 of a dealer market: a step is a request, the action the margin to quote.

    The dealer sees the request and answers with a margin: its price is the mid plus side times margin times half
    spread. The market's rivals quote as they do in `simcal.simulate`, and the client takes the best price, or none.

    Action: a number in [-1, 1], beyond which it is clipped; the margin is `widest` half spreads times it.

    Observation, entries of ``DealerEnv.OBSERVATIONS``, clipped to plus and minus 10:

    ==========  =======================================================================================
    side        +1 where the client buys (the dealer sells), -1 where she sells
    size        logarithm of the size asked for over the median size
    dealers     share of the market's dealers who are asked
    mid change  move of the mid since the request before, in its standard deviations; 0 at the first
    inventory   units held, in ten median sizes
    profit      wealth over ``0.1 * n_steps`` median sizes
    time left   share of the steps that are still to come, from 1 to 0
    ==========  =======================================================================================

    Reward: the change of wealth up to the next request, in half spreads times units: margin times what was traded, and
    inventory times the move of the mid. Where the market draws mids anew for each request (``mid_law = "uniform"``)
    they say nothing of what an inventory is worth, and only the margin counts.

    An episode is truncated after `n_steps` requests, and terminated where the dealer is ruined, that is where its
    wealth falls to minus `capital`, or where the mid leaves the range of prices; it then counts as not having moved.

    Parameters
    ----------
    market
        A dealer market, or its name, TOML file or run folder.
    n_steps
        Requests of an episode.
    widest
        Margin, in half spreads, of the action 1.
    capital
        Half spreads times units that may be lost; None is 1000 median sizes.
    reward
        Instead of the change of wealth: ``f(change, inventory, spread, share) -> reward``, of arrays: the inventory
        after the request, the spread captured (half spreads times units), and the share of the size that was traded.

    Raises
    ------
    ParameterError
        An argument or an action is not allowed.
    """

    OBSERVATIONS = OBSERVATIONS

    def __init__(
        self,
        market: Market | str | Path = MARKET,
        *,
        n_steps: int = 250,
        widest: float = 2.0,
        capital: float | None = None,
        reward: Reward | None = None,
    ) -> None:
        dealers = dealer_market(market)
        super().__init__(DealerGame(dealers, 1, n_steps, widest=widest, capital=capital, reward=reward))


class DealerVectorEnv(NativeVectorEnv):
    """`num_envs` episodes of `DealerEnv` side by side, played by one engine: the arguments are the same.

    Path j of the seed is played by episode j first; see `NativeVectorEnv` for what happens when an episode ends.
    """

    OBSERVATIONS = OBSERVATIONS

    def __init__(
        self,
        num_envs: int = 1,
        market: Market | str | Path = MARKET,
        *,
        n_steps: int = 250,
        widest: float = 2.0,
        capital: float | None = None,
        reward: Reward | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ) -> None:
        dealers = dealer_market(market)
        game = DealerGame(dealers, num_envs, n_steps, widest=widest, capital=capital, reward=reward)
        super().__init__(game, autoreset_mode)


def dealer_market(market: Market | str | Path) -> Any:
    """The dealer market that an argument stands for."""
    return market_of(market, "a dealer market, such as 'rfq-desk'", "request_stepper")
