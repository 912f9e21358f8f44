"""What a share more is worth to each agent along the paths of a solution, with most of the noise taken out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.simulation import EquilibriumPaths
from simcal.equilibrium.solution import EquilibriumSolution

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
        held = positions + rates * problem.step if problem.timing == "post-trade" else positions
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
        now = Local.of(
            problem, paths.positions[:, k], paths.brownian[:, k], paths.volatility[:, k], paths.drift[:, k],
            paths.rates[:, k],
        )  # fmt: skip
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
    scale = np.sqrt((features**2).mean(axis=0)) + 1e-300
    scaled = np.ascontiguousarray((features / scale).transpose(1, 2, 0))
    gram = scaled @ scaled.transpose(0, 2, 1) / len(values)
    moments = (scaled @ values.T[:, :, None])[..., 0] / len(values)
    return (np.linalg.pinv(gram, rcond=1e-12, hermitian=True) @ moments[..., None])[..., 0] / scale
