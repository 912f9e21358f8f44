"""``simcal/Learning-v0``: a learner in an order-book market, as an environment and as a vector of them."""

from __future__ import annotations

from pathlib import Path

from gymnasium.vector import AutoresetMode

from simcal.environments.gym import NativeVectorEnv, SingleEnv
from simcal.environments.learning_game import MARKET, LearningGame, Policy
from simcal.learning import FEATURES, LearningMarket, TrainedMarket


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
        self, market: LearningMarket | str | Path = MARKET, *, policy: TrainedMarket | Policy | None = None
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
        policy: TrainedMarket | Policy | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ) -> None:
        super().__init__(LearningGame(market, num_envs, policy), autoreset_mode)
