"""PettingZoo's views of the order-book market in which all traders learn: one after the other, and all at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.utils import seeding
from pettingzoo import AECEnv, ParallelEnv

from simcal.environments.episodes import finite_actions
from simcal.errors import ParameterError
from simcal.learning import ACTIONS, FEATURES, LearningMarket
from simcal.learning.books import layout as at
from simcal.learning.books.batch import BookBatch
from simcal.learning.environments import MARKET, market_of_learners, spaces
from simcal.noise import check_integer, check_seed


class _Views:
    """What both views share: one market, its traders' names and spaces, and where its episodes come from."""

    def __init__(self, market: LearningMarket | str | Path = MARKET, render_mode: str | None = None) -> None:
        self.market = market_of_learners(market)
        self.possible_agents = [f"trader_{j}" for j in range(self.market.n_traders)]
        self.agents: list[str] = []
        if render_mode not in (None, "ansi"):
            raise ParameterError(f"render_mode is {render_mode!r}, but must be None or 'ansi'.")
        self.render_mode = render_mode
        self.OBSERVATIONS = FEATURES
        # A space of its own for each: they have generators of their own.
        pairs = {agent: spaces() for agent in self.possible_agents}
        self.observation_spaces = {agent: seen for agent, (seen, _) in pairs.items()}
        self.action_spaces = {agent: chosen for agent, (_, chosen) in pairs.items()}
        self._batch: Any = None
        self._path, self._seed = 0, 0

    def observation_space(self, agent: str) -> gymnasium.Space:
        """What a trader sees."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.Space:
        """What a trader chooses from."""
        return self.action_spaces[agent]

    def _begin(self, seed: int | None, options: dict[str, Any] | None) -> None:
        """Path 0 of a seed; without a seed the path after the last one, and at the very first time a drawn seed."""
        if seed is not None or self._batch is None:
            self._seed = int(seeding.np_random(None)[0].integers(2**63)) if seed is None else check_seed(int(seed))
            self._batch, self._path = BookBatch(self.market, 1, self._seed), 0
        if options and "path" in options:
            self._path = check_integer("path", options["path"], 0, 2**63)
        self._batch.begin([self._path])
        self._path += 1
        self.agents = list(self.possible_agents)

    def render(self) -> str | None:
        """In mode "ansi": step, price, fundamental value and whose turn it is, in one line."""
        if self.render_mode is None or self._batch is None:
            return None
        step = int(self._batch.steps[0])
        price, value = self._batch.state.record[0, step, [at.RECORD_PRICE, at.RECORD_VALUE]]
        turn = "closed" if self._over else self._acting
        return f"step {step} of {self.market.n_steps}  price {price:.2f}  value {value:.2f}  {turn}"

    def close(self) -> None:
        """Nothing is open."""

    @property
    def _acting(self) -> str:
        return self.possible_agents[int(self._batch.acting[0])]

    @property
    def _over(self) -> bool:
        return bool(self._batch.steps[0] >= self.market.n_steps)

    def _play(self, action: Any) -> dict[str, float]:
        """The decision of who acts, and what traders earn by the state that it leads to."""
        who = self._acting
        earned = self._batch.advance(np.clip(finite_actions(action, (len(ACTIONS),))[None], -1.0, 1.0))[0]
        rewards = dict.fromkeys(self.agents, 0.0)
        if self.market.reward == "wealth":
            rewards[who] = float(earned)
        elif self._over:
            rewards |= dict(zip(self.possible_agents, map(float, self._batch.close()[0]), strict=True))
        else:
            rewards[self._acting] = float(self._batch.state.numbers[0, at.EARNED])
        return rewards

    def _told(self) -> dict[str, dict[str, Any]]:
        """Price, and of each trader shares, cash, discount and whether it is her turn."""
        state, step = self._batch.state, int(self._batch.steps[0])
        price, turn = float(state.record[0, step, at.RECORD_PRICE]), None if self._over else self._acting
        accounts = state.traders[0]
        return {
            agent: {
                "price": price, "shares": float(accounts[j, at.SHARES]), "cash": float(accounts[j, at.CASH]),
                "discount": float(accounts[j, at.DISCOUNT]), "acts": agent == turn,
            }
            for j, agent in enumerate(self.possible_agents)
        }  # fmt: skip


class LearningAECEnv(_Views, AECEnv):
    """The order-book market, one trader's decision at a time, in the order in which the market draws them.

    Actions, observations and rewards are those of `simcal.environments.LearningEnv`: a trader's reward comes with her
    next turn, or at the close, where all episodes terminate. ``infos[agent]["discount"]`` is what her next decision
    counts. Path 0 of the seed is played first, and without a seed the path after the last one.

    Parameters
    ----------
    market
        A market of learning traders, or its name, TOML file or folder.
    render_mode
        None, or "ansi": `render` returns a line of text.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "simcal/Learning-v0",
        "render_modes": ["ansi"],
        "is_parallelizable": False,
    }

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin an episode."""
        self._begin(seed, options)
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations, self.truncations = (dict.fromkeys(self.agents, False) for _ in range(2))
        self.infos = self._told()
        self.agent_selection = self._acting

    def observe(self, agent: str) -> np.ndarray:
        """What a trader sees, or would see who does not act."""
        j = self.possible_agents.index(agent)
        return self._batch.features[0].copy() if j == self._batch.acting[0] else self._batch.see_all(0)[j]

    def step(self, action: Any) -> None:
        """The decision of the trader whose turn it is."""
        if not self.agents:
            raise ParameterError("There is no episode to take a step in; call reset() first.")
        if self.terminations[self.agent_selection]:
            self._was_dead_step(action)
            return
        self._cumulative_rewards[self.agent_selection] = 0.0
        self.rewards = self._play(action)
        self.infos = self._told()
        if self._over:
            self.terminations = dict.fromkeys(self.agents, True)
            self.agent_selection = self.agents[0]
        else:
            self.agent_selection = self._acting
        self._accumulate_rewards()


class LearningParallelEnv(_Views, ParallelEnv):
    """The order-book market with all traders at once: each sees and says what she would do, and one is heard.

    The market draws who that is, as in `LearningAECEnv`, and says so before in ``infos[agent]["acts"]``; a trader's
    reward comes when she is drawn again, or at the close. What the others see is computed for each step, which takes
    time in proportion to their number; `simcal.learning.train` does without it.

    Parameters
    ----------
    market
        A market of learning traders, or its name, TOML file or folder.
    render_mode
        None, or "ansi": `render` returns a line of text.
    """

    metadata: ClassVar[dict[str, Any]] = {"name": "simcal/Learning-v0", "render_modes": ["ansi"]}

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, dict[str, Any]]]:
        """Begin an episode."""
        self._begin(seed, options)
        return self._seen(), self._told()

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[
        dict[str, np.ndarray], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]
    ]:  # fmt: skip
        """Take one step with an action of each trader."""
        if not self.agents:
            raise ParameterError("There is no episode to take a step in; call reset() first.")
        if set(actions) != set(self.agents):
            raise ParameterError(
                f"There are actions of {len(actions)} traders, but each of {len(self.agents)} must act."
            )
        playing = self.agents
        rewards = self._play(actions[self._acting])
        ended, cut = dict.fromkeys(playing, self._over), dict.fromkeys(playing, False)
        if self._over:
            self.agents = []
        return self._seen(), rewards, ended, cut, self._told()

    def _seen(self) -> dict[str, np.ndarray]:
        return dict(zip(self.possible_agents, self._batch.see_all(0), strict=True))
