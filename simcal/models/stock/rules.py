"""The rules of the stock market, each defined once.

Pure functions of numbers or arrays that broadcast together. The reference calls them on NumPy arrays; the kernel
compiles these very functions with Numba and replaces only the three with a choice or a tanh in them
(`positive_part`, `hard_order`, `smoothed_order`), which the tests compare. They hold no literal numbers beside whole
ones that NumPy leaves in the precision of the arrays, so float32 stays float32. Equation numbers as in `StockMarket`;
the fundamental value's rules are shared with other markets.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simcal.models.fundamental.rules import correlated as correlated
from simcal.models.fundamental.rules import next_value as next_value
from simcal.models.fundamental.rules import next_variance as next_variance
from simcal.models.fundamental.rules import positive_part as positive_part
from simcal.models.switching.rules import attractiveness as attractiveness
from simcal.models.switching.rules import next_balance as next_balance


def noise_signal(public_weight: Any, public: Any, private_weight: Any, private: Any) -> Any:
    """eta_i = b_i S + c_i S_i, eq. (3)."""
    return public_weight * public + private_weight * private


def trend_signal(short_sum: Any, short_window: Any, long_sum: Any, long_window: Any) -> Any:
    """M_i: mean of the last l1 prices minus mean of the last l2, from sums of prices (or of their distances to one)."""
    return short_sum / short_window - long_sum / long_window


def value_signal(value: Any, error: Any, price: Any) -> Any:
    """X_i = P*(t) + w_i(t) - P(t-1)."""
    return value + error - price


def smoothed_order(signal: Any) -> Any:
    """2 e^x / (1 + e^x) - 1 = tanh(x / 2), the smoothed order of every group (section 4)."""
    return np.tanh(signal / 2)


def hard_order(signal: Any, threshold: Any) -> Any:
    """+1 where x >= gamma, else -1 where x <= -gamma, else 0: eq. (4), (6), (9); gamma is 0 for noise and value."""
    return np.where(signal >= threshold, 1.0, np.where(signal <= -threshold, -1.0, 0.0))


def mispricing(price: Any, value: Any) -> Any:
    """g, relative to the fundamental value."""
    return (price - value) / value


def technical_weight(balance: Any) -> Any:
    """How often an order of a technical trader counts; 1 where nobody switches."""
    return 1 - balance


def fundamental_weight(balance: Any) -> Any:
    """How often an order of a fundamental trader counts."""
    return 1 + balance


def next_price(price: Any, impact: Any, demand: Any) -> Any:
    """P(t) = P(t-1) (1 + rho D / N), eq. (2); `impact` is rho / N."""
    return price + price * (impact * demand)
