"""The game itself: both players move at once, on the same paths."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from simcal.equilibrium.adversarial.moves import HiddenSteps, move_last_layers
from simcal.equilibrium.adversarial.networks import LastLayer
from simcal.equilibrium.adversarial.objectives import agent_weights, gradients
from simcal.equilibrium.adversarial.paths import Batch, play, surprises
from simcal.equilibrium.adversarial.players import Discriminator, Generator
from simcal.equilibrium.adversarial.settings import AdversarialSettings, Known
from simcal.equilibrium.adversarial.units import Units
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.training import NonFiniteWatch, optimiser_tensors, restore_optimiser

_OVERSHOOT = (
    3.0  # times the typical distance from the frictionless positions without trade: beyond it traders step back
)
_BACK_OFF = 0.5  # what remains then of their last layer, and of the length of their steps
_RECOVERY = 1.02  # growth of this length per iteration, until it is whole again


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
        penalised = settings.rate_penalty > 0
        self._penalty = settings.rate_penalty / agent_weights(self.units, settings) if penalised else 0.0
        self._hidden = HiddenSteps(self.traders, self.prices, settings)
        self._tempo = 1.0
        self._averages: dict[str, Tensor] = {}
        self._averaged = 0

    def step(self) -> dict[str, float]:
        """One iteration; a row of the history."""
        units, traders, prices, settings = self.units, self.traders, self.prices, self.settings
        with torch.no_grad():
            batch = play(units, traders, prices, settings.batch, self.seed, self.iteration)
            known = surprises(units, traders, prices, batch, self._penalty)
            slopes = gradients(units, traders, prices, batch, known, settings)
        self.iteration += 1
        where = f"as positions grew without bound at iteration {self.iteration}"
        finite = self.watch.see(
            bool(torch.isfinite(slopes.rates).all() & torch.isfinite(slopes.volatility).all()), where
        )
        if not finite or self._overshoots(batch):
            with torch.no_grad():
                traders.last.free *= _BACK_OFF
            self._tempo *= _BACK_OFF
        else:
            self._tempo = min(1.0, self._tempo * _RECOVERY)
            self._hidden.move(units, traders, prices, batch, slopes, self.iteration)
            with torch.no_grad():
                move_last_layers(units, traders, prices, batch, slopes, settings, self.iteration, self._tempo)
            self._average()
        return {
            "iteration": self.iteration,
            "first_order": float((slopes.rates / units.marginal).pow(2).mean().sqrt()),
            "terminal": float(slopes.terminal.pow(2).mean()),
            "price": float(prices.price),
            "volatility": float(batch.volatility[0, 0]),
        }

    def _overshoots(self, batch: Batch) -> bool:
        """Whether agents are at some step, on average, much further from the frictionless positions than if idle."""
        per_brownian = self.units.xi / self.units.alpha
        idle = float(per_brownian.pow(2).mean().sqrt()) * self.units.problem.horizon**0.5
        displaced = batch.psi[1:] + batch.brownian[1:, :, None] * per_brownian
        return float(displaced.pow(2).mean((1, 2)).max().sqrt()) > _OVERSHOOT * idle

    def parameters(self) -> dict[str, Tensor]:
        """All that is learned, by name; the tensors themselves."""
        found = {"price": self.prices.price, "level": self.prices.level}
        found |= {name: last.free for name, last in self._last_layers().items()}
        return found | {f"hidden.{i}": x.data for i, x in enumerate(self._hidden.parameters)}

    def _last_layers(self) -> dict[str, LastLayer]:
        found = {"traders": self.traders.last, "shape": self.prices.shape}
        return found if self.prices.drift is None else found | {"drift": self.prices.drift}

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
        found |= {f"products.{name}": last.products for name, last in self._last_layers().items()}
        return found if self._hidden.adam is None else found | optimiser_tensors("adam", self._hidden.adam)

    def state(self) -> dict[str, Any]:
        """The numbers beside `tensors`."""
        return {
            "iteration": self.iteration, "averaged": self._averaged, "tempo": self._tempo,
            "watch": [self.watch.count, self.watch.in_a_row],
            "counts": {name: last.count for name, last in self._last_layers().items()},
        }  # fmt: skip

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Continue where `tensors` and `state` were taken."""
        for name, value in self.parameters().items():
            value.copy_(tensors[f"parameter.{name}"])
            if state["averaged"]:
                self._averages[name] = tensors[f"average.{name}"].to(self.units.device, copy=True)
        for name, last in self._last_layers().items():
            last.products.copy_(tensors[f"products.{name}"])
            last.count = state["counts"][name]
        if self._hidden.adam is not None:
            restore_optimiser("adam", self._hidden.adam, tensors)
        self.iteration, self._averaged, self._tempo = state["iteration"], state["averaged"], state["tempo"]
        self.watch = NonFiniteWatch(count=state["watch"][0], in_a_row=state["watch"][1])
