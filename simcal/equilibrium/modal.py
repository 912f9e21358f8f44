"""Quadratic costs and many agents: the equilibrium of the discrete scheme in modes that do not interact."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.resolution import coarseness
from simcal.equilibrium.solution import EquilibriumSolution
from simcal.errors import ParameterError


@np.errstate(over="ignore", invalid="ignore")  # the status tells of it
def solve_modal(problem: EquilibriumProblem) -> EquilibriumSolution:
    r"""What `solve_discrete` finds, after one eigendecomposition with n_agents operations per step.

    On the vectors that sum to zero the matrix :math:`\Pi\, \mathrm{diag}(\gamma)\, \Pi` has eigenvalues :math:`e_i`
    and eigenvectors :math:`q_i`, and deviations :math:`\psi_i`, feedback :math:`f_i` and hedge :math:`h_i` along them
    obey the same recursion one by one; :math:`\sigma = \alpha + \bar\gamma \sum_i (q_i \gamma^{-1}) h_i`.

    ``details["goal"]`` is the expectation of the sum of all agents' goals, from exact second moments.

    Raises
    ------
    ParameterError
        Where the power is not 2.
    """
    if problem.power != 2:
        raise ParameterError(f"The method 'modal' needs costs of power 2, but power is {problem.power:g}.")
    gamma, n, delta = problem.gamma, problem.n_steps, problem.step
    scale, post = problem.cost_factor, problem.timing == "post-trade"
    values, vectors = _modes(gamma)
    load = vectors.T @ (gamma * problem.xi)
    weight = problem.aggregate_risk_aversion * (vectors.T @ (1 / gamma))
    sigma = np.full(n, problem.dividend_volatility)
    feedback, hedge = np.zeros((n + 1, values.size)), np.zeros((n + 1, values.size))
    for k in range(n - 1 if post else n - 2, -1, -1):
        if post:
            sigma[k] += weight @ hedge[k + 1]
        held = sigma[k if post else k + 1]
        p = held**2 * delta * values + feedback[k + 1]
        h = held * delta * load + hedge[k + 1]
        if not post:
            sigma[k] += weight @ h
        feedback[k], hedge[k] = p / (1 + p * (delta / scale)), h / (1 + p * (delta / scale))
    shares, start = problem.aggregate_risk_aversion * problem.supply, problem.initial_positions

    def policy(k: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        modes = (positions - start) @ vectors
        rates = -((modes * feedback[k] + brownian[:, None] * hedge[k]) @ vectors.T) / scale
        rates -= rates.mean(axis=1, keepdims=True)  # rounding only
        held = positions + rates * delta if post else positions
        drift = sigma[k] * ((sigma[k] * held + brownian[:, None] * problem.xi) @ gamma) / problem.n_agents
        return float(sigma[k]), drift, rates

    return EquilibriumSolution(
        problem, "modal", problem.dividend_mean * problem.horizon - shares * float(np.sum(sigma**2)) * delta,
        shares * float(sigma[0] ** 2), float(sigma[0]), sigma, policy,
        f"Solved exactly for the scheme with {n} steps in {problem.timing} timing.{coarseness(problem, sigma)}",
        {"goal": _expected_goal(problem, values, load, sigma, feedback, hedge)},
    )  # fmt: skip


def _modes(gamma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (N - 1,) and eigenvectors (N, N - 1) of diag(gamma) on the vectors that sum to zero."""
    n = gamma.size
    # The reflection 1 - 2 u u' swaps the first axis with the direction of (1, ..., 1); its other columns sum to zero.
    u = np.full(n, -1 / np.sqrt(n))
    u[0] += 1
    u /= np.linalg.norm(u)
    turned = np.outer(u, 2 * (u @ (gamma * u)) * u - 2 * gamma * u)
    with threadpool_limits(1):  # several threads gain little at these sizes, and lose much on a busy machine
        values, inner = np.linalg.eigh((np.diag(gamma) + turned + turned.T)[1:, 1:])
    vectors = np.vstack([np.zeros(n - 1), inner])
    return values, vectors - 2 * np.outer(u, u[1:] @ inner)


def _expected_goal(
    problem: EquilibriumProblem,
    values: np.ndarray,
    load: np.ndarray,
    sigma: np.ndarray,
    feedback: np.ndarray,
    hedge: np.ndarray,
) -> float:
    """E sum_n J_n from E psi_i^2, E psi_i W and E W^2, which follow from the linear rates step by step."""
    delta, scale = problem.step, problem.cost_factor
    square, cross = np.zeros_like(values), np.zeros_like(values)  # E psi_i^2, E psi_i W
    endowments, aggregate = problem.gamma @ problem.xi**2, problem.aggregate_risk_aversion * problem.supply**2
    goal = 0.0
    for k, s in enumerate(sigma):
        time, f, h = k * delta, feedback[k] / scale, hedge[k] / scale
        rates = f**2 @ square + 2 * (f * h) @ cross + h @ h * time
        keep, move = 1 - delta * f, -delta * h
        after = keep**2 * square + 2 * keep * move * cross + move**2 * time, keep * cross + move * time
        held, mixed = after if problem.timing == "post-trade" else (square, cross)
        risk = s**2 * (aggregate + values @ held) + 2 * s * load @ mixed + endowments * time
        goal += delta * (aggregate * s**2 - risk / 2 - scale / 2 * rates)
        square, cross = after  # the increment of W is independent of psi
    return float(goal)
