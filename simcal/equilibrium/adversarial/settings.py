"""What can be chosen about networks, objectives and training."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.errors import ParameterError

Objective = Literal["unbiased", "published"]
Known = Literal["known", "unknown"]


@dataclass(frozen=True)
class AdversarialSettings:
    """Networks and training of `solve_adversarial`.

    Main arguments
    --------------
    iterations, batch
        Number of simultaneous updates of both players, and paths of each (half of them mirror images of the others).
    generator_hidden, discriminator_hidden
        Widths of the tanh layers; each may be (), which leaves what is linear (rates) or depends on time only
        (volatility).
    leak, rate_penalty, price_penalty, agent_weights
        What biases the published objective: agents see through the drift how their own positions move it; penalties on
        squared rates and on squared volatility and drift; weights of the agents, (largest exposure / own)^2.

    Other arguments
    ---------------
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

    iterations: int = 300
    batch: int = 256
    generator_hidden: tuple[int, ...] = (24,)
    discriminator_hidden: tuple[int, ...] = (32,)
    leak: bool = False
    rate_penalty: float = 0.0
    price_penalty: float = 0.0
    agent_weights: bool = False
    generator_step: float = 0.4
    discriminator_step: float = 0.24
    shape_step: float = 0.15
    hidden_rate: float = 3e-3
    degree: int = 6
    knots: int = 8
    ridge: float = 1e-3
    shape_ridge: float = 1e-4
    caution: float = 8.0
    averaged: float = 0.2

    def __post_init__(self) -> None:
        for name in ("iterations", "batch", "degree", "knots"):
            value, least = getattr(self, name), 1 if name != "knots" else 2
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ParameterError(f"{name} is {value!r}, but must be a whole number of at least {least}.")
        if self.batch % 2:
            raise ParameterError(f"batch is {self.batch}, but must be even: half of the paths mirror the others.")
        for name in ("generator_hidden", "discriminator_hidden"):
            widths = tuple(getattr(self, name))
            if any(isinstance(w, bool) or not isinstance(w, int) or w < 1 for w in widths):
                raise ParameterError(f"{name} is {widths!r}, but must be a list of whole numbers of at least 1.")
            object.__setattr__(self, name, widths)
        for name in ("rate_penalty", "price_penalty", "hidden_rate", "ridge", "shape_ridge"):
            if not getattr(self, name) >= 0:
                raise ParameterError(f"{name} is {getattr(self, name)!r}, but must not be negative.")
        for name in ("generator_step", "discriminator_step", "shape_step", "averaged"):
            if not 0 < getattr(self, name) <= 1:
                raise ParameterError(f"{name} is {getattr(self, name)!r}, but must be above 0 and at most 1.")
        if not self.caution > 0:
            raise ParameterError(f"caution is {self.caution!r}, but must be above 0.")

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

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
