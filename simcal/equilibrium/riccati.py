"""Quadratic costs in continuous time: a system of Riccati equations."""

from __future__ import annotations

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.resolution import coarseness
from simcal.equilibrium.solution import EquilibriumSolution
from simcal.errors import ParameterError


def solve_riccati(
    problem: EquilibriumProblem, *, relative_tolerance: float = 1e-12, absolute_tolerance: float = 1e-14
) -> EquilibriumSolution:
    r"""The equilibrium with quadratic costs in continuous time, by an explicit Runge-Kutta method of order 8.

    With :math:`\psi_n = \varphi^n - \bar\gamma s / \gamma_n` of all agents but the last, who clears,
    :math:`G_{nm} = (\gamma_m (N \delta_{nm} - 1) + \gamma_N) / N`, :math:`b = G \xi`,
    :math:`w_n = \bar\gamma (1 / \gamma_n - 1 / \gamma_N)` and time to the end :math:`\tau`,

    .. math::
        \sigma = \alpha + w H, \quad H' = \sigma b - F H / \lambda, \quad F' = \sigma^2 G - F^2 / \lambda, \quad
        F(0) = 0,\ H(0) = 0, \\
        \dot\varphi = -(F \psi + H W) / \lambda, \quad
        \mu = \tfrac1N \sum_n \gamma_n \sigma (\sigma \varphi^n + \xi_n W), \quad
        S_0 = \beta \bar T - \bar\gamma s \int \sigma^2, \quad \mu_0 = \bar\gamma s \sigma_0^2 .

    Only the grid depends on `n_steps`, nothing on `timing`: simulated on it, the terminal error is that of the Euler
    scheme and shrinks with the step, while the equilibrium of the scheme itself has none (method "discrete").

    Raises
    ------
    ParameterError
        Where the power is not 2.
    """
    from scipy.integrate import solve_ivp

    if problem.power != 2:
        raise ParameterError(f"The method 'riccati' needs costs of power 2, but power is {problem.power:g}.")
    gamma, size, scale = problem.gamma, problem.n_agents - 1, problem.cost_factor
    matrix = (np.diag(problem.n_agents * gamma[:-1]) - gamma[:-1] + gamma[-1]) / problem.n_agents
    load = matrix @ problem.xi[:-1]
    weight = problem.aggregate_risk_aversion * (1 / gamma[:-1] - 1 / gamma[-1])
    alpha, shares = problem.dividend_volatility, problem.aggregate_risk_aversion * problem.supply

    def slope(_: float, state: np.ndarray) -> np.ndarray:
        f, h = state[: size * size].reshape(size, size), state[size * size : -1]
        sigma = alpha + weight @ h
        change_f = sigma**2 * matrix - f @ f / scale
        return np.concatenate([change_f.ravel(), sigma * load - f @ h / scale, [sigma**2]])

    remaining = problem.horizon - problem.step * np.arange(problem.n_steps)
    found = solve_ivp(
        slope, (0.0, problem.horizon), np.zeros(size * size + size + 1), "DOP853", remaining[::-1],
        rtol=relative_tolerance, atol=absolute_tolerance,
    )  # fmt: skip
    if found.success:
        states = found.y.T[::-1]
        status = f"Solved with {found.nfev} evaluations at relative tolerance {relative_tolerance:g}."
    else:
        states = np.full((problem.n_steps, size * size + size + 1), np.nan)
        status = f"The Riccati equations could not be integrated to the end: {found.message}"
    feedback = states[:, : size * size].reshape(-1, size, size)
    hedge = states[:, size * size : -1]
    sigma = alpha + hedge @ weight
    if found.success:
        status += coarseness(problem, sigma)
    start = problem.initial_positions

    def policy(k: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        others = -((positions - start)[:, :-1] @ feedback[k].T + brownian[:, None] * hedge[k]) / scale
        rates = np.column_stack([others, -others.sum(axis=1)])
        drift = sigma[k] * ((sigma[k] * positions + brownian[:, None] * problem.xi) @ gamma) / problem.n_agents
        return float(sigma[k]), drift, rates

    return EquilibriumSolution(
        problem, "riccati", problem.dividend_mean * problem.horizon - shares * float(states[0, -1]),
        shares * float(sigma[0] ** 2), float(sigma[0]), sigma, policy, status,
        {"integrated_variance": float(states[0, -1])},
    )  # fmt: skip
