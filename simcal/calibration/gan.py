"""The adversarial game of equation (1): a market's twin against a discriminator on statistics of windows."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from simcal.calibration.discriminator import Discriminator, Normaliser, energy_distance
from simcal.calibration.losses import LOSSES, Loss, gradient_penalty
from simcal.calibration.recipe import GameSettings
from simcal.calibration.statistics import Statistics, statistics
from simcal.errors import DataError, NumericalWarning, ParameterError
from simcal.models import Market
from simcal.parameters import flat_values
from simcal.training import NonFiniteWatch, optimiser_tensors, restore_optimiser

_SEED_STRIDE = 1_000_003  # torch generators of one run are seeded apart from each other and from the market's noise


@dataclass(frozen=True)
class GameData:
    """Real windows, (n, window + 1) or (n, channels, window + 1): to train on, and to validate on (possibly none).

    `given` (n, given channels, warm_up + window + 1), where there is one, is what the market does not explain: its
    simulated windows take it from real ones, so that the game is about the rest.
    """

    train: np.ndarray
    validation: np.ndarray | None = None
    given: np.ndarray | None = None


class Game:
    """The two players and all of their state; `step` plays one iteration.

    Every random number is a function of (seed, start, iteration), so that a game restored from its state plays
    on exactly as if it had never stopped.

    Parameters
    ----------
    market
        Where the generator starts.
    trainable, per_trader
        Names of the trained parameters, and which of them have a value per trader.
    data
        The real windows.
    settings
        The rules of the game.
    seed, start
        The run's seed and the number of this start.
    features, loss
        The statistics and the loss themselves; those of the settings' names when absent.
    """

    def __init__(
        self,
        market: Market,
        trainable: Sequence[str],
        data: GameData,
        settings: GameSettings,
        *,
        per_trader: Sequence[str] = (),
        seed: int = 0,
        start: int = 0,
        device: str = "cpu",
        features: Statistics | None = None,
        loss: Loss | None = None,
    ) -> None:
        self.loss = loss or LOSSES.take(settings.loss)
        self.settings, self.seed, self.start = settings, seed, start
        self.dtype = torch.float32 if settings.dtype == "float32" else torch.float64
        self.twin = market.twin(trainable, per_trader=per_trader, dtype=self.dtype, device=device, **settings.twin)
        self.names = list(trainable)
        windows = torch.as_tensor(np.array(data.train), dtype=self.dtype, device=device)
        self.given = None
        if data.given is not None:
            self.given = torch.as_tensor(np.array(data.given), dtype=self.dtype, device=device)
        self._features = (features or statistics(settings.statistics)).fitted(windows)
        real = self._measured(windows, "training")
        self.normaliser = Normaliser(real, settings.normalise, settings.shrinkage)
        self.real = self.normaliser(real).detach()
        self.validation = self.real
        if data.validation is not None:
            windows = torch.as_tensor(np.array(data.validation), dtype=self.dtype, device=device)
            self.validation = self.normaliser(self._measured(windows, "validation")).detach()
        self.critic = Discriminator(
            self.real.shape[1], settings.hidden, settings.activation, self._generator(-1),
            bias=self.loss.level,
        )  # fmt: skip
        self.critic.to(device=device, dtype=self.dtype)
        betas = (settings.beta1, settings.beta2)
        self.generator_optimiser = torch.optim.Adam(
            self.twin.parameters(), lr=settings.generator_rate, betas=betas, foreach=False
        )
        self.critic_optimiser = torch.optim.Adam(
            self.critic.parameters(), lr=settings.discriminator_rate, betas=betas, foreach=False
        )
        self.watch = NonFiniteWatch()
        self.iteration = 0
        self.averaged = 0
        self.average = [torch.zeros_like(p, dtype=torch.float64) for p in self.twin.parameters()]

    def _measured(self, windows: Tensor, what: str) -> Tensor:
        """Statistics of real windows (n, m), those left out that are not finite, as of a price that never moves."""
        features = self._features(windows).detach()
        finite = torch.isfinite(features).all(dim=1)
        n, left = len(features), int(finite.sum())
        if left < 2:
            raise DataError(
                f"The statistics {self.settings.statistics!r} are finite numbers in {left} of the {n} {what} windows, "
                "but two are needed; look for stretches in which the price does not move, or choose other statistics."
            )
        if left < n:
            warnings.warn(
                f"{n - left} of the {n} {what} windows are left out: their statistics are not finite numbers.",
                NumericalWarning,
                stacklevel=3,
            )
        return features[finite]

    # -- one iteration ------------------------------------------------------------------------------------------

    def step(self) -> dict[str, float]:
        """Play one iteration: the discriminator's steps, then the generator's; a row for the history."""
        settings = self.settings
        self._set_rates()
        with torch.set_grad_enabled(settings.difference is None):
            fake = self.normaliser(self._features(self._simulate(self.iteration)))
        generator = self._generator(self.iteration)
        loss_d = math.nan
        for _ in range(settings.discriminator_steps):
            loss_d = self._discriminator_step(fake.detach(), generator)
        loss_g = self._generator_step(fake)
        self.iteration += 1
        self._update_average()
        return {"iteration": self.iteration, "discriminator_loss": loss_d, "generator_loss": loss_g, **self.values()}

    def _discriminator_step(self, fake: Tensor, generator: torch.Generator) -> float:
        finite = torch.isfinite(fake).all(dim=1)
        fake = fake[finite]
        if len(fake) < 2:
            return math.nan
        n = min(len(fake), len(self.real), self.settings.batch)
        real = self._subset(self.real, n, generator)
        some_fake = self._subset(fake, n, generator)
        both = self.critic(torch.cat([real, some_fake]))
        loss = self.loss.discriminator(both[:n], both[n:])
        penalised = loss
        if self.settings.gradient_penalty > 0:
            mix = torch.rand(n, 1, generator=generator, dtype=self.dtype).to(fake.device)
            penalty = gradient_penalty(self.critic, real, some_fake, mix, self.settings.slope)
            penalised = loss + self.settings.gradient_penalty * penalty
        # One step with NaN would spoil the discriminator for good.
        if bool(torch.isfinite(penalised)):
            self.critic_optimiser.zero_grad(set_to_none=True)
            penalised.backward()
            self.critic_optimiser.step()
        return float(loss.detach())

    def _generator_step(self, fake: Tensor) -> float:
        finite = torch.isfinite(fake.detach()).all(dim=1)
        loss = self.loss.generator(self.critic(fake[finite] if not bool(finite.all()) else fake))
        self.generator_optimiser.zero_grad(set_to_none=True)
        if self.settings.difference is None:
            loss.backward()
        else:
            self._differentiate(loss.detach(), self.settings.difference)
        gradients = [p.grad for p in self.twin.parameters() if p.grad is not None]
        good = all(bool(torch.isfinite(g).all()) for g in gradients) and bool(finite.float().mean() > 0.5)
        if good:
            if self.settings.largest_gradient is not None:
                torch.nn.utils.clip_grad_norm_(self.twin.parameters(), self.settings.largest_gradient)
            before = [p.detach().clone() for p in self.twin.parameters()]
            self.generator_optimiser.step()
            good = self._is_a_market()
            if not good:
                self._put(before)
        self.watch.see(good, "" if good else f"at the parameters {self._in_words()}")
        return float(loss.detach())

    @torch.no_grad()
    def _differentiate(self, loss: Tensor, size: float) -> None:
        """Gradients by one-sided differences on the same noise, on the other side at every other iteration."""
        step = size if self.iteration % 2 == 0 else -size
        for parameter in self.twin.parameters():
            parameter.grad = torch.zeros_like(parameter)
            for k in range(parameter.numel()):
                kept = parameter.view(-1)[k].clone()
                parameter.view(-1)[k] += step
                fake = self.normaliser(self._features(self._simulate(self.iteration)))
                moved = self.loss.generator(self.critic(fake[torch.isfinite(fake).all(dim=1)]))
                parameter.view(-1)[k] = kept
                parameter.grad.view(-1)[k] = (moved - loss) / step

    def _is_a_market(self) -> bool:
        try:
            self.twin.to_market()
        except ParameterError:
            return False
        return True

    def _simulate(self, iteration: int) -> Tensor:
        """Simulated windows (batch, window + 1), or with channels, for one iteration, with gradients."""
        s = self.settings
        n_paths = -(-s.batch // s.windows_per_path)
        first = (self.start * (s.iterations + 1) + iteration) * n_paths
        n_steps = s.warm_up + s.windows_per_path * s.window
        if self.given is None:
            simulated = self.twin.simulate(self.seed, first, n_paths, n_steps)
        else:
            conditional: Any = self.twin.simulate  # of a twin that can take a part of its windows as given
            simulated = conditional(
                self.seed, first, n_paths, n_steps, given=self.given[self._rows(n_paths, iteration)]
            )
        return simulated[:, s.warm_up :].unfold(1, s.window + 1, s.window).flatten(0, 1)

    def _rows(self, n: int, iteration: int) -> Tensor:
        """From which real windows the given is taken: from all of them equally often, the rest at random."""
        assert self.given is not None
        whole, rest = divmod(n, len(self.given))
        every = torch.arange(len(self.given))
        some = torch.randperm(len(self.given), generator=self._generator(iteration))[:rest]
        return torch.cat([every.repeat(whole), some]).to(self.given.device)

    def _subset(self, rows: Tensor, n: int, generator: torch.Generator) -> Tensor:
        if n == len(rows):
            return rows
        return rows[torch.randperm(len(rows), generator=generator)[:n].to(rows.device)]

    def _generator(self, iteration: int) -> torch.Generator:
        seed = (self.seed * _SEED_STRIDE + self.start) * _SEED_STRIDE + iteration + 1
        return torch.Generator().manual_seed(seed % 2**63)

    def _set_rates(self) -> None:
        s = self.settings
        factor = 1.0
        if s.decay == "cosine":
            factor = s.final_rate + (1 - s.final_rate) * 0.5 * (1 + math.cos(math.pi * self.iteration / s.iterations))
        self.generator_optimiser.param_groups[0]["lr"] = s.generator_rate * factor
        self.critic_optimiser.param_groups[0]["lr"] = s.discriminator_rate * factor

    # -- what came out ------------------------------------------------------------------------------------------

    def values(self) -> dict[str, float]:
        """The trained parameters now; per-trader ones as ``name[i]``."""
        return flat_values(self.twin.to_market(), self.names)

    def _update_average(self) -> None:
        if self.iteration > self.settings.average_from * self.settings.iterations:
            self.averaged += 1
            for mean, parameter in zip(self.average, self.twin.parameters(), strict=True):
                mean += (parameter.detach().double() - mean) / self.averaged

    def market(self) -> Market:
        """The market at the averaged parameters (at the last ones before averaging begins)."""
        with self._averaged():
            return self.twin.to_market()

    def distance(self) -> float:
        """Energy distance between validation windows (the training ones if there are none) and fresh fakes."""
        with self._averaged(), torch.no_grad():
            # Iteration number `iterations` is never played: its noise is the same at every evaluation.
            fake = self.normaliser(self._features(self._simulate(self.settings.iterations)))
        return energy_distance(self.validation, fake[torch.isfinite(fake).all(dim=1)])

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The averaged parameters in place of the last ones, for a while."""
        now = [p.detach().clone() for p in self.twin.parameters()]
        if self.averaged:
            self._put(self.average)
        try:
            yield
        finally:
            self._put(now)

    def _put(self, values: Sequence[Tensor]) -> None:
        with torch.no_grad():
            for parameter, value in zip(self.twin.parameters(), values, strict=True):
                parameter.copy_(value)

    def _in_words(self) -> str:
        return ", ".join(f"{name} = {value:.4g}" for name, value in self.values().items())

    # -- state --------------------------------------------------------------------------------------------------

    def tensors(self) -> dict[str, Tensor]:
        """Everything that changes, as named tensors."""
        return {
            **{f"twin.{k}": v for k, v in self.twin.state_dict().items()},
            **{f"critic.{k}": v for k, v in self.critic.state_dict().items()},
            **{f"average.{i}": v for i, v in enumerate(self.average)},
            **optimiser_tensors("generator_optimiser", self.generator_optimiser),
            **optimiser_tensors("critic_optimiser", self.critic_optimiser),
        }

    def state(self) -> dict[str, Any]:
        """The counters that go with `tensors`."""
        return {
            "iteration": self.iteration,
            "averaged": self.averaged,
            "non_finite": self.watch.count,
            "non_finite_in_a_row": self.watch.in_a_row,
        }

    def restore(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Continue where `tensors` and `state` were taken."""

        def part(prefix: str) -> dict[str, Tensor]:
            return {k[len(prefix) + 1 :]: v for k, v in tensors.items() if k.startswith(prefix + ".")}

        try:
            self.twin.load_state_dict(part("twin"))
            self.critic.load_state_dict(part("critic"))
        except RuntimeError:
            raise ParameterError(
                "The checkpoint belongs to another recipe (its networks or parameters differ); choose another folder."
            ) from None
        for i, mean in enumerate(self.average):
            mean.copy_(tensors[f"average.{i}"])
        restore_optimiser("generator_optimiser", self.generator_optimiser, tensors)
        restore_optimiser("critic_optimiser", self.critic_optimiser, tensors)
        self.iteration, self.averaged = state["iteration"], state["averaged"]
        self.watch = NonFiniteWatch(count=state["non_finite"], in_a_row=state["non_finite_in_a_row"])
