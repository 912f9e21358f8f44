"""Clouds of likely states on which each step of the collocation is fitted, and the functions of them that are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simcal.equilibrium.numerics import ridge
from simcal.equilibrium.problem import EquilibriumProblem

# (step, psi (states, agents), w (states,)) -> rates (states, agents)
Rates = Callable[[int, np.ndarray, np.ndarray], np.ndarray]

_STEEPNESS = 1.2  # of the bumps, per standard deviation
_SPAN = 2.2  # standard deviations between which they lie
_RIDGE = 1e-10
_REACH = 1.5  # how far a state may lie outside its cloud
_JITTER = 0.2  # of the spread of each agent's displacement, for half of the states


@dataclass(frozen=True, eq=False)
class Basis:
    r"""1, the coordinates, and :math:`\tanh(z \cdot a_j + b_j)` of coordinates z with unit spread.

    The coordinates of psi (states, agents) and w (states,) are the displacements :math:`\psi_n + \xi_n w / \sigma` from
    what agent n would hold without costs, and w. Up to seven of the tanh functions per agent depend on its own
    displacement only, which is what its marginal value mostly follows; the others have random directions, more often
    along the main axes of the cloud of states.
    """

    hedge: np.ndarray
    spread: np.ndarray
    directions: np.ndarray
    offsets: np.ndarray

    @property
    def size(self) -> int:
        """The number of functions."""
        return self.spread.size + self.offsets.size

    @classmethod
    def of(
        cls, problem: EquilibriumProblem, volatility: float, psi: np.ndarray, w: np.ndarray, floor: np.ndarray,
        n_random: int, seed: int,
    ) -> Basis:  # fmt: skip
        """A basis for a cloud of states.

        `volatility` is a typical sigma; `floor` are the smallest spreads of the coordinates, shape (agents + 1,).
        """
        hedge = problem.xi / volatility
        state = displacements(hedge, psi, w)
        spread = np.maximum(state.std(axis=0), floor)
        _, extent, axes = np.linalg.svd(state / spread, full_matrices=False)
        kept = extent > 1e-4 * max(extent[0], 1e-300)
        extent, axes = extent[kept] / np.sqrt(len(w)), axes[kept]
        bumps = own_functions(problem)
        own = np.repeat(np.eye(problem.n_agents, spread.size), bumps, axis=0) * _STEEPNESS
        own_offsets = np.tile(-_STEEPNESS * np.linspace(-_SPAN, _SPAN, bumps), problem.n_agents)
        if not extent.size:  # a single state: nothing varies
            return cls(hedge, spread, own.T, own_offsets)
        random = np.random.default_rng([seed, 0])
        whitened = random.normal(size=(n_random, extent.size)) * np.sqrt(extent / extent[0])
        steepness = _STEEPNESS * random.uniform(0.4, 1.6, n_random)
        whitened *= (steepness / np.linalg.norm(whitened, axis=1))[:, None]
        directions = np.vstack([own, (whitened / extent) @ axes])
        offsets = np.concatenate([own_offsets, steepness * random.uniform(-2, 2, n_random)])
        return cls(hedge, spread, directions.T, offsets)

    def __call__(self, psi: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Values of the functions, shape (states, size)."""
        z = displacements(self.hedge, psi, w) / self.spread
        agents = self.spread.size - 1
        values = np.empty((len(w), self.size))
        values[:, 0] = 1
        values[:, 1:agents] = z[:, : agents - 1]  # the displacements sum to zero
        values[:, agents] = z[:, agents]
        np.matmul(z, self.directions, out=values[:, agents + 1 :])
        values[:, agents + 1 :] += self.offsets
        np.tanh(values[:, agents + 1 :], out=values[:, agents + 1 :])
        return values

    def fit(self, psi: np.ndarray, w: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (size, targets) by ridge regression, and the root mean square residual of each target."""
        values = self(psi, w)
        found = ridge(values[None], targets[None], _RIDGE)[0]
        return found, np.sqrt(((values @ found - targets) ** 2).mean(axis=0))


def own_functions(problem: EquilibriumProblem) -> int:
    """How many functions follow the displacement of each agent: seven for few agents, at least two."""
    return max(2, min(7, 70 // problem.n_agents))


def displacements(hedge: np.ndarray, psi: np.ndarray, w: np.ndarray) -> np.ndarray:
    """psi + hedge w, and w, as columns."""
    return np.column_stack([psi + w[:, None] * hedge, w])


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
