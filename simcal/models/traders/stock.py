"""The three types of traders of the GAN-MAS paper: noise, technical and fundamental traders.

Equation numbers are those of "A generative adversarial network approach to calibrate multi-agent simulators", sections
3.1 and 4. Every type orders by its signal x, with smoothed or with hard rules, as the market's ``rule`` says.
"""

from __future__ import annotations

from typing import Any

from simcal.definition import Trader, draw, parameter, sign, tanh_half


def order(rule: str, signal: Any, sensitivity: Any = None, threshold: Any = 0.0) -> Any:
    """What a signal x makes a trader order.

    Smoothed: 2 e^y / (1 + e^y) - 1 = tanh(y / 2) of y = sensitivity times x (section 4). Hard: +1 where x >= gamma, -1
    where x <= -gamma, else 0, eq. (4), (6) and (9).
    """
    if rule == "hard":
        return sign(signal, threshold)
    return tanh_half(signal if sensitivity is None else sensitivity * signal)


class NoiseTrader(Trader):
    """Orders by eta_i = b_i S(t) + c_i S_i(t), eq. (3): a signal that all hear, and one of its own.

    Looks at ``public`` (a standard normal), ``public_sd``, ``private_sd`` and ``rule`` of the market.
    """

    public_weight: float = parameter(1.0, "weight of the public signal", letter="b")
    private_weight: float = parameter(1.0, "weight of the private signal", letter="c")
    private: float = draw()

    def orders(self, market: Any) -> Any:
        public = self.public_weight * market.public_sd * market.public
        return order(market.rule, public + self.private_weight * market.private_sd * self.private)


class TechnicalTrader(Trader):
    """Orders by M_i, the mean of the last l1 prices less that of the last l2, eq. (5) and (6), from step l2 on.

    Looks at ``price`` and ``rule`` of the market.
    """

    first_step = "long_window"

    short_window: int = parameter(
        (7, 4, 2, 7, 6),
        "prices in the short moving average",
        1,
        integer=True,
        letter="l1",
        unit="steps",
        trainable=False,
    )
    long_window: int = parameter(
        (8, 10, 10, 8, 7),
        "prices in the long moving average",
        2,
        integer=True,
        letter="l2",
        unit="steps",
        trainable=False,
    )
    trend_sensitivity: float = parameter(
        0.5, "steepness of the smoothed trend rule", 0, open=True, letter="d", unit="1/price"
    )
    trend_threshold: float = parameter(
        0.0, "smallest trend that the hard rule acts on", 0, letter="gamma", unit="price", trainable=False
    )

    def orders(self, market: Any) -> Any:
        # The hard rule has a jump at its threshold: equal prices must give exactly no trend.
        exact = market.rule == "hard"
        short, long = (market.mean("price", w, exact=exact) for w in (self.short_window, self.long_window))
        return order(market.rule, short - long, self.trend_sensitivity, self.trend_threshold)


class FundamentalTrader(Trader):
    """Orders by X_i = P*(t) + w_i(t) - P(t-1), eq. (9): what it takes for the value, less the price.

    Looks at ``price``, ``value`` and ``rule`` of the market.
    """

    value_sensitivity: float = parameter(
        1.0, "steepness of the smoothed value rule", 0, open=True, letter="k", unit="1/price"
    )
    observation_sd: float = parameter(
        1.0, "error of a trader's view of the fundamental value", 0, letter="sigma_F", unit="price"
    )
    error: float = draw()

    def orders(self, market: Any) -> Any:
        view = market.value + self.observation_sd * self.error
        return order(market.rule, view - market.price, self.value_sensitivity)
