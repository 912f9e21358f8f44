"""The market that agents with quadratic trading costs make in equilibrium: tables of what they do in each step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, NoReturn, Self

import numpy as np

from simcal.equilibrium.problem import SPECS, Timing
from simcal.equilibrium.solution import Policy
from simcal.errors import ParameterError, check_names
from simcal.fields import check_fields, parameter, parameters_of
from simcal.models.described import Described
from simcal.noise import normals
from simcal.parameters import Parameter, check_factor

_TABLES = ("volatility", "feedback", "hedge")
INITIAL_PRICE = parameter(100.0, "price at the start", unit="price")
_DRAWS = 64  # steps whose draws are made at a time


def _of_problem(name: str) -> Any:
    return field(default=SPECS[name].default, metadata={"parameter": SPECS[name]})


def _table() -> Any:
    return field()  # without a default


class PeriodicMarket:
    """What the markets of solutions can do: periods of steps, at whose ends the dividend is paid."""

    SPECS: ClassVar[dict[str, Parameter]]
    OUTPUTS: ClassVar[tuple[str, ...]] = ("drift", "volatility", "volume")

    initial_price: float
    step: float
    steps_per_period: int
    initial_positions: np.ndarray
    endless = False

    def replace(self, **changes: Any) -> Self:
        """The same market from another initial price; other parameters need a solution of their own."""
        check_names(changes, [*self.SPECS, *getattr(self, "__dataclass_fields__", ())], "a parameter of this market")
        for name in changes:
            if name != "initial_price":
                raise ParameterError(
                    f"{name} cannot be changed alone, because what the agents do follows from it. Change the problem, "
                    "solve it, and make the market of the solution."
                )
        return replace(self, **changes)  # type: ignore[type-var]

    def rescaled(self, factor: float) -> Self:
        """The market whose returns are `factor` times as large: the same amounts at another level of the price."""
        check_factor(factor)
        return self.replace(initial_price=self.initial_price / factor)

    def twin(self, trainable: Sequence[str], *, per_trader: Sequence[str] = (), **options: Any) -> NoReturn:
        """An equilibrium has no differentiable twin: `ParameterError`."""
        raise ParameterError(
            "The market of an equilibrium has no differentiable twin, because each value of a parameter needs a "
            "solution. Calibrate a market of kind 'stock' or 'rfq'."
        )

    def _name_outputs(self) -> None:
        # Each agent's position can be saved, so that the outputs depend on their number.
        names = tuple(f"position_{n + 1}" for n in range(len(self.initial_positions)))
        object.__setattr__(self, "OUTPUTS", (*PeriodicMarket.OUTPUTS, *names))

    def _moved(self, price: np.ndarray, gain: np.ndarray | float, noise: np.ndarray) -> np.ndarray:
        return price + gain + noise

    def _simulated(
        self, policy: Policy, seed: int, first: int, n_paths: int, n_steps: int, save: Sequence[str], every: int,
        burn_in: int, dtype: str,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        """Paths, all at once, step by step; draw (seed, path, step, stream 0) makes that step's increment of W."""
        period, delta = self.steps_per_period, self.step
        start = np.tile(self.initial_positions, (n_paths, 1))
        tables = {name: np.empty((n_paths, n_steps // every + 1), dtype) for name in ("prices", *save)}
        failed, w, positions = np.zeros(n_paths, np.int64), np.zeros(n_paths), start
        volatility, drift, _ = policy(0, positions, w)
        now: dict[str, Any] = {"prices": np.full(n_paths, self.initial_price), "volume": 0.0}
        now |= {"drift": drift, "volatility": volatility}

        def store(at: int) -> None:
            for name, table in tables.items():
                table[:, at] = now[name] if name in now else positions[:, int(name.removeprefix("position_")) - 1]

        if burn_in == 0:
            store(0)
        draws, total = np.empty((0, 1, 0)), n_steps + burn_in
        for step in range(1, total + 1):
            k, place = (step - 1) % period, (step - 1) % _DRAWS
            if k == 0 and not self.endless:
                w, positions = np.zeros(n_paths), start
            if place == 0:
                draws = normals(seed, first, n_paths, step, min(_DRAWS, total + 1 - step), 1)
            increment = draws[place, 0] * math.sqrt(delta)
            volatility, drift, rates = policy(k, positions, w)
            price = self._moved(now["prices"], drift * delta, volatility * increment)
            positions, w = positions + rates * delta, w + increment
            volume = np.abs(rates).sum(axis=1) * (delta / 2)
            now = {"prices": price, "drift": drift, "volatility": volatility, "volume": volume}
            failed = np.where((failed == 0) & ~((price > 0) & np.isfinite(price)), step, failed)
            if step >= burn_in and (step - burn_in) % every == 0:
                store((step - burn_in) // every)
        return {**tables, "failed_step": failed}


@dataclass(frozen=True)
class EquilibriumMarket(PeriodicMarket, Described):
    r"""Agents who hedge endowments with one asset at quadratic costs, in equilibrium (an immutable description).

    In step k of a period, with :math:`\psi` the positions less those at its start and W its Brownian motion,

    .. math::
        \dot\varphi = -A_k \psi - b_k W, \quad S_{k+1} = S_k + \mu_k \Delta + \sigma_k \Delta W, \quad
        \mu_k = \tfrac1N \sum_n \gamma_n \sigma_k (\sigma_k \varphi^n + \xi_n W_k),

    where :math:`\varphi` is the position before the trade ("pre-trade") or after it. When the dividend is paid the
    next period begins: price where it is, endowments, W and positions anew (exchanges of positions then are no volume).

    Parameters
    ----------
    risk_aversion, exposure
        gamma_n and xi_n, one number per agent.
    cost, horizon, supply
        lambda, the length of a period, shares.
    volatility, feedback, hedge
        sigma_k, A_k and b_k per step, shapes (n_steps,), (n_steps, agents, agents), (n_steps, agents), as nested lists.
        They follow from the parameters: `simcal.equilibrium.to_market` makes the market of a solution.
    timing
        "pre-trade" or "post-trade".
    initial_price
        The model's price is an absolute amount that may be small or negative; only its changes enter here.
    endless
        The dividend is infinitely far away: nothing begins anew. Tables then have one step, of length `horizon`.
    changes
        "absolute": the price changes by what the model says. "relative": its logarithm changes by that divided by the
        initial price, so that over decades the price stays positive and returns stay alike.

    Outputs (of the step that led to the price; at time 0 those of the first step, and no volume): ``drift``,
    ``volatility``, ``volume`` in shares, ``position_1``, ``position_2``, ... after it.

    Source: "Reinforced-GAN" (arXiv 2504.04300), its model with quadratic costs.

    Raises
    ------
    ParameterError
        Where a value is not allowed, in one sentence.
    """

    kind: ClassVar[str] = "equilibrium-market"
    title: ClassVar[str] = "equilibrium market"

    risk_aversion: Sequence[float] = _of_problem("risk_aversion")
    exposure: Sequence[float] = _of_problem("exposure")
    volatility: Sequence[float] = _table()
    feedback: Sequence[Sequence[Sequence[float]]] = _table()
    hedge: Sequence[Sequence[float]] = _table()
    cost: float = _of_problem("cost")
    horizon: float = _of_problem("horizon")
    supply: float = _of_problem("supply")
    initial_price: float = INITIAL_PRICE
    timing: Timing = "pre-trade"
    endless: bool = False
    changes: Literal["absolute", "relative"] = "absolute"

    def __post_init__(self) -> None:
        check_fields(self)
        for name in ("risk_aversion", "exposure"):
            object.__setattr__(self, name, tuple(np.ravel(getattr(self, name)).tolist()))
        agents = self.n_agents
        steps = np.size(self.volatility)
        for name, shape in zip(_TABLES, ((steps,), (steps, agents, agents), (steps, agents)), strict=True):
            object.__setattr__(self, name, _checked(name, getattr(self, name), shape))
        if self.endless and steps != 1:
            raise ParameterError(f"An endless market has tables of one step, but these have {steps}.")
        self._name_outputs()

    @property
    def n_agents(self) -> int:
        """N, the number of agents."""
        return np.size(self.risk_aversion)

    @property
    def steps_per_period(self) -> int:
        """Steps from one dividend to the next."""
        return len(self.volatility)

    @property
    def step(self) -> float:
        """Delta, the length of a step."""
        return self.horizon / self.steps_per_period

    @property
    def initial_positions(self) -> np.ndarray:
        """What each agent holds at the start of a period, shape (n_agents,)."""
        tolerance = 1 / np.array(self.risk_aversion)
        return self.supply * tolerance / tolerance.sum()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as they stand in TOML: ``kind`` first."""
        return {k: np.array(v).tolist() if k in _TABLES else v for k, v in super().to_dict().items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The market that a TOML file describes; `ParameterError` for unknown or absent names."""
        for name in ("risk_aversion", "exposure", *_TABLES):
            if name not in values:
                raise ParameterError(f"The equilibrium market has no {name}; save the market of a solution.")
        return super().from_dict(values)

    def simulate_chunk(
        self, seed: int, first_path: int, n_paths: int, n_steps: int, *, save: Sequence[str] = (), every: int = 1,
        burn_in: int = 0, dtype: str = "float64", threads: int | None = 1,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        """Simulate; the arguments are those of `simcal.simulate`, which checks them.

        Everything is computed in float64 and in one thread.

        Returns
        -------
        ``prices`` and each name in `save`, shape (n_paths, n_steps // every + 1), and ``failed_step``, shape
        (n_paths,): the first step (burn-in included) whose price is not a positive number, 0 for none.
        """
        gamma, xi, start = np.array(self.risk_aversion), np.array(self.exposure), self.initial_positions
        sigma, feedback, hedge = (np.array(x) for x in (self.volatility, self.feedback, self.hedge))

        def policy(k: int, positions: np.ndarray, w: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
            # Summed one agent after another, so that the bits do not depend on how many paths run together.
            away = (positions - start).T
            rates = -hedge[k][:, None] * w
            for m in range(len(start)):
                rates -= feedback[k][:, m, None] * away[m]
            held = positions.T + rates * self.step if self.timing == "post-trade" else positions.T
            total = np.zeros(len(w))
            for n in range(len(start)):
                total += gamma[n] * (sigma[k] * held[n] + xi[n] * w)
            return float(sigma[k]), sigma[k] * total / len(start), rates.T

        return self._simulated(policy, seed, first_path, n_paths, n_steps, save, every, burn_in, dtype)

    def _moved(self, price: np.ndarray, gain: np.ndarray | float, noise: np.ndarray) -> np.ndarray:
        change = gain + noise
        return price * np.exp(change / self.initial_price) if self.changes == "relative" else price + change


EquilibriumMarket.SPECS = parameters_of(EquilibriumMarket)


def _checked(name: str, values: Any, shape: tuple[int, ...]) -> Any:
    try:
        array = np.array(values, dtype=float)
    except (TypeError, ValueError):
        raise ParameterError(f"{name} must be a table of numbers of shape {shape}.") from None
    if array.shape != shape or not array.size:
        raise ParameterError(f"{name} has shape {array.shape}, but must have {shape}: steps, then agents.")
    if not np.isfinite(array).all():
        raise ParameterError(f"{name} has values that are not finite; save the market of a solution that was found.")
    return _tuples(array.tolist())


def _tuples(values: Any) -> Any:
    return tuple(map(_tuples, values)) if isinstance(values, list) else values
