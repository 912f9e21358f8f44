"""The problem: agents with endowments that move with one Brownian motion trade one asset at a cost."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np

from simcal.errors import ParameterError
from simcal.fields import check_fields, parameter, parameters_of
from simcal.models.described import Described
from simcal.models.market import read_toml
from simcal.resources import resource_folder

Timing = Literal["pre-trade", "post-trade"]


@dataclass(frozen=True)
class EquilibriumProblem(Described):
    r"""Agents who hedge endowments :math:`d E^n = \xi_n W dW` with one asset, at a cost of trading (immutable).

    The price, :math:`dS = \mu dt + \sigma dW`, ends at :math:`S_{\bar T} = \beta \bar T + \alpha W_{\bar T}`.
    Agent n takes it as given and chooses the rate :math:`v = d\varphi / dt` that maximises

    .. math:: E \int_0^{\bar T} \varphi \mu - \tfrac{\gamma_n}{2} (\sigma \varphi + \xi_n W)^2 - c(v)\, dt,
        \qquad c(v) = \kappa \tfrac{\lambda}{q} |v|^q .

    In equilibrium the positions sum to the supply. There is no aggregate noise: the exposures sum to zero.

    Parameters
    ----------
    risk_aversion, exposure
        gamma_n > 0 and xi_n, one number per agent, at least two agents.
    cost, power, cost_scale
        lambda > 0, q > 1, kappa > 0. Without `cost_scale` kappa is q / 2, which makes c(v) = (lambda / 2) |v|^q;
        1 makes it (lambda / q) |v|^q. For q = 2 both are the same.
    horizon, supply, dividend_mean, dividend_volatility
        T bar, s, beta, alpha.
    n_steps, timing
        Of the discrete scheme. In each step the rate is chosen knowing W at its beginning; in "pre-trade" timing (that
        of the paper) the running reward counts the position before the trade, in "post-trade" the one after it.

    Source: "Reinforced-GAN" (arXiv 2504.04300) and its published code.

    Raises
    ------
    ParameterError
        Where a value is not allowed, in one sentence.
    """

    kind: ClassVar[str] = "equilibrium"
    title: ClassVar[str] = "equilibrium"

    risk_aversion: tuple[float, ...] = parameter(
        MISSING, "absolute risk aversion", 0, open=True, letter="gamma_n", group="n_agents"
    )
    exposure: tuple[float, ...] = parameter(
        MISSING, "volatility of the endowment per unit of W", letter="xi_n", group="n_agents"
    )
    cost: float = parameter(0.01, "size of the trading cost", 0, open=True, letter="lambda")
    power: float = parameter(2.0, "power of the trading cost", 1, open=True, letter="q")
    cost_scale: float | None = parameter(
        None, "c(v) = cost_scale * (cost / power) |v|^power", 0, open=True, letter="kappa"
    )
    horizon: float = parameter(0.2, "time of the liquidating dividend", 0, open=True, letter="T bar", unit="time")
    supply: float = parameter(1.0, "shares of the asset", letter="s", unit="shares")
    dividend_mean: float = parameter(2.0, "growth of the expected dividend", letter="beta", unit="money per time")
    dividend_volatility: float = parameter(1.0, "dividend per unit of W", 0, open=True, letter="alpha")
    n_steps: int = parameter(100, "steps of the discrete scheme", 1, letter="T", integer=True)
    timing: Timing = "pre-trade"
    name: str = "equilibrium"

    def __post_init__(self) -> None:
        count = len(self.risk_aversion) if isinstance(self.risk_aversion, (Sequence, np.ndarray)) else 0
        if count < 2 or isinstance(self.risk_aversion, str):
            raise ParameterError(
                f"risk_aversion is {self.risk_aversion!r}, but must be a list with one number per agent, at least two."
            )
        if not isinstance(self.exposure, (Sequence, np.ndarray)):
            raise ParameterError(f"exposure is {self.exposure!r}, but must be a list with one number per agent.")
        check_fields(self)
        total, largest = math.fsum(self.exposure), max(abs(x) for x in self.exposure)
        if abs(total) > 1e-9 * largest:
            raise ParameterError(
                f"The exposures sum to {total:g}, but must sum to 0: there is no aggregate noise. "
                "Subtract their mean from each."
            )
        if not isinstance(self.name, str) or not self.name:
            raise ParameterError(f"name is {self.name!r}, but must be a text.")

    @property
    def n_agents(self) -> int:
        """N, the number of agents."""
        return len(self.risk_aversion)

    @property
    def step(self) -> float:
        """Delta, the length of a step."""
        return self.horizon / self.n_steps

    @property
    def gamma(self) -> np.ndarray:
        """The risk aversions as an array, shape (n_agents,)."""
        return np.array(self.risk_aversion)

    @property
    def xi(self) -> np.ndarray:
        """The exposures as an array, shape (n_agents,)."""
        return np.array(self.exposure)

    @property
    def aggregate_risk_aversion(self) -> float:
        """gamma bar = 1 / sum_n (1 / gamma_n)."""
        return 1.0 / math.fsum(1.0 / g for g in self.risk_aversion)

    @property
    def initial_positions(self) -> np.ndarray:
        """gamma bar s / gamma_n: what each agent would hold without costs at W = 0, shape (n_agents,), sum s."""
        return self.aggregate_risk_aversion * self.supply / self.gamma

    @property
    def frictionless_price(self) -> float:
        """S_0 without trading costs."""
        share = self.aggregate_risk_aversion * self.supply
        return (self.dividend_mean - share * self.dividend_volatility**2) * self.horizon

    @property
    def clears_at_mean(self) -> bool:
        """Whether values that clear have mean zero, for power 2 or two agents: `required_drift` is the drift then."""
        return self.power == 2 or self.n_agents == 2

    @property
    def cost_factor(self) -> float:
        """kappa lambda: the marginal cost at rate 1."""
        return (self.power / 2 if self.cost_scale is None else self.cost_scale) * self.cost

    def cost_of(self, rate: np.ndarray) -> np.ndarray:
        """c(v) = kappa (lambda / q) |v|^q per unit of time, of the shape of `rate`."""
        return self.cost_factor / self.power * np.abs(rate) ** self.power

    def marginal_cost(self, rate: np.ndarray) -> np.ndarray:
        """c'(v) = kappa lambda sgn(v) |v|^(q - 1), of the shape of `rate`."""
        return self.cost_factor * np.sign(rate) * np.abs(rate) ** (self.power - 1)

    def rate_of(self, marginal: np.ndarray) -> np.ndarray:
        """R(y) = sgn(y) (|y| / (kappa lambda))^(1 / (q - 1)), the rate with marginal cost y, of its shape."""
        return np.sign(marginal) * (np.abs(marginal) / self.cost_factor) ** (1 / (self.power - 1))

    def held(self, positions: np.ndarray, rates: np.ndarray) -> np.ndarray:
        """The positions (n, N) that the running reward counts: after the trade in "post-trade" timing, else before."""
        return positions + rates * self.step if self.timing == "post-trade" else positions

    def required_drift(self, volatility: np.ndarray | float, held: np.ndarray, brownian: np.ndarray) -> np.ndarray:
        r"""The mean over agents of :math:`\gamma_n \sigma (\sigma \varphi^n + \xi_n W)`, shape (n,)."""
        sigma = np.asarray(volatility)
        exposed = (sigma[..., None] if sigma.ndim else sigma) * held + brownian[:, None] * self.xi
        return sigma * (exposed @ self.gamma) / self.n_agents

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The problem that a TOML file describes; `ParameterError` for unknown or absent names."""
        if values.get("kind") != cls.kind:
            raise ParameterError(f"The kind is {values.get('kind')!r}, but that of an equilibrium is {cls.kind!r}.")
        for name in ("risk_aversion", "exposure"):
            if name not in values:
                raise ParameterError(f"The equilibrium has no {name}; give a list with one number per agent.")
        return super().from_dict(values)


SPECS = EquilibriumProblem.SPECS = parameters_of(EquilibriumProblem)


def problem_names() -> list[str]:
    """The equilibria that come with simcal."""
    return sorted(p.stem for p in resource_folder("models").glob("*.toml") if read_toml(p).get("kind") == "equilibrium")


def load_problem(source: str | Path) -> EquilibriumProblem:
    """The problem of that name in ``models/``, or of a TOML file with ``kind = "equilibrium"``.

    Raises
    ------
    ParameterError
        Where there is none, with the nearest name, or where the file does not describe one.
    """
    path, known = Path(source), problem_names()
    if str(source) in known:
        path = resource_folder("models") / f"{source}.toml"
    elif path.suffix != ".toml" or not path.is_file():
        close = difflib.get_close_matches(str(source), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "give one of these or a TOML file."
        raise ParameterError(f"There is no equilibrium {str(source)!r}; known are {', '.join(known)}; {hint}")
    return EquilibriumProblem.from_dict({"name": path.stem, **read_toml(path)})
