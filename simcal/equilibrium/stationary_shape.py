"""The function behind small trading costs: marginal cost against the distance from the frictionless position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from simcal.errors import NumericalError, ParameterError

POWERS = (1.15, 4.0)  # for these the far field is met at _ENDS[-1], and the stationary law has died out there
_ENDS = (3.0, 6.0, 12.0)  # the equation has a saddle, so the interval grows from solution to solution
_STRETCH = 3  # x = t^3 makes g'', which is singular at 0 for most powers, smooth in t
_TOLERANCE = 1e-9


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
