"""The game of a dealer market: margins in, requests won or lost, and the account of the dealer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

from simcal.environments.episodes import Episodes, finite_actions, positive, rewarded
from simcal.models.dealers.market import RfqMarket

Reward = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], Any]
LIMIT = 10.0  # observations are clipped to plus and minus this number
OBSERVATIONS = ("side", "size", "dealers", "mid change", "inventory", "profit", "time left")


class DealerGame(Episodes):
    """Dealer 0 on many paths; see `simcal.environments.dealers.DealerEnv`.

    Attributes
    ----------
    wealth
        (n_paths,) profit so far, in half spreads times units.
    """

    def __init__(
        self,
        market: RfqMarket,
        n_paths: int,
        n_steps: int,
        *,
        widest: float,
        capital: float | None,
        reward: Reward | None,
    ) -> None:
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
            price = market.tick * np.rint((mid + market.half_spread * (side * margins)) / market.tick)
            margins = side * (price - mid) / market.half_spread
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
        seen = np.stack(
            [
                stepper.side,
                np.log(stepper.size / market.size_median),
                stepper.n_dealers / market.n_dealers,
                self._moved / self._move,
                stepper.inventory / (10.0 * market.size_median),
                self.wealth / (0.1 * self.n_steps * market.size_median),
                1.0 - self.steps / self.n_steps,
            ],
            axis=1,
        )
        return np.clip(seen, -LIMIT, LIMIT).astype(np.float32)

    def info(self) -> dict[str, np.ndarray]:
        """Path, mid of the request that waits, inventory, wealth, and what share of the last request was traded."""
        return {
            "path": self.numbers.copy(), "mid": self._stepper.mid, "inventory": self._stepper.inventory,
            "wealth": self.wealth.copy(), "share": self._share.copy(),
        }  # fmt: skip
