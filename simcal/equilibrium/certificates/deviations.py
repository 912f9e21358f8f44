"""What an agent could gain alone, the price as it is: another policy, found by regression, measured on fresh paths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simcal.equilibrium.certificates.marginal_values import Local, combine, look_back, regress
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.simulation import EquilibriumPaths
from simcal.equilibrium.solution import EquilibriumSolution

_LENGTHS = (1.0, 0.5, 0.25, 0.1, 0.0)


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
            features = Local.of(
                problem, paths.positions[:, k], paths.brownian[:, k], paths.volatility[:, k], paths.drift[:, k], rates
            ).features
            extra = combine(features, self.corrections[k] - self.anticipation[k])
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
