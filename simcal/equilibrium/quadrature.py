"""Two agents, any power of the cost: the equilibrium of the discrete scheme on a grid of the two states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.quadrature_grid import Columns, StateGrid, share_tilt
from simcal.equilibrium.solution import EquilibriumSolution, Policy
from simcal.errors import ParameterError

_ROUNDS = 80


def solve_quadrature(
    problem: EquilibriumProblem, *, refinement: float = 1.0, gauss_hermite: int | None = None
) -> EquilibriumSolution:
    r"""The equilibrium of two agents with costs of any power q > 1, in the timing of the problem.

    With :math:`\psi = \varphi^1 - \bar\gamma s / \gamma_1`, :math:`\gamma = (\gamma_1 + \gamma_2) / 2`,
    :math:`c = \bar\gamma (1 / \gamma_1 - 1 / \gamma_2)`, R the inverse of the marginal cost and
    :math:`Z = E_k[Y_{k+1} \Delta W] / \Delta` (Z^V likewise), backwards from :math:`Y_T = V_T = 0`

    .. math::
        \sigma_k = \alpha - Z^V - c Z, \quad V_k = \bar\gamma s \sigma_k^2 \Delta + E_k V_{k+1}, \quad
        Y_k = E_k Y_{k+1} - \gamma \sigma_k (\sigma_k \psi + \xi_1 W_k) \Delta, \\
        S_0 = \beta \bar T - V_0 - c Y_0, \quad v_k = R(E_k Y_{k+1}) \text{ pre-trade, with } \psi = \psi_k;
        \quad v_k = R(Y_k) \text{ post-trade, with } \psi = \psi_{k+1} .

    Expectations are taken at the positions after the trade, so each state needs the root of a monotone equation.
    Source: section 1.1 of the model with N = 2, where clearing means Y^2 = -Y^1.

    Parameters
    ----------
    refinement
        Multiplies the numbers of nodes: 1 means 161 x 25. `details["grid_change"]` tells what the last half of them
        changed in price and volatility.
    gauss_hermite
        Number of nodes of a Gauss-Hermite rule for the increments of W, to compare with published numbers made with 7;
        without it 41 equidistant nodes, which lose less at the kink of the rates at 0.

    Raises
    ------
    ParameterError
        Where there are not two agents, or an argument is too small.
    """
    if problem.n_agents != 2:
        raise ParameterError(f"The method 'quadrature' needs two agents, but there are {problem.n_agents}.")
    if refinement < 0.25:
        raise ParameterError(f"refinement is {refinement:g}, but must be at least 0.25.")
    if gauss_hermite is not None and gauss_hermite < 3:
        raise ParameterError(f"gauss_hermite is {gauss_hermite}, but must be at least 3.")
    grid = StateGrid.of(problem, refinement, gauss_hermite)
    found = _backward(problem, grid)
    if found.failure:
        return EquilibriumSolution.failure(problem, "quadrature", found.failure)
    coarse = _backward(problem, StateGrid.of(problem, max(refinement / np.sqrt(2), 0.25), gauss_hermite))
    details = {
        "nodes": (grid.x.size, grid.w.size),
        "marginal_value": found.marginal,
        "expected_variance": found.discount / (problem.aggregate_risk_aversion * problem.supply)
        if problem.supply else None,
        "grid_change": (found.price - coarse.price, found.volatility - coarse.volatility),
        "unsolved_nodes": found.unsolved,
    }  # fmt: skip
    status = f"Solved for the scheme with {problem.n_steps} steps in {problem.timing} timing on {grid.x.size} x "
    status += f"{grid.w.size} nodes."
    if found.unsolved:
        status += f" The rate was not found to full precision at {found.unsolved} nodes."
    if found.capped:
        status += (
            " In likely states the volatility left the range in which it is kept, and now depends on that range: the "
            "steps are too long for how strongly it reacts to the state. Use more steps."
        )
    return EquilibriumSolution.of(problem, "quadrature", found.price, _policy(problem, grid, found), status, details)


@dataclass(frozen=True, eq=False)
class _Backward:
    rates: list[np.ndarray]  # per step, (x, w)
    volatility_of: list[np.ndarray]
    price: float = float("nan")
    volatility: float = float("nan")
    marginal: float = float("nan")
    discount: float = float("nan")
    unsolved: int = 0
    capped: bool = False
    failure: str = ""


def _backward(problem: EquilibriumProblem, grid: StateGrid) -> _Backward:
    dt, alpha, tilt = problem.step, problem.dividend_volatility, share_tilt(problem)
    shares, gamma, xi = problem.aggregate_risk_aversion * problem.supply, problem.gamma.mean(), problem.xi[0]
    post = problem.timing == "post-trade"
    x, w = np.meshgrid(grid.x, grid.w, indexing="ij")
    value, variance, marginal = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    column = np.broadcast_to(np.arange(grid.w.size), x.shape)
    rates, volatilities, unsolved, capped = [], [], 0, False

    def reward(sigma: np.ndarray, psi: np.ndarray) -> np.ndarray:
        return -gamma * sigma * (sigma * psi + xi * w) * dt

    for k in range(problem.n_steps - 1, -1, -1):
        with np.errstate(over="ignore", invalid="ignore"):
            (mean, mean_variance), (slope, slope_variance) = grid.average(value, variance)
            free = (alpha - slope_variance - tilt * slope)[np.ix_(grid.core_x, grid.core_w)]
            sigma = np.clip(free, *grid.bounds)
            target = mean + reward(sigma, x - grid.slope * w) if post else mean
        if not (np.isfinite(target).all() and np.isfinite(sigma).all() and np.isfinite(mean_variance).all()):
            failure = (
                f"The recursion grew without bound at step {k} of {problem.n_steps}: the volatility reacts to the "
                "state more strongly than a step of this length allows. Use more steps."
            )
            return _Backward(rates, volatilities, failure=failure)
        capped |= bool(np.any((sigma != free) & grid.likely))
        columns = Columns(grid, target, sigma, mean_variance)
        rate, missed = _rates(problem, columns, x, column, target, marginal)
        unsolved += missed
        after = x + rate * dt
        marginal, sigma, mean_variance = (columns(after, column, i)[0] for i in range(3))
        value = marginal if post else marginal + reward(sigma, x - grid.slope * w)
        variance = shares * sigma**2 * dt + mean_variance
        rates.append(rate)
        volatilities.append(sigma)
    at = grid.x.size // 2, grid.w.size // 2
    price = problem.dividend_mean * problem.horizon - variance[at] - tilt * value[at]
    return _Backward(
        rates[::-1], volatilities[::-1], float(price), float(volatilities[-1][at]), float(value[at]),
        float(variance[at]), unsolved, capped,
    )  # fmt: skip


def _rates(
    problem: EquilibriumProblem,
    columns: Columns,
    x: np.ndarray,
    column: np.ndarray,
    target: np.ndarray,
    guess: np.ndarray,
) -> tuple[np.ndarray, int]:
    """Roots v of c'(v) = target(x + v Delta), and at how many nodes they are not exact.

    The unknown is the marginal cost y where R is smooth (q <= 2), else v itself; target falls in x, so the root lies
    between 0 and its value without the effect of the trade. Newton's method, halved where it would leave the bracket.
    """
    dt, q, scale, shape = problem.step, problem.power, problem.cost_factor, x.shape
    marginal = q <= 2
    x, column, end = x.ravel(), column.ravel(), target.ravel()
    if not marginal:
        end, guess = problem.rate_of(end), problem.rate_of(guess)
    low, high = np.minimum(0, end), np.maximum(0, end)
    unknown = np.clip(guess.ravel(), low, high)
    tolerance = 1e-13 * np.abs(end).max()
    active = np.arange(unknown.size)
    for _ in range(_ROUNDS):
        u = unknown[active]
        rate = problem.rate_of(u) if marginal else u
        value, slope = columns(x[active] + rate * dt, column[active], 0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if marginal:
                excess = u - value
                change = 1 - slope * dt * np.abs(u / scale) ** (1 / (q - 1) - 1) / (scale * (q - 1))
            else:
                excess = problem.marginal_cost(u) - value
                change = scale * (q - 1) * np.abs(u) ** (q - 2) - slope * dt
            better = u - excess / change
        low[active] = np.where(excess < 0, u, low[active])
        high[active] = np.where(excess > 0, u, high[active])
        inside = (better >= low[active]) & (better <= high[active])
        unknown[active] = np.where(inside, better, (low[active] + high[active]) / 2)
        active = active[np.abs(unknown[active] - u) > tolerance]
        if not active.size:
            break
    found = problem.rate_of(unknown) if marginal else unknown
    return found.reshape(shape), int(active.size)


def _policy(problem: EquilibriumProblem, grid: StateGrid, found: _Backward) -> Policy:
    from scipy.interpolate import RectBivariateSpline

    start = problem.initial_positions

    def policy(k: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        w = np.clip(brownian, grid.w[0], grid.w[-1])
        x = np.clip(positions[:, 0] - start[0] + grid.slope * brownian, grid.x[0], grid.x[-1])
        rate, sigma = (
            RectBivariateSpline(grid.x, grid.w, table[k]).ev(x, w) for table in (found.rates, found.volatility_of)
        )
        rates = np.column_stack([rate, -rate])
        return sigma, problem.required_drift(sigma, problem.held(positions, rates), brownian), rates

    return policy
