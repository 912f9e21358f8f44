"""The game itself: both players move at once, on the same paths.

The last layers take Newton steps, the hidden ones those of Adam. The numbers below set the pace and tame the first
iterations; where the gradients vanish does not depend on them.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from simcal.equilibrium.adversarial.objectives import Gradients, agent_weights, gradients
from simcal.equilibrium.adversarial.paths import Batch, play, surprises
from simcal.equilibrium.adversarial.players import Dynamics, Generator
from simcal.equilibrium.adversarial.settings import AdversarialSettings, Known
from simcal.equilibrium.adversarial.units import Units
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.training import NonFiniteWatch, cosine, optimiser_tensors, restore_optimiser, running_average

# Times the typical distance from the frictionless positions without trade: beyond it traders step back.
_OVERSHOOT = 3.0
_BACK_OFF = 0.5  # what remains then of their last layer, and of the length of their steps
_RECOVERY = 1.02  # growth of this length per iteration, until it is whole again
_LAST_STEP = 0.02  # the step lengths at the end, relative to those at the start
_FIRST_RIDGE = 0.3  # added to the relative ridges at first, as the products of features come from few paths
_FIRST_LIMIT = 0.5  # of a value's unit: what one iteration may at first revise it by
_LARGEST_EXPONENT = 50.0  # e^50 times that is no limit any more
_NOISE = 0.1  # of alpha: what the sampling error of its gradient may move the volatility by
_STRIDE = 4  # hidden layers learn from every fourth step


class PriceGame:
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
        self.prices = Dynamics(self.units, settings, drift, random)
        self.watch = NonFiniteWatch()
        penalised = settings.rate_penalty > 0
        self._penalty = settings.rate_penalty / agent_weights(self.units, settings) if penalised else 0.0
        hidden = [*self.traders.hidden.parameters(), *self.prices.hidden.parameters()]
        learns = settings.hidden_rate > 0 and hidden  # else the hidden layers stay as they were drawn
        self._adam = torch.optim.Adam(hidden, lr=settings.hidden_rate) if learns else None
        self._tempo = 1.0
        self.players = nn.ModuleDict({"traders": self.traders, "prices": self.prices})
        self.average = running_average(self.players)

    def step(self) -> dict[str, float]:
        """One iteration; a row of the history."""
        units, traders, prices, settings = self.units, self.traders, self.prices, self.settings
        with torch.no_grad():
            batch = play(units, traders, prices, settings.batch, self.seed, self.iteration)
            known = surprises(units, traders, prices, batch, self._penalty)
            slopes = gradients(traders, prices, batch, known, settings)
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
            self._move_hidden_layers(batch, slopes)
            with torch.no_grad():
                self._move_last_layers(batch, slopes)
            if self.iteration > (1 - settings.averaged) * settings.iterations:
                self.average.update_parameters(self.players)
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

    def _move_hidden_layers(self, batch: Batch, slopes: Gradients) -> None:
        """One step of Adam on the derivative of both objectives in the hidden layers, from some of the steps."""
        traders, prices, chosen = self.traders, self.prices, slice(self.iteration % _STRIDE, None, _STRIDE)
        psi, w = batch.psi[:-1][chosen], batch.brownian[:-1][chosen]
        if self._adam is None or not len(w):  # fewer steps than the stride
            return
        loss = torch.zeros((), dtype=torch.float64, device=self.units.device)
        if traders.hidden.width:
            begin = 2 * self.units.degree  # the hidden features stand behind the linear ones
            weights = traders.last.coefficients[chosen, begin : begin + traders.hidden.width]
            said = torch.einsum("kbnf,kf->kbn", traders.hidden_features(psi, w), weights)
            loss = loss + (slopes.rates[chosen] / self.units.marginal**2 * said).mean()
        if prices.hidden.width:
            said = torch.einsum("kbf,kf->kb", prices.features(psi, w), prices.shape.coefficients[chosen])
            loss = loss + (slopes.volatility[chosen] * said).mean()
        for group in self._adam.param_groups:
            group["lr"] = self.settings.hidden_rate * cosine(self.iteration / self.settings.iterations)
        self._adam.zero_grad()
        loss.backward()
        self._adam.step()

    def _move_last_layers(self, batch: Batch, slopes: Gradients) -> None:
        """Both players at once; the tempo shortens the steps of the traders."""
        units, traders, prices, s = self.units, self.traders, self.prices, self.settings
        length = cosine(self.iteration / s.iterations, _LAST_STEP)
        ridge = _FIRST_RIDGE * math.exp(-self.iteration / s.caution)
        # Far from the solution no agent revises a value by much more than its unit: rates may grow faster than values.
        limit = _FIRST_LIMIT * units.marginal * math.exp(min(self.iteration / s.caution, _LARGEST_EXPONENT))
        revised = limit * torch.tanh(slopes.rates / limit)
        traders.last.move(batch.features, revised, s.generator_step * self._tempo * length, s.ridge + ridge)
        # The price's error makes each step's gradient noisy by about this much, as long as it is large.
        noise = float(slopes.terminal.pow(2).mean().sqrt()) / math.sqrt(s.batch * units.step)
        most = _NOISE * units.alpha / (noise + 1e-300)
        prices.level.sub_(min(s.discriminator_step * length, most) * slopes.volatility.mean(1))
        prices.price.sub_(s.generator_step * length * slopes.price)
        shape_ridge = s.shape_ridge + ridge
        prices.shape.move(batch.price_features, slopes.volatility, min(s.shape_step * length, most), shape_ridge)
        if prices.drift is not None and slopes.drift is not None:
            seen = prices.drift_features(batch.price_features, batch.held(units), batch.brownian[:-1])
            prices.drift.move(seen, slopes.drift, s.generator_step * length, shape_ridge)

    def take_averages(self) -> None:
        """Put the averaged parameters in the place of the last ones; the training ends here."""
        if self.average.n_averaged:
            self.players.load_state_dict(self.average.module.state_dict())

    @property
    def finite(self) -> bool:
        """Whether all that was learned is a number."""
        return all(bool(torch.isfinite(x).all()) for x in self.players.parameters())

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint holds."""
        found = {f"players.{k}": v for k, v in self.players.state_dict().items()}
        found |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        return found if self._adam is None else found | optimiser_tensors("adam", self._adam)

    def state(self) -> dict[str, Any]:
        """The numbers beside `tensors`."""
        watch = [self.watch.count, self.watch.in_a_row]
        return {"iteration": self.iteration, "tempo": self._tempo, "watch": watch}

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Continue where `tensors` and `state` were taken."""
        for name, module in (("players.", self.players), ("average.", self.average)):
            module.load_state_dict({k.removeprefix(name): v for k, v in tensors.items() if k.startswith(name)})
        if self._adam is not None:
            restore_optimiser("adam", self._adam, tensors)
        self.iteration, self._tempo = state["iteration"], state["tempo"]
        self.watch = NonFiniteWatch(count=state["watch"][0], in_a_row=state["watch"][1])
