"""Clouds of likely states on which each step is fitted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem

# (step, psi (states, agents), w (states,)) -> rates (states, agents)
Rates = Callable[[int, np.ndarray, np.ndarray], np.ndarray]
Cloud = tuple[np.ndarray, np.ndarray]  # psi after the trade of a step, w before its increment

_JITTER = 0.2  # of the spread of each agent's displacement, for half of the states


def clouds(problem: EquilibriumProblem, rates: Rates, n_points: int, seed: int) -> list[Cloud]:
    """One cloud per step, from simulated paths.

    Half of the paths start at the initial positions, the others a fifth of the horizon earlier, so that no early cloud
    is thin. Paths of one Brownian motion fill few dimensions; noise on half of the positions shows the fit the others.
    """
    random = np.random.default_rng([seed, 1])
    early, half = max(problem.n_steps // 5, 1), n_points // 2
    psi, w = np.zeros((n_points, problem.n_agents)), np.zeros(n_points)
    found = []
    for k in range(-early, problem.n_steps):
        moving = slice(0, half) if k < 0 else slice(None)
        step = k if k >= 0 else min(early, problem.n_steps - 1)
        psi[moving] += rates(step, psi[moving], w[moving]) * problem.step
        if k >= 0:
            found.append((_jittered(problem, psi, w, random), w.copy()))
        w[moving] += random.normal(size=w[moving].size) * np.sqrt(problem.step)
    return found


def _jittered(problem: EquilibriumProblem, psi: np.ndarray, w: np.ndarray, random: np.random.Generator) -> np.ndarray:
    spread = (psi + w[:, None] * (problem.xi / problem.dividend_volatility)).std(axis=0)
    noise = random.normal(size=psi.shape) * spread * _JITTER * (random.random(len(w)) < 0.5)[:, None]
    return psi + noise - noise.mean(axis=1, keepdims=True)


def first_rates(problem: EquilibriumProblem) -> Rates:
    """Each displacement reverts at the rate optimal for a quadratic cost that costs about as much as the true one.

    Only a rough guess: the clouds of the second sweep come from the rates found by the first.
    """
    risk = float(problem.gamma.mean()) * problem.dividend_volatility**2
    slope = problem.xi / problem.dividend_volatility
    typical = np.maximum(np.abs(slope), 1e-3 * np.abs(slope).max() + 1e-300)
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
