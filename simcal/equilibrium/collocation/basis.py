"""Functions of the state in which the solution is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem

_STEEPNESS = 1.2  # of the bumps, per standard deviation
_REACH = 2.2  # standard deviations between which they lie
_RIDGE = 1e-10


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
        own_offsets = np.tile(-_STEEPNESS * np.linspace(-_REACH, _REACH, bumps), problem.n_agents)
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
        scale = np.sqrt((values**2).mean(axis=0)) + 1e-300
        values /= scale
        gram = values.T @ values / len(w)
        gram[np.diag_indices_from(gram)] += _RIDGE
        scaled = np.linalg.solve(gram, values.T @ targets / len(w))
        residual = np.sqrt(((values @ scaled - targets) ** 2).mean(axis=0))
        return scaled / scale[:, None], residual


def own_functions(problem: EquilibriumProblem) -> int:
    """How many functions follow the displacement of each agent: seven for few agents, at least two."""
    return max(2, min(7, 70 // problem.n_agents))


def displacements(hedge: np.ndarray, psi: np.ndarray, w: np.ndarray) -> np.ndarray:
    """psi + hedge w, and w, as columns."""
    return np.column_stack([psi + w[:, None] * hedge, w])
