"""Any number of agents, any power of the cost: the equilibrium fitted on clouds of likely states.

Sweeps go backwards through the steps, each on the clouds of states that the rates of the one before make.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simcal.equilibrium.collocation_states import (
    Basis,
    Cloud,
    Rates,
    clouds,
    displacements,
    first_rates,
    own_functions,
)
from simcal.equilibrium.numerics import cleared, clearing_rates, normal_rule
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.solution import EquilibriumSolution, Policy
from simcal.errors import ParameterError

_NODES, _WEIGHTS = normal_rule(6, 0.75)


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
            return EquilibriumSolution.failure(
                problem, "collocation", f"The values grew without bound in sweep {number + 1}. Use more steps."
            )
        policy = _policy(problem, fits)
        start = _start(problem, fits)
        price = problem.dividend_mean * problem.horizon - float(start.variance[0])
        price -= problem.aggregate_risk_aversion * float(start.value[0] @ (1 / problem.gamma))
        prices.append(price)
        volatilities.append(float(start.volatility[0]))
        if not np.isfinite([*prices, *volatilities]).all():
            return EquilibriumSolution.failure(
                problem, "collocation", "The values at time 0 are not finite. Use more steps or more functions."
            )
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
    return EquilibriumSolution.of(
        problem, "collocation", prices[-1], policy, status, details, drift=drift, volatility=volatilities[-1]
    )


def _converged(problem: EquilibriumProblem, prices: list[float], volatilities: list[float]) -> bool:
    if len(prices) < 2:
        return False
    discount, excess = problem.frictionless_price - prices[-1], volatilities[-1] - problem.dividend_volatility
    price_moved, volatility_moved = (abs(x[-1] - x[-2]) for x in (prices, volatilities))
    return price_moved <= 0.02 * abs(discount) + 1e-7 and volatility_moved <= 0.01 * abs(excess) + 1e-6


def _start(problem: EquilibriumProblem, fits: list[StepFit]) -> BackStep:
    """The exact first step from the initial positions, where the rates are almost zero."""
    from scipy.optimize import root

    following, w = fits[1] if problem.n_steps > 1 else None, np.zeros(1)

    def step(rates: np.ndarray) -> BackStep:
        rates = np.append(rates, -rates.sum())
        return step_back(problem, following, rates[None] * problem.step, w)

    def residual(rates: np.ndarray) -> np.ndarray:
        implied = step(rates).rates[0, :-1]
        if problem.power <= 2:
            return rates - implied
        return problem.marginal_cost(rates) - problem.marginal_cost(implied)  # smooth where the rates vanish

    return step(root(residual, np.zeros(problem.n_agents - 1)).x)


def _rates(fits: list[StepFit]) -> Rates:
    def rates(k: int, psi: np.ndarray, w: np.ndarray) -> np.ndarray:
        return fits[k].feedback(psi, w)[0]

    return rates


def _policy(problem: EquilibriumProblem, fits: list[StepFit]) -> Policy:
    start = problem.initial_positions

    def policy(k: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rates, volatility, drift = fits[k].feedback(positions - start, brownian)
        if problem.clears_at_mean:
            drift = problem.required_drift(volatility, problem.held(positions, rates), brownian)
        return volatility, drift, rates

    return policy


@dataclass(frozen=True, eq=False)
class StepFit:
    """What was fitted for a step k, as functions of (psi, w) before its trade.

    Columns of the coefficients: Y_k (agents), V_k, rates (agents), sigma_k, drift_k. `low` and `high` are the smallest
    and largest rates of each agent on the cloud, `residual` the root mean square errors.
    """

    basis: Basis
    coefficients: np.ndarray
    residual: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def values(self, psi: np.ndarray, w: np.ndarray) -> np.ndarray:
        """(states, agents + 1): Y and V."""
        return self.basis(psi, w) @ self.coefficients[:, : psi.shape[1] + 1]

    def feedback(self, psi: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rates (states, agents), which sum to zero, volatility and drift (states,).

        Rates are kept near what the cloud has shown: a path that leaves it shall not run away.
        """
        columns = self.basis(psi, w) @ self.coefficients[:, psi.shape[1] + 1 :]
        room = (self.high - self.low) / 2
        rates = np.clip(columns[:, :-2], self.low - room, self.high + room)
        return rates - rates.mean(axis=1, keepdims=True), columns[:, -2], columns[:, -1]


@dataclass(frozen=True, eq=False)
class BackStep:
    """The exact step of the scheme from states after the trade back to the states before it."""

    psi: np.ndarray
    rates: np.ndarray
    volatility: np.ndarray
    drift: np.ndarray
    value: np.ndarray
    variance: np.ndarray


def step_back(problem: EquilibriumProblem, following: StepFit | None, psi: np.ndarray, w: np.ndarray) -> BackStep:
    r"""One step, given the fit of the step that follows (None: the dividend is paid).

    The states are psi after the trade, (states, agents), and w. As the rate follows from the marginal values after the
    trade, the position before it is known without solving an equation.
    """
    gamma, xi, dt = problem.gamma, problem.xi, problem.step
    share, agents = problem.aggregate_risk_aversion, problem.n_agents
    if following is None:
        mean, slope = np.zeros((2, len(w), agents + 1))
    else:
        nodes = (w[:, None] + np.sqrt(dt) * _NODES).ravel()
        later = following.values(np.repeat(psi, _NODES.size, axis=0), nodes).reshape(len(w), _NODES.size, -1)
        mean = np.einsum("g,sgn->sn", _WEIGHTS, later)
        slope = np.einsum("g,sgn->sn", _WEIGHTS * _NODES / np.sqrt(dt), later)
    volatility = problem.dividend_volatility - slope[:, -1] - share * slope[:, :-1] @ (1 / gamma)
    low, high = np.quantile(volatility, (0.05, 0.95))
    volatility = np.clip(volatility, low - (high - low), high + (high - low))  # no outlier shall feed on itself
    variance = share * problem.supply * volatility**2 * dt + mean[:, -1]

    def risk(held: np.ndarray) -> np.ndarray:
        sigma = volatility[:, None]
        return gamma * sigma * (sigma * held + xi * w[:, None]) * dt

    target = mean[:, :-1] - risk(psi) if problem.timing == "post-trade" else mean[:, :-1]
    marginal, rates = clearing_rates(problem, target)
    before = psi - rates * dt
    value = marginal
    if problem.timing == "pre-trade":
        value = marginal - risk(before)
        value = cleared(value, problem.power)
    # Everything that all agents' values gained alike is drift of the price; it is the same for each agent.
    gained = (value - mean[:, :-1] + risk(psi if problem.timing == "post-trade" else before))[:, 0]
    drift = share * problem.supply * volatility**2 + gained / dt
    return BackStep(before, rates, volatility, drift, value, variance)


def sweep(
    problem: EquilibriumProblem, clouds: list[Cloud], volatility: float, n_random: int, seed: int
) -> list[StepFit] | None:
    """The fits of all steps, or None where the numbers grow without bound."""
    hedge, typical = problem.xi / volatility, clouds[problem.n_steps // 5]
    reference = displacements(hedge, typical.psi, typical.w).std(axis=0)
    floor = np.maximum(0.3 * reference, 1e-3 * np.append(np.full(problem.n_agents, reference[:-1].max()), 0.0))
    floor = np.where(floor > 0, floor, 1.0)
    fits: list[StepFit] = []
    following = None
    with np.errstate(over="ignore", invalid="ignore"):
        for cloud in reversed(clouds):
            step = step_back(problem, following, cloud.psi, cloud.w)
            targets = np.column_stack([step.value, step.variance, step.rates, step.volatility, step.drift])
            if not np.isfinite(targets).all():
                return None
            kept = cloud.holds(problem.xi / problem.dividend_volatility, step.psi)
            if kept.mean() < 0.5:  # a first guess far from the truth: fit what there is
                kept[:] = True
            psi, w, rates = step.psi[kept], cloud.w[kept], step.rates[kept]
            basis = Basis.of(problem, volatility, psi, w, floor, n_random, seed)
            following = StepFit(basis, *basis.fit(psi, w, targets[kept]), rates.min(axis=0), rates.max(axis=0))
            fits.append(following)
    return fits[::-1]
