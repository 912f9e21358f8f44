"""One network of everything, one optimiser: what both baselines share of their training."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from simcal.equilibrium.adversarial.units import Units
from simcal.equilibrium.baselines.market import Market
from simcal.equilibrium.baselines.settings import BaselineSettings
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.noise import normals_torch
from simcal.training import NonFiniteWatch, optimiser_tensors, restore_optimiser

_STREAM = 2  # of the noise; 0 is that of the paths on which solutions are measured, 1 that of the adversarial solver
_LAST_RATE = 1e-3  # the learning rate at the end, relative to that at the start
_MEMORY = 0.05  # weight of the newest gradient in their average length


class Learner(nn.Module):
    """Networks that Adam trains on one loss, the average of what they became, and their checkpoint.

    `price` is the parameter of S_0. What `simcal.equilibrium.adversarial.training.train` needs of a game, this has too.
    """

    price: nn.Parameter

    def __init__(self, problem: EquilibriumProblem, settings: BaselineSettings, *, seed: int, device: str) -> None:
        super().__init__()
        self.settings, self.seed, self.iteration = settings, seed, 0
        self.units = Units(problem, settings.degree, torch.device(device))
        self.random = torch.Generator().manual_seed(seed)  # on the CPU, so that all devices start alike
        self.watch = NonFiniteWatch()
        self._averages: dict[str, Tensor] = {}
        self._averaged, self._length = 0, 0.0
        share = problem.aggregate_risk_aversion * problem.supply
        self._without_costs = (problem.dividend_mean - share * problem.dividend_volatility**2) * problem.horizon
        # What trading costs may move the price by: the size of marginal values, or of the dividend's noise if less.
        self.price_unit = min(float(self.units.marginal.mean()), problem.dividend_volatility * problem.horizon**0.5)

    def begin(self) -> None:
        """Make the optimiser, after all parameters."""
        self._adam = torch.optim.Adam(self.parameters(), lr=self.settings.learning_rate, eps=1e-12)

    @abstractmethod
    def losses(self, increments: Tensor) -> tuple[Tensor, dict[str, float]]:
        """The loss for increments of W, (n_steps, paths), and what a row of the history tells of it."""

    @abstractmethod
    def market(self) -> Market:
        """The market of the networks as they now are."""

    @property
    def start(self) -> Tensor:
        """S_0, which begins at the price without costs."""
        return self._without_costs + self.price_unit * self.price

    def dividend(self, w: Tensor) -> Tensor:
        """What the price should be at the end."""
        p = self.units.problem
        return p.dividend_mean * p.horizon + p.dividend_volatility * w

    def increments(self, n_paths: int, first: int) -> Tensor:
        """Increments of W, (n_steps, paths); the second half mirrors the first."""
        half, steps = n_paths // 2, self.units.n_steps
        noise = normals_torch(self.seed, first, half, 1, steps, _STREAM + 1, device=self.units.device)[:, _STREAM]
        return torch.cat([noise, -noise], 1) * math.sqrt(self.units.step)

    def step(self) -> dict[str, float]:
        """One iteration; a row of the history."""
        s, batch = self.settings, self.settings.batch
        loss, row = self.losses(self.increments(batch, self.iteration * (batch // 2)))
        self._adam.zero_grad()
        loss.backward()
        limit = s.clip * self._length if self._length else math.inf
        length = float(nn.utils.clip_grad_norm_(self.parameters(), limit))
        self.iteration += 1
        where = f"in the loss or its gradient at iteration {self.iteration}"
        if self.watch.see(math.isfinite(length) and math.isfinite(float(loss.detach())), where):
            seen = min(length, limit)
            self._length = (1 - _MEMORY) * self._length + _MEMORY * seen if self._length else seen
            part = min(self.iteration / s.iterations, 1)
            for group in self._adam.param_groups:
                group["lr"] = s.learning_rate * (_LAST_RATE + (1 - _LAST_RATE) * (1 + math.cos(math.pi * part)) / 2)
            self._adam.step()
            self._average()
        return {"iteration": self.iteration, **row}

    def _average(self) -> None:
        if self.iteration <= (1 - self.settings.averaged) * self.settings.iterations:
            return
        self._averaged += 1
        for name, value in self.named_parameters():
            mean = self._averages.setdefault(name, torch.zeros_like(value.data))
            mean += (value.data - mean) / self._averaged

    def take_averages(self) -> None:
        """Put the averaged parameters in the place of the last ones; the training ends here."""
        for name, value in self.named_parameters():
            if self._averaged:
                value.data.copy_(self._averages[name])

    @property
    def finite(self) -> bool:
        """Whether all that was learned is a number."""
        return all(bool(torch.isfinite(x).all()) for x in self.parameters())

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint holds."""
        found = {f"parameter.{k}": v.data for k, v in self.named_parameters()}
        found |= {f"average.{k}": v for k, v in self._averages.items()}
        return found | optimiser_tensors("adam", self._adam)

    def state(self) -> dict[str, Any]:
        """The numbers beside `tensors`."""
        return {
            "iteration": self.iteration, "averaged": self._averaged, "length": self._length,
            "watch": [self.watch.count, self.watch.in_a_row],
        }  # fmt: skip

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Continue where `tensors` and `state` were taken."""
        for name, value in self.named_parameters():
            value.data.copy_(tensors[f"parameter.{name}"])
            if state["averaged"]:
                self._averages[name] = tensors[f"average.{name}"].to(self.units.device, copy=True)
        if state["iteration"]:
            restore_optimiser("adam", self._adam, tensors)
        self.iteration, self._averaged, self._length = state["iteration"], state["averaged"], state["length"]
        self.watch = NonFiniteWatch(count=state["watch"][0], in_a_row=state["watch"][1])
