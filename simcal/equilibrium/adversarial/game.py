"""The game itself: both players move at once, on the same paths."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from simcal.equilibrium.adversarial.objectives import Gradients, agent_weights, gradients
from simcal.equilibrium.adversarial.paths import Batch, play, surprises
from simcal.equilibrium.adversarial.players import Discriminator, Generator
from simcal.equilibrium.adversarial.settings import AdversarialSettings, Known
from simcal.equilibrium.adversarial.units import Units
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.training import NonFiniteWatch, optimiser_tensors, restore_optimiser

_LAST_STEP = 0.02  # the step lengths at the end, relative to those at the start
_BACK_OFF = 0.5  # of the traders' last layer and of its steps, where they overshoot
_RECOVERY = 1.02  # of these steps, per iteration
_OVERSHOOT = 3.0
_STRIDE = 4  # hidden layers learn from every fourth step


class Game:
    """Two players, their optimisers and the averages of what they became.

    Parameters
    ----------
    problem, settings
        What is solved and how.
    drift, clearing
        Whether the drift is the formula or a network, and whether rates clear by construction.
    seed
        Of the networks and the paths.
    device
        Of PyTorch; sums on another device round differently.
    """

    def __init__(
        self, problem: EquilibriumProblem, settings: AdversarialSettings, *, drift: Known, clearing: Known, seed: int,
        device: str,
    ) -> None:  # fmt: skip
        self.settings, self.seed, self.iteration = settings, seed, 0
        self.units = Units(problem, settings.degree, torch.device(device))
        random = torch.Generator().manual_seed(seed)  # on the CPU, so that all devices start alike
        self.traders = Generator(self.units, settings, clearing, random)
        self.prices = Discriminator(self.units, settings, drift, random)
        self.watch = NonFiniteWatch()
        self._tempo = 1.0
        penalised = settings.rate_penalty > 0
        self._penalty = settings.rate_penalty / agent_weights(self.units, settings) if penalised else 0.0
        self._hidden = [*self.traders.hidden.parameters(), *self.prices.hidden.parameters()]
        self._adam = torch.optim.Adam(self._hidden, lr=settings.hidden_rate) if self._learns_hidden else None
        self._averages: dict[str, Tensor] = {}
        self._averaged = 0

    @property
    def _learns_hidden(self) -> bool:
        return self.settings.hidden_rate > 0 and bool(self._hidden)

    def step(self) -> dict[str, float]:
        """One iteration; a row of the history."""
        with torch.no_grad():
            batch = play(self.units, self.traders, self.prices, self.settings.batch, self.seed, self.iteration)
            known = surprises(self.units, self.traders, self.prices, batch, self._penalty)
            slopes = gradients(self.units, self.traders, self.prices, batch, known, self.settings)
        self.iteration += 1
        where = f"as positions grew without bound at iteration {self.iteration}"
        finite = self.watch.see(
            bool(torch.isfinite(slopes.rates).all() & torch.isfinite(slopes.volatility).all()), where
        )
        if not finite or self._overshoots(batch):
            with torch.no_grad():
                self.traders.last.free *= _BACK_OFF
            self._tempo *= _BACK_OFF
        else:
            self._tempo = min(1.0, self._tempo * _RECOVERY)
            if self._adam is not None:
                self._move_hidden(batch, slopes)
            with torch.no_grad():
                self._move(batch, slopes)
            self._average()
        return {
            "iteration": self.iteration,
            "first_order": float((slopes.rates / self.units.marginal).pow(2).mean().sqrt()),
            "terminal": float(slopes.terminal.pow(2).mean()),
            "price": float(self.prices.price),
            "volatility": float(batch.volatility[0, 0]),
        }

    def _overshoots(self, batch: Batch) -> bool:
        """Whether agents end, on average, much further from what they would hold without costs than without trade."""
        idle = self.units.xi.abs().pow(2).mean().sqrt() / self.units.alpha
        moved = batch.psi[1:] + batch.brownian[1:, :, None] * self.units.xi / self.units.alpha
        return (
            float(moved.pow(2).mean((1, 2)).max().sqrt()) > _OVERSHOOT * float(idle) * self.units.problem.horizon**0.5
        )

    def _move(self, batch: Batch, slopes: Gradients) -> None:
        s, units, prices = self.settings, self.units, self.prices
        cosine = _LAST_STEP + (1 - _LAST_STEP) * (1 + math.cos(math.pi * min(self.iteration / s.iterations, 1))) / 2
        cautious = math.exp(-self.iteration / s.caution)
        limit = 0.5 * units.marginal * math.exp(min(self.iteration / s.caution, 50.0))
        # Far from the solution no agent revises a value by much more than its unit: rates may grow faster than values.
        revised = limit * torch.tanh(slopes.rates / limit)
        self.traders.last.move(
            batch.features, revised, s.generator_step * self._tempo * cosine, s.ridge + 0.3 * cautious
        )
        # The price's error makes each step's gradient noisy by about this much, as long as it is large.
        noise = float(slopes.terminal.pow(2).mean().sqrt()) / math.sqrt(s.batch * units.step)
        most = 0.1 * units.alpha / (noise + 1e-300)
        prices.level -= min(s.discriminator_step * cosine, most) * slopes.volatility.mean(1)
        prices.price -= s.generator_step * cosine * slopes.price
        prices.shape.move(
            batch.price_features, slopes.volatility, min(s.shape_step * cosine, most), s.shape_ridge + 0.3 * cautious
        )
        if prices.drift is not None and slopes.drift is not None:
            seen = prices.drift_features(batch.price_features, batch.held(units), batch.brownian[:-1])
            prices.drift.move(seen, slopes.drift, s.generator_step * cosine, s.shape_ridge + 0.3 * cautious)

    def _move_hidden(self, batch: Batch, slopes: Gradients) -> None:
        """Adam on the derivative of both objectives in the hidden layers, on some of the steps."""
        assert self._adam is not None
        units, prices = self.units, self.prices
        chosen = slice(self.iteration % _STRIDE, None, _STRIDE)
        psi, w = batch.psi[:-1][chosen], batch.brownian[:-1][chosen]
        loss = torch.zeros((), dtype=torch.float64, device=units.device)
        if self.traders.hidden.width:
            begin = 2 * units.degree
            weights = self.traders.last.coefficients[chosen, begin : begin + self.traders.hidden.width]
            said = torch.einsum("kbnf,kf->kbn", self.traders.hidden_features(psi, w), weights)
            loss = loss + (slopes.rates[chosen] / units.marginal**2 * said).mean()
        if prices.hidden.width:
            said = torch.einsum("kbf,kf->kb", prices.features(psi, w), prices.shape.coefficients[chosen])
            loss = loss + (slopes.volatility[chosen] * said).mean()
        rate = (
            self.settings.hidden_rate * (1 + math.cos(math.pi * min(self.iteration / self.settings.iterations, 1))) / 2
        )
        for group in self._adam.param_groups:
            group["lr"] = rate
        self._adam.zero_grad()
        loss.backward()
        self._adam.step()

    def parameters(self) -> dict[str, Tensor]:
        """All that is learned, by name; the tensors themselves."""
        found = {"price": self.prices.price, "level": self.prices.level, "traders": self.traders.last.free}
        found["shape"] = self.prices.shape.free
        if self.prices.drift is not None:
            found["drift"] = self.prices.drift.free
        return found | {f"hidden.{i}": x.data for i, x in enumerate(self._hidden)}

    def _average(self) -> None:
        if self.iteration <= (1 - self.settings.averaged) * self.settings.iterations:
            return
        self._averaged += 1
        for name, value in self.parameters().items():
            mean = self._averages.setdefault(name, torch.zeros_like(value))
            mean += (value - mean) / self._averaged

    def take_averages(self) -> None:
        """Put the averaged parameters in the place of the last ones; the training ends here."""
        for name, value in self.parameters().items():
            if self._averaged:
                value.copy_(self._averages[name])

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint holds."""
        found = {f"parameter.{k}": v for k, v in self.parameters().items()}
        found |= {f"average.{k}": v for k, v in self._averages.items()}
        for name, last in self._lasts().items():
            found[f"products.{name}"] = last.products
        return found if self._adam is None else found | optimiser_tensors("adam", self._adam)

    def state(self) -> dict[str, Any]:
        """The numbers beside `tensors`."""
        return {
            "iteration": self.iteration, "averaged": self._averaged, "tempo": self._tempo,
            "watch": [self.watch.count, self.watch.in_a_row],
            "counts": {name: last.count for name, last in self._lasts().items()},
        }  # fmt: skip

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Continue where `tensors` and `state` were taken."""
        for name, value in self.parameters().items():
            value.copy_(tensors[f"parameter.{name}"])
            if state["averaged"]:
                self._averages[name] = tensors[f"average.{name}"].to(self.units.device, copy=True)
        for name, last in self._lasts().items():
            last.products.copy_(tensors[f"products.{name}"])
            last.count = state["counts"][name]
        if self._adam is not None:
            restore_optimiser("adam", self._adam, tensors)
        self.iteration, self._averaged, self._tempo = state["iteration"], state["averaged"], state["tempo"]
        self.watch = NonFiniteWatch(count=state["watch"][0], in_a_row=state["watch"][1])

    def _lasts(self) -> dict[str, Any]:
        found = {"traders": self.traders.last, "shape": self.prices.shape}
        return found if self.prices.drift is None else found | {"drift": self.prices.drift}
