"""What can be chosen about networks, objectives and training."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Self

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.errors import ParameterError
from simcal.parameters import Parameter

Objective = Literal["unbiased", "published"]
Known = Literal["known", "unknown"]


def number(default: Any, low: float, high: float = math.inf, **limits: bool) -> Any:
    """A setting that is a number, or several, within bounds; `limits` as those of `Parameter`."""
    return field(default=default, metadata={"low": low, "high": high, **limits})


@dataclass(frozen=True)
class LearnerSettings:
    """Base of the settings of a method that learns: numbers are checked, and what is None is left alone."""

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.metadata and value is not None:
                several = isinstance(value, (tuple, list))
                spec = Parameter(entry.name, 0, "", group=entry.name if several else None, **entry.metadata)
                object.__setattr__(self, entry.name, spec.check(value, len(value) if several else None))
        batch = getattr(self, "batch", 0)
        if batch % 2:
            raise ParameterError(f"batch is {batch}, but must be even: half of the paths mirror the others.")

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


@dataclass(frozen=True)
class AdversarialSettings(LearnerSettings):
    """Networks and training of `solve_adversarial`.

    Parameters
    ----------
    iterations, batch
        Number of simultaneous updates of both players, and paths of each (half of them mirror images of the others).
    generator_hidden, discriminator_hidden
        Widths of the tanh layers; each may be (), which leaves what is linear (rates) or depends on time only
        (volatility).
    leak, rate_penalty, price_penalty, agent_weights
        What biases the published objective: agents see through the drift how their own positions move it; penalties on
        squared rates and on squared volatility and drift; weights of the agents, (largest exposure / own)^2.

    Other Parameters
    ----------------
    generator_step, discriminator_step, shape_step
        Step lengths of the last layers, in units of Newton steps, at the start; they fall with a cosine. The last is
        that of the volatility's dependence on the state.
    hidden_rate
        Learning rate of Adam for the hidden layers; 0 keeps them as they were drawn.
    degree
        How many powers of the matrix of risk aversions the linear part uses.
    knots
        Times between which the coefficients of the volatility's network are interpolated.
    ridge, shape_ridge
        Relative ridges of the Newton steps of generator and discriminator.
    caution
        Iterations in which the limits on the first updates fade.
    averaged
        Share of the iterations at the end over which all parameters are averaged.
    """

    iterations: int = number(300, 1, integer=True)
    batch: int = number(256, 1, integer=True)
    generator_hidden: tuple[int, ...] = number((24,), 1, integer=True)
    discriminator_hidden: tuple[int, ...] = number((32,), 1, integer=True)
    leak: bool = False
    rate_penalty: float = number(0.0, 0)
    price_penalty: float = number(0.0, 0)
    agent_weights: bool = False
    generator_step: float = number(0.4, 1e-9, 1)
    discriminator_step: float = number(0.24, 1e-9, 1)
    shape_step: float = number(0.15, 1e-9, 1)
    hidden_rate: float = number(3e-3, 0)
    degree: int = number(6, 1, integer=True)
    knots: int = number(8, 2, integer=True)
    ridge: float = number(1e-3, 0)
    shape_ridge: float = number(1e-4, 0)
    caution: float = number(8.0, 0, open=True)
    averaged: float = number(0.2, 1e-9, 1)

    @classmethod
    def of(cls, problem: EquilibriumProblem, objective: Objective = "unbiased") -> Self:
        """What was measured to suit a problem: networks grow with it, a quadratic cost needs no state in sigma."""
        bias: dict[str, Any] = {}
        if objective == "published":
            bias = {"leak": True, "rate_penalty": 1e-3, "agent_weights": True}
        if problem.power == 2:
            bias |= {"generator_hidden": (8,), "discriminator_hidden": (), "ridge": 1e-6, "caution": 5.0}
            return cls(iterations=200, batch=128 if problem.n_agents <= 20 else 64, **bias)
        if problem.n_agents > 2:
            bias |= {"iterations": 400, "generator_hidden": (32,)}
        return cls(**bias)
