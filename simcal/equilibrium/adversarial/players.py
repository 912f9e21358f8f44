"""The two players: traders choose rates, the discriminator chooses the dynamics of the price."""

from __future__ import annotations

import torch
from torch import Tensor

from simcal.equilibrium.adversarial.clearing import cleared
from simcal.equilibrium.adversarial.networks import HiddenLayers, LastLayer
from simcal.equilibrium.adversarial.settings import AdversarialSettings, Known
from simcal.equilibrium.adversarial.units import Units

_INPUTS = 4


class Generator:
    """The traders: marginal values u of the state, one network for all agents; rates are R of them.

    With `clearing` known a shift common to all agents makes the rates sum to zero in every state; else nothing does but
    the price.
    """

    def __init__(self, units: Units, settings: AdversarialSettings, clearing: Known, random: torch.Generator) -> None:
        self.units, self.clears = units, clearing == "known"
        self.hidden = HiddenLayers(_INPUTS, settings.generator_hidden, random).to(units.device)
        size = 2 * units.degree + self.hidden.width + (0 if self.clears else 3)
        self.last = LastLayer(units.n_steps, size, units.device)

    def hidden_features(self, psi: Tensor, w: Tensor) -> Tensor:
        """The hidden layers in units of marginal value; only differences between agents matter where rates clear."""
        values = self.hidden(self.units.inputs(psi, w)) * self.units.marginal[:, None]
        return values - values.mean(-2, keepdim=True) if self.clears else values

    def features(self, psi: Tensor, w: Tensor) -> Tensor:
        """(..., agents) and (...) -> (..., agents, n_features)."""
        parts = [self.units.linear(psi, w), self.hidden_features(psi, w)]
        if not self.clears:
            common = torch.stack([torch.ones_like(w), w, psi.sum(-1)], -1)[..., None, :]
            parts.append(common.expand(*psi.shape, 3))
        return torch.cat(parts, -1)

    def marginal(self, raw: Tensor) -> Tensor:
        """The marginal cost that the rates have."""
        return cleared(raw, self.units.problem.power) if self.clears else raw

    def rates(self, raw: Tensor) -> Tensor:
        """Rates for outputs of the network; with clearing known they sum to zero to rounding."""
        rates = self.units.rates(self.marginal(raw))
        return rates - rates.mean(-1, keepdim=True) if self.clears else rates


class Discriminator:
    """The price dynamics: S_0, the volatility of time and state and, where the drift is unknown, a drift.

    The part of the volatility that depends on the state is a mean over agents of one network.
    """

    def __init__(self, units: Units, settings: AdversarialSettings, drift: Known, random: torch.Generator) -> None:
        p, self.units = units.problem, units
        share = p.aggregate_risk_aversion * p.supply
        start = (p.dividend_mean - share * p.dividend_volatility**2) * p.horizon  # the price without costs
        self.price = torch.tensor(start, dtype=torch.float64, device=units.device)
        self.level = torch.full((units.n_steps,), units.alpha, dtype=torch.float64, device=units.device)
        self.hidden = HiddenLayers(_INPUTS, settings.discriminator_hidden, random).to(units.device)
        self.shape = LastLayer(units.n_steps, self.hidden.width, units.device, settings.knots)
        self.drift = None if drift == "known" else LastLayer(units.n_steps, 3 + self.hidden.width, units.device)

    def features(self, psi: Tensor, w: Tensor) -> Tensor:
        """The hidden layers, averaged over agents, (..., width)."""
        if not self.hidden.width:
            return w[..., None][..., :0]
        return self.hidden(self.units.inputs(psi, w)).mean(-2)

    def volatility(self, features: Tensor, steps: slice = slice(None)) -> Tensor:
        """sigma for features (steps, paths, width), (steps, paths)."""
        level = self.level[steps, None].expand(features.shape[:-1])
        return level + self.shape(features, steps) if self.hidden.width else level

    def drift_features(self, features: Tensor, held: Tensor, w: Tensor) -> Tensor:
        """What a drift network sees: 1, W, the risk-weighted mean of the positions held and the hidden layers."""
        carried = (self.units.gamma * held).mean(-1)
        return torch.cat([torch.stack([torch.ones_like(w), w, carried], -1), features], -1)
