"""``simcal/Learning-v0``: a learner among traders of a given policy, as an environment and as a vector of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from simcal.environments.episodes import Episodes, finite_actions
from simcal.environments.gym import NativeVectorEnv, SingleEnv
from simcal.errors import ParameterError
from simcal.learning import ACTIONS, FEATURES, LearningMarket, TrainedMarket, load_market
from simcal.learning.books import layout as at
from simcal.learning.books.batch import BookBatch
from simcal.learning.ppo import squashed

MARKET = "book-learning"
_DEVIATION = 0.37  # of what traders want who have not learned, before the squashing

PolicyFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]


def policy_of(policy: TrainedMarket | PolicyFunction | None) -> PolicyFunction:
    """``f(features, noise) -> actions``: of traders who have learned, of the user's, or of those who have not."""
    if policy is None:
        return lambda features, noise: np.tanh(_DEVIATION * noise)
    if isinstance(policy, TrainedMarket):
        net = policy.policy
        return lambda features, noise: squashed(net.raw(features, noise))
    if not callable(policy):
        raise ParameterError(
            f"policy is {policy!r:.60}, but must be a trained market, a function of features and noise, or None."
        )
    return policy


def market_of_learners(market: LearningMarket | str | Path) -> LearningMarket:
    """The market that an argument stands for."""
    found = load_market(market) if isinstance(market, (str, Path)) else market
    if not isinstance(found, LearningMarket):
        raise ParameterError(f"market is {found!r:.60}, but must be a market of learning traders, or its name.")
    return found


def spaces() -> tuple[gymnasium.spaces.Box, gymnasium.spaces.Box]:
    """Of observations and of actions."""
    return (
        gymnasium.spaces.Box(-1.0, 1.0, (len(FEATURES),), np.float32),
        gymnasium.spaces.Box(-1.0, 1.0, (len(ACTIONS),), np.float32),
    )


class LearningGame(Episodes):
    """Trader 0 on many paths; see `LearningEnv`."""

    def __init__(
        self, market: LearningMarket | str | Path, n_paths: int, policy: TrainedMarket | PolicyFunction | None
    ) -> None:
        self.market = market_of_learners(market)
        super().__init__(n_paths, self.market.n_steps)
        self.observation_space, self.action_space = spaces()
        self._others = policy_of(policy)
        self._batch: Any = None

    def _begin(self, first_path: int) -> None:
        assert self.seed is not None
        self._batch = BookBatch(self.market, self.n_paths, self.seed)
        self._enter(np.arange(self.n_paths))

    def renew(self, places: np.ndarray) -> None:
        """Begin some episodes anew."""
        self.numbers[places] = self._numbered(len(places))
        self.steps[places] = 0
        self._enter(places)

    def _enter(self, places: np.ndarray) -> None:
        """Play up to the learner's first turn; episodes in which she has none are passed over."""
        while len(places) > 0:
            self._batch.begin(self.numbers[places], places)
            self._let_others_act()
            places = places[self._over()[places]]
            self.numbers[places] = self._numbered(len(places))

    def _over(self) -> np.ndarray:
        return self._batch.steps >= self.n_steps

    def _let_others_act(self) -> None:
        """Play on where it is not the learner's turn."""
        batch = self._batch
        while (going := (batch.acting != 0) & ~self._over()).any():
            batch.advance(self._others(batch.features, batch.noise), going)

    def play(self, actions: np.ndarray, idle: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The learner's decision, and all others' up to her next one or to the close."""
        batch, given = self._batch, finite_actions(actions, (self.n_paths, len(ACTIONS)))
        rewards = batch.advance(np.clip(given, -1.0, 1.0), ~self._over()).copy()
        self.steps += 1
        self._let_others_act()
        over = self._over()
        if self.market.reward == "gains":
            rewards = np.where(over, batch.close()[:, 0] if over.any() else 0.0, batch.state.numbers[:, at.EARNED])
        return rewards, over, np.zeros(self.n_paths, bool)

    def observe(self) -> np.ndarray:
        """What the learner sees; at the close what the trader saw who acted last."""
        return self._batch.features.copy()

    def info(self) -> dict[str, np.ndarray]:
        """Path, step of the market, price, fundamental value, and the learner's shares, cash and wealth."""
        state, steps = self._batch.state, self._batch.steps
        record, account = state.record[np.arange(self.n_paths), steps], state.traders[:, 0]
        price, shares, cash = record[:, at.RECORD_PRICE], account[:, at.SHARES], account[:, at.CASH]
        return {
            "path": self.numbers.copy(), "step": steps.copy(), "price": price, "value": record[:, at.RECORD_VALUE],
            "shares": shares.copy(), "cash": cash.copy(), "wealth": cash + shares * price,
        }  # fmt: skip


class LearningEnv(SingleEnv):
    """Trader 0 of an order-book market in which the others act by a given policy.

    A step is one of her decisions: all others' up to her next one are played in it. There are about
    ``market.n_steps / market.n_traders`` of them in an episode, which is terminated at the close.

    Action: price and volume, each in [-1, 1], see `LearningMarket`. Observation: entries of
    ``LearningEnv.OBSERVATIONS``, from -1 to 1. Reward: that of the market. "gains" is what the decision earned up to
    her next one or to the close; "wealth" is told right after the decision, not to the decision before it.

    Parameters
    ----------
    market
        A market of learning traders, or its name, TOML file or folder.
    policy
        Of the others: traders who have learned (`simcal.learning.train`), ``f(features, noise) -> actions`` of arrays
        (n, 11), (n, 2) and (n, 2), or None for those who have not learned and act at random.

    Raises
    ------
    ParameterError
        An argument or an action is not allowed.
    """

    OBSERVATIONS = FEATURES

    def __init__(
        self, market: LearningMarket | str | Path = MARKET, *, policy: TrainedMarket | PolicyFunction | None = None
    ) -> None:
        super().__init__(LearningGame(market, 1, policy))


class LearningVectorEnv(NativeVectorEnv):
    """`num_envs` episodes of `LearningEnv` side by side, played by one engine: the arguments are the same.

    Path j of the seed is played by episode j first; see `NativeVectorEnv` for what happens when an episode ends.
    """

    OBSERVATIONS = FEATURES

    def __init__(
        self,
        num_envs: int = 1,
        market: LearningMarket | str | Path = MARKET,
        *,
        policy: TrainedMarket | PolicyFunction | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ) -> None:
        super().__init__(LearningGame(market, num_envs, policy), autoreset_mode)
