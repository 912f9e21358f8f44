"""Sweeps backwards over clouds of states, each on the clouds of the one before."""

from __future__ import annotations

import numpy as np

from simcal.equilibrium.collocation.clearing import clearing_rates
from simcal.equilibrium.collocation.clouds import clouds, first_rates
from simcal.equilibrium.collocation.sweep import Fit, Step, step_back, sweep
from simcal.equilibrium.mean_volatility import mean_volatility
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.simulation import Policy
from simcal.equilibrium.solution import EquilibriumSolution
from simcal.errors import ParameterError


def solve_collocation(
    problem: EquilibriumProblem,
    *,
    n_sweeps: int = 2,
    n_random: int = 150,
    n_points: int | None = None,
    seed: int = 0,
) -> EquilibriumSolution:
    r"""The equilibrium of any number of agents with costs of any power q > 1, in the timing of the problem.

    With :math:`\psi^n = \varphi^n - \bar\gamma s / \gamma_n`, :math:`Z^n = E_k[Y^n_{k+1} \Delta W] / \Delta` (Z^V
    likewise) and R the inverse of the marginal cost, backwards from :math:`Y_T = V_T = 0`

    .. math::
        \sigma_k = \alpha - Z^V - \bar\gamma \sum_n Z^n / \gamma_n, \quad
        V_k = \bar\gamma s \sigma_k^2 \Delta + E_k V_{k+1}, \\
        Y^n_k = E_k Y^n_{k+1} - \gamma_n \sigma_k (\sigma_k \psi^n + \xi_n W_k) \Delta + m_k, \quad
        \sum_n R(Y^n_k) = 0, \quad S_0 = \beta \bar T - V_0 - \bar\gamma \sum_n Y^n_0 / \gamma_n .

    Post-trade timing: :math:`v = R(Y_k)`, with the position after the trade in Y_k. Pre-trade timing: v is R of
    :math:`E_k Y_{k+1}` and a shift common to all agents that makes the rates sum to zero, with the position before the
    trade in Y_k; there only the conditional mean of the drift is identified, and this is the choice for which the
    values of each step clear the market (for q = 2 or two agents nothing else would do).

    Y and V are linear combinations of functions (`Basis`) fitted on clouds of states; expectations over the next
    increment are sums over 13 nodes, without Monte Carlo error. Source: the optimality conditions of section 1.1.

    Parameters
    ----------
    n_sweeps
        Each sweep takes its clouds from the rates of the one before, the first from a guess.
    n_random
        Functions besides the linear ones and seven per agent. More need more points and time.
    n_points
        States per step; without it at least 2000, and five per function.
    seed
        Of clouds and functions. What another seed changes is a measure of the error.

    Raises
    ------
    ParameterError
        Where an argument is too small.
    """
    for name, value, least in (("n_sweeps", n_sweeps, 1), ("n_random", n_random, 0), ("seed", seed, 0)):
        if value < least:
            raise ParameterError(f"{name} is {value}, but must be at least {least}.")
    functions = 1 + 8 * problem.n_agents + n_random
    points = max(2000, 5 * functions) if n_points is None else n_points
    if points < 2 * functions:
        raise ParameterError(f"n_points is {points}, but must be at least {2 * functions} for {functions} functions.")

    volatility, prices, volatilities = problem.dividend_volatility, [], []
    rates = first_rates(problem)
    for number in range(n_sweeps):
        cloud = clouds(problem, rates, points, seed + 1000 * number)
        fits = sweep(problem, cloud, volatility, n_random, seed + 1000 * number)
        if fits is None:
            return _failed(problem, f"The values grew without bound in sweep {number + 1}. Use more steps.")
        policy = _policy(problem, fits)
        volatility = float(np.mean([fit.feedback(*states)[1].mean() for fit, states in zip(fits, cloud, strict=True)]))
        rates = _rates(problem, fits)
        start = _start(problem, fits)
        price = problem.dividend_mean * problem.horizon - float(start.variance[0])
        price -= problem.aggregate_risk_aversion * float(start.value[0] @ (1 / problem.gamma))
        prices.append(price)
        volatilities.append(float(start.volatility[0]))
    if not np.isfinite([*prices, *volatilities]).all():
        return _failed(problem, "The values at time 0 are not finite. Use more steps or more functions.")
    details = {
        "functions": functions, "points": points, "prices": tuple(prices), "volatilities": tuple(volatilities),
        "marginal_values": start.value[0],
        "fit_residual": tuple(np.mean([fit.residual for fit in fits], axis=0)[[0, problem.n_agents]]),
        "identity_drift": problem.aggregate_risk_aversion * problem.supply * volatilities[-1] ** 2,
    }  # fmt: skip
    status = (
        f"Solved for the scheme with {problem.n_steps} steps in {problem.timing} timing with {functions} functions."
    )
    if n_sweeps > 1:
        changes = abs(prices[-1] - prices[-2]), abs(volatilities[-1] - volatilities[-2])
        status += f" The last sweep changed the price by {changes[0]:.1g} and the volatility by {changes[1]:.1g}."
    return EquilibriumSolution(
        problem, "collocation", prices[-1], float(start.drift[0]), volatilities[-1],
        mean_volatility(problem, policy, prices[-1]), policy, status, details,
    )  # fmt: skip


def _start(problem: EquilibriumProblem, fits: list[Fit]) -> Step:
    """The exact first step from the initial positions; the rates there are almost zero."""
    psi, w = np.zeros((1, problem.n_agents)), np.zeros(1)
    step = step_back(problem, fits[1] if problem.n_steps > 1 else None, psi, w)
    for _ in range(20):
        psi = psi - step.psi
        step = step_back(problem, fits[1] if problem.n_steps > 1 else None, psi, w)
    return step


def _rates(problem: EquilibriumProblem, fits: list[Fit]):
    def rates(k: int, psi: np.ndarray, w: np.ndarray) -> np.ndarray:
        return clearing_rates(problem, fits[k].feedback(psi, w)[0])[1]

    return rates


def _policy(problem: EquilibriumProblem, fits: list[Fit]) -> Policy:
    start, gamma, xi = problem.initial_positions, problem.gamma, problem.xi
    explicit = problem.power == 2 or problem.n_agents == 2

    def policy(k: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        marginal, volatility, drift = fits[k].feedback(positions - start, brownian)
        _, rates = clearing_rates(problem, marginal)
        if explicit:  # the marginal values sum to zero, so the drift is the mean of what each agent requires
            held = positions + rates * problem.step if problem.timing == "post-trade" else positions
            required = gamma * volatility[:, None] * (volatility[:, None] * held + brownian[:, None] * xi)
            drift = required.mean(axis=1)
        return volatility, drift, rates

    return policy


def _failed(problem: EquilibriumProblem, status: str) -> EquilibriumSolution:
    nan = float("nan")

    def policy(_: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[float, float, np.ndarray]:
        return nan, nan, np.full(positions.shape, nan)

    return EquilibriumSolution(problem, "collocation", nan, nan, nan, np.full(problem.n_steps, nan), policy, status)
