"""What can be chosen about networks, objectives and training."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.errors import ParameterError
from simcal.fields import check_fields, parameter
from simcal.parameters import to_plain

Objective = Literal["unbiased", "published"]
Known = Literal["known", "unknown"]


@dataclass(frozen=True)
class LearnerSettings:
    """Base of the settings of a method that learns: numbers are checked, and what is None is left alone."""

    batch: int

    def __post_init__(self) -> None:
        check_fields(self)
        if self.batch % 2:
            raise ParameterError(f"batch is {self.batch}, but must be even: half of the paths mirror the others.")

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return to_plain(asdict(self))


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
    leak, rate_penalty, agent_weights
        What biases the published objective: agents see through the drift how their own positions move it; a penalty on
        squared rates; weights of the agents, (largest exposure / own)^2.

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

    iterations: int = parameter(300, "updates of both players", 1, integer=True)
    batch: int = parameter(256, "paths of an update", 1, integer=True)
    generator_hidden: tuple[int, ...] = parameter((24,), "widths of layers", 1, integer=True, group="each")
    discriminator_hidden: tuple[int, ...] = parameter((32,), "widths of layers", 1, integer=True, group="each")
    leak: bool = False
    rate_penalty: float = parameter(0.0, "on squared rates", 0)
    agent_weights: bool = False
    generator_step: float = parameter(0.4, "of the traders' last layer", 1e-9, 1)
    discriminator_step: float = parameter(0.24, "of the volatility in time", 1e-9, 1)
    shape_step: float = parameter(0.15, "of the volatility in the state", 1e-9, 1)
    hidden_rate: float = parameter(3e-3, "of Adam, for hidden layers", 0)
    degree: int = parameter(6, "powers of the matrix of risk aversions", 1, integer=True)
    knots: int = parameter(8, "times between which coefficients are interpolated", 2, integer=True)
    ridge: float = parameter(1e-3, "of the generator's Newton steps", 0)
    shape_ridge: float = parameter(1e-4, "of the discriminator's", 0)
    caution: float = parameter(8.0, "iterations in which first limits fade", 0, open=True)
    averaged: float = parameter(0.2, "share of the iterations that are averaged", 1e-9, 1)

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
