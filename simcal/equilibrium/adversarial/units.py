"""The problem as tensors, in units in which networks see numbers near 1."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from simcal.equilibrium.problem import EquilibriumProblem

_SMALLEST_EXPOSURE = 0.05  # of the typical one, so that every agent has a unit


class Units:
    r"""Tensors of a problem, and what the networks see of a state (psi, w).

    Dimensions of the small-cost problem give, per agent, a unit of displacement X and one of marginal value Y,

    .. math:: X_n = \left(\frac{\kappa\lambda}{\gamma_n \alpha^2}\right)^{1/(q+2)}
        \left|\frac{\xi_n}{\alpha}\right|^{2q/(q+2)}, \qquad Y_n = \gamma_n \alpha^4 X_n^3 / \xi_n^2 ,

    where the displacement of agent n is :math:`\psi_n + \xi_n w / \alpha`.
    """

    def __init__(self, problem: EquilibriumProblem, degree: int, device: torch.device) -> None:
        p, self.problem, self.device = problem, problem, device

        def tensor(values) -> Tensor:
            return torch.as_tensor(values, dtype=torch.float64, device=device)

        self.gamma, self.xi, self.start = tensor(p.gamma), tensor(p.xi), tensor(p.initial_positions)
        self.n_steps, self.n_agents, self.step = p.n_steps, p.n_agents, p.step
        self.alpha, self.post_trade = p.dividend_volatility, p.timing == "post-trade"
        slope = self.xi.abs() / self.alpha
        slope = torch.maximum(slope, _SMALLEST_EXPOSURE * slope.pow(2).mean().sqrt()).clamp_min(1e-12)
        share = 1 / (p.power + 2)
        self.displacement = (p.cost_factor / (self.gamma * self.alpha**2)) ** share * slope ** (2 * p.power * share)
        self.marginal = self.gamma * self.alpha**2 * self.displacement**3 / slope**2
        middle, reach = (self.gamma.max() + self.gamma.min()) / 2, (self.gamma.max() - self.gamma.min()) / 2
        self._relative = (self.gamma - middle) / reach.clamp_min(1e-9 * middle)
        self.degree = min(p.n_agents - 1, degree)
        self._hedges = self.powers(self.xi)

    def powers(self, values: Tensor) -> Tensor:
        """Chebyshev polynomials of the matrix of relative risk aversions, on deviations from the mean over agents.

        (..., agents) -> (..., agents, degree). Exact best replies with quadratic costs are functions of this matrix;
        the polynomials treat all agents alike, and their work grows as the number of agents.
        """
        found = [values - values.mean(-1, keepdim=True)]
        for i in range(1, self.degree):
            following = self._relative * found[-1]
            following = following - following.mean(-1, keepdim=True)
            found.append(following if i == 1 else 2 * following - found[-2])
        return torch.stack(found, -1)

    def linear(self, psi: Tensor, w: Tensor) -> Tensor:
        """Linear functions of the state for each agent, (..., agents, 2 * degree)."""
        moved = psi + w[..., None] * self.xi / self.alpha
        return torch.cat([self.powers(moved), self._hedges * w[..., None, None]], -1)

    def inputs(self, psi: Tensor, w: Tensor) -> Tensor:
        """What the networks see for each agent, (..., agents, 4): own displacement, w, all displacements, aversion."""
        moved = psi + w[..., None] * self.xi / self.alpha
        common = (self.gamma * moved).mean(-1, keepdim=True) / (self.gamma * self.displacement)
        brownian = w[..., None] * self.xi.sign() / math.sqrt(self.problem.horizon)
        kind = (3 * (self.gamma / self.gamma.mean() - 1)).expand_as(moved)
        return torch.stack([moved / self.displacement, brownian.expand_as(moved), common, kind], -1)

    def rates(self, marginal: Tensor) -> Tensor:
        """R(y), as `EquilibriumProblem.rate_of`."""
        p = self.problem
        return marginal.sign() * (marginal.abs() / p.cost_factor) ** (1 / (p.power - 1))
