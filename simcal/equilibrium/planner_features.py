"""Functions of the state in which marginal costs, volatility and drift are written, made for the states of one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from simcal.equilibrium.numerics import ridge

_COMPONENTS = 12  # at most, of the displacements of all agents
_COMMON = 2  # of them with steps of their own
_RIDGE = 1e-11
_MARGIN = 0.2  # of their range, how far functions may leave what was seen


@dataclass(frozen=True, eq=False)
class Features:
    r"""For each agent 1, W, the main components of all displacements, and smooth steps in some of them.

    Displacements are :math:`x_n = \psi_n + \xi_n W / \sigma`, in units of their spread. Their components are few even
    for many agents, because one Brownian motion moves them all. Each agent has steps tanh(x - a) in its own
    displacement and, where the volatility couples them, all have steps in the first components; steps come with and
    without W as a factor.

    Parameters
    ----------
    hedge, spread
        xi / sigma and the spreads, shape (agents,).
    spread_w
        That of W.
    axes
        Components, shape (agents, components).
    box
        Smallest and largest values of the components, widened, two arrays (components,).
    offsets, steepness
        Of the steps.
    fine
        Otherwise few steps and no products, for first guesses far from the solution.
    """

    hedge: np.ndarray
    spread: np.ndarray
    spread_w: float
    axes: np.ndarray
    box: tuple[np.ndarray, np.ndarray]
    offsets: np.ndarray
    steepness: float
    fine: bool

    @classmethod
    def of(cls, hedge: np.ndarray, psi: np.ndarray, w: np.ndarray, fine: bool) -> Self:
        """For states psi (states, agents) and w (states,)."""
        x = psi + w[:, None] * hedge
        spread, spread_w = x.std(axis=0), float(w.std())
        spread = np.where(spread > 0, spread, np.inf)
        _, extent, axes = np.linalg.svd(x / spread, full_matrices=False)
        kept = extent[:_COMPONENTS] > 1e-6 * max(extent[0], 1e-300)
        axes = axes[:_COMPONENTS][kept].T / (extent[:_COMPONENTS][kept] / np.sqrt(len(w)))
        offsets, steepness = (np.linspace(-3, 3, 17), 2.5) if hedge.size == 2 else (np.linspace(-2.7, 2.7, 9), 1.4)
        if not fine:
            offsets, steepness = np.array([-1.5, 0.0, 1.5]), 1.0
        box = _widened((x / spread) @ axes)
        return cls(hedge, spread, spread_w if spread_w > 0 else np.inf, axes, box, offsets, steepness, fine)

    def __call__(self, psi: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Shared (states, s), own (agents, states, o) and the market's features (states, m)."""
        x = (psi + w[:, None] * self.hedge) / self.spread
        main = np.clip(x @ self.axes, *self.box)
        shared = np.column_stack([np.ones_like(w), w / self.spread_w, main])
        own = np.clip(x, -6, 6).T[:, :, None]
        own = np.concatenate([own, self._steps(own, w)], axis=2)
        columns = [self._steps(main[:, j, None], w) for j in range(min(_COMMON, main.shape[1]))]
        market = np.hstack([shared, *columns])
        return (market if self.fine and x.shape[1] > 2 else shared), own, market

    def _steps(self, x: np.ndarray, w: np.ndarray) -> np.ndarray:
        steps = np.tanh(self.steepness * (x - self.offsets))
        if not self.fine:
            return steps
        return np.concatenate([steps, steps * np.clip(w / self.spread_w, -4, 4)[:, None]], axis=-1)


@dataclass(frozen=True, eq=False)
class Fitted:
    """Functions of the agents and of the market, as combinations of features.

    Parameters
    ----------
    agents
        For each function its coefficients (agents, features) and its bounds.
    market
        Coefficients (functions, features) and their bounds.
    """

    features: Features
    agents: list[tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]]
    market: tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]

    @classmethod
    def to(
        cls, features: Features, psi: np.ndarray, w: np.ndarray, agents: list[np.ndarray], market: list[np.ndarray]
    ) -> Self:
        """Regressions of functions given in states: of `agents` (states, agents), of `market` (states,)."""
        shared, own, common = features(psi, w)
        values = np.stack([values.T for values in agents], axis=-1)
        found = ridge(np.concatenate([np.broadcast_to(shared, (len(own), *shared.shape)), own], axis=2), values, _RIDGE)
        both = np.stack(market, axis=-1)
        return cls(
            features,
            [(found[:, :, i], _widened(values)) for i, values in enumerate(agents)],
            (ridge(common[None], both[None], _RIDGE)[0].T, _widened(both)),
        )

    def __call__(self, psi: np.ndarray, w: np.ndarray, which: int) -> tuple[np.ndarray, np.ndarray]:
        """One function of the agents, (states, agents), and all of the market, (states, functions)."""
        shared, own, common = self.features(psi, w)
        coefficients, bounds = self.agents[which]
        size = shared.shape[1]
        values = shared @ coefficients[:, :size].T + (own @ coefficients[:, size:, None])[..., 0].T
        weights, limits = self.market
        return np.clip(values, *bounds), np.clip(common @ weights.T, *limits)


def _widened(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = values.min(axis=0), values.max(axis=0)
    return low - _MARGIN * (high - low), high + _MARGIN * (high - low)
