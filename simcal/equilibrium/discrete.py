"""Quadratic costs: the exact equilibrium of the discrete scheme, one matrix equation per step."""

from __future__ import annotations

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.resolution import coarseness
from simcal.equilibrium.solution import EquilibriumSolution
from simcal.errors import ParameterError


@np.errstate(over="ignore", invalid="ignore")  # the status tells of it
def solve_discrete(problem: EquilibriumProblem) -> EquilibriumSolution:
    r"""The equilibrium of the discrete scheme with quadratic costs, to machine precision, in either timing.

    With G, b and w as in `solve_riccati` the rates are :math:`-(F_k \psi + H_k W) / \lambda`, and backwards in k

    .. math:: P = \sigma^2 G \Delta + F_{k+1}, \quad h = \sigma b \Delta + H_{k+1}, \quad
        F_k = (I + P \Delta / \lambda)^{-1} P, \quad H_k = (I + P \Delta / \lambda)^{-1} h .

    Pre-trade timing: :math:`\sigma` here is :math:`\sigma_{k+1}`, :math:`\sigma_k = \alpha + w h`; the last step has
    no trade and volatility alpha. Post-trade timing: it is :math:`\sigma_k = \alpha + w H_{k+1}`, with
    :math:`H_T = 0, F_T = 0`. In both :math:`S_0 = \beta \bar T - \bar\gamma s \sum_k \sigma_k^2 \Delta` and
    :math:`\mu_0 = \bar\gamma s \sigma_0^2`. Work grows as n_steps * n_agents^3; `solve_modal` needs less.

    Raises
    ------
    ParameterError
        Where the power is not 2.
    """
    if problem.power != 2:
        raise ParameterError(f"The method 'discrete' needs costs of power 2, but power is {problem.power:g}.")
    gamma, size, n = problem.gamma, problem.n_agents - 1, problem.n_steps
    delta, scale, post = problem.step, problem.cost_factor, problem.timing == "post-trade"
    matrix = (np.diag(problem.n_agents * gamma[:-1]) - gamma[:-1] + gamma[-1]) / problem.n_agents
    load = matrix @ problem.xi[:-1]
    weight = problem.aggregate_risk_aversion * (1 / gamma[:-1] - 1 / gamma[-1])
    sigma = np.full(n, problem.dividend_volatility)
    # Row n is the time of the dividend; in pre-trade timing nothing is gained by a trade in the last step either.
    feedback, hedge = np.zeros((n + 1, size, size)), np.zeros((n + 1, size))
    for k in range(n - 1 if post else n - 2, -1, -1):
        if post:
            sigma[k] += weight @ hedge[k + 1]
        held = sigma[k if post else k + 1]
        p = held**2 * delta * matrix + feedback[k + 1]
        h = held * delta * load + hedge[k + 1]
        if not post:
            sigma[k] += weight @ h
        solved = np.linalg.solve(np.eye(size) + p * (delta / scale), np.column_stack([p, h]))
        feedback[k], hedge[k] = solved[:, :-1], solved[:, -1]
    shares, start = problem.aggregate_risk_aversion * problem.supply, problem.initial_positions

    def policy(k: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        others = -((positions - start)[:, :-1] @ feedback[k].T + brownian[:, None] * hedge[k]) / scale
        rates = np.column_stack([others, -others.sum(axis=1)])
        held = positions + rates * delta if post else positions
        drift = sigma[k] * ((sigma[k] * held + brownian[:, None] * problem.xi) @ gamma) / problem.n_agents
        return float(sigma[k]), drift, rates

    return EquilibriumSolution(
        problem, "discrete", problem.dividend_mean * problem.horizon - shares * float(np.sum(sigma**2)) * delta,
        shares * float(sigma[0] ** 2), float(sigma[0]), sigma, policy,
        f"Solved exactly for the scheme with {n} steps in {problem.timing} timing.{coarseness(problem, sigma)}",
    )  # fmt: skip
