"""Deep FBSDE: positions, marginal values and the price simulated forwards from a start that is learned."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from simcal.equilibrium.baselines.learner import Learner
from simcal.equilibrium.baselines.market import TRAINING, Market, clear, explicit, risk
from simcal.equilibrium.baselines.networks import AgentNetwork, NoiseNetwork, Volatility, centred
from simcal.equilibrium.baselines.settings import BaselineSettings
from simcal.equilibrium.planner.descent import reversion
from simcal.equilibrium.problem import EquilibriumProblem

_LARGEST = 5.0  # marginal value, in units of it, beyond which rates grow no more: no path can explode
_FEEDBACK_WIDTHS = (32,)
_FEEDBACK_STATES = 20480  # of all agents, per step


@dataclass(frozen=True, eq=False)
class Forward:
    """Simulated steps: W and psi before each, marginal values after trade, mu, and what should be zero.

    `gaps` (..., paths, agents) are the values at the end of each part less those at the start of the next, the last of
    which are zero.
    """

    w: Tensor
    psi: Tensor
    marginal: Tensor
    drift: Tensor
    gaps: Tensor


class DeepFBSDE(Learner):
    """S_0, one Y_0 per agent, networks for Z and sigma and, with several parts, for Y where they begin."""

    def __init__(self, problem: EquilibriumProblem, settings: BaselineSettings, *, seed: int, device: str) -> None:
        super().__init__(problem, settings, seed=seed, device=device)
        units = self.units
        self.noise = NoiseNetwork(units, settings.hidden, self.random)
        self.volatility = Volatility(units, settings.volatility_hidden, self.random, settings.knots)
        parts = settings.parts or math.ceil(reversion(problem) * problem.horizon / settings.growth)
        parts = max(1, min(parts, units.n_steps))
        self.begins = [round(j * units.n_steps / parts) for j in range(1, parts)]
        self.restarts = AgentNetwork(units, settings.hidden, self.random, len(self.begins))
        self.price = nn.Parameter(torch.zeros((), dtype=torch.float64, device=units.device))
        self.values = nn.Parameter(torch.zeros(units.n_agents, dtype=torch.float64, device=units.device))
        self._bound, self._unit = _LARGEST * units.marginal, units.marginal.mean()
        self.begin()

    def losses(self, increments: Tensor) -> tuple[Tensor, dict[str, float]]:
        units, found = self.units, self.simulated(increments)
        # To the price positions and the drift that clears are given.
        volatility = self.volatility(found.psi.detach(), found.w[:-1])
        gained = (found.drift.detach() * units.step + volatility * increments).sum(0)
        missed, gaps = self.start + gained - self.dividend(found.w[-1]), found.gaps / self._unit
        # Linear for large errors, so that a few paths that ran away do not drive all.
        loss = ((1 + gaps**2).sqrt() - 1).mean() + ((1 + (missed / self.price_unit) ** 2).sqrt() - 1).mean()
        return loss, {
            "value": float(gaps.detach().pow(2).mean().sqrt()), "terminal": float(missed.detach().pow(2).mean()),
            "price": float(self.start.detach()), "volatility": float(volatility[0, 0].detach()),
        }  # fmt: skip

    def simulated(self, increments: Tensor) -> Forward:
        """All steps for increments of W, (n_steps, paths).

        Only differences of the values between agents are simulated: their common part is what clears the rates.
        """
        units, dt, n = self.units, self.units.step, increments.shape[1]
        w = torch.cat([torch.zeros_like(increments[:1]), increments.cumsum(0)])
        psi = torch.zeros(n, units.n_agents, dtype=torch.float64, device=units.device)
        value = centred(self._unit * self.values).expand(n, -1)
        levels, last = self.noise.levels(), self.noise.last()
        rows: list[tuple[Tensor, ...]] = []
        gaps: list[Tensor] = []
        common = torch.zeros_like(value[:, :1])
        for k in range(units.n_steps):
            if k in self.begins:
                anew = self._unit * self.restarts(psi, w[k], self.restarts.last()[self.begins.index(k)])
                gaps.append(value - anew)
                value = anew
            now, before = psi, value
            with torch.no_grad():
                sigma = self.volatility(psi[None], w[k][None], slice(k, k + 1))[0]
            carried = risk(units, sigma, psi, w[k])
            if not units.post_trade:
                value = value + centred(carried) * dt
            marginal = clear(units, value, common)
            common = (marginal - value).detach()[:, :1]
            psi = psi + centred(units.rates(marginal.clamp(-self._bound, self._bound))) * dt
            if units.post_trade:
                carried = risk(units, sigma, psi, w[k])
                value = value + centred(carried) * dt
            z = self.noise(now, w[k], levels[k], last[k])
            rows.append((now, marginal, carried.mean(-1), before, value, z, common))
            value = value + z * increments[k][:, None]
        states, marginals, required, befores, afters, zs, commons = (torch.stack(x) for x in zip(*rows, strict=True))
        with torch.no_grad():
            drift = required + self._gained(befores, afters, zs, commons)
        return Forward(w, states, marginals, drift, torch.stack([*gaps, value]))

    def _gained(self, before: Tensor, after: Tensor, z: Tensor, common: Tensor) -> Tensor | float:
        """(Y mean - its conditional mean a step later) / Delta, which is 0 for power 2 or two agents."""
        units = self.units
        if explicit(units):
            return 0.0
        found = clear(units, before, common).mean(-1)
        for node, weight in TRAINING:
            ahead = clear(units, after[:-1] + node * math.sqrt(units.step) * z[:-1], common[1:])
            found[:-1] -= weight * ahead.mean(-1)
        return found / units.step

    def market(self) -> Market:
        """Marginal values as functions of the state, fitted to simulated ones: Y itself depends on the whole path."""
        units, s = self.units, self.settings
        random = torch.Generator().manual_seed(self.seed + 1)
        fitted = AgentNetwork(units, _FEEDBACK_WIDTHS, random, units.n_steps)
        with torch.no_grad():
            n_paths = min(2048, max(256, 2 * (_FEEDBACK_STATES // units.n_agents // 2)))
            found = self.simulated(self.increments(n_paths, s.iterations * (s.batch // 2)))
            fitted.fit(found.psi, found.w[:-1], centred(found.marginal) / self._unit)

        def values(psi: Tensor, w: Tensor, steps: slice) -> Tensor:
            return clear(units, self._unit * fitted(psi, w, fitted.last()[steps])).clamp(-self._bound, self._bound)

        return Market(units, values, self.volatility)
