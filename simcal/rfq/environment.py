"""``simcal/Dealer-v0``: a dealer who quotes requests against rivals, as an environment and as a vector of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from simcal.environments.episodes import Episodes, finite_actions, market_of, positive, rewarded
from simcal.environments.gym import NativeVectorEnv, SingleEnv
from simcal.models import Market
from simcal.rfq import rules
from simcal.rfq.market import RfqMarket

MARKET = "rfq-desk"
Reward = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], Any]
LIMIT = 10.0  # observations are clipped to plus and minus this number
OBSERVATIONS = ("side", "size", "dealers", "mid change", "inventory", "profit", "time left")


class DealerGame(Episodes):
    """Dealer 0 on many paths; see `DealerEnv`.

    Attributes
    ----------
    wealth
        (n_paths,) profit so far, in half spreads times units.
    """

    def __init__(
        self, market: Market | str | Path, n_paths: int, *, n_steps: int = 250, widest: float = 2.0,
        capital: float | None = None, reward: Reward | None = None,
    ) -> None:  # fmt: skip
        market = market_of(market, "a dealer market, such as 'rfq-desk'", "request_stepper")
        assert isinstance(market, RfqMarket)
        super().__init__(n_paths, n_steps)
        self.market, self.reward = market, reward
        self.widest = positive("widest", widest)
        self.capital = 1000.0 * market.size_median if capital is None else positive("capital", capital)
        self._walks = market.mid_law == "walk"
        move = np.hypot(market.mid_volatility, market.information * market.half_spread)
        self._move = float(move) if move > 0 else market.half_spread
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.observation_space = gymnasium.spaces.Box(-LIMIT, LIMIT, (len(OBSERVATIONS),), np.float32)
        self.wealth, self._moved, self._share = (np.zeros(self.n_paths) for _ in range(3))
        self._stepper: Any = None

    def _begin(self, first_path: int) -> None:
        assert self.seed is not None
        self._stepper = self.market.request_stepper(self.seed, first_path, self.n_paths)
        self.wealth[:], self._moved[:], self._share[:] = 0.0, 0.0, 0.0

    def renew(self, places: np.ndarray) -> None:
        """Begin some episodes anew."""
        self.numbers[places] = self._numbered(len(places))
        self._stepper.restart(places, self.numbers[places])
        for values in (self.steps, self.wealth, self._moved, self._share):
            values[places] = 0

    def play(self, actions: np.ndarray, idle: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Quote the requests that wait, and let the next ones come."""
        stepper, market = self._stepper, self.market
        margins = self.widest * np.clip(finite_actions(actions, (self.n_paths, 1))[:, 0], -1.0, 1.0)
        size, mid = stepper.size, stepper.mid
        if market.tick > 0:
            side = stepper.side
            price = rules.to_tick(rules.price_of(margins, side, mid, market.half_spread), market.tick)
            margins = rules.reduced_of(price, side, mid, market.half_spread)
        self._share = stepper.answer(margins)
        failed = stepper.failed > 0
        inventory = stepper.inventory
        self._moved = np.where(failed, 0.0, stepper.mid - mid) if self._walks else np.zeros(self.n_paths)
        spread = margins * size * self._share
        change = spread + inventory * self._moved / market.half_spread
        self.wealth = self.wealth + change
        self.steps += 1
        over = failed | (self.wealth <= -self.capital)
        rewards = rewarded(self.reward, change, inventory, spread, self._share)
        return rewards, over, (self.steps >= self.n_steps) & ~over

    def observe(self) -> np.ndarray:
        """What the dealer sees of the requests that wait."""
        stepper, market = self._stepper, self.market
        seen = [
            stepper.side,
            np.log(stepper.size / market.size_median),
            stepper.n_dealers / market.n_dealers,
            self._moved / self._move,
            stepper.inventory / (10.0 * market.size_median),
            self.wealth / (0.1 * self.n_steps * market.size_median),
            1.0 - self.steps / self.n_steps,
        ]
        return np.clip(np.stack(seen, axis=1), -LIMIT, LIMIT).astype(np.float32)

    def info(self) -> dict[str, np.ndarray]:
        """Path, mid of the request that waits, inventory, wealth, and what share of the last request was traded."""
        return {
            "path": self.numbers.copy(), "mid": self._stepper.mid, "inventory": self._stepper.inventory,
            "wealth": self.wealth.copy(), "share": self._share.copy(),
        }  # fmt: skip


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

    def __init__(self, market: Market | str | Path = MARKET, **options: Any) -> None:
        super().__init__(DealerGame(market, 1, **options))


class DealerVectorEnv(NativeVectorEnv):
    """`num_envs` episodes of `DealerEnv` side by side, played by one engine: the arguments are the same.

    Path j of the seed is played by episode j first; see `NativeVectorEnv` for what happens when an episode ends.
    """

    OBSERVATIONS = OBSERVATIONS

    def __init__(
        self, num_envs: int = 1, market: Market | str | Path = MARKET, *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(DealerGame(market, num_envs, **options), autoreset_mode)
