"""Quadratic costs: the exact equilibrium of the discrete scheme, that in continuous time, and that without costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.solution import EquilibriumSolution
from simcal.errors import ParameterError

# (step, positions, W) -> rates
_Rates = Callable[[int, np.ndarray, np.ndarray], np.ndarray]


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
    matrix, load, weight = _others(problem, "discrete")
    damping = problem.step / problem.cost_factor

    def damped(p: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        solved = np.linalg.solve(np.eye(h.size) + p * damping, np.column_stack([p, h]))
        return solved[:, :-1], solved[:, -1]

    sigma, feedback, hedge = _backward(problem, matrix, load, weight, damped)
    return _exact(problem, "discrete", sigma, _rates_of_others(problem, feedback, hedge))


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

    Examples
    --------
    >>> from simcal.equilibrium import load_problem
    >>> round(solve_modal(load_problem("lq-10")).price, 8)
    0.36109374
    """
    _check_power(problem, "modal")
    gamma, scale, start = problem.gamma, problem.cost_factor, problem.initial_positions
    values, vectors = _modes(gamma)
    load = vectors.T @ (gamma * problem.xi)
    weight = problem.aggregate_risk_aversion * (vectors.T @ (1 / gamma))
    damping = problem.step / scale

    def damped(p: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return p / (1 + p * damping), h / (1 + p * damping)

    sigma, feedback, hedge = _backward(problem, values, load, weight, damped)

    def rates(k: int, positions: np.ndarray, brownian: np.ndarray) -> np.ndarray:
        modes = (positions - start) @ vectors
        found = -((modes * feedback[k] + brownian[:, None] * hedge[k]) @ vectors.T) / scale
        return found - found.mean(axis=1, keepdims=True)  # rounding only

    return _exact(
        problem, "modal", sigma, rates, {"goal": _expected_goal(problem, values, load, sigma, feedback, hedge)}
    )


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

    matrix, load, weight = _others(problem, "riccati")
    alpha, scale, size = problem.dividend_volatility, problem.cost_factor, load.size

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
    hedge, variance = states[:, size * size : -1], float(states[0, -1])
    rates = _rates_of_others(problem, states[:, : size * size].reshape(-1, size, size), hedge)
    sigma = alpha + hedge @ weight
    if found.success:
        status += coarseness(problem, sigma)
    discount = problem.aggregate_risk_aversion * problem.supply * variance
    details = {"integrated_variance": variance}
    return _solution(problem, "riccati", sigma, discount, rates, status, details, "pre-trade")


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
        problem, "frictionless", problem.frictionless_price, drift, alpha, np.full(problem.n_steps, alpha), policy,
        "Solved in closed form, as if trading cost nothing.",
    )  # fmt: skip


def coarseness(problem: EquilibriumProblem, volatility: np.ndarray) -> str:
    r"""A sentence for the status of a solution with quadratic costs where the step is too long, else nothing.

    Deviations die out in the time :math:`\sqrt{\kappa \lambda / \gamma} / \sigma` far from the end. Steps longer than
    that make the explicit scheme swing or its equilibrium explode. `volatility` is E sigma_k, shape (n_steps,).
    """
    if not np.isfinite(volatility).all():
        return " The volatility overflows with steps so long: give more of them."
    time = float(np.sqrt(problem.cost_factor / max(problem.risk_aversion)) / np.abs(volatility).max())
    if problem.step <= time:
        return ""
    return (
        f" But a step of {problem.step:.2g} is longer than the time of {time:.2g} in which agents trade: "
        "the scheme is far from continuous time; give more steps."
    )


def _check_power(problem: EquilibriumProblem, method: str) -> None:
    if problem.power != 2:
        raise ParameterError(f"The method {method!r} needs costs of power 2, but power is {problem.power:g}.")


def _others(problem: EquilibriumProblem, method: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """G, b and w, in which all agents but the last appear."""
    _check_power(problem, method)
    gamma = problem.gamma
    matrix = (np.diag(problem.n_agents * gamma[:-1]) - gamma[:-1] + gamma[-1]) / problem.n_agents
    weight = problem.aggregate_risk_aversion * (1 / gamma[:-1] - 1 / gamma[-1])
    return matrix, matrix @ problem.xi[:-1], weight


def _backward(
    problem: EquilibriumProblem, matrix: np.ndarray, load: np.ndarray, weight: np.ndarray,
    damped: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """sigma (n_steps,), F (n_steps + 1, ...) and H (n_steps + 1, ...), for a matrix or its eigenvalues.

    `damped` makes F_k and H_k of P and h.
    """
    n, delta, post = problem.n_steps, problem.step, problem.timing == "post-trade"
    sigma = np.full(n, problem.dividend_volatility)
    # Row n is the time of the dividend; in pre-trade timing nothing is gained by a trade in the last step either.
    feedback, hedge = np.zeros((n + 1, *matrix.shape)), np.zeros((n + 1, load.size))
    for k in range(n - 1 if post else n - 2, -1, -1):
        if post:
            sigma[k] += weight @ hedge[k + 1]
        held = sigma[k if post else k + 1]
        p = held**2 * delta * matrix + feedback[k + 1]
        h = held * delta * load + hedge[k + 1]
        if not post:
            sigma[k] += weight @ h
        feedback[k], hedge[k] = damped(p, h)
    return sigma, feedback, hedge


def _rates_of_others(problem: EquilibriumProblem, feedback: np.ndarray, hedge: np.ndarray) -> _Rates:
    start, scale = problem.initial_positions, problem.cost_factor

    def rates(k: int, positions: np.ndarray, brownian: np.ndarray) -> np.ndarray:
        others = -((positions - start)[:, :-1] @ feedback[k].T + brownian[:, None] * hedge[k]) / scale
        return np.column_stack([others, -others.sum(axis=1)])

    return rates


def _exact(
    problem: EquilibriumProblem, method: str, sigma: np.ndarray, rates: _Rates,
    details: Mapping[str, Any] | None = None,
) -> EquilibriumSolution:  # fmt: skip
    status = f"Solved exactly for the scheme with {problem.n_steps} steps in {problem.timing} timing."
    shares = problem.aggregate_risk_aversion * problem.supply
    discount = shares * float(np.sum(sigma**2)) * problem.step
    status += coarseness(problem, sigma)
    return _solution(problem, method, sigma, discount, rates, status, details or {}, problem.timing)


def _solution(
    problem: EquilibriumProblem, method: str, sigma: np.ndarray, discount: float, rates: _Rates, status: str,
    details: Mapping[str, Any], timing: str,
) -> EquilibriumSolution:  # fmt: skip
    """The solution with this volatility (n_steps,), whose price lies by `discount` below the expected dividend."""

    def policy(k: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        traded = rates(k, positions, brownian)
        held = positions + traded * problem.step if timing == "post-trade" else positions
        return float(sigma[k]), problem.required_drift(sigma[k], held, brownian), traded

    return EquilibriumSolution(
        problem, method, problem.dividend_mean * problem.horizon - discount,
        problem.aggregate_risk_aversion * problem.supply * float(sigma[0] ** 2), float(sigma[0]), sigma, policy, status,
        details,
    )  # fmt: skip


def _modes(gamma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (N - 1,) and eigenvectors (N, N - 1) of diag(gamma) on the vectors that sum to zero."""
    from threadpoolctl import threadpool_limits

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
    problem: EquilibriumProblem, values: np.ndarray, load: np.ndarray, sigma: np.ndarray, feedback: np.ndarray,
    hedge: np.ndarray,
) -> float:  # fmt: skip
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
