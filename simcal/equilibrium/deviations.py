"""What a share more is worth to each agent along the paths of a solution, and what an agent could gain alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from simcal.equilibrium.numerics import ridge
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.solution import EquilibriumPaths, EquilibriumSolution

_LENGTHS = (1.0, 0.5, 0.25, 0.1, 0.0)
_MANY = 20  # agents above which an agent's features leave out the single positions of the others
_NODES = np.array([-3.6, -2.5, -1.6, -0.8, 0.0, 0.8, 1.6, 2.5, 3.6])  # of a standard normal


@cache
def _interpolation() -> tuple[Any, np.ndarray]:
    """The cubic spline through one at each node and zero at the others, and the means at a standard normal, (nodes,).

    Local, unlike polynomials: what is not smooth at one node does no harm elsewhere.
    """
    from scipy.interpolate import CubicSpline

    spline = CubicSpline(_NODES, np.eye(_NODES.size))
    grid = np.linspace(-10, 10, 40_001)
    density = np.exp(-(grid**2) / 2)
    return spline, density @ spline(grid) / density.sum()


@dataclass(frozen=True, eq=False)
class Local:
    """What a solution does in states (states, agents) of one step.

    Parameters
    ----------
    marginal
        c'(v), shape (states, agents).
    gain
        mu - gamma sigma (sigma phi + xi W): what a share more earns in this step per unit of time, same shape.
    features
        Functions of the state for regressions, shape (states, agents, features).
    """

    problem: EquilibriumProblem
    marginal: np.ndarray
    gain: np.ndarray
    features: np.ndarray

    @classmethod
    def of(
        cls, problem: EquilibriumProblem, positions: np.ndarray, brownian: np.ndarray, volatility: np.ndarray | float,
        drift: np.ndarray | float, rates: np.ndarray,
    ) -> Local:  # fmt: skip
        """From states and what the policy gives in them."""
        states, agents = positions.shape
        held = problem.held(positions, rates)
        sigma, mu = (np.broadcast_to(x, states)[:, None] for x in (volatility, drift))
        w = brownian[:, None]
        marginal = problem.marginal_cost(rates)
        psi = positions - problem.initial_positions
        shared, own = [np.ones_like(w), w / math.sqrt(problem.horizon)], [marginal]
        if agents > _MANY:
            own.append(psi)
        else:
            shared.append(psi[:, :-1])
        common = np.broadcast_to(np.hstack(shared)[:, None], (states, agents, sum(x.shape[1] for x in shared)))
        features = np.concatenate([common, np.stack(own, axis=-1)], axis=-1)
        return cls(problem, marginal, mu - problem.gamma * sigma * (sigma * held + problem.xi * w), features)

    @classmethod
    def on(cls, paths: EquilibriumPaths, k: int) -> Local:
        """In the states of step k of the paths."""
        names = "positions", "brownian", "volatility", "drift", "rates"
        return cls.of(paths.problem, *(getattr(paths, name)[:, k] for name in names))

    @property
    def rough(self) -> np.ndarray:
        """The value of a share more that the rates imply, were they optimal, shape (states, agents)."""
        return self.marginal + self.gain * self.problem.step if self.problem.timing == "pre-trade" else self.marginal

    def value(self, coefficients: np.ndarray) -> np.ndarray:
        """`rough` corrected by a combination of the features, coefficients (agents, features)."""
        return self.rough + combine(self.features, coefficients)


@dataclass(frozen=True, eq=False)
class Look:
    """One step on the way back along the paths.

    Parameters
    ----------
    step
        k.
    now
        The solution in the states of the paths.
    value
        For each path a number with conditional mean E_k sum_(j >= k) gain_j Delta, shape (paths, agents).
    target
        The same for what c'(v_k) must equal in an optimum: pre-trade the sum starts with k + 1.
    expected_features
        E_k of the features of step k + 1 (None in the last step).
    """

    step: int
    now: Local
    value: np.ndarray
    target: np.ndarray
    expected_features: np.ndarray | None


def combine(features: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Features (..., agents, features) times coefficients (agents, features)."""
    return np.einsum("...nf,nf->...n", features, coefficients)


def look_back(solution: EquilibriumSolution, paths: EquilibriumPaths, corrections: list[np.ndarray]) -> Iterator[Look]:
    r"""The steps backwards, with the sum of gains along each path as the value of a share more.

    From the sum are subtracted the surprises in the value function :math:`\hat Y` (`Local.value` with
    ``corrections[k]``): in each step its spline in the increment of W, less the mean of that spline. They have
    conditional mean zero whatever :math:`\hat Y` is, so nothing is biased; and where it is right no noise is left.
    """
    problem, delta = solution.problem, solution.problem.step
    spline, mean = _interpolation()
    n = paths.brownian.shape[0]
    tail = np.zeros((n, problem.n_agents))
    for k in range(problem.n_steps - 1, -1, -1):
        now = Local.on(paths, k)
        expected = None
        if k + 1 < problem.n_steps:
            positions = np.repeat(paths.positions[:, k + 1], _NODES.size, axis=0)
            brownian = (paths.brownian[:, k, None] + math.sqrt(delta) * _NODES).ravel()
            later = Local.of(problem, positions, brownian, *solution.policy(k + 1, positions, brownian))
            values = later.value(corrections[k + 1]).reshape(n, _NODES.size, -1)
            surprise = spline((paths.brownian[:, k + 1] - paths.brownian[:, k]) / math.sqrt(delta)) - mean
            tail = tail - np.einsum("pin,pi->pn", values, surprise)
            features = later.features.reshape(n, _NODES.size, *later.features.shape[1:])
            expected = np.einsum("i,pinf->pnf", mean, features)
        target = tail if problem.timing == "pre-trade" else tail + now.gain * delta
        tail = tail + now.gain * delta
        yield Look(k, now, tail, target, expected)


def regress(features: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Least squares of values (states, agents) on features (states, agents, features), one agent at a time."""
    return ridge(features.transpose(1, 0, 2), values.T[..., None], 1e-12)[..., 0]


@dataclass(frozen=True, eq=False)
class Deviation:
    r"""A better answer of each agent to the frozen price, as feedback on the state of the market and its own deviation.

    With D the distance from the agent's positions in the solution, :math:`\rho` the marginal value that the solution
    leaves unused, and P and f from the linear-quadratic problem around it, the marginal cost of the new rate is
    :math:`c'(v) + \epsilon (\rho - f) - P D`. For quadratic costs and a volatility that depends on time only this is
    the best answer, up to the features.

    Parameters
    ----------
    corrections
        Coefficients of rho in the features, per step (agents, features); `look_back` takes them too.
    anticipation
        Those of f.
    stiffness
        P, shape (n_steps, agents).
    length
        epsilon, shape (agents,).
    """

    corrections: list[np.ndarray]
    anticipation: list[np.ndarray]
    stiffness: np.ndarray
    length: np.ndarray

    def gain(self, problem: EquilibriumProblem, paths: EquilibriumPaths, targets: np.ndarray) -> np.ndarray:
        """What the deviation brings to each agent on each path, shape (paths, agents); its mean is that of the goals.

        `targets` are those of `Look`, shape (n_steps, paths, agents).
        """
        delta, post = problem.step, problem.timing == "post-trade"
        away = np.zeros_like(paths.positions[:, 0])
        gain = np.zeros_like(away)
        for k in range(problem.n_steps):
            rates = paths.rates[:, k]
            extra = combine(Local.on(paths, k).features, self.corrections[k] - self.anticipation[k])
            other = problem.rate_of(problem.marginal_cost(rates) + self.length * extra - self.stiffness[k] * away)
            change = other - rates
            after = away + change * delta
            held = after if post else away
            risk = problem.gamma / 2 * (paths.volatility[:, k, None] * held) ** 2
            gain += (targets[k] * change - problem.cost_of(other) + problem.cost_of(rates) - risk) * delta
            away = after
        return gain


def find_deviation(solution: EquilibriumSolution, paths: EquilibriumPaths) -> Deviation:
    """The deviation fitted to these paths; what it gains must be measured on others."""
    problem, steps = solution.problem, solution.problem.n_steps
    delta, curvature = problem.step, _curvature(problem, paths.rates)
    variance = (paths.volatility**2).mean(axis=0)
    stiffness = np.zeros((steps, problem.n_agents))
    targets = np.empty((steps, *paths.positions[:, 0].shape))
    corrections: list[np.ndarray] = [np.zeros(0)] * steps
    anticipation: list[np.ndarray] = [np.zeros(0)] * steps
    for look in look_back(solution, paths, corrections):
        k, features = look.step, look.now.features
        corrections[k] = regress(features, look.value - look.now.rough)
        targets[k] = look.target
        following = np.zeros(problem.n_agents) if k + 1 == steps else stiffness[k + 1]
        risk = variance[k if problem.timing == "post-trade" else min(k + 1, steps - 1)] * delta
        if problem.timing == "pre-trade" and k + 1 == steps:
            risk = 0.0
        stiff = problem.gamma * risk + following
        weight = 1 / (1 + stiff * delta / curvature)
        stiffness[k] = stiff * weight
        ahead = stiff * combine(features, corrections[k]) * delta / curvature
        if look.expected_features is not None:
            ahead = ahead + combine(look.expected_features, anticipation[k + 1])
        anticipation[k] = regress(features, ahead * weight)
    gains = np.array([
        Deviation(corrections, anticipation, stiffness, np.full(problem.n_agents, x)).gain(problem, paths, targets)
        .mean(axis=0)
        for x in _LENGTHS
    ])  # fmt: skip
    length = np.array(_LENGTHS)[np.nan_to_num(gains, nan=-np.inf).argmax(axis=0)]
    return Deviation(corrections, anticipation, stiffness, length)


def _curvature(problem: EquilibriumProblem, rates: np.ndarray) -> np.ndarray:
    """A typical second derivative of each agent's cost, shape (agents,)."""
    square = (rates**2).mean(axis=(0, 1))
    size = (problem.power - 1) * (problem.marginal_cost(rates) * rates).mean(axis=(0, 1))
    return np.where(square > 0, size / np.where(square > 0, square, 1), problem.cost_factor)
