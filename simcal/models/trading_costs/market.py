"""The description of an equilibrium that was solved, as a market: its agents and what they do in each step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, Self

import numpy as np

from simcal.errors import ParameterError
from simcal.models.described import Described
from simcal.parameters import Parameter, check_factor, check_names

if TYPE_CHECKING:
    from simcal.models.market import Twin

_PARAMETERS = (
    Parameter("risk_aversion", (1.0, 2.0), "absolute risk aversion", low=0, open=True, letter="gamma_n",
              group="n_agents"),
    Parameter("exposure", (3.0, -3.0), "volatility of the endowment per unit of W", letter="xi_n", group="n_agents"),
    Parameter("cost", 0.01, "c(v) = (cost / 2) v^2", low=0, open=True, letter="lambda"),
    Parameter("horizon", 0.2, "time from one dividend to the next", low=0, open=True, letter="T bar", unit="time"),
    Parameter("supply", 1.0, "shares of the asset", letter="s", unit="shares"),
    Parameter("initial_price", 100.0, "price at the start", unit="price"),
)  # fmt: skip
_SPECS = {p.name: p for p in _PARAMETERS}
_TABLES = ("volatility", "feedback", "hedge")
_CHOICES = ("timing", "endless", "changes")


@dataclass(frozen=True)
class EquilibriumMarket(Described):
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
    SPECS: ClassVar[dict[str, Parameter]] = _SPECS
    OUTPUTS: ClassVar[tuple[str, ...]] = ("drift", "volatility", "volume")

    risk_aversion: Sequence[float]
    exposure: Sequence[float]
    volatility: Sequence[float]
    feedback: Sequence[Sequence[Sequence[float]]]
    hedge: Sequence[Sequence[float]]
    cost: float = 0.01
    horizon: float = 0.2
    supply: float = 1.0
    initial_price: float = 100.0
    timing: Literal["pre-trade", "post-trade"] = "pre-trade"
    endless: bool = False
    changes: Literal["absolute", "relative"] = "absolute"

    def __post_init__(self) -> None:
        agents = np.size(self.risk_aversion)
        for spec in _PARAMETERS:
            value = spec.check(getattr(self, spec.name), agents if spec.group else None)
            object.__setattr__(self, spec.name, value if not spec.group or isinstance(value, tuple) else (value,))
        steps = np.size(self.volatility)
        for name, shape in zip(_TABLES, ((steps,), (steps, agents, agents), (steps, agents)), strict=True):
            object.__setattr__(self, name, _checked(name, getattr(self, name), shape))
        if self.timing not in ("pre-trade", "post-trade"):
            raise ParameterError(f"timing is {self.timing!r}, but must be 'pre-trade' or 'post-trade'.")
        if self.changes not in ("absolute", "relative"):
            raise ParameterError(f"changes is {self.changes!r}, but must be 'absolute' or 'relative'.")
        if not isinstance(self.endless, bool):
            raise ParameterError(f"endless is {self.endless!r}, but must be true or false.")
        if self.endless and steps != 1:
            raise ParameterError(f"An endless market has tables of one step, but these have {steps}.")
        # Each agent's position can be saved, so that the outputs depend on their number.
        names = tuple(f"position_{n + 1}" for n in range(agents))
        object.__setattr__(self, "OUTPUTS", EquilibriumMarket.OUTPUTS + names)

    @property
    def n_agents(self) -> int:
        """N, the number of agents."""
        return len(self.risk_aversion)

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

    def replace(self, **changes: Any) -> Self:
        """The same market from another initial price; other parameters need a solution of their own."""
        check_changes(changes, [*_SPECS, *_TABLES, *_CHOICES])
        return replace(self, **changes)

    def rescaled(self, factor: float) -> Self:
        """The market whose returns are `factor` times as large: the same amounts at another level of the price."""
        check_factor(factor)
        return self.replace(initial_price=self.initial_price / factor)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as they stand in TOML: ``kind`` first."""
        return {k: _lists(v) if k in _TABLES else v for k, v in super().to_dict().items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The market that a TOML file describes; `ParameterError` for unknown or absent names."""
        values = {k: v for k, v in values.items() if k not in ("kind", "description")}
        check_names(values, [*_SPECS, *_TABLES, *_CHOICES], "a parameter of the equilibrium market")
        for name in ("risk_aversion", "exposure", *_TABLES):
            if name not in values:
                raise ParameterError(f"The equilibrium market has no {name}; save the market of a solution.")
        return cls(**values)

    def simulate_chunk(
        self,
        seed: int,
        first_path: int,
        n_paths: int,
        n_steps: int,
        *,
        save: Sequence[str] = (),
        every: int = 1,
        burn_in: int = 0,
        dtype: str = "float64",
        threads: int | None = 1,
    ) -> dict[str, np.ndarray]:
        """Simulate; the arguments are those of `simcal.simulate`, which checks them.

        Everything is computed in float64 and in one thread.

        Returns
        -------
        ``prices`` and each name in `save`, shape (n_paths, n_steps // every + 1), and ``failed_step``, shape
        (n_paths,): the first step (burn-in included) whose price is not a positive number, 0 for none.
        """
        from simcal.models.trading_costs.simulation import simulate_chunk

        return simulate_chunk(self, seed, first_path, n_paths, n_steps, tuple(save), every, burn_in, dtype)

    def twin(self, trainable: Sequence[str], *, per_trader: Sequence[str] = (), **options: Any) -> Twin:
        """An equilibrium has no differentiable twin: `ParameterError`."""
        refuse_twin()


def check_changes(changes: Iterable[str], known: Iterable[str]) -> None:
    """Raise `ParameterError` where a change asks for more than another initial price of an equilibrium."""
    check_names(changes, known, "a parameter of the equilibrium market")
    for name in changes:
        if name != "initial_price":
            raise ParameterError(
                f"{name} cannot be changed alone, because what the agents do follows from it. Change the problem, "
                "solve it, and make the market of the solution."
            )


def refuse_twin() -> NoReturn:
    """Raise the `ParameterError` of a market that has no gradients."""
    raise ParameterError(
        "The market of an equilibrium has no differentiable twin, because each value of a parameter needs a solution. "
        "Calibrate a market of kind 'stock' or 'rfq'."
    )


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


def _lists(values: Any) -> Any:
    return [_lists(x) for x in values] if isinstance(values, (tuple, list)) else values
