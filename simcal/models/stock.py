"""The stock market: three groups of traders, a fundamental value, a price impact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from simcal.definition import Orders, PriceMarket, choice, draw, group, output, parameter, state, tanh_half
from simcal.errors import ParameterError
from simcal.models.fundamental import correlated, next_value, next_variance
from simcal.models.traders import FundamentalTrader, NoiseTrader, TechnicalTrader, attractiveness
from simcal.parameters import check_factor

SWITCHING = ("predisposition", "herding", "misalignment", "misalignment_tilt")


class StockMarket(PriceMarket):
    r"""Noise, technical and fundamental traders whose orders move one price (an immutable description).

    Everybody who acts at step :math:`t` knows the prices up to :math:`t-1`:

    .. math::
        P(t) &= P(t-1)\,(1 + \rho D(t) / N)                                         \quad (2) \\
        \eta_i &= b_i S(t) + c_i S_i(t), \quad S \sim N(0, \sigma_f^2),\ S_i \sim N(0, \sigma_p^2)  \quad (3) \\
        M_i &= \text{mean of the last } l_{1,i} \text{ prices} - \text{mean of the last } l_{2,i} \text{ prices} \\
        X_i &= P^*(t) + w_i(t) - P(t-1), \quad w_i \sim N(0, \sigma_F^2) \\
        \sigma(t) &= \sigma(t-1) + v_2(\mu_2 - \sigma(t-1)) + \xi \sqrt{\sigma(t-1)^+}\,\varepsilon_2(t)  \quad (8) \\
        P^*(t) &= P^*(t-1) + v_1(\mu_1 - P^*(t-1)) + \sqrt{\sigma(t)^+}\,\varepsilon_1(t)   \quad (7)

    Traders may switch between the technical and the fundamental group: with the balance b of
    `simcal.models.traders.switching` (:math:`\beta = 1`, no trend, mispricing :math:`g = (P(t-1) - P^*(t)) / P^*(t)`)
    the orders of the groups count :math:`1 - b(t)` and :math:`1 + b(t)` times, b(1) = 0. That is not in the paper, and
    off where ``predisposition``, ``herding``, ``misalignment`` and ``misalignment_tilt`` are 0.

    The smoothed rules order tanh(eta/2), tanh(d M/2) and tanh(k X/2); the hard rules the sign of eta, the sign
    of M where ``|M| >= gamma``, and the sign of X. A technical trader acts from step l2 on.

    A subclass may declare further groups: their orders are added to the demand. The fields and their bounds are listed
    in ``StockMarket.SPECS``. ``variance_start=None`` starts the variance at its mean. ``vol_of_vol`` (xi) and
    ``leverage_correlation``, the correlation of eps1 and eps2, are not in the paper, which has 1 and 0.

    Source: "A generative adversarial network approach to calibrate multi-agent simulators", sections 3.1 and 4,
    with moving averages over exactly l prices and full truncation of the variance.

    Raises
    ------
    ParameterError
        Where a value is not allowed, in one sentence.
    """

    kind = "stock"
    title = "stock market"

    noise = group(NoiseTrader, 7)
    technical = group(TechnicalTrader, 5)
    fundamental = group(FundamentalTrader, 3)

    impact: float = parameter(0.1, "largest relative price change of one step", 0, 1, open=True, letter="rho")
    initial_price: float = parameter(
        100.0, "price before the first step", 0, open=True, letter="P(0)", unit="price", trainable=False
    )
    public_sd: float = parameter(1.0, "deviation of the public signal", 0, letter="sigma_f")
    private_sd: float = parameter(3.0, "deviation of a private signal", 0, letter="sigma_p")
    fundamental_mean: float = parameter(
        100.0, "level that the fundamental value reverts to", letter="mu1", unit="price"
    )
    fundamental_reversion: float = parameter(0.1, "speed of that reversion", 0, 1, letter="v1", unit="1/step")
    fundamental_start: float = parameter(
        100.0, "fundamental value before the first step", letter="P*(0)", unit="price", trainable=False
    )
    variance_mean: float = parameter(
        0.01, "level that the variance of the fundamental value reverts to", 0, letter="mu2", unit="price^2/step"
    )
    variance_reversion: float = parameter(0.1, "speed of that reversion", 0, 1, letter="v2", unit="1/step")
    variance_start: float | None = parameter(
        0.01, "variance before the first step; absent: at its mean", 0, letter="sigma(0)", unit="price^2/step",
        trainable=False, follows="variance_mean",
    )  # fmt: skip
    vol_of_vol: float = parameter(1.0, "size of the variance's own shocks", 0, letter="xi", unit="price/step")
    leverage_correlation: float = parameter(
        0.0, "correlation of the shocks to value and variance", -1, 1, letter="corr"
    )
    # Switching; off where all four are 0.
    predisposition: float = parameter(0.0, "standing attractiveness of fundamentalism", letter="alpha_0")
    herding: float = parameter(0.0, "attractiveness of being many", letter="alpha_n")
    misalignment: float = parameter(
        0.0, "attractiveness of fundamentalism per squared relative mispricing", letter="alpha_p"
    )
    misalignment_tilt: float = parameter(
        0.0, "attractiveness of fundamentalism per relative overpricing", letter="alpha_m"
    )
    rule: str = choice("smoothed", ("smoothed", "hard"), "how signals become orders")

    price: float = state("initial_price")
    value: float = state("fundamental_start", checked=True)
    variance: float = state("variance_start")
    balance: float = state(0.0)

    z_value: float = draw()
    z_variance: float = draw()
    public: float = draw()

    demand_noise = output("sum of the noise traders' orders")
    demand_technical = output("sum of the technical traders' orders")
    demand_fundamental = output("sum of the fundamental traders' orders")
    volume_noise = output("sum of the sizes of the noise traders' orders")
    volume_technical = output("sum of the sizes of the technical traders' orders")
    volume_fundamental = output("sum of the sizes of the fundamental traders' orders")
    fundamental_value = output("P*", start="fundamental_start")
    fundamental_variance = output("sigma", start="variance_start")
    share_fundamental = output("share of fundamental traders among those who may switch", start=0.5)

    def step(self) -> None:
        """Equations (2) to (9)."""
        shock = correlated(self.z_value, self.z_variance, self.leverage_correlation)
        self.variance = next_variance(
            self.variance, self.variance_mean, self.variance_reversion, self.vol_of_vol, self.z_variance
        )
        self.value = next_value(self.value, self.fundamental_mean, self.fundamental_reversion, self.variance, shock)
        noise, technical, fundamental, *others = (self.orders(name) for name in self.GROUPS)
        by_trend, by_value, share = technical, fundamental, 0.5
        if self.uses(*SWITCHING):
            often, seldom = 1 + self.balance, 1 - self.balance
            by_trend, by_value = _times(technical, seldom), _times(fundamental, often)
            share = 0.5 + 0.5 * self.balance
            gap = (self.price - self.value) / self.value
            self.balance = tanh_half(
                attractiveness(
                    self.balance, gap, self.predisposition, self.herding, self.misalignment, self.misalignment_tilt
                )
            )
        demand = noise.demand + by_trend.demand + by_value.demand
        for orders in others:
            demand = demand + orders.demand
        self.price = self.price + self.price * (self.impact / self.n_traders * (demand + self.outside))

        self.demand_noise, self.volume_noise = noise
        self.demand_technical, self.volume_technical = by_trend
        self.demand_fundamental, self.volume_fundamental = by_value
        self.fundamental_value, self.fundamental_variance, self.share_fundamental = self.value, self.variance, share

    @property
    def n_traders(self) -> Any:
        """N, the number of traders."""
        sizes = [getattr(self, one.size) for one in self.GROUPS.values()]
        return sum(sizes[1:], sizes[0])

    @property
    def switching(self) -> bool:
        """Whether technical and fundamental traders switch."""
        return any(getattr(self, name) != 0 for name in SWITCHING)

    def check(self) -> None:
        """Windows in order, and anybody there at all."""
        if self.n_traders == 0:
            counts = ", ".join(one.size for one in self.GROUPS.values())
            raise ParameterError(f"The market has no traders; give at least one of {counts}.")
        for i, (short, long) in enumerate(zip(self.vector("short_window"), self.vector("long_window"), strict=True)):
            if short >= long:
                raise ParameterError(
                    f"Technical trader {i} has short_window {short:g} and long_window {long:g}; "
                    "the short window must be shorter than the long one."
                )

    def rescaled(self, factor: float) -> Self:
        """The market whose returns are `factor` times as large, to first order in them.

        Prices move `factor` times as far around the mean fundamental value, and the rules answer to moves of that size
        as before. `impact` stays below 1: what it lacks then goes into the sensitivities, and returns that noise
        traders make fall short of the factor.
        """
        check_factor(factor)

        def times(name: str, power: float) -> float | Sequence[float]:
            value = getattr(self, name)
            return tuple(x * power for x in value) if isinstance(value, tuple) else value * power

        impact = min(factor * self.impact, max(0.9, self.impact))
        steeper = self.impact / impact  # 1 / factor, unless the impact met its bound
        return self.replace(
            impact=impact,
            trend_sensitivity=times("trend_sensitivity", steeper),
            trend_threshold=times("trend_threshold", factor),
            value_sensitivity=times("value_sensitivity", steeper),
            observation_sd=times("observation_sd", factor),
            variance_mean=self.variance_mean * factor**2,
            variance_start=None if self.variance_start is None else self.variance_start * factor**2,
            vol_of_vol=self.vol_of_vol * factor,
            misalignment=self.misalignment / factor**2,
            misalignment_tilt=self.misalignment_tilt / factor,
        )

    def twin(self, trainable: Sequence[str] = (), *, per_trader: Sequence[str] = (), **options: Any) -> Any:
        """The differentiable twin; `ParameterError` for hard rules, which have no gradient."""
        if self.rule != "smoothed":
            raise ParameterError(f"The rule {self.rule!r} has no gradient; use market.replace(rule='smoothed').")
        return super().twin(trainable, per_trader=per_trader, **options)


def _times(orders: Orders, weight: Any) -> Orders:
    return Orders(weight * orders.demand, weight * orders.volume)
