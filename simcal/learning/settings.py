"""What can be chosen about the training of the shared policy."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

from simcal.book import check_fields, parameter
from simcal.errors import check_names


@dataclass(frozen=True)
class PpoSettings:
    """Networks and training of `simcal.learning.train`; the defaults train a market of 200 traders in minutes.

    Parameters
    ----------
    iterations, episodes
        Updates of the policy, and the episodes that each of them is made of, played side by side by one policy.
    width
        Of the two hidden layers of policy and critic.
    learning_rate, schedule
        Of Adam; it falls linearly to 0 ("linear"), or by half a per cent every 50 epochs, to 1e-6 ("steps").
    epochs, minibatch
        Passes over the decisions of an iteration, and decisions per gradient.

    Other Parameters
    ----------------
    clip
        How far the ratio of new to old probability counts from 1.
    trace_decay
        Lambda of generalised advantage estimation.
    log_sd
        Logarithm of the policy's deviation before the squashing; it is not learned.
    gradient_norm
        To which gradients are clipped, policy and critic each for itself.
    centred
        Whether advantages are centred before they are divided by their deviation.
    scaled_rewards
        Whether rewards are divided by their deviation in the iteration.
    reward_limit
        To plus and minus which rewards are clipped (after scaling).

    Raises
    ------
    ParameterError
        Where a value is not allowed, in one sentence.
    """

    iterations: int = parameter(80, "updates of the policy", 1, integer=True)
    episodes: int = parameter(32, "episodes of an update", 1, integer=True)
    width: int = parameter(64, "units of a hidden layer", 1, integer=True)
    learning_rate: float = parameter(3e-4, "of Adam", 0, open=True)
    schedule: Literal["linear", "steps"] = "linear"
    epochs: int = parameter(3, "passes over the decisions of an update", 1, integer=True)
    minibatch: int = parameter(2048, "decisions per gradient", 1, integer=True)
    clip: float = parameter(0.3, "of the ratio of probabilities", 0, open=True)
    trace_decay: float = parameter(0.9, "lambda of the advantages", 0, 1)
    log_sd: float = parameter(-1.0, "logarithm of the policy's deviation", -10, 2)
    gradient_norm: float = parameter(0.5, "of gradients", 0, open=True)
    centred: bool = True
    scaled_rewards: bool = False
    reward_limit: float = parameter(20.0, "of rewards", 0, open=True)

    def __post_init__(self) -> None:
        check_fields(self)

    @classmethod
    def published(cls) -> Self:
        """Those of the code of arXiv 2511.05207, as far as one update for all traders together can have them.

        There each trader's last 1024 decisions make an update of the shared policy of their own, in bursts on data of
        an older policy, with a bonus for novelty and a weak penalty on the spread of the means; those are left out.
        """
        return cls(
            width=512, learning_rate=1e-4, schedule="steps", epochs=5, minibatch=512, clip=0.8, centred=False,
            scaled_rewards=True, reward_limit=5.0,
        )  # fmt: skip

    def replace(self, **changes: Any) -> Self:
        """Settings with some changed; everything is checked again."""
        check_names(changes, asdict(self), "a setting of the training")
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def rate(self, iteration: int, epoch: int) -> float:
        """The learning rate in an epoch of an iteration, both from 0."""
        if self.schedule == "linear":
            return self.learning_rate * (1.0 - iteration / self.iterations)
        return max(self.learning_rate * 0.995 ** ((iteration * self.epochs + epoch) // 50), 1e-6)
