"""How far both players move along their gradients: Newton steps of the last layers, Adam for the hidden ones.

The numbers below set the pace and tame the first iterations; where the gradients vanish does not depend on them.
"""

from __future__ import annotations

import math

import torch

from simcal.equilibrium.adversarial.objectives import Gradients
from simcal.equilibrium.adversarial.paths import Batch
from simcal.equilibrium.adversarial.players import Discriminator, Generator
from simcal.equilibrium.adversarial.settings import AdversarialSettings
from simcal.equilibrium.adversarial.units import Units

_LAST_STEP = 0.02  # the step lengths at the end, relative to those at the start
_FIRST_RIDGE = 0.3  # added to the relative ridges at first, as the products of features come from few paths
_FIRST_LIMIT = 0.5  # of a value's unit: what one iteration may at first revise it by
_LARGEST_EXPONENT = 50.0  # e^50 times that is no limit any more
_NOISE = 0.1  # of alpha: what the sampling error of its gradient may move the volatility by
_STRIDE = 4  # hidden layers learn from every fourth step


def falling(iteration: int, settings: AdversarialSettings, last: float = 0.0) -> float:
    """1 at first, `last` from the last iteration on, half a cosine between."""
    return last + (1 - last) * (1 + math.cos(math.pi * min(iteration / settings.iterations, 1))) / 2


def move_last_layers(
    units: Units, traders: Generator, prices: Discriminator, batch: Batch, slopes: Gradients,
    settings: AdversarialSettings, iteration: int, tempo: float,
) -> None:  # fmt: skip
    """Both players at once; `tempo` shortens the steps of the traders."""
    s, length = settings, falling(iteration, settings, _LAST_STEP)
    ridge = _FIRST_RIDGE * math.exp(-iteration / s.caution)
    # Far from the solution no agent revises a value by much more than its unit: rates may grow faster than values.
    limit = _FIRST_LIMIT * units.marginal * math.exp(min(iteration / s.caution, _LARGEST_EXPONENT))
    revised = limit * torch.tanh(slopes.rates / limit)
    traders.last.move(batch.features, revised, s.generator_step * tempo * length, s.ridge + ridge)
    # The price's error makes each step's gradient noisy by about this much, as long as it is large.
    noise = float(slopes.terminal.pow(2).mean().sqrt()) / math.sqrt(s.batch * units.step)
    most = _NOISE * units.alpha / (noise + 1e-300)
    prices.level -= min(s.discriminator_step * length, most) * slopes.volatility.mean(1)
    prices.price -= s.generator_step * length * slopes.price
    shape_ridge = s.shape_ridge + ridge
    prices.shape.move(batch.price_features, slopes.volatility, min(s.shape_step * length, most), shape_ridge)
    if prices.drift is not None and slopes.drift is not None:
        seen = prices.drift_features(batch.price_features, batch.held(units), batch.brownian[:-1])
        prices.drift.move(seen, slopes.drift, s.generator_step * length, shape_ridge)


class HiddenSteps:
    """Adam on the derivative of both objectives in the hidden layers, on some of the steps."""

    def __init__(self, traders: Generator, prices: Discriminator, settings: AdversarialSettings) -> None:
        self.parameters = [*traders.hidden.parameters(), *prices.hidden.parameters()]
        self.settings = settings
        learns = settings.hidden_rate > 0 and bool(self.parameters)
        self.adam = torch.optim.Adam(self.parameters, lr=settings.hidden_rate) if learns else None

    def move(
        self, units: Units, traders: Generator, prices: Discriminator, batch: Batch, slopes: Gradients, iteration: int
    ) -> None:
        """One step of Adam; nothing where the hidden layers stay as they were drawn."""
        if self.adam is None:
            return
        chosen = slice(iteration % _STRIDE, None, _STRIDE)
        psi, w = batch.psi[:-1][chosen], batch.brownian[:-1][chosen]
        if not len(w):  # fewer steps than the stride
            return
        loss = torch.zeros((), dtype=torch.float64, device=units.device)
        if traders.hidden.width:
            begin = 2 * units.degree  # the hidden features stand behind the linear ones
            weights = traders.last.coefficients[chosen, begin : begin + traders.hidden.width]
            said = torch.einsum("kbnf,kf->kbn", traders.hidden_features(psi, w), weights)
            loss = loss + (slopes.rates[chosen] / units.marginal**2 * said).mean()
        if prices.hidden.width:
            said = torch.einsum("kbf,kf->kb", prices.features(psi, w), prices.shape.coefficients[chosen])
            loss = loss + (slopes.volatility[chosen] * said).mean()
        for group in self.adam.param_groups:
            group["lr"] = self.settings.hidden_rate * falling(iteration, self.settings)
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
