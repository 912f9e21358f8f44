"""What can be chosen about the training of the shared policy."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

from simcal.errors import ParameterError
from simcal.parameters import check_names

_SCHEDULES = ("linear", "steps")


@dataclass(frozen=True)
class PpoSettings:
    """Networks and training of `simcal.learning.Learner`; the defaults train a market of 200 traders in minutes.

    Main arguments
    --------------
    iterations, episodes
        Updates of the policy, and the episodes that each of them is made of, played side by side by one policy.
    width
        Of the two hidden layers of policy and critic.
    learning_rate, schedule
        Of Adam; it falls linearly to 0 ("linear"), or by half a per cent every 50 epochs, to 1e-6 ("steps").
    epochs, minibatch
        Passes over the decisions of an iteration, and decisions per gradient.

    Other arguments
    ---------------
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
    """

    iterations: int = 80
    episodes: int = 32
    width: int = 64
    learning_rate: float = 3e-4
    schedule: Literal["linear", "steps"] = "linear"
    epochs: int = 3
    minibatch: int = 2048
    clip: float = 0.3
    trace_decay: float = 0.9
    log_sd: float = -1.0
    gradient_norm: float = 0.5
    centred: bool = True
    scaled_rewards: bool = False
    reward_limit: float = 20.0

    def __post_init__(self) -> None:
        for name in ("iterations", "episodes", "width", "epochs", "minibatch"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ParameterError(f"{name} is {value!r}, but must be a whole number of at least 1.")
        for name in ("learning_rate", "clip", "gradient_norm", "reward_limit"):
            value = getattr(self, name)
            if not _is_number(value) or not value > 0:
                raise ParameterError(f"{name} is {value!r}, but must be a number above 0.")
        if not _is_number(self.trace_decay) or not 0 <= self.trace_decay <= 1:
            raise ParameterError(f"trace_decay is {self.trace_decay!r}, but must be a number from 0 to 1.")
        if not _is_number(self.log_sd) or not -10 <= self.log_sd <= 2:
            raise ParameterError(f"log_sd is {self.log_sd!r}, but must be a number from -10 to 2.")
        if self.schedule not in _SCHEDULES:
            raise ParameterError(f"schedule is {self.schedule!r}, but must be 'linear' or 'steps'.")
        for name in ("centred", "scaled_rewards"):
            if not isinstance(getattr(self, name), bool):
                raise ParameterError(f"{name} is {getattr(self, name)!r}, but must be true or false.")

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


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
