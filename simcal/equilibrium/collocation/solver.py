"""Sweeps backwards over clouds of states, each on the clouds of the one before."""

from __future__ import annotations

import numpy as np

from simcal.equilibrium.collocation.basis import own_functions
from simcal.equilibrium.collocation.clouds import Rates, clouds, first_rates
from simcal.equilibrium.collocation.sweep import Fit, Step, step_back, sweep
from simcal.equilibrium.mean_volatility import mean_volatility
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.simulation import Policy
from simcal.equilibrium.solution import EquilibriumSolution
from simcal.errors import ParameterError


def solve_collocation(
    problem: EquilibriumProblem,
    *,
    max_sweeps: int = 5,
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
    max_sweeps
        Each sweep takes its clouds from the rates of the one before, the first from a guess. The sweeps end when the
        last one changed the liquidity discount by less than 2 % and what costs add to the volatility by less than 1 %.
    n_random
        Functions besides the linear ones and up to seven per agent. More need more points and time.
    n_points
        States per step; without it at least 2000, and five per function.
    seed
        Of clouds and functions. What another seed changes is a measure of the error.

    Raises
    ------
    ParameterError
        Where an argument is too small.
    """
    for name, value, least in (("max_sweeps", max_sweeps, 1), ("n_random", n_random, 0), ("seed", seed, 0)):
        if value < least:
            raise ParameterError(f"{name} is {value}, but must be at least {least}.")
    functions = 1 + (1 + own_functions(problem)) * problem.n_agents + n_random
    points = max(2000, 5 * functions) if n_points is None else n_points
    if points < 2 * functions:
        raise ParameterError(f"n_points is {points}, but must be at least {2 * functions} for {functions} functions.")

    volatility, prices, volatilities = problem.dividend_volatility, [], []
    rates = first_rates(problem)
    for number in range(max_sweeps):
        cloud = clouds(problem, rates, points, seed + 1000 * number)
        fits = sweep(problem, cloud, volatility, n_random, seed + 1000 * number)
        if fits is None:
            return _failed(problem, f"The values grew without bound in sweep {number + 1}. Use more steps.")
        policy = _policy(problem, fits)
        start = _start(problem, fits)
        price = problem.dividend_mean * problem.horizon - float(start.variance[0])
        price -= problem.aggregate_risk_aversion * float(start.value[0] @ (1 / problem.gamma))
        prices.append(price)
        volatilities.append(float(start.volatility[0]))
        if not np.isfinite([*prices, *volatilities]).all():
            return _failed(problem, "The values at time 0 are not finite. Use more steps or more functions.")
        converged = _converged(problem, prices, volatilities)
        if converged:
            break
        volatility = float(np.mean([fit.feedback(c.psi, c.w)[1].mean() for fit, c in zip(fits, cloud, strict=True)]))
        rates = _rates(fits)
    details = {
        "functions": functions, "points": points, "prices": tuple(prices), "volatilities": tuple(volatilities),
        "marginal_values": start.value[0],
        "fit_residual": tuple(np.mean([fit.residual for fit in fits], axis=0)[[0, problem.n_agents]]),
    }  # fmt: skip
    # At time 0 all marginal values vanish. For q = 2 or two agents this is exact then; else the drift is a ratio of two
    # numbers near 0 there, and this its limit.
    drift = problem.aggregate_risk_aversion * problem.supply * volatilities[-1] ** 2
    status = (
        f"Solved for the scheme with {problem.n_steps} steps in {problem.timing} timing with {functions} functions."
    )
    if len(prices) > 1:
        changes = abs(prices[-1] - prices[-2]), abs(volatilities[-1] - volatilities[-2])
        status += f" The last of {len(prices)} sweeps changed the price by {changes[0]:.1g} and the volatility by "
        status += f"{changes[1]:.1g}."
        if not converged:
            status += " That is much: use more steps, or more functions and points."
    return EquilibriumSolution(
        problem, "collocation", prices[-1], drift, volatilities[-1],
        mean_volatility(problem, policy, prices[-1]), policy, status, details,
    )  # fmt: skip


def _converged(problem: EquilibriumProblem, prices: list[float], volatilities: list[float]) -> bool:
    if len(prices) < 2:
        return False
    alpha = problem.dividend_volatility
    frictionless = problem.dividend_mean - problem.aggregate_risk_aversion * problem.supply * alpha**2
    discount, excess = frictionless * problem.horizon - prices[-1], volatilities[-1] - alpha
    price_moved, volatility_moved = (abs(x[-1] - x[-2]) for x in (prices, volatilities))
    return price_moved <= 0.02 * abs(discount) + 1e-7 and volatility_moved <= 0.01 * abs(excess) + 1e-6


def _start(problem: EquilibriumProblem, fits: list[Fit]) -> Step:
    """The exact first step from the initial positions, where the rates are almost zero."""
    from scipy.optimize import root

    following, w = fits[1] if problem.n_steps > 1 else None, np.zeros(1)

    def step(rates: np.ndarray) -> Step:
        rates = np.append(rates, -rates.sum())
        return step_back(problem, following, rates[None] * problem.step, w)

    def residual(rates: np.ndarray) -> np.ndarray:
        implied = step(rates).rates[0, :-1]
        if problem.power <= 2:
            return rates - implied
        return problem.marginal_cost(rates) - problem.marginal_cost(implied)  # smooth where the rates vanish

    return step(root(residual, np.zeros(problem.n_agents - 1)).x)


def _rates(fits: list[Fit]) -> Rates:
    def rates(k: int, psi: np.ndarray, w: np.ndarray) -> np.ndarray:
        return fits[k].feedback(psi, w)[0]

    return rates


def _policy(problem: EquilibriumProblem, fits: list[Fit]) -> Policy:
    start, gamma, xi = problem.initial_positions, problem.gamma, problem.xi
    explicit = problem.power == 2 or problem.n_agents == 2

    def policy(k: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rates, volatility, drift = fits[k].feedback(positions - start, brownian)
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
