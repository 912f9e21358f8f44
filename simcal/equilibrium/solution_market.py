"""From a solution to a market that simulates like every other: tables if it has them, else its policy in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from simcal.equilibrium.market import INITIAL_PRICE, EquilibriumMarket, PeriodicMarket
from simcal.equilibrium.problem import SPECS, EquilibriumProblem, Timing
from simcal.equilibrium.solution import EquilibriumSolution
from simcal.errors import ParameterError
from simcal.fields import check_fields, parameters_of

_BLOCK = 64  # paths on which a policy is called together, from a multiple of it on
_MOST = 100  # agents: beyond, the tables of a file become too large


def to_market(solution: EquilibriumSolution, *, initial_price: float = 100.0) -> EquilibriumMarket | SolutionMarket:
    """The market of a solution: it simulates, and its paths go wherever those of other markets go.

    Where rates are linear in the state and volatility depends on time only, as `solve` finds for quadratic costs, it
    is tables that can be saved, an `EquilibriumMarket`; else it lives in memory, a `SolutionMarket`. Its first period
    has the price changes of ``solution.simulate`` of the same seed.

    Parameters
    ----------
    solution
        Of any method.
    initial_price
        The price at the start; the solution says by how much it changes from there.

    Raises
    ------
    ParameterError
        Where the solution has failed.
    """
    problem = solution.problem
    if solution.failed:
        raise ParameterError(f"The solution by {solution.method!r} has failed, so it makes no market.")
    if problem.n_agents > _MOST:
        return SolutionMarket(solution, initial_price)
    start, agents = problem.initial_positions, problem.n_agents
    # Deviations that sum to zero, as those of all states do: one agent's against what the others hold on average.
    away = np.eye(agents) - 1 / agents
    random = np.random.default_rng(0).normal(size=(1, agents + 1))
    random[:, :-1] -= random[:, :-1].mean()
    psi = np.vstack([np.zeros((2, agents)), away, random[:, :-1]])
    w = np.array([0.0, 1.0, *np.zeros(agents), random[0, -1]])
    volatility, feedback, hedge = [], [], []
    # Which positions the drift counts: "riccati" knows no timing and counts those before the trade.
    timings: dict[Timing, bool] = {"pre-trade": True, "post-trade": True}
    for k in range(problem.n_steps):
        sigma, drift, rates = solution.policy(k, start + psi, w)
        sigma = np.broadcast_to(sigma, len(w))
        for timing in timings:
            held = start + psi + (rates * problem.step if timing == "post-trade" else 0)
            required = sigma[0] * ((sigma[0] * held + w[:, None] * problem.xi) @ problem.gamma) / agents
            timings[timing] &= bool(np.allclose(drift, required, rtol=1e-9, atol=1e-9))
        matrix, slope = -(rates[2:-1] - rates[0]).T, rates[0] - rates[1]
        guess = -(psi @ matrix.T + w[:, None] * slope)
        size = np.abs(rates).max() + 1e-300
        if np.ptp(sigma) > 1e-9 or np.abs(guess - rates).max() > 1e-9 * size or not any(timings.values()):
            return SolutionMarket(solution, initial_price)
        volatility.append(float(sigma[0]))
        feedback.append(matrix.tolist())
        hedge.append(slope.tolist())
    timing: Timing = problem.timing if timings[problem.timing] else next(t for t, holds in timings.items() if holds)
    return EquilibriumMarket(
        problem.risk_aversion, problem.exposure, volatility, feedback, hedge, cost=problem.cost_factor,
        horizon=problem.horizon, supply=problem.supply, initial_price=initial_price, timing=timing,
    )  # fmt: skip


@dataclass(frozen=True)
class SolutionMarket(PeriodicMarket):
    """The market of a solution whose policy is no table: other powers than 2, trained networks.

    It simulates as `EquilibriumMarket` does, with the same outputs: when the dividend is paid the next period begins,
    price where it is, endowments, W and positions anew. It cannot be saved, because its policy is a function: save the
    problem, and solve it again.

    Parameters
    ----------
    solution
        Of any method that has not failed.
    initial_price
        The solution says by how much the price changes from there.
    """

    kind: ClassVar[str] = "equilibrium-solution"

    solution: EquilibriumSolution
    initial_price: float = INITIAL_PRICE

    def __post_init__(self) -> None:
        if self.solution.failed:
            raise ParameterError(f"The solution by {self.solution.method!r} has failed, so it makes no market.")
        check_fields(self)
        self._name_outputs()

    @property
    def problem(self) -> EquilibriumProblem:
        """What was solved."""
        return self.solution.problem

    @property
    def steps_per_period(self) -> int:
        """Steps from one dividend to the next."""
        return self.problem.n_steps

    @property
    def step(self) -> float:
        """Delta, the length of a step."""
        return self.problem.step

    @property
    def initial_positions(self) -> np.ndarray:
        """What each agent holds at the start of a period, shape (n_agents,)."""
        return self.problem.initial_positions

    def to_dict(self) -> dict[str, Any]:
        """Where the paths come from: problem, method and initial price. No policy, so no market comes back from it."""
        return {
            "kind": self.kind, "method": self.solution.method, "initial_price": self.initial_price,
            "problem": self.problem.to_dict(),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """`ParameterError`: the policy is in no file."""
        raise ParameterError("The market of a solution is in no file; solve its problem again.")

    def describe(self) -> list[dict[str, Any]]:
        """One row per parameter: name, letter, value, unit, description; for tables."""
        price, found = self.SPECS["initial_price"], [row for row in self.problem.describe() if row["value"] is not None]
        return [*found, {"parameter": price.name, "letter": price.letter, "value": self.initial_price,
                         "unit": price.unit, "meaning": price.description}]  # fmt: skip

    def simulate_chunk(
        self, seed: int, first_path: int, n_paths: int, n_steps: int, *, save: Sequence[str] = (), every: int = 1,
        burn_in: int = 0, dtype: str = "float64", threads: int | None = 1,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        """As `EquilibriumMarket.simulate_chunk`, in float64 and one thread.

        Paths are evaluated in whole blocks, so that the bits of each depend on its number alone.
        """
        parts = []
        for begin in range(first_path - first_path % _BLOCK, first_path + n_paths, _BLOCK):
            block = self._simulated(self.solution.policy, seed, begin, _BLOCK, n_steps, save, every, burn_in, dtype)
            wanted = slice(max(first_path - begin, 0), min(first_path + n_paths - begin, _BLOCK))
            parts.append({name: table[wanted] for name, table in block.items()})
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


SolutionMarket.SPECS = {**SPECS, **parameters_of(SolutionMarket)}
