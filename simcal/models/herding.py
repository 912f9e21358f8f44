"""The herding market: two ways to trade, and shares of traders that follow what is attractive."""

from __future__ import annotations

from typing import Any, Self

from simcal.definition import (
    PriceMarket,
    draw,
    exp,
    log,
    maximum,
    minimum,
    output,
    parameter,
    sinh,
    state,
    tanh_half,
    where,
)
from simcal.errors import ParameterError
from simcal.models.fundamental import correlated, next_value, next_variance
from simcal.models.traders import attractiveness
from simcal.parameters import check_factor


class HerdingMarket(PriceMarket):
    r"""Fundamentalists and chartists whose shares follow their attractiveness (an immutable description).

    With the log price :math:`p`, its fundamental value :math:`p^*` and the change :math:`r(t) = p(t) - p(t-1)`,
    everybody who acts at step :math:`t` knows the prices up to :math:`t-1`:

    .. math::
        p(t)   &= p(t-1) + \mu\,[n_f(t)\,d_f(t) + n_c(t)\,d_c(t)] \\
        d_f(t) &= \phi\,(p^*(t) - p(t-1)) + \sigma_f\,z_f(t) \\
        d_c(t) &= \chi\,r(t-1) + \sigma_c\,(1 - \tanh(\lambda m(t-1) / 2))\,z_c(t) \\
        m(t)   &= \omega\,m(t-1) + (1 - \omega)\,r(t) \\
        n_f(t+1) &= 1 / (1 + e^{-\beta a(t)}), \quad n_c = 1 - n_f \\
        a(t)   &= \alpha_0 + \alpha_n\,(n_f(t) - n_c(t)) + \alpha_p\,g(t)^2 + \alpha_m\,g(t) + \alpha_r\,m(t-1), \quad
                  g(t) = p(t-1) - p^*(t)

    A rush to fundamentalism when the price strays (``misalignment``), imitation (``herding``), a ``predisposition``.
    Volatility clusters because chartists are noisier and their share persists.

    In the source z is standard normal and :math:`p^*` constant; :math:`\alpha_m, \alpha_r, \lambda` and
    :math:`\omega` are 0. The extensions are off by default:

    * ``misalignment_tilt`` and ``trend_attraction`` let the shares answer to falls otherwise than to rises,
      ``fall_response`` the size of the chartists' own demand, which at most doubles; ``trend_memory`` makes the trend m
      an exponentially weighted mean of past changes, so that they answer to the falls of days or weeks.
    * ``fundamental_tail`` and ``chartist_tail`` h and ``chartist_skew`` s give z heavy tails and a skew at mean 0 and
      variance 1, see `shaped`.
    * ``johnson_tail`` :math:`\tau` and ``johnson_skew`` do so by Johnson's law, see `johnson`, which can be undone:
      with it the likelihood of prices is exact, `simcal.definition.likelihood`.
    * ``turbulence_response`` makes traders chartists when prices have lately moved much, whatever the direction,
      and ``fall_attraction``, ``rise_attraction`` compare the trend with the size of those moves:

      .. math::
          q(t) = \omega_q q(t-1) + (1 - \omega_q) |r(t)|, \quad
          a(t) \mathrel{+}= \alpha_- \min(m/q, 0) + \alpha_+ \max(m/q, 0) - \alpha_q \log(q / q_0)

      with m and q after step t: these answer at once. ``slow_sensitivity`` :math:`\chi_m` lets chartists answer m too.
    * ``growth`` g makes price and fundamental value :math:`e^{g t}` times as large, which traders do not trade on.
    * The log fundamental value follows the process of the stock market, `simcal.models.fundamental`, with
      variance ``variance_mean`` per step (a random walk where ``fundamental_reversion`` is 0).

    Demand is per head of the population: its unit is one unit for every trader. The fields and their bounds are listed
    in ``HerdingMarket.SPECS``. ``fundamental_start=None`` and ``variance_start=None`` start at the mean.

    Source: Franke and Westerhoff, "Structural stochastic volatility in asset pricing dynamics: Estimation and model
    contest", Journal of Economic Dynamics and Control 36 (2012) 1193-1211, discrete choice with herding, predisposition
    and misalignment.

    Raises
    ------
    ParameterError
        Where a value is not allowed, in one sentence.
    """

    kind = "herding"
    title = "herding market"

    initial_price: float = parameter(
        100.0, "price before the first step", 0, open=True, letter="P(0)", unit="price", trainable=False
    )
    impact: float = parameter(0.01, "change of the log price per unit of excess demand", 0, open=True, letter="mu")
    # How they trade.
    value_sensitivity: float = parameter(0.12, "fundamentalists' demand per unit of log mispricing", 0, letter="phi")
    trend_sensitivity: float = parameter(1.5, "chartists' demand per unit of the trend", letter="chi", scale=10.0)
    fundamental_sd: float = parameter(0.758, "deviation of the fundamentalists' own demand", 0, letter="sigma_f")
    chartist_sd: float = parameter(2.087, "deviation of the chartists' own demand", 0, letter="sigma_c")
    # Who they are.
    choice_intensity: float = parameter(1.0, "how sharply the shares follow attractiveness", 0, letter="beta")
    predisposition: float = parameter(-0.327, "standing attractiveness of fundamentalism", letter="alpha_0")
    herding: float = parameter(1.79, "attractiveness of being many", letter="alpha_n")
    misalignment: float = parameter(
        18.43, "attractiveness of fundamentalism per squared log mispricing", letter="alpha_p", scale=30.0
    )
    share_start: float = parameter(
        0.5, "share of fundamentalists at the first step", 0, 1, letter="n_f(1)", trainable=False
    )
    # Extensions; each is off where it is 0.
    misalignment_tilt: float = parameter(
        0.0, "attractiveness of fundamentalism per log overpricing", letter="alpha_m", scale=5.0
    )
    trend_attraction: float = parameter(
        0.0, "attractiveness of fundamentalism per unit of the trend", letter="alpha_r", scale=100.0
    )
    trend_memory: float = parameter(0.0, "weight that the trend keeps from step to step", 0, 1, letter="omega")
    fall_response: float = parameter(
        0.0, "how much the chartists' own demand grows as prices fall", letter="lambda", scale=100.0
    )
    fundamental_tail: float = parameter(0.0, "tail index^-1 of the fundamentalists' own demand", 0, 0.5, letter="h_f")
    chartist_tail: float = parameter(0.0, "tail index^-1 of the chartists' own demand", 0, 0.5, letter="h_c")
    chartist_skew: float = parameter(
        0.0, "skew of the chartists' own demand, about a sixth of its skewness", letter="s", scale=0.1
    )
    johnson_tail: float = parameter(
        0.0, "weight of the tails of the chartists' own demand, by Johnson's law", 0, 1.5, letter="tau"
    )
    johnson_skew: float = parameter(0.0, "skew of the chartists' own demand, by Johnson's law", letter="s_J", scale=0.1)
    slow_sensitivity: float = parameter(
        0.0, "chartists' demand per unit of the remembered trend", letter="chi_m", scale=10.0
    )
    turbulence_response: float = parameter(
        0.0, "attractiveness of chartism per log size of recent moves", letter="alpha_q"
    )
    turbulence_memory: float = parameter(
        0.95, "weight that the size of moves keeps from step to step", 0, 1, letter="omega_q"
    )
    usual_move: float = parameter(
        0.008, "size of a move that is neither calm nor turbulent", 0, open=True, letter="q_0", trainable=False
    )
    fall_attraction: float = parameter(
        0.0, "attractiveness of fundamentalism per falling trend in recent moves", letter="alpha_-"
    )
    rise_attraction: float = parameter(
        0.0, "attractiveness of fundamentalism per rising trend in recent moves", letter="alpha_+"
    )
    growth: float = parameter(0.0, "growth of price and fundamental value", letter="g", unit="1/step", scale=1e-3)
    # The fundamental value: constant where both variance_mean and vol_of_vol are 0.
    fundamental_mean: float = parameter(
        100.0, "level that the fundamental value reverts to", 0, open=True, letter="P*", unit="price"
    )
    fundamental_reversion: float = parameter(0.0, "speed of that reversion, in logs", 0, 1, letter="v1", unit="1/step")
    fundamental_start: float | None = parameter(
        None, "fundamental value before the first step; absent: at its mean", 0, open=True, letter="P*(0)",
        unit="price", trainable=False, follows="fundamental_mean",
    )  # fmt: skip
    variance_mean: float = parameter(
        0.0, "level that the variance of the log fundamental value reverts to", 0, letter="mu2", unit="1/step"
    )
    variance_reversion: float = parameter(0.1, "speed of that reversion", 0, 1, letter="v2", unit="1/step")
    variance_start: float | None = parameter(
        None, "variance before the first step; absent: at its mean", 0, letter="sigma(0)", unit="1/step",
        trainable=False, follows="variance_mean",
    )  # fmt: skip
    vol_of_vol: float = parameter(0.0, "size of the variance's own shocks", 0, letter="xi", unit="1/step")
    leverage_correlation: float = parameter(
        0.0, "correlation of the shocks to value and variance", -1, 1, letter="corr"
    )

    # Logs are relative to P(0), and without growth.
    log_price: float = state(0.0)
    change: float = state(0.0)
    trend: float = state(0.0)
    move: float = state("usual_move")
    balance: float = state(lambda m: 2 * m.share_start - 1)
    log_value: float = state(lambda m: log(m.fundamental_start / m.initial_price), checked=True)
    variance: float = state("variance_start")

    z_fundamental: float = draw()
    z_chartist: float = draw()
    z_value: float = draw()
    z_variance: float = draw()

    price = output("price", start="initial_price")
    demand_fundamental = output("demand of the fundamentalists, n_f d_f")
    demand_chartist = output("demand of the chartists, n_c d_c")
    volume = output("sum of the sizes of both demands")
    share_fundamental = output("share of fundamentalists who made the price", start="share_start")
    fundamental_value = output("P*", start="fundamental_start")
    fundamental_variance = output("sigma", start="variance_start")

    def step(self) -> None:
        """The equations above."""
        if self.description.moving:
            shock = correlated(self.z_value, self.z_variance, self.leverage_correlation)
            self.variance = next_variance(
                self.variance, self.variance_mean, self.variance_reversion, self.vol_of_vol, self.z_variance
            )
            mean = log(self.fundamental_mean / self.initial_price)
            self.log_value = next_value(self.log_value, mean, self.fundamental_reversion, self.variance, shock)
        gap = self.log_price - self.log_value
        share = 0.5 + 0.5 * self.balance
        own = self.fundamental_sd * self._own("fundamental_tail") if self.uses("fundamental_sd") else 0.0
        fundamentalist = own - self.value_sensitivity * gap
        sd = self.chartist_sd
        if self.uses("fall_response"):
            sd = sd - sd * tanh_half(self.fall_response * self.trend)
        z = self._own("chartist_tail", "chartist_skew")
        if self.uses("johnson_tail", "johnson_skew"):
            z = johnson(z, self.johnson_tail, self.johnson_skew)
        chartist = self.trend_sensitivity * self.change + sd * z
        if self.uses("slow_sensitivity"):
            chartist = chartist + self.slow_sensitivity * self.trend
        by_value, by_trend = share * fundamentalist, (0.5 - 0.5 * self.balance) * chartist

        a = attractiveness(
            self.balance, gap, self.predisposition, self.herding, self.misalignment, self.misalignment_tilt
        )
        if self.uses("trend_attraction"):
            a = a + self.trend_attraction * self.trend
        self.change = self.impact * (by_value + by_trend + self.outside)
        before, self.trend = self.trend, self.change
        if self.uses("trend_memory"):
            self.trend = self.trend_memory * before + (1 - self.trend_memory) * self.change
        if self.uses("turbulence_response", "fall_attraction", "rise_attraction"):
            kept = self.turbulence_memory
            self.move = kept * self.move + (1 - kept) * abs(self.change)
            relative = self.trend / self.move
            a = a + self.fall_attraction * minimum(relative, 0.0) + self.rise_attraction * maximum(relative, 0.0)
            a = a - self.turbulence_response * log(self.move / self.usual_move)
        self.balance = tanh_half(self.choice_intensity * a)
        self.log_price = self.log_price + self.change

        grown = self.growth * self.age
        self.price = self.initial_price * exp(self.log_price + grown)
        self.fundamental_value = self.initial_price * exp(self.log_value + grown)
        self.demand_fundamental, self.demand_chartist = by_value, by_trend
        self.volume = abs(by_value) + abs(by_trend)
        self.share_fundamental, self.fundamental_variance = share, self.variance

    def _own(self, tail: str, skew: str | None = None) -> Any:
        """The own demand's draw of a type: a standard normal, with a tail and a skew where these are used."""
        z = self.z_fundamental if skew is None else self.z_chartist
        if not self.uses(tail, *([skew] if skew else [])):
            return z
        return shaped(z, getattr(self, tail), 0.0 if skew is None else getattr(self, skew))

    @property
    def moving(self) -> bool:
        """Whether the fundamental value moves, or would if its mean were another."""
        drifts = self.fundamental_reversion > 0 and self.fundamental_start is not None
        return drifts or self.variance_mean > 0 or self.vol_of_vol > 0 or self.starting("variance_start") > 0

    def check(self) -> None:
        """Tails with a variance."""
        for name in ("fundamental_tail", "chartist_tail"):
            if getattr(self, name) == self.SPECS[name].high:
                raise ParameterError(f"{name} is 0.5, at which the variance is infinite, but must be below 0.5.")
        if self.johnson_tail > 0 and (self.chartist_tail > 0 or self.chartist_skew != 0):
            raise ParameterError(
                "johnson_tail and chartist_tail or chartist_skew are both given, but the chartists' own demand has one "
                "law; set one of them to 0."
            )
        if self.johnson_tail == 0 and self.johnson_skew != 0:
            raise ParameterError("johnson_skew is given, but has a meaning only with a johnson_tail above 0.")

    def rescaled(self, factor: float) -> Self:
        """The market whose log returns are `factor` times as large, exactly; impact and sensitivities stay."""
        check_factor(factor)

        def level(value: float | None) -> float | None:
            return None if value is None else self.initial_price * (value / self.initial_price) ** factor

        return self.replace(
            fundamental_sd=self.fundamental_sd * factor,
            usual_move=self.usual_move * factor,
            chartist_sd=self.chartist_sd * factor,
            misalignment=self.misalignment / factor**2,
            misalignment_tilt=self.misalignment_tilt / factor,
            trend_attraction=self.trend_attraction / factor,
            fall_response=self.fall_response / factor,
            growth=self.growth * factor,
            fundamental_mean=level(self.fundamental_mean),
            fundamental_start=level(self.fundamental_start),
            variance_mean=self.variance_mean * factor**2,
            variance_start=None if self.variance_start is None else self.variance_start * factor**2,
            vol_of_vol=self.vol_of_vol * factor,
        )


def shaped(z: Any, tail: Any, skew: Any) -> Any:
    r"""A draw with Tukey's h tails and a skew, mean 0 and variance 1, from a standard normal z.

    .. math::
        k\,(z + s\,(z^2 - c))\,e^{h z^2 / 2}, \quad c = 1 / (1 - h)

    has mean 0, because :math:`E\,z^2 e^{h z^2/2} = c\,E\,e^{h z^2/2}`. k makes its variance 1, from
    :math:`E\,e^{h z^2} = (1 - 2h)^{-1/2}` and its derivatives in h. Without a skew this is Tukey's h; moments below
    order 1/h are finite.
    """
    rest = 1 - 2 * tail
    center = 1 / (1 - tail)
    of_square = 3 * rest**-2.5 - 2 * center * rest**-1.5 + center * center * rest**-0.5
    scale = (rest**-1.5 + skew * skew * of_square) ** -0.5
    square = z * z
    return (-scale * skew * center + scale * z + scale * skew * square) * exp(0.5 * tail * square)


def johnson(z: Any, tail: Any, skew: Any) -> Any:
    r"""A draw with Johnson's S_U law, mean 0 and variance 1, from a standard normal z.

    .. math:: (\sinh(\tau z + s) - e^{\tau^2/2} \sinh s) / \sqrt{\tfrac12 (w - 1)(w \cosh 2s + 1)}, \quad w = e^{\tau^2}

    All moments are finite; the kurtosis without a skew is :math:`(w^4 + 2 w^2 + 3) / 2`. It is monotone in z, so that z
    follows from the draw. Source: Johnson, Biometrika 36 (1949) 149-176.
    """
    # Below it the law is normal to seven digits, and the difference of two numbers near one is not.
    tail = where(tail < 1e-3, 1e-3, tail)
    w, lean = exp(tail * tail), sinh(skew)
    variance = 0.5 * (w - 1.0) * (w * (1.0 + 2.0 * lean * lean) + 1.0)  # cosh 2s = 1 + 2 sinh^2 s
    return (sinh(tail * z + skew) - exp(0.5 * tail * tail) * lean) * variance**-0.5
