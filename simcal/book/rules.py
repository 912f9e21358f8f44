"""What traders of the order book do, each rule defined once.

Pure functions of numbers, for Python and for compiled loops alike. Prices are in ticks, a side is `BUY` or `SELL`, and
an order is (side, price, volume): no order where the volume is 0. Letters as in `BookMarket`.
"""

from __future__ import annotations

import math
from typing import Any

from numba.extending import register_jitable

from simcal.book.engine.layout import BUY, OPTIONS, SELL

MOST_SHARES = 1e9  # of one order
_rule: Any = register_jitable(**OPTIONS)


@_rule
def _root_of_positive(variance):
    """The root of its positive part; NaN stays NaN."""
    return math.sqrt(0.0 if variance < 0.0 else variance)


@_rule
def next_variance(variance, mean, reversion, vol_of_vol, shock):
    """The variance of the fundamental value: v + k (m - v) + xi sqrt(max(v, 0)) eps2; only the root is truncated."""
    return variance + reversion * (mean - variance) + vol_of_vol * _root_of_positive(variance) * shock


@_rule
def next_value(value, mean, reversion, variance, shock, other, correlation, orthogonal):
    """The log value: p + k (m - p) + sqrt(max(v, 0)) (c eps2 + sqrt(1 - c^2) eps1); `other` is eps2.

    Source: equations (7) and (8) of "A generative adversarial network approach to calibrate multi-agent simulators".
    """
    own = correlation * other + orthogonal * shock
    return value + reversion * (mean - value) + _root_of_positive(variance) * own


@_rule
def horizon(base, inertia, value_weight, trend_weight):
    """tau in whole steps."""
    return math.floor(base * (inertia + value_weight) / (inertia + trend_weight))


@_rule
def risk_aversion(base, inertia, value_weight, trend_weight):
    """a (1 + w_F) / (1 + w_C), for an inertia of 1."""
    return base * (inertia + value_weight) / (inertia + trend_weight)


@_rule
def expected_return(value_pull, trend_pull, noise_pull, mispricing, rise, span, draw):
    """hat r times tau, where `rise` is the log return over the last tau steps and the pulls are weights over their sum.

    `value_pull` is also divided by tau_r, and `noise_pull` multiplied by s; `mispricing` is log(p^f / p).
    """
    per_step = value_pull * mispricing + trend_pull * (rise / max(span, 1)) + noise_pull * draw
    return per_step * span


@_rule
def fcn_order(price, expected, margin, volume):
    """Buy below the expected price where it is above the price, else sell above it."""
    target = price * math.exp(expected)
    if target > price:
        return BUY, target * (1.0 - margin), volume
    return SELL, target * (1.0 + margin), volume


@_rule
def demand(log_target, price, slope):
    """D(x) = log(hat p / x) / (a v x); `slope` is a v per tick."""
    return (log_target - math.log(price)) / (slope * price)


@_rule
def root(level, slope):
    """The log price u at which u + slope e^u = level, by Newton's method from above, where it falls to the root."""
    u = level
    for _ in range(200):
        pull = slope * math.exp(u)
        change = (u + pull - level) / (1.0 + pull)
        u -= change
        if change < 1e-13:
            break
    return u


@_rule
def _whole(shares):
    return math.floor(min(max(shares, 0.0), MOST_SHARES))


@_rule
def cara_order(log_target, slope, shares, cash, draw, bid, ask):
    """The order of a risk-averse trader.

    Parameters
    ----------
    log_target
        Log of the price expected at the horizon.
    slope
        a v per tick.
    shares, cash
        What she has, cash in ticks; what is negative counts as nothing.
    draw
        Uniform from 0 to 1.
    bid, ask
        Best prices; the market's price where a side is empty.
    """
    held = max(shares, 0.0)
    highest = math.exp(log_target)
    satisfied = math.exp(root(log_target, slope * held))
    lowest = math.exp(root(log_target - slope * max(cash, 0.0), slope * held))
    price = lowest + (highest - lowest) * draw
    if price < satisfied:
        if ask < price:
            price = max(ask, lowest)
        return BUY, price, _whole(demand(log_target, price, slope) - held)
    if price < bid:
        price = min(bid, highest)
    return SELL, price, _whole(held - demand(log_target, price, slope))


@_rule
def noise_signal(public_weight, public, private_weight, private):
    """What a noise trader goes by: a public and a private number."""
    return public_weight * public + private_weight * private


@_rule
def trend_signal(short_sum, short_window, long_sum, long_window):
    """Mean of the last prices less that of more of them, from their sums."""
    return short_sum / short_window - long_sum / long_window


@_rule
def value_signal(value, error, price):
    """How far the price is below the value that a trader sees."""
    return value + error - price


@_rule
def smoothed(signal):
    """tanh(x / 2)."""
    return math.tanh(0.5 * signal)


@_rule
def hard(signal, threshold):
    """1 where the signal is at least the threshold, -1 where it is at most minus that, else 0."""
    if signal >= threshold:
        return 1.0
    return -1.0 if signal <= -threshold else 0.0


@_rule
def signal_order(wanted, largest, anchor, margin, draw):
    """A demand between -1 and 1 as a limit order, up to `margin` below the anchor for a buy and above it for a sell."""
    volume = math.floor(abs(wanted) * largest + 0.5)
    if wanted > 0.0:
        return BUY, anchor * (1.0 - margin * draw), volume
    return SELL, anchor * (1.0 + margin * draw), volume


@_rule
def quotes(anchor, spread, skew, inventory):
    """Bid and ask of a market maker."""
    centre = anchor * (1.0 - skew * inventory)
    return centre * (1.0 - spread), centre * (1.0 + spread)


@_rule
def tick_of(side, price, low, high):
    """A price on the grid, rounded to the better for the trader and moved into the range from `low` to `high`."""
    if not price < high:
        return high
    tick = math.floor(price) if side == BUY else math.ceil(price)
    return min(max(tick, low), high)
