"""What can be chosen about the networks and the training of a baseline."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.errors import ParameterError


@dataclass(frozen=True)
class BaselineSettings:
    """Networks and training of `solve_combo` and `solve_fbsde`.

    Main arguments
    --------------
    iterations, batch
        Number of steps of Adam, and paths of each (half of them mirror images of the others).
    hidden, volatility_hidden
        Widths of the tanh layers of the agents' and of the volatility's network; each may be (), which leaves what is
        linear in the state (agents) or depends on time only (volatility).
    learning_rate
        Of Adam at the start; it falls to a thousandth of it with a cosine.

    Other arguments
    ---------------
    parts, growth
        Of `solve_fbsde`: in how many parts of the time the values are simulated, each from a start that is learned.
        Without a number so many that an error grows within a part by a factor of about e^growth.
    degree
        How many powers of the matrix of risk aversions the linear part uses.
    knots
        Times between which the coefficients of the volatility's network are interpolated.
    clip
        The longest gradient, in units of its average length.
    averaged
        Share of the iterations at the end over which all parameters are averaged.
    """

    iterations: int = 400
    batch: int = 256
    hidden: tuple[int, ...] = (24,)
    volatility_hidden: tuple[int, ...] = (24,)
    learning_rate: float = 0.01
    parts: int | None = None
    growth: float = 0.4
    degree: int = 6
    knots: int = 8
    clip: float = 3.0
    averaged: float = 0.2

    def __post_init__(self) -> None:
        for name, least in (("iterations", 1), ("batch", 2), ("degree", 1), ("knots", 2)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ParameterError(f"{name} is {value!r}, but must be a whole number of at least {least}.")
        if self.batch % 2:
            raise ParameterError(f"batch is {self.batch}, but must be even: half of the paths mirror the others.")
        for name in ("hidden", "volatility_hidden"):
            widths = tuple(getattr(self, name))
            if any(isinstance(w, bool) or not isinstance(w, int) or w < 1 for w in widths):
                raise ParameterError(f"{name} is {widths!r}, but must be a list of whole numbers of at least 1.")
            object.__setattr__(self, name, widths)
        for name in ("learning_rate", "clip", "growth"):
            if not 0 < getattr(self, name) < math.inf:
                raise ParameterError(f"{name} is {getattr(self, name)!r}, but must be above 0 and finite.")
        if self.parts is not None and (
            isinstance(self.parts, bool) or not isinstance(self.parts, int) or self.parts < 1
        ):
            raise ParameterError(f"parts is {self.parts!r}, but must be a whole number of at least 1, or left out.")
        if not 0 < self.averaged <= 1:
            raise ParameterError(f"averaged is {self.averaged!r}, but must be above 0 and at most 1.")

    @classmethod
    def of(cls, problem: EquilibriumProblem) -> Self:
        """What was measured to suit a problem; a quadratic cost needs no state in sigma."""
        if problem.power == 2:
            batch = 256 if problem.n_agents <= 20 else 64
            return cls(batch=batch, hidden=(8,), volatility_hidden=(), learning_rate=0.02)
        return cls() if problem.n_agents == 2 else cls(batch=128)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
