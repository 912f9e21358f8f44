"""Clouds of likely states on which each step is fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem

# (step, psi (states, agents), w (states,)) -> rates (states, agents)
Rates = Callable[[int, np.ndarray, np.ndarray], np.ndarray]

_REACH = 1.5  # how far a state may lie outside its cloud

_JITTER = 0.2  # of the spread of each agent's displacement, for half of the states


@dataclass(frozen=True, eq=False)
class Cloud:
    """Likely states of one step.

    Parameters
    ----------
    psi, w
        Positions after the trade, (states, agents), and W before its increment, (states,).
    reach
        Largest displacement of each agent before the trade, shape (agents,).
    """

    psi: np.ndarray
    w: np.ndarray
    reach: np.ndarray

    def holds(self, slope: np.ndarray, psi: np.ndarray) -> np.ndarray:
        """Which states `psi` before the trade are likely enough to be fitted.

        Where costs are almost proportional to the rates, a state just outside the cloud comes from one far away.
        """
        inside = np.abs(psi + self.w[:, None] * slope) <= _REACH * self.reach
        return np.all(inside, axis=1)


def clouds(problem: EquilibriumProblem, rates: Rates, n_points: int, seed: int) -> list[Cloud]:
    """One cloud per step, from simulated paths.

    Half of the paths start at the initial positions, the others a fifth of the horizon earlier, so that no early cloud
    is thin. Paths of one Brownian motion fill few dimensions; noise on half of the positions shows the fit the others.
    """
    random = np.random.default_rng([seed, 1])
    early, half = max(problem.n_steps // 5, 1), n_points // 2
    psi, w = np.zeros((n_points, problem.n_agents)), np.zeros(n_points)
    slope = problem.xi / problem.dividend_volatility
    found = []
    for k in range(-early, problem.n_steps):
        moving = slice(0, half) if k < 0 else slice(None)
        step = k if k >= 0 else min(early, problem.n_steps - 1)
        reach = np.abs(psi + w[:, None] * slope).max(axis=0)
        psi[moving] += rates(step, psi[moving], w[moving]) * problem.step
        if k >= 0:
            found.append(Cloud(_jittered(slope, psi, w, random), w.copy(), reach))
        w[moving] += random.normal(size=w[moving].size) * np.sqrt(problem.step)
    return found


def _jittered(slope: np.ndarray, psi: np.ndarray, w: np.ndarray, random: np.random.Generator) -> np.ndarray:
    spread = (psi + w[:, None] * slope).std(axis=0)
    noise = random.normal(size=psi.shape) * spread * _JITTER * (random.random(len(w)) < 0.5)[:, None]
    return psi + noise - noise.mean(axis=1, keepdims=True)


def first_rates(problem: EquilibriumProblem) -> Rates:
    """Each displacement reverts at the rate optimal for a quadratic cost that costs about as much as the true one.

    Only a rough guess: the clouds of the second sweep come from the rates found by the first.
    """
    risk = float(problem.gamma.mean()) * problem.dividend_volatility**2
    slope = problem.xi / problem.dividend_volatility
    largest = np.abs(slope).max() or 1.0
    typical = np.maximum(np.abs(slope), 1e-3 * largest)
    effective = np.full(slope.size, problem.cost_factor)
    for _ in range(100):
        reversion = np.sqrt(risk / effective)
        decay = -np.expm1(-2 * reversion * problem.horizon)
        speed = 0.8 * reversion * typical * np.sqrt(decay / (2 * reversion))
        effective = np.sqrt(effective * problem.cost_factor * speed ** (problem.power - 2))
    reversion = np.sqrt(risk / effective)
    reversion /= 1 + reversion * problem.step

    def rates(_: int, psi: np.ndarray, w: np.ndarray) -> np.ndarray:
        rate = -(psi + w[:, None] * slope) * reversion
        return rate - rate.mean(axis=1, keepdims=True)

    return rates
