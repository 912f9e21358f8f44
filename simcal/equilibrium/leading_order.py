"""Two agents, any power: the first term of the expansion in small trading costs, and the function behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.solution import EquilibriumSolution
from simcal.errors import NumericalError, ParameterError

POWERS = (1.15, 4.0)  # for these the far field is met at _ENDS[-1], and the stationary law has died out there
_ENDS = (3.0, 6.0, 12.0)  # the equation has a saddle, so the interval grows from solution to solution
_STRETCH = 3  # x = t^3 makes g'', which is singular at 0 for most powers, smooth in t
_TOLERANCE = 1e-9


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
    q, alpha, (first, second) = problem.power, problem.dividend_volatility, problem.risk_aversion
    shape, (stretch, height, speed) = stationary_shape(q), small_cost_scales(problem, alpha)
    per_slope = (first - second) / (first + second) * problem.exposure[0] / alpha * height
    start, hedge = problem.initial_positions[0], problem.exposure[0] / alpha

    def policy(k: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        distance = positions[:, 0] - start + hedge * brownian
        volatility = alpha + per_slope * shape.slope(stretch * distance)
        rate = -np.sign(distance) * speed * np.abs(shape.value(stretch * distance) / q) ** (1 / (q - 1))
        drift = problem.required_drift(volatility, positions, brownian)
        return volatility, drift, np.column_stack([rate, -rate])

    shares, volatility = problem.aggregate_risk_aversion * problem.supply, alpha + per_slope * shape.slope_at_zero
    mean = per_slope * shape.mean_slope
    price = (problem.dividend_mean - shares * alpha**2 - 2 * shares * alpha * mean) * problem.horizon
    return EquilibriumSolution(
        problem, "leading-order", price, shares * volatility**2, volatility, np.full(problem.n_steps, alpha + mean),
        policy, "Solved to leading order in the cost; the error is of the next order.",
        {"slope_at_zero": shape.slope_at_zero, "mean_slope": shape.mean_slope, "stationary_variance": shape.variance},
    )  # fmt: skip


def small_cost_scales(problem: EquilibriumProblem, volatility: float) -> tuple[float, float, float]:
    """B, A B and the factor of |g / q|^(1 / (q - 1)) in the rate, as `solve_leading_order` has them at alpha."""
    q, scale, gamma = problem.power, problem.cost_factor, float(problem.gamma.mean())
    ratio = abs(problem.exposure[0]) / volatility
    bend = (q * gamma * volatility**2 / scale) ** (1 / (q + 2))
    height = (scale / (2 ** (q - 1) * q)) ** (2 / (q + 2)) * (gamma * volatility**2) ** (q / (q + 2))
    return (
        2 ** ((q - 1) / (q + 2)) * bend / ratio ** (2 * q / (q + 2)),
        height * ratio ** (2 * (q - 2) / (q + 2)),
        (q * gamma * ratio**4 * volatility**2 / (8 * scale)) ** (1 / (q + 2)),
    )


@dataclass(frozen=True, eq=False)
class StationaryShape:
    r"""The odd function g with :math:`g'' - \mathrm{sgn}(x) g' |g / q|^p = 2x`, :math:`p = 1 / (q - 1)`.

    It is negative for x > 0 and behaves as :math:`-q (q - 1)^{-(q - 1) / q} x^{2 (q - 1) / q}` far from 0; for q = 2 it
    is -2x. Its stationary law is :math:`\nu(z) \propto \exp(-\int_0^{|z|} |g / q|^p)`.

    Parameters
    ----------
    power
        q.
    slope_at_zero, mean_slope, variance
        g'(0), the means of g' and of z^2 under the stationary law; integrated by parts, variance = -mean_slope / 2.
    """

    power: float
    slope_at_zero: float
    mean_slope: float
    variance: float
    _inside: Callable[[np.ndarray], np.ndarray]

    def value(self, x: np.ndarray) -> np.ndarray:
        """g(x), of the shape of `x`."""
        return np.sign(x) * self._half(np.abs(x))[0]

    def slope(self, x: np.ndarray) -> np.ndarray:
        """g'(x), of the shape of `x`."""
        return self._half(np.abs(x))[1]

    def _half(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        end, q = _ENDS[-1], self.power
        near = self._inside(np.cbrt(np.minimum(x, end)))
        # Beyond the end g'' is negligible, so that |g / q|^(q / (q - 1)) grows as x^2 / (q - 1).
        beyond = np.maximum(x, end)
        at_end = abs(float(self._inside(np.cbrt(end))[0]) / q) ** (q / (q - 1))
        size = (at_end + (beyond**2 - end**2) / (q - 1)) ** ((q - 1) / q)
        return np.where(x <= end, near[0], -q * size), np.where(x <= end, near[1], -2 * beyond / size ** (1 / (q - 1)))


@cache
def stationary_shape(power: float) -> StationaryShape:
    """g for costs of one power, by collocation on [0, 12] in t with x = t^3; g'(0) holds to about ten digits.

    At the end g'' takes its far-field value, which leaves no boundary layer; a value of g would leave one.

    Raises
    ------
    ParameterError
        Where the power lies outside 1.15 to 4.
    NumericalError
        Where collocation does not reach its tolerance.
    """
    from scipy.integrate import solve_bvp

    if not POWERS[0] <= power <= POWERS[1]:
        raise ParameterError(
            f"power is {power:g}, but the small-cost expansion is solved for {POWERS[0]} to {POWERS[1]:g}."
        )
    p, far_power = 1 / (power - 1), 2 * (power - 1) / power

    def far(x: np.ndarray) -> np.ndarray:
        value = -power * (power - 1) ** (-(power - 1) / power) * x**far_power
        return np.vstack([value, far_power * value / x, x**2])

    def slope(t: np.ndarray, y: np.ndarray) -> np.ndarray:
        speed = np.abs(y[0] / power) ** p  # its integral, the third component, makes the stationary law
        return _STRETCH * t ** (_STRETCH - 1) * np.vstack([y[1], 2 * t**_STRETCH + y[1] * speed, speed])

    t = np.linspace(0, _ENDS[0] ** (1 / _STRETCH), 101)
    y = far(t**_STRETCH + 0.1) - far(np.array([0.1])) * [[1], [0], [1]]
    for end in _ENDS:
        if end > _ENDS[0]:
            more = np.linspace(t[-1], end ** (1 / _STRETCH), 101)[1:]
            t, y = np.append(t, more), np.hstack([y, far(more**_STRETCH)])
        curvature = float(far(np.array([end]))[0, 0]) * far_power * (far_power - 1) / end**2

        def ends(a: np.ndarray, b: np.ndarray, end: float = end, curvature: float = curvature) -> np.ndarray:
            return np.array([a[0], (2 * end + b[1] * np.abs(b[0] / power) ** p - curvature) / end, a[2]])

        found = solve_bvp(slope, ends, t, y, tol=_TOLERANCE, max_nodes=100_000)
        if not found.success:
            raise NumericalError(f"The expansion for power {power:g} was not solved up to {end:g}: {found.message}")
        t, y = found.x, found.y

    nodes, weights = np.polynomial.legendre.leggauss(6)
    half = np.diff(t)[:, None] / 2
    inner = t[:-1, None] + half * (nodes + 1)
    value = found.sol(inner.ravel()).reshape(3, *inner.shape)
    density = np.exp(-value[2]) * inner ** (_STRETCH - 1) * half * weights
    density /= density.sum()
    return StationaryShape(
        power, float(found.sol(0.0)[1]), float((density * value[1]).sum()),
        float((density * inner ** (2 * _STRETCH)).sum()), found.sol,
    )  # fmt: skip
