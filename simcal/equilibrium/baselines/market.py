"""What agents' marginal values make of the market: rates that clear, and the drift at which they do."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from simcal.equilibrium.adversarial.clearing import cleared
from simcal.equilibrium.adversarial.units import Units
from simcal.equilibrium.baselines.networks import centred
from simcal.training import torch_threads

TRAINING = ((-1.0, 0.5), (1.0, 0.5))  # Gauss-Hermite: nodes and weights, exact for cubic functions of an increment
FINE = tuple(zip(*np.polynomial.hermite_e.hermegauss(3), strict=True))
_CORRECTIONS = 4
StateFunction = Callable[[Tensor, Tensor, slice], Tensor]


def risk(units: Units, volatility: Tensor, psi: Tensor, w: Tensor) -> Tensor:
    """gamma sigma (sigma phi + xi W): what holding one more share costs each agent per unit of time."""
    sigma = volatility[..., None]
    return units.gamma * sigma * (sigma * (psi + units.start) + units.xi * w[..., None])


def explicit(units: Units) -> bool:
    """Whether marginal values that clear have mean zero, so that the drift is the mean of what agents require."""
    return units.problem.power == 2 or units.n_agents == 2


def clear(units: Units, values: Tensor, guess: Tensor | None = None) -> Tensor:
    """y + m with sum R(y + m) = 0, with its derivative: m falls as the mean of y weighted by the slopes of R.

    With a `guess` of m, (..., 1), that lies near, such as that of a step before, a few steps of Newton's method do.
    """
    power = units.problem.power
    if explicit(units):
        return centred(values)
    with torch.no_grad():
        found = cleared(values, power) if guess is None else _corrected(values, guess, 1 / (power - 1))
    if not values.requires_grad:
        return found
    slope = _slope(found, 1 / (power - 1))
    moved = values - values.detach()
    return found + moved - (slope / slope.sum(-1, keepdim=True) * moved).sum(-1, keepdim=True)


def _corrected(values: Tensor, shift: Tensor, exponent: float) -> Tensor:
    low, high = -values.amax(-1, keepdim=True), -values.amin(-1, keepdim=True)
    for _ in range(_CORRECTIONS):
        moved = values + shift
        slope = _slope(moved, exponent)
        excess = (moved * slope).sum(-1, keepdim=True) / (exponent * slope.sum(-1, keepdim=True))
        shift = (shift - excess).clamp(low, high)
    return values + shift


def _slope(values: Tensor, exponent: float) -> Tensor:
    """|y|^(exponent - 1), above 0, relative to the largest in its row: the slope of R but for a factor per row."""
    size = values.abs()
    largest = size.amax(-1, keepdim=True)
    return torch.where(largest > 0, size / largest + 1e-9, 1.0) ** (exponent - 1)


@dataclass(frozen=True, eq=False)
class Market:
    """A market by two functions of state (psi, w) and steps, for tensors (steps, paths[, agents]).

    `values` are the agents' marginal values after trade, which clear; `volatility` is sigma.
    """

    units: Units
    values: StateFunction
    volatility: StateFunction

    def mean_before(self, values: Tensor, volatility: Tensor, psi: Tensor, w: Tensor) -> Tensor:
        """The mean over agents of what one more share is worth before the step, when those values clear."""
        if not self.units.post_trade:
            # They cleared after trade, so the common shift is small.
            carried = risk(self.units, volatility, psi, w) * self.units.step
            values = clear(self.units, values - carried, torch.zeros_like(w[..., None]))
        return values.mean(-1)

    def mean_ahead(self, after: Tensor, w: Tensor, steps: slice, nodes: tuple[tuple[float, float], ...]) -> Tensor:
        """Its conditional mean one step ahead, in `steps`, of positions `after` and W now."""
        total, found = sum(weight for _, weight in nodes), torch.zeros_like(w)
        for node, weight in nodes:
            at = w + float(node) * math.sqrt(self.units.step)
            seen = self.mean_before(self.values(after, at, steps), self.volatility(after, at, steps), after, at)
            found = found + float(weight / total) * seen
        return found

    def policy(self, k: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The feedback, as an `EquilibriumSolution` wants it."""
        units, now = self.units, slice(k, k + 1)
        with torch.no_grad(), torch_threads(1):
            psi = torch.as_tensor(positions, device=units.device)[None] - units.start
            w = torch.as_tensor(np.ascontiguousarray(brownian), device=units.device)[None]
            values, volatility = self.values(psi, w, now), self.volatility(psi, w, now)
            rates = centred(units.rates(values))
            after = psi + rates * units.step
            drift = risk(units, volatility, after if units.post_trade else psi, w).mean(-1)
            if not explicit(units):
                gained = self.mean_before(values, volatility, psi, w)
                if k + 1 < units.n_steps:
                    gained = gained - self.mean_ahead(after, w, slice(k + 1, k + 2), FINE)
                drift = drift + gained / units.step
            return volatility[0].cpu().numpy(), drift[0].cpu().numpy(), rates[0].cpu().numpy()
