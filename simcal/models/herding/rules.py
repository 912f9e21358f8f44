"""The rules of the herding market, each defined once: pure functions of numbers or arrays that broadcast together.

The reference calls them on NumPy arrays, the kernel and the sweeps compile these very functions. They hold no literal
numbers, so that float32 stays float32; `half` is 1/2. Letters as in `HerdingMarket`. The balance b = n_f - n_c stands
for both shares. Who switches and the fundamental value have rules of their own, shared with the stock market:
`simcal.models.switching.rules` and `simcal.models.fundamental.rules`.
"""

from __future__ import annotations

from typing import Any

from simcal.models.elementary import exponential, tanh_half
from simcal.models.switching.rules import attractiveness as attractiveness
from simcal.models.switching.rules import next_balance as next_balance


def shaped(normal: Any, half_tail: Any, constant: Any, linear: Any, quadratic: Any) -> Any:
    """A draw with the tail and skew of a type from a normal; the numbers are those of `shapes.shape`."""
    square = normal * normal
    return (constant + linear * normal + quadratic * square) * exponential(half_tail * square)


def mispricing(log_price: Any, value: Any) -> Any:
    """The gap g = p - p*."""
    return log_price - value


def fundamental_demand(sensitivity: Any, gap: Any, sd: Any, draw: Any) -> Any:
    """d_f, with the gap g = p - p*."""
    return sd * draw - sensitivity * gap


def chartist_demand(sensitivity: Any, change: Any, sd: Any, calm: Any, draw: Any) -> Any:
    """d_c, with the last change; `calm` is tanh(lambda m / 2)."""
    return sensitivity * change + (sd - sd * calm) * draw


def calm(response: Any, trend: Any) -> Any:
    """tanh(lambda m / 2): above 0 after rises, where chartists trade less of their own accord."""
    return tanh_half(response * trend)


def fundamental_share(balance: Any, half: Any) -> Any:
    """n_f."""
    return half + half * balance


def chartist_share(balance: Any, half: Any) -> Any:
    """n_c."""
    return half - half * balance


def change(impact: Any, demand: Any) -> Any:
    """r(t) = p(t) - p(t-1)."""
    return impact * demand


def next_trend(trend: Any, memory: Any, fresh: Any, change: Any) -> Any:
    """m(t); `fresh` is 1 - omega."""
    return memory * trend + fresh * change


def price(initial_price: Any, log_price: Any, grown: Any) -> Any:
    """P(t), where p(0) = 0; `grown` is g t."""
    return initial_price * exponential(log_price + grown)
