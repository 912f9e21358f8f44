"""Two baselines of the paper, made fair, beside the truth: `python examples/equilibrium_baselines.py [NAME] [SECONDS]`.

Combo and Deep FBSDE are of historical interest: exact methods and the adversarial one are faster and closer. They take
part like every method of one's own, through `simcal.equilibrium.METHODS`; here they have the true cost, an S_0 that is
trained, and rates that clear. Source: the baselines of "Reinforced-GAN" (arXiv 2504.04300) and its code.
"""

from __future__ import annotations

import math
import sys
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from simcal.equilibrium import METHODS, EquilibriumProblem, EquilibriumSolution, Method, compare, load_problem
from simcal.equilibrium.adversarial.paths import risk
from simcal.equilibrium.adversarial.players import HiddenLayers
from simcal.equilibrium.adversarial.settings import LearnerSettings
from simcal.equilibrium.adversarial.solver import check_device
from simcal.equilibrium.adversarial.units import Units
from simcal.equilibrium.numerics import cleared
from simcal.equilibrium.planner import reversion
from simcal.fields import parameter
from simcal.noise import check_seed, normals_torch
from simcal.training import (
    Listener,
    NonFiniteWatch,
    cosine,
    optimiser_tensors,
    restore_optimiser,
    running_average,
    torch_threads,
    train,
)

INPUTS = 4  # of `Units.inputs`
TRAINING = ((-1.0, 0.5), (1.0, 0.5))  # Gauss-Hermite: nodes and weights, exact for cubic functions of an increment
FINE = tuple(zip(*np.polynomial.hermite_e.hermegauss(3), strict=True))
_CORRECTIONS = 4
_RIDGE = 1e-8
_LEAST, _MOST = 0.2, 5.0  # volatility, relative to the dividend's: no price far from it is meant
_STREAM = 2  # of the noise; 0 is that of the paths on which solutions are measured, 1 that of the adversarial solver
_LAST_RATE = 1e-3  # the learning rate at the end, relative to that at the start
_MEMORY = 0.05  # weight of the newest gradient in their average length
_LARGEST_RATE = 25.0  # in units of it, beyond which rates grow no more: no path can explode
_LARGEST_VALUE = 5.0  # marginal value, in units of it, beyond which rates grow no more
_FEEDBACK_WIDTHS = (32,)
_FEEDBACK_STATES = 20480  # of all agents, per step
StateFunction = Callable[[Tensor, Tensor, slice], Tensor]


@dataclass(frozen=True)
class BaselineSettings(LearnerSettings):
    """Networks and training of `solve_combo` and `solve_fbsde`.

    Parameters
    ----------
    iterations, batch
        Number of steps of Adam, and paths of each (half of them mirror images of the others).
    hidden, volatility_hidden
        Widths of the tanh layers of the agents' and of the volatility's network; each may be (), which leaves what is
        linear in the state (agents) or depends on time only (volatility).
    learning_rate
        Of Adam at the start; it falls to a thousandth of it with a cosine.

    Other Parameters
    ----------------
    parts, growth
        Of `solve_fbsde`: in how many parts of the time the values are simulated, each from a start that is learned.
        Without a number so many that an error grows within a part by a factor of about e^growth.
    degree
        How many powers of the matrix of risk aversions the linear part uses.
    knots
        Times between which the coefficients of the volatility's network are interpolated.
    clip
        The longest gradient, in units of its average length.
    averaged
        Share of the iterations at the end over which all parameters are averaged.
    """

    iterations: int = parameter(400, "steps of Adam", 1, integer=True)
    batch: int = parameter(256, "paths of a step", 2, integer=True)
    hidden: tuple[int, ...] = parameter((24,), "widths of layers", 1, integer=True, group="each")
    volatility_hidden: tuple[int, ...] = parameter((24,), "widths of layers", 1, integer=True, group="each")
    learning_rate: float = parameter(0.01, "of Adam at the start", 0, open=True)
    parts: int | None = parameter(None, "parts of the time", 1, integer=True)
    growth: float = parameter(0.4, "exponent of an error within a part", 0, open=True)
    degree: int = parameter(6, "powers of the matrix of risk aversions", 1, integer=True)
    knots: int = parameter(8, "times between which coefficients are interpolated", 2, integer=True)
    clip: float = parameter(3.0, "longest gradient, in average ones", 0, open=True)
    averaged: float = parameter(0.2, "share of the iterations that are averaged", 1e-9, 1)

    @classmethod
    def of(cls, problem: EquilibriumProblem) -> Self:
        """What was measured to suit a problem; a quadratic cost needs no state in sigma."""
        if problem.power == 2:
            batch = 256 if problem.n_agents <= 20 else 64
            return cls(batch=batch, hidden=(8,), volatility_hidden=(), learning_rate=0.02)
        return cls() if problem.n_agents == 2 else cls(batch=128)


class Coefficients(nn.Module):
    """Numbers per row, (n_rows, size), zero at first; with `knots` interpolated between so many rows."""

    def __init__(self, n_rows: int, size: int, device: torch.device, knots: int | None = None) -> None:
        super().__init__()
        rows = n_rows if knots is None else min(knots, n_rows)
        at = 1 - np.linspace(1, 0, rows) ** 2 if rows > 1 else np.zeros(1)  # denser towards the end
        hats = np.array([np.interp(np.linspace(0, 1, n_rows), at, row) for row in np.eye(rows)]).T
        self.hats = None if knots is None else torch.as_tensor(hats, device=device)
        self.free = nn.Parameter(torch.zeros(rows, size, dtype=torch.float64, device=device))

    def forward(self) -> Tensor:
        return self.free if self.hats is None else self.hats @ self.free


class AgentNetwork(nn.Module):
    """A number per agent for every state, in units of one; its mean over agents is 0.

    It is linear in the state, per row of coefficients by a polynomial of the matrix of risk aversions, as exact rates
    of quadratic costs are, plus hidden layers. It starts with what leads to the positions that are best without costs.
    """

    def __init__(self, units: Units, widths: tuple[int, ...], random: torch.Generator, n_rows: int) -> None:
        super().__init__()
        self.units = units
        self.hidden = HiddenLayers(INPUTS, widths, random).to(units.device)
        self.last = Coefficients(n_rows, 2 * units.degree + self.hidden.width, units.device)
        with torch.no_grad():
            self.last.free[:, 0] = -1.0
        agents = torch.eye(units.n_agents, dtype=torch.float64, device=units.device)
        scale = 1 / units.displacement.mean()
        self._basis = scale * units.powers(agents).reshape(units.n_agents, -1)  # (agents, agents * degree)
        self._hedges = scale * units.powers(units.xi)

    def features(self, psi: Tensor, w: Tensor) -> Tensor:
        """(..., agents) and (...) -> (..., agents, n_features)."""
        units = self.units
        moved = psi + w[..., None] * units.xi / units.alpha
        parts = [(moved @ self._basis).reshape(*psi.shape, units.degree), w[..., None, None] * self._hedges]
        if self.hidden.width:
            seen = self.hidden(units.inputs(psi, w))
            parts.append(seen - seen.mean(-2, keepdim=True))
        return torch.cat(parts, -1)

    def forward(self, psi: Tensor, w: Tensor, coefficients: Tensor) -> Tensor:
        """psi (paths, agents), w (paths,) with one row of coefficients, or all with a first axis for steps."""
        beside = coefficients[..., None] if psi.dim() == 2 else coefficients[:, None, :, None]
        return (self.features(psi, w) @ beside)[..., 0]

    def fit(self, psi: Tensor, w: Tensor, values: Tensor) -> None:
        """Coefficients of each row by ridge regression, for psi and values (rows, paths, agents), w (rows, paths)."""
        with torch.no_grad():
            for k in range(len(psi)):
                seen = self.features(psi[k], w[k]).reshape(-1, self.last.free.shape[1])
                products = seen.T @ seen / len(seen)
                ridge = _RIDGE * (products.diagonal() + 1e-12 * products.diagonal().max() + 1e-300)
                right = seen.T @ values[k].reshape(-1) / len(seen)
                self.last.free[k] = torch.linalg.solve(products + torch.diag(ridge), right)


class NoiseNetwork(nn.Module):
    """Z of each agent less the mean: polynomials of the risk aversions on the exposures plus hidden layers."""

    def __init__(self, units: Units, widths: tuple[int, ...], random: torch.Generator) -> None:
        super().__init__()
        self.units = units
        self.hidden = HiddenLayers(INPUTS, widths, random).to(units.device)
        self.level = Coefficients(units.n_steps, units.degree, units.device)
        self.last = Coefficients(units.n_steps, self.hidden.width, units.device)
        with torch.no_grad():
            self.level.free[:, 0] = -1.0
        slope = (units.marginal / units.displacement).mean() / units.alpha
        self._hedges, self._size = slope * units.powers(units.xi), slope * units.xi.abs().mean()

    def levels(self) -> Tensor:
        """(n_steps, agents)."""
        return self.level() @ self._hedges.T

    def forward(self, psi: Tensor, w: Tensor, level: Tensor, coefficients: Tensor) -> Tensor:
        """psi (paths, agents), w (paths,), and of this step the row of `levels` and of the last layer."""
        if not self.hidden.width:
            return level.expand(psi.shape)
        return level + centred(self._size * (self.hidden(self.units.inputs(psi, w)) @ coefficients))


class Volatility(nn.Module):
    """sigma: a number per step and, with hidden layers, a function of the state that is a mean over agents."""

    def __init__(self, units: Units, widths: tuple[int, ...], random: torch.Generator, knots: int) -> None:
        super().__init__()
        self.units = units
        self.level = Coefficients(units.n_steps, 1, units.device)
        self.hidden = HiddenLayers(INPUTS, widths, random).to(units.device)
        self.last = Coefficients(units.n_steps, self.hidden.width, units.device, knots)

    def forward(self, psi: Tensor, w: Tensor, steps: slice = slice(None)) -> Tensor:
        """psi (steps, paths, agents), w (steps, paths) -> (steps, paths)."""
        value = (1 + self.level()[steps]).expand(w.shape)
        if self.hidden.width:
            seen = self.hidden(self.units.inputs(psi, w)).mean(-2)
            value = value + (seen @ self.last()[steps][..., None])[..., 0]
        # Beyond the bounds the gradient stays, so that it finds back.
        return self.units.alpha * (value + (value.clamp(_LEAST, _MOST) - value).detach())


def centred(values: Tensor) -> Tensor:
    """Minus the mean over agents."""
    return values - values.mean(-1, keepdim=True)


def clear(units: Units, values: Tensor, guess: Tensor | None = None) -> Tensor:
    """y + m with sum R(y + m) = 0, with its derivative: m falls as the mean of y weighted by the slopes of R.

    With a `guess` of m, (..., 1), that lies near, such as that of a step before, a few steps of Newton's method do.
    """
    power = units.problem.power
    if units.problem.clears_at_mean:
        return centred(values)
    with torch.no_grad():
        found = cleared(values, power) if guess is None else _corrected(values, guess, 1 / (power - 1))
    if not values.requires_grad:
        return found
    slope = _slope(found, 1 / (power - 1))
    moved = values - values.detach()
    return found + moved - (slope / slope.sum(-1, keepdim=True) * moved).sum(-1, keepdim=True)


def _corrected(values: Tensor, shift: Tensor, exponent: float) -> Tensor:
    low, high = -values.amax(-1, keepdim=True), -values.amin(-1, keepdim=True)
    for _ in range(_CORRECTIONS):
        moved = values + shift
        slope = _slope(moved, exponent)
        excess = (moved * slope).sum(-1, keepdim=True) / (exponent * slope.sum(-1, keepdim=True))
        shift = (shift - excess).clamp(low, high)
    return values + shift


def _slope(values: Tensor, exponent: float) -> Tensor:
    """|y|^(exponent - 1), above 0, relative to the largest in its row: the slope of R but for a factor per row."""
    size = values.abs()
    largest = size.amax(-1, keepdim=True)
    return torch.where(largest > 0, size / largest + 1e-9, 1.0) ** (exponent - 1)


@dataclass(frozen=True, eq=False)
class LearnedMarket:
    """A market by two functions of state (psi, w) and steps, for tensors (steps, paths[, agents]).

    `values` are the agents' marginal values after trade, which clear; `volatility` is sigma.
    """

    units: Units
    values: StateFunction
    volatility: StateFunction

    def mean_before(self, values: Tensor, volatility: Tensor, psi: Tensor, w: Tensor) -> Tensor:
        """The mean over agents of what one more share is worth before the step, when those values clear."""
        if not self.units.post_trade:
            # They cleared after trade, so the common shift is small.
            carried = risk(self.units, volatility, psi, w) * self.units.step
            values = clear(self.units, values - carried, torch.zeros_like(w[..., None]))
        return values.mean(-1)

    def mean_ahead(self, after: Tensor, w: Tensor, steps: slice, nodes: tuple[tuple[float, float], ...]) -> Tensor:
        """Its conditional mean one step ahead, in `steps`, of positions `after` and W now."""
        total, found = sum(weight for _, weight in nodes), torch.zeros_like(w)
        for node, weight in nodes:
            at = w + float(node) * math.sqrt(self.units.step)
            seen = self.mean_before(self.values(after, at, steps), self.volatility(after, at, steps), after, at)
            found = found + float(weight / total) * seen
        return found

    def policy(self, k: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The feedback, as an `EquilibriumSolution` wants it."""
        units, now = self.units, slice(k, k + 1)
        with torch.no_grad(), torch_threads(1):
            psi = torch.as_tensor(positions, device=units.device)[None] - units.start
            w = torch.as_tensor(np.ascontiguousarray(brownian), device=units.device)[None]
            values, volatility = self.values(psi, w, now), self.volatility(psi, w, now)
            rates = centred(units.rates(values))
            after = psi + rates * units.step
            drift = risk(units, volatility, after if units.post_trade else psi, w).mean(-1)
            if not units.problem.clears_at_mean:
                gained = self.mean_before(values, volatility, psi, w)
                if k + 1 < units.n_steps:
                    gained = gained - self.mean_ahead(after, w, slice(k + 1, k + 2), FINE)
                drift = drift + gained / units.step
            return volatility[0].cpu().numpy(), drift[0].cpu().numpy(), rates[0].cpu().numpy()


class Baseline(nn.Module):
    """Networks that Adam trains on one loss, the average of what they became, and their checkpoint.

    `price` is the parameter of S_0.
    """

    price: nn.Parameter

    def __init__(self, problem: EquilibriumProblem, settings: BaselineSettings, *, seed: int, device: str) -> None:
        super().__init__()
        self.settings, self.seed, self.iteration = settings, seed, 0
        self.units = Units(problem, settings.degree, torch.device(device))
        self.random = torch.Generator().manual_seed(seed)  # on the CPU, so that all devices start alike
        self.watch = NonFiniteWatch()
        self._length, self._without_costs = 0.0, problem.frictionless_price
        # What trading costs may move the price by: the size of marginal values, or of the dividend's noise if less.
        self.price_unit = min(float(self.units.marginal.mean()), problem.dividend_volatility * problem.horizon**0.5)

    def begin(self) -> None:
        """Make optimiser and average, after all parameters."""
        self._average = running_average(nn.ParameterList(self._own()))
        self._adam = torch.optim.Adam(self._own(), lr=self.settings.learning_rate, eps=1e-12)

    @abstractmethod
    def losses(self, increments: Tensor) -> tuple[Tensor, dict[str, float]]:
        """The loss for increments of W, (n_steps, paths), and what a row of the history tells of it."""

    @abstractmethod
    def market(self) -> LearnedMarket:
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
        length = float(nn.utils.clip_grad_norm_(self._own(), limit))
        self.iteration += 1
        where = f"in the loss or its gradient at iteration {self.iteration}"
        if self.watch.see(math.isfinite(length) and math.isfinite(float(loss.detach())), where):
            seen = min(length, limit)
            self._length = (1 - _MEMORY) * self._length + _MEMORY * seen if self._length else seen
            for group in self._adam.param_groups:
                group["lr"] = s.learning_rate * cosine(self.iteration / s.iterations, _LAST_RATE)
            self._adam.step()
            if self.iteration > (1 - s.averaged) * s.iterations:
                self._average.update_parameters(nn.ParameterList(self._own()))
        return {"iteration": self.iteration, **row}

    def _own(self) -> list[nn.Parameter]:
        """What Adam trains: all parameters but those of the average."""
        return [value for name, value in self.named_parameters() if not name.startswith("_average.")]

    def take_averages(self) -> None:
        """Put the averaged parameters in the place of the last ones; the training ends here."""
        if self._average.n_averaged:
            for value, mean in zip(self._own(), self._average.module.parameters(), strict=True):
                value.data.copy_(mean.data)

    @property
    def finite(self) -> bool:
        """Whether all that was learned is a number."""
        return all(bool(torch.isfinite(x).all()) for x in self._own())

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint holds."""
        return {f"module.{k}": v for k, v in self.state_dict().items()} | optimiser_tensors("adam", self._adam)

    def state(self) -> dict[str, Any]:
        """The numbers beside `tensors`."""
        watch = [self.watch.count, self.watch.in_a_row]
        return {"iteration": self.iteration, "length": self._length, "watch": watch}

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Continue where `tensors` and `state` were taken."""
        own = {k.removeprefix("module."): v for k, v in tensors.items() if k.startswith("module.")}
        self.load_state_dict(own)
        restore_optimiser("adam", self._adam, tensors)
        self.iteration, self._length = state["iteration"], state["length"]
        self.watch = NonFiniteWatch(count=state["watch"][0], in_a_row=state["watch"][1])


class Combo(Baseline):
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
            if not units.problem.clears_at_mean:
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
        return centred(self._rate * self.traders(psi, w, coefficients).clamp(-_LARGEST_RATE, _LARGEST_RATE))

    def market(self) -> LearnedMarket:
        p = self.units.problem

        def values(psi: Tensor, w: Tensor, steps: slice) -> Tensor:
            rates = self._rates(psi, w, self.traders.last()[steps])
            return p.cost_factor * rates.sign() * rates.abs() ** (p.power - 1)

        return LearnedMarket(self.units, values, self.volatility)


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


class DeepFBSDE(Baseline):
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
        self._bound, self._unit = _LARGEST_VALUE * units.marginal, units.marginal.mean()
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
        if units.problem.clears_at_mean:
            return 0.0
        found = clear(units, before, common).mean(-1)
        for node, weight in TRAINING:
            ahead = clear(units, after[:-1] + node * math.sqrt(units.step) * z[:-1], common[1:])
            found[:-1] -= weight * ahead.mean(-1)
        return found / units.step

    def market(self) -> LearnedMarket:
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

        return LearnedMarket(units, values, self.volatility)


def solve_combo(problem: EquilibriumProblem, **options: Any) -> EquilibriumSolution:
    r"""Combo, the paper's simplest learner, made fair: traders and price trained at once on the sum of their losses,

    .. math:: \sum_n E \int \tfrac{\gamma_n}{2} (\sigma \varphi^n + \xi_n W)^2 + c(\dot\varphi^n)\, dt
        + E (S_{\bar T} - \beta \bar T - \alpha W_{\bar T})^2 ,

    in which each network takes what the other says as given: Adam, one step for both, with the derivatives along whole
    paths. In the plain sum the price would be rewarded for pleasing the traders (its S_0 has no lower bound but the
    published penalties). The cost is the true one, S_0 is trained, nothing is penalised, rates clear by construction,
    and the drift is that at which they do.

    `options` are those of `trained`.
    """
    return trained("combo", Combo, problem, **options)


def solve_fbsde(problem: EquilibriumProblem, **options: Any) -> EquilibriumSolution:
    r"""Deep FBSDE, the paper's second baseline, made fair: the system of equations simulated forwards,

    .. math:: d\varphi^n = R(Y^n)\, dt, \quad dY^n = (\gamma_n \sigma (\sigma \varphi^n + \xi_n W) - \mu)\, dt
        + Z^n dW, \quad dS = \mu\, dt + \sigma\, dW,

    from an S_0 and a Y_0 of every agent that are trained with networks for Z and sigma until Y ends at zero and S at
    the dividend. mu is the drift at which the rates clear, in every state.

    Simulated forwards, an error in Y grows as exp(speed of trade * time), which no training survives where agents
    trade fast. So time has parts: at the start of each but the first Y begins anew from a network of the state, and
    what Y misses there is in the loss as what it misses at the end (multiple shooting). Rates stop to grow at marginal
    values five times the typical ones, and the loss is linear for large errors, so no path explodes.

    As Y depends on a whole path, the feedback of the solution is a regression of Y on the state.

    `options` are those of `trained`.
    """
    return trained("fbsde", DeepFBSDE, problem, **options)


def trained(
    method: str,
    kind: type[Baseline],
    problem: EquilibriumProblem,
    *,
    seed: int = 0,
    iterations: int | None = None,
    budget: float | None = None,
    checkpoint: str | Path | None = None,
    listen: Listener | None = None,
    device: str = "cpu",
    settings: BaselineSettings | None = None,
) -> EquilibriumSolution:
    """Train a baseline and hand back its equilibrium.

    Parameters
    ----------
    seed
        Of networks and paths.
    iterations, settings
        Length of the training, and all else; without them what suits the problem.
    budget, checkpoint, listen
        As of `simcal.training.train`.
    device
        "cpu" (on one thread) or "cuda".

    Raises
    ------
    ParameterError
        Where an argument is not allowed, or a checkpoint belongs to another training.
    """
    check_seed(seed)
    check_device(device)
    settings = BaselineSettings.of(problem) if settings is None else settings
    if iterations is not None:
        settings = replace(settings, iterations=iterations)
    identity = {"method": method, "problem": problem.to_dict(), "settings": settings.to_dict(), "seed": seed}
    file = None if checkpoint is None else Path(checkpoint)
    with torch_threads(1):
        learner = kind(problem, settings, seed=seed, device=device)
        done = train(learner, settings.iterations, identity=identity, budget=budget, checkpoint=file, listen=listen)
        learner.take_averages()
        details = {"history": done.history, "seconds": done.seconds}
        if not done.succeeded or not learner.finite:
            status = done.status + ("" if learner.finite else " What was learned is not finite.")
            return EquilibriumSolution.failure(problem, method, status, details)
        price, policy = float(learner.start.detach()), learner.market().policy
        return EquilibriumSolution.of(problem, method, price, policy, done.status, details)


def register() -> None:
    """Make both methods known to `simcal.solve`, `compare` and all else that asks for a method."""
    for name, solver in (("combo", solve_combo), ("fbsde", solve_fbsde)):
        METHODS[name] = Method(solver, exact=False, learns=True, settings=BaselineSettings)


if __name__ == "__main__":
    register()
    which, seconds = (*sys.argv[1:], *("power-2", "60")[len(sys.argv) - 1 :])[:2]
    found = compare(
        load_problem(which), ["planner", "adversarial", "combo", "fbsde"], training={"budget": float(seconds)}
    )
    for title, table in found.summary().items():
        print(title, table.to_string(index=False), sep="\n", end="\n\n")
