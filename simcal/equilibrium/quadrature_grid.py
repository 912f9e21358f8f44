"""Grid, scales and Gaussian averages of the two-agent solver."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline

from simcal.equilibrium.leading_order import small_cost_scales
from simcal.equilibrium.numerics import normal_rule
from simcal.equilibrium.problem import EquilibriumProblem

_REACH = 4.5  # standard deviations of W up to which the volatility follows the state


@dataclass(frozen=True, eq=False)
class StateGrid:
    """States (x, w) with x = psi + slope w, and what a step does to functions of them.

    Parameters
    ----------
    x, w
        Nodes; those of x are denser near 0.
    slope
        The frictionless hedge xi / sigma at the reference volatility.
    core_x, core_w
        Indices of the node nearest to each node among those where the volatility follows the state.
    likely
        Which states are likely, shape (x, w).
    shifts, weights
        Increments of W and their probabilities.
    step
        Delta.
    bounds
        Between them the volatility is kept, so that no error grows without bound in unlikely states.
    """

    x: np.ndarray
    w: np.ndarray
    slope: float
    core_x: np.ndarray
    core_w: np.ndarray
    likely: np.ndarray
    shifts: np.ndarray
    weights: np.ndarray
    step: float
    bounds: tuple[float, float]

    @classmethod
    def of(cls, problem: EquilibriumProblem, refinement: float = 1.0, gauss_hermite: int | None = None) -> StateGrid:
        r"""The grid that follows from the scales of the problem.

        Near 0 the solution bends over 1 / B, the width of the small-cost expansion; the stationary density falls as
        exp(-c x^(1 + 2/q)); a step moves x by slope sqrt(Delta). Outside of what these make reachable the volatility
        is held constant.
        """
        q, dt, horizon = problem.power, problem.step, problem.horizon
        xi = float(problem.xi[0])
        alpha, sigma = problem.dividend_volatility, reference_volatility(problem)
        slope, root = abs(xi) / sigma, math.sqrt(dt)
        room = 2 * abs(sigma - alpha) + alpha / 4
        reach = _REACH * math.sqrt(horizon)
        if slope > 0:
            width = 1 / small_cost_scales(problem, sigma)[0]
            tail = (25 * (1 + 2 / q) * (q - 1) ** (1 / q)) ** (q / (q + 2)) + 1.5
            core = min(tail * width, 6 * slope * math.sqrt(horizon)) + 3 * slope * root
            core += slope * reach * abs(sigma / alpha - 1)
        else:  # nothing to hedge: the state never moves
            width = core = 1.0
        x = _stretched(core + 3 * slope * root, 2 * width, round(80 * refinement))
        half = round(12 * refinement)
        w = np.linspace(-1.0, 1.0, 2 * half + 1) * reach * (1 + 1 / _REACH)
        if gauss_hermite:
            shifts, weights = np.polynomial.hermite_e.hermegauss(gauss_hermite)
            weights /= weights.sum()
            shifts /= math.sqrt(weights @ shifts**2)
        else:
            shifts, weights = normal_rule(20, 0.3)
        likely = (np.abs(x)[:, None] <= core / 2) & (np.abs(w) <= reach / 2)
        return cls(
            x, w, xi / sigma, _nearest(x, core), _nearest(w, reach * (1 + 1e-9)),
            likely, shifts * root, weights, dt, (max(min(alpha, sigma) - room, alpha / 20), max(alpha, sigma) + room),
        )  # fmt: skip

    @cached_property
    def _along_w(self) -> list[np.ndarray]:
        return [_shift_matrix(self.w, d).T.copy() for d in self.shifts]

    @cached_property
    def _along_x(self) -> np.ndarray:
        moved = [_shift_matrix(self.x, self.slope * d) for d in self.shifts]
        mean = np.hstack([p * m for p, m in zip(self.weights, moved, strict=True)])
        slope = np.hstack([p * d / self.step * m for p, d, m in zip(self.weights, self.shifts, moved, strict=True)])
        return np.vstack([mean, slope])

    def average(self, *values: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """E f(w + dW) and E f(w + dW) dW / Delta at fixed positions, of functions given on the grid."""
        stacked = np.vstack([np.hstack([v @ a for v in values]) for a in self._along_w])
        both = (self._along_x @ stacked).reshape(2, self.x.size, len(values), self.w.size)
        return list(both[0].transpose(1, 0, 2)), list(both[1].transpose(1, 0, 2))


class Columns:
    """Cubic splines in x, one per node of w, of several functions given on the grid; linear beyond its ends."""

    def __init__(self, grid: StateGrid, *values: np.ndarray) -> None:
        self._x = grid.x
        self._coefficients = CubicSpline(grid.x, np.stack(values, axis=-1), axis=0).c

    def __call__(self, x: np.ndarray, column: np.ndarray, function: int) -> tuple[np.ndarray, np.ndarray]:
        """Values and slopes in x at points x of the columns with these indices."""
        inside = np.clip(x, self._x[0], self._x[-1])
        cell = np.clip(np.searchsorted(self._x, inside, side="right") - 1, 0, self._x.size - 2)
        c3, c2, c1, c0 = self._coefficients[:, cell, column, function]
        h = inside - self._x[cell]
        slope = (3 * c3 * h + 2 * c2) * h + c1
        return ((c3 * h + c2) * h + c1) * h + c0 + (x - inside) * slope, slope


def share_tilt(problem: EquilibriumProblem) -> float:
    """c = gamma bar (1 / gamma_1 - 1 / gamma_2): how much of agent 1's marginal value enters the price."""
    first, second = problem.risk_aversion
    return problem.aggregate_risk_aversion * (1 / first - 1 / second)


def reference_volatility(problem: EquilibriumProblem) -> float:
    """A typical volatility in (alpha / 20, 20 alpha): the fixed point of the small-cost expansion at x = 0."""
    alpha, sigma = problem.dividend_volatility, problem.dividend_volatility
    gamma, xi = float(problem.gamma.mean()), float(problem.xi[0])
    if xi == 0:
        return alpha
    for _ in range(50):
        lag = min(1.8 * small_cost_scales(problem, sigma)[1] / (gamma * sigma**2), problem.horizon)
        target = alpha + share_tilt(problem) * gamma * xi * lag * sigma
        sigma = float(np.clip((sigma + target) / 2, alpha / 20, 20 * alpha))
    return sigma


def _stretched(end: float, scale: float, half: int) -> np.ndarray:
    return scale * np.sinh(np.linspace(-1, 1, 2 * half + 1) * math.asinh(end / scale))


def _nearest(nodes: np.ndarray, end: float) -> np.ndarray:
    inside = np.flatnonzero(np.abs(nodes) <= end)
    return np.clip(np.arange(nodes.size), inside[0], inside[-1])


def _shift_matrix(nodes: np.ndarray, shift: float) -> np.ndarray:
    """The matrix that takes values at the nodes to those of their cubic spline at nodes + shift, linear beyond."""
    spline = CubicSpline(nodes, np.eye(nodes.size), axis=0)
    inside = np.clip(nodes + shift, nodes[0], nodes[-1])
    return spline(inside) + (nodes + shift - inside)[:, None] * spline(inside, 1)
