"""Equilibrium without trading costs, in closed form."""

from __future__ import annotations

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.solution import EquilibriumSolution


def solve_frictionless(problem: EquilibriumProblem) -> EquilibriumSolution:
    r"""The equilibrium as if trading cost nothing.

    .. math:: \bar\sigma = \alpha, \quad \bar\mu = \bar\gamma s \alpha^2, \quad
        S_0 = (\beta - \bar\gamma s \alpha^2) \bar T, \quad
        \bar\varphi^n = \bar\gamma s / \gamma_n - (\xi_n / \alpha) W .

    The policy jumps to these positions in every step, and its goals count what such jumps would cost: compare them
    with those of an equilibrium that knows the cost. They grow without bound with `n_steps`.
    """
    alpha = problem.dividend_volatility
    drift = problem.aggregate_risk_aversion * problem.supply * alpha**2
    start, slope = problem.initial_positions, problem.xi / alpha

    def policy(k: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[float, float, np.ndarray]:
        return alpha, drift, (start - brownian[:, None] * slope - positions) / problem.step

    return EquilibriumSolution(
        problem, "frictionless", (problem.dividend_mean - drift) * problem.horizon, drift, alpha,
        np.full(problem.n_steps, alpha), policy, "Solved in closed form, as if trading cost nothing.",
    )  # fmt: skip
