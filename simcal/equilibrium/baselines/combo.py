"""Combo: traders' rates and the price dynamics in one network, trained at once on the sum of their losses."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from simcal.equilibrium.baselines.learner import Learner
from simcal.equilibrium.baselines.market import TRAINING, Market, explicit, risk
from simcal.equilibrium.baselines.networks import AgentNetwork, Volatility, centred
from simcal.equilibrium.baselines.settings import BaselineSettings
from simcal.equilibrium.problem import EquilibriumProblem

_LARGEST = 25.0  # rate, in units of it, beyond which rates grow no more: no path can explode


class Combo(Learner):
    """Rates, volatility and S_0 as one vector of parameters."""

    def __init__(self, problem: EquilibriumProblem, settings: BaselineSettings, *, seed: int, device: str) -> None:
        super().__init__(problem, settings, seed=seed, device=device)
        units = self.units
        self.traders = AgentNetwork(units, settings.hidden, self.random, units.n_steps)
        self.volatility = Volatility(units, settings.volatility_hidden, self.random, settings.knots)
        self.price = nn.Parameter(torch.zeros((), dtype=torch.float64, device=units.device))
        self._rate = float(units.rates(units.marginal).mean())
        self.begin()

    def losses(self, increments: Tensor) -> tuple[Tensor, dict[str, float]]:
        units, p = self.units, self.units.problem
        w = torch.cat([torch.zeros_like(increments[:1]), increments.cumsum(0)])
        psi = [torch.zeros(increments.shape[1], units.n_agents, dtype=torch.float64, device=units.device)]
        rates = []
        for k, coefficients in enumerate(self.traders.last()):
            rates.append(self._rates(psi[-1], w[k], coefficients))
            psi.append(psi[-1] + rates[-1] * units.step)
        path, traded, at = torch.stack(psi), torch.stack(rates), w[:-1]
        volatility = self.volatility(path[:-1].detach(), at)
        held = path[1:] if units.post_trade else path[:-1]
        # Traders take the price as given: to them the volatility is a number. Rates clear, so what the drift earns them
        # in all, mu s, has no derivative.
        sigma = volatility.detach()[..., None]
        exposed = units.gamma / 2 * (sigma * (held + units.start) + units.xi * at[..., None]) ** 2
        paid = p.cost_factor / p.power * traded.abs() ** p.power
        goal = (exposed + paid).sum(-1).mean()
        # To the price positions and the drift they require are given.
        with torch.no_grad():
            drift = risk(units, volatility, held, at).mean(-1)
            if not explicit(units):
                market, values = self.market(), p.cost_factor * traded.sign() * traded.abs() ** (p.power - 1)
                gained = market.mean_before(values, volatility, path[:-1], at)
                gained[:-1] -= market.mean_ahead(path[1:-1], at[:-1], slice(1, None), TRAINING)
                drift = drift + gained / units.step
        missed = self.start + (drift * units.step + volatility * increments).sum(0) - self.dividend(w[-1])
        terminal = missed.pow(2).mean()
        loss = goal / float(units.n_agents * (units.marginal * self._rate).mean()) + terminal / self.price_unit**2
        return loss, {
            "goal": float(goal.detach()), "terminal": float(terminal.detach()), "price": float(self.start.detach()),
            "volatility": float(volatility[0, 0].detach()),
        }  # fmt: skip

    def _rates(self, psi: Tensor, w: Tensor, coefficients: Tensor) -> Tensor:
        return centred(self._rate * self.traders(psi, w, coefficients).clamp(-_LARGEST, _LARGEST))

    def market(self) -> Market:
        p = self.units.problem

        def values(psi: Tensor, w: Tensor, steps: slice) -> Tensor:
            rates = self._rates(psi, w, self.traders.last()[steps])
            return p.cost_factor * rates.sign() * rates.abs() ** (p.power - 1)

        return Market(self.units, values, self.volatility)
