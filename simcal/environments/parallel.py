"""PettingZoo's ``ParallelEnv``: several strategies in one stock market, whose orders meet in the same price."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.utils import seeding
from pettingzoo import ParallelEnv

from simcal.environments.stock import MARKET, StockEpisodes
from simcal.errors import ParameterError
from simcal.models import Market
from simcal.noise import check_integer
from simcal.trading.observations import names


class StockParallelEnv(ParallelEnv):
    """Several traders in one stock market: all of them act at each step, and their orders add up.

    Each trader has the action, observation, reward and end of `simcal.environments.StockEnv`; the price that all share
    is what they notice of each other. Who is ruined leaves with its position, which it trades no more; where the
    market fails or the episode is truncated, all leave.

    Parameters
    ----------
    market
        A market whose price orders can move, or its name, TOML file or run folder.
    n_agents
        Traders, called "trader_0", "trader_1", ...
    options
        As of `simcal.environments.StockEnv`; ``size`` is a number for all or a sequence with one for each.
    """

    metadata: ClassVar[dict[str, Any]] = {"name": "simcal/Stock-v0", "render_modes": [], "is_parallelizable": True}

    def __init__(self, market: Market | str | Path = MARKET, n_agents: int = 2, **options: Any) -> None:
        n_agents = check_integer("n_agents", n_agents, 1, 10_000)
        self._game = StockEpisodes(market, 1, n_agents, **options)
        self.possible_agents = [f"trader_{j}" for j in range(n_agents)]
        self.agents: list[str] = []
        self.render_mode = None
        self.OBSERVATIONS = names(self._game.n_returns)
        # A space of its own for each: they have generators of their own.
        self.observation_spaces = {agent: deepcopy(self._game.observation_space) for agent in self.possible_agents}
        self.action_spaces = {agent: deepcopy(self._game.action_space) for agent in self.possible_agents}
        self._generator: np.random.Generator | None = None

    def observation_space(self, agent: str) -> gymnasium.Space:
        """What an agent sees."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.Space:
        """What an agent chooses from."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, dict[str, Any]]]:
        """Begin an episode: path 0 of the seed, and without a seed the path after the last one."""
        if self._generator is None or seed is not None:
            self._generator, _ = seeding.np_random(seed)
        self._game.begin(seed, options, self._generator)
        self.agents = list(self.possible_agents)
        return self._seen(self.agents), self._told(self.agents)

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[
        dict[str, np.ndarray], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]
    ]:  # fmt: skip
        """Take one step with an action of each agent that is left."""
        game, playing = self._game, self.agents
        if not playing:
            raise ParameterError("There is no episode to take a step in; call reset() first.")
        if set(actions) != set(playing):
            raise ParameterError(
                f"There are actions of {sorted(actions)}, but each of {playing} must act, and only they."
            )
        targets = game.position.copy()
        for agent, action in actions.items():
            targets[self._number(agent)] = game.targets(np.asarray(action)[None])
        failed, over = game.trade(targets)
        ended = {agent: bool(failed[0] or game.ruined[self._number(agent), 0]) for agent in playing}
        cut = {agent: bool(over[0]) and not ended[agent] for agent in playing}
        rewards = {agent: float(game.rewards[self._number(agent), 0]) for agent in playing}
        self.agents = [agent for agent in playing if not (ended[agent] or cut[agent])]
        return self._seen(playing), rewards, ended, cut, self._told(playing)

    def _number(self, agent: str) -> int:
        return int(agent.removeprefix("trader_"))

    def _seen(self, agents: list[str]) -> dict[str, np.ndarray]:
        return {agent: self._game.seen_by(self._number(agent))[0] for agent in agents}

    def _told(self, agents: list[str]) -> dict[str, dict[str, Any]]:
        info, own = self._game.info(), {"position": self._game.position, "wealth": self._game.wealth}
        shared = {name: info[name][0].item() for name in ("path", "price")}
        numbers = {agent: self._number(agent) for agent in agents}
        return {agent: shared | {name: float(of[j, 0]) for name, of in own.items()} for agent, j in numbers.items()}
