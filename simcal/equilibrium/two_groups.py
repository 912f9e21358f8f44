"""Two groups of traders far from the dividend: equilibrium in closed form, and the law of its prices and volume."""

from __future__ import annotations

import math
from dataclasses import MISSING, asdict, dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np

from simcal.equilibrium.market import EquilibriumMarket
from simcal.errors import ParameterError
from simcal.fields import check_fields, parameter


@dataclass(frozen=True)
class TradeLaw:
    r"""The law of price changes and volume when the dividend is far away: five numbers, all per step.

    With the gap x between the first group's position and its frictionless one, and :math:`\varepsilon \sim N(0, 1)`,

    .. math:: \Delta S_t = \mu - \delta x_{t-1} + s\, \varepsilon_t, \quad
        x_t = \rho x_{t-1} + a\, \varepsilon_t, \quad V_t = (1 - \rho)\, |x_{t-1}| .

    Parameters
    ----------
    premium, volatility
        mu and s, in money.
    persistence
        rho, from 0 to 1.
    trading
        Standard deviation of the signed volume (1 - rho) x, in shares: :math:`\sqrt{\pi / 2}` times the mean volume.
    excess
        :math:`\delta a / (s (1 - \rho))`: what share of a shock to the price goes away again. A shock stays with
        :math:`s - \delta a \sum_j \rho^j`, the volatility of the dividend.
    """

    premium: float
    volatility: float
    persistence: float
    trading: float
    excess: float

    @property
    def gap(self) -> float:
        """Standard deviation of x, in shares."""
        return self.trading / (1 - self.persistence)

    @property
    def reaction(self) -> float:
        """a: how far one shock throws positions from where they should be, in shares."""
        return self.gap * math.sqrt(1 - self.persistence**2)

    @property
    def reversion(self) -> float:
        """delta: change of the drift per share of gap, in money per share."""
        return self.excess * self.volatility * (1 - self.persistence) / self.reaction


@dataclass(frozen=True)
class TwoGroups:
    r"""Two groups of traders with quadratic costs, in the pre-trade timing, infinitely long before the dividend.

    Far from the dividend volatility and the speed of trading settle. With :math:`\gamma = (\gamma_1 + \gamma_2) / 2`,
    :math:`D = \gamma_2 - \gamma_1` and :math:`\bar\gamma = \gamma_1 \gamma_2 / (\gamma_1 + \gamma_2)`, the fixed
    point of the backward recursion is

    .. math::
        \frac{(1 - \rho)^2}{\rho} = \frac{\gamma \sigma^2 \Delta^2}{\lambda}, \quad
        \alpha = \sigma \Bigl(1 - \frac{D \xi \Delta}{2 (1 - \rho)}\Bigr), \quad
        \mu = \bar\gamma s \sigma^2, \quad a = \frac\xi\sigma \sqrt\Delta, \quad \delta = \tfrac12 D \sigma^2 \Delta .

    Traders who are alike make a group: n of them with risk aversion g, exposure x and cost l hold and trade together
    what one trader with g / n, n x and l / n does.

    Parameters
    ----------
    risk_aversion
        gamma_1 and gamma_2.
    exposure
        xi > 0 of the first group; the second has -xi.
    cost, dividend_volatility, supply, step
        lambda, alpha, s, Delta.

    Raises
    ------
    ParameterError
        Where a value is not allowed, or no equilibrium has a positive volatility.
    """

    risk_aversion: tuple[float, float] = parameter(
        MISSING, "absolute risk aversion of the groups", 0, open=True, letter="gamma_n", unit="1/money",
        group="n_groups",
    )  # fmt: skip
    exposure: float = parameter(
        MISSING, "volatility of the first group's endowment per unit of W", 0, open=True, letter="xi"
    )
    cost: float = parameter(MISSING, "c(v) = (cost / 2) v^2", 0, open=True, letter="lambda")
    dividend_volatility: float = parameter(MISSING, "dividend per unit of W", 0, open=True, letter="alpha")
    supply: float = parameter(1.0, "shares of the asset", 0, open=True, letter="s", unit="shares")
    step: float = parameter(1.0, "length of a step", 0, open=True, letter="Delta", unit="time")
    n_groups: ClassVar[int] = 2

    def __post_init__(self) -> None:
        check_fields(self)
        if not isinstance(self.risk_aversion, tuple):
            object.__setattr__(self, "risk_aversion", (self.risk_aversion,) * 2)
        if not (self._lean < 1 and self.volatility > 0):
            raise ParameterError(
                f"Risk aversions {self.risk_aversion[0]:g} and {self.risk_aversion[1]:g} with exposures of "
                f"{self.exposure:g} and steps of {self.step:g} leave no equilibrium with a positive volatility; take "
                "risk aversions that differ less, or smaller exposures."
            )

    @classmethod
    def of_law(cls, law: TradeLaw, *, supply: float = 1.0, step: float = 1.0) -> Self:
        """The groups that trade by this law: the inverse of `law`.

        Raises
        ------
        ParameterError
            Where the premium is not positive, or excess is 1 or more: no risk aversion, no dividend would do that.
        """
        if not (law.premium > 0 and law.excess < 1):
            raise ParameterError(
                f"A premium of {law.premium:.3g} and an excess volatility of {law.excess:.3g} cannot come from an "
                "equilibrium: the one must be above 0, the other below 1."
            )
        variance = law.volatility**2
        share, half = law.premium / (supply * variance), law.reversion / variance  # gamma bar, D / 2
        mean = share + math.hypot(share, half)
        # gamma_1 gamma_2 = 2 gamma bar gamma, which loses no digits where one of them is small.
        large = mean + abs(half)
        small = 2 * share * mean / large
        sigma = law.volatility / math.sqrt(step)
        return cls(
            risk_aversion=(small, large) if half >= 0 else (large, small),
            exposure=law.reaction * sigma / math.sqrt(step),
            cost=mean * variance * step * law.persistence / (1 - law.persistence) ** 2,
            dividend_volatility=sigma * (1 - law.excess), supply=supply, step=step,
        )  # fmt: skip

    @property
    def mean_risk_aversion(self) -> float:
        """gamma, the mean of the two."""
        return sum(self.risk_aversion) / 2

    @property
    def aggregate_risk_aversion(self) -> float:
        """gamma bar = 1 / (1 / gamma_1 + 1 / gamma_2)."""
        return self.risk_aversion[0] * self.risk_aversion[1] / sum(self.risk_aversion)

    @property
    def volatility(self) -> float:
        """sigma per square root of time: the root of a quadratic equation."""
        lean, alpha = self._lean, self.dividend_volatility
        slow = 4 * self.cost / (self.mean_risk_aversion * self.step**2)
        root = math.sqrt(alpha**2 + (1 - lean) * slow)
        return ((1 - lean / 2) * alpha + lean / 2 * root) / (1 - lean)

    @property
    def persistence(self) -> float:
        """rho: what is left of a gap after a step."""
        pull = self.mean_risk_aversion * (self.volatility * self.step) ** 2 / self.cost
        return 1 / (1 + pull / 2 + math.sqrt(pull + pull**2 / 4))

    @property
    def liquidity_premium(self) -> float:
        """How much more the price rises per unit of time than without costs: gamma bar s (sigma^2 - alpha^2)."""
        return self.aggregate_risk_aversion * self.supply * (self.volatility**2 - self.dividend_volatility**2)

    def law(self) -> TradeLaw:
        """What prices and volume do, per step."""
        sigma, rho, root = self.volatility, self.persistence, math.sqrt(self.step)
        reaction = self.exposure / sigma * root
        reversion = (self.risk_aversion[1] - self.risk_aversion[0]) / 2 * sigma**2 * self.step
        return TradeLaw(
            premium=self.aggregate_risk_aversion * self.supply * sigma**2 * self.step, volatility=sigma * root,
            persistence=rho, trading=reaction * (1 - rho) / math.sqrt(1 - rho**2),
            excess=reversion * reaction / (sigma * root * (1 - rho)),
        )  # fmt: skip

    def market(
        self, *, initial_price: float = 100.0, changes: Literal["absolute", "relative"] = "absolute"
    ) -> EquilibriumMarket:
        """The endless market that they make; see `EquilibriumMarket` for `changes`."""
        sigma, speed = self.volatility, (1 - self.persistence) / self.step
        feedback = speed / 2 * np.array([[1.0, -1.0], [-1.0, 1.0]])
        hedge = speed * self.exposure / sigma * np.array([1.0, -1.0])
        return EquilibriumMarket(
            self.risk_aversion, (self.exposure, -self.exposure), [sigma], [feedback.tolist()], [hedge.tolist()],
            cost=self.cost, horizon=self.step, supply=self.supply, initial_price=initial_price, endless=True,
            changes=changes,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @property
    def _lean(self) -> float:
        return (self.risk_aversion[1] - self.risk_aversion[0]) * self.exposure * self.step / 2
