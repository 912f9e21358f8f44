"""Two agents, any power: the first term of the expansion in small trading costs."""

from __future__ import annotations

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.solution import EquilibriumSolution
from simcal.equilibrium.stationary_shape import stationary_shape
from simcal.errors import ParameterError


def solve_leading_order(problem: EquilibriumProblem) -> EquilibriumSolution:
    r"""The equilibrium of two agents to leading order in the cost, in continuous time and far from both ends of it.

    With g of `stationary_shape`, :math:`x = \varphi^1 - \bar\varphi^1` (distance from the frictionless position),
    :math:`\gamma = (\gamma_1 + \gamma_2) / 2` and :math:`\xi = \xi_1`,

    .. math::
        B &= 2^{\frac{q-1}{q+2}} \Bigl(\frac{q \gamma \alpha^2}{\kappa \lambda}\Bigr)^{\frac1{q+2}}
             \Bigl|\frac{\alpha}{\xi}\Bigr|^{\frac{2q}{q+2}}, \quad
        A B = \Bigl(\frac{\kappa \lambda}{2^{q-1} q}\Bigr)^{\frac2{q+2}} (\gamma \alpha^2)^{\frac q{q+2}}
             \Bigl|\frac{\xi}{\alpha}\Bigr|^{\frac{2 (q-2)}{q+2}}, \\
        \dot\varphi^1 &= -\mathrm{sgn}(x) \Bigl(\frac{q \gamma \xi^4}{8 \kappa \lambda \alpha^2}\Bigr)^{\frac1{q+2}}
             |g(Bx) / q|^{\frac1{q-1}}, \quad
        \sigma = \alpha + \frac{\gamma_1 - \gamma_2}{\gamma_1 + \gamma_2} \frac\xi\alpha A B\, g'(Bx), \\
        \mu &= \tfrac12 \sum_n \gamma_n \sigma (\sigma \varphi^n + \xi_n W), \quad
        S_0 = (\beta - \bar\gamma s \alpha^2) \bar T - 2 \bar\gamma s \alpha\, E_\nu[\sigma - \alpha]\, \bar T .

    It ignores that trading stops before the end, where volatility returns to alpha: S_0 is off by the next order, and
    simulated paths miss the dividend. `mean_volatility` is the stationary mean. The published row of this name has
    other numbers, because its formulas have four errors.

    Raises
    ------
    ParameterError
        Where there are not two agents, the exposures are 0, or the power lies outside 1.15 to 4.
    """
    if problem.n_agents != 2:
        raise ParameterError(f"The method 'leading-order' needs 2 agents, but there are {problem.n_agents}.")
    if problem.exposure[0] == 0:
        raise ParameterError("The method 'leading-order' needs agents who trade, but the exposures are 0.")
    q, scale, alpha = problem.power, problem.cost_factor, problem.dividend_volatility
    first, second = problem.risk_aversion
    gamma, exposure = (first + second) / 2, abs(problem.exposure[0])
    ratio, shape = exposure / alpha, stationary_shape(q)
    stretch = 2 ** ((q - 1) / (q + 2)) * (q * gamma * alpha**2 / scale) ** (1 / (q + 2)) * ratio ** (-2 * q / (q + 2))
    height = (
        (scale / (2 ** (q - 1) * q)) ** (2 / (q + 2))
        * (gamma * alpha**2) ** (q / (q + 2))
        * ratio ** (2 * (q - 2) / (q + 2))
    )
    speed = (q * gamma * exposure**4 / (8 * scale * alpha**2)) ** (1 / (q + 2))
    per_slope = (first - second) / (first + second) * problem.exposure[0] / alpha * height
    start, hedge = problem.initial_positions[0], problem.exposure[0] / alpha

    def policy(k: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        distance = positions[:, 0] - start + hedge * brownian
        volatility = alpha + per_slope * shape.slope(stretch * distance)
        rate = -np.sign(distance) * speed * np.abs(shape.value(stretch * distance) / q) ** (1 / (q - 1))
        risk = volatility[:, None] * positions + brownian[:, None] * problem.xi
        return volatility, volatility * (risk @ problem.gamma) / 2, np.column_stack([rate, -rate])

    shares, volatility = problem.aggregate_risk_aversion * problem.supply, alpha + per_slope * shape.slope_at_zero
    mean = per_slope * shape.mean_slope
    price = (problem.dividend_mean - shares * alpha**2 - 2 * shares * alpha * mean) * problem.horizon
    return EquilibriumSolution(
        problem, "leading-order", price, shares * volatility**2, volatility, np.full(problem.n_steps, alpha + mean),
        policy, "Solved to leading order in the cost; the error is of the next order.",
        {"slope_at_zero": shape.slope_at_zero, "mean_slope": shape.mean_slope, "stationary_variance": shape.variance},
    )  # fmt: skip
