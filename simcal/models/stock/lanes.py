"""The parts of the stock market's kernel: loops over the lanes of a block, one path per lane.

The rules are those of `simcal.models.stock.rules`, compiled; the two with a choice or a tanh are restated here for one
number.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.extending import overload

from simcal.models.elementary import tanh_half
from simcal.models.fundamental.lanes import positive_part as positive_part
from simcal.models.lanes import LANES, OPTIONS
from simcal.models.stock import rules


@overload(rules.hard_order, jit_options=OPTIONS)
def _hard_order(signal, threshold):  # type: ignore[no-untyped-def]
    real = np.float32 if signal == types.float32 else np.float64
    one, zero = real(1), real(0)
    return lambda signal, threshold: one if signal >= threshold else (-one if signal <= -threshold else zero)


@overload(rules.smoothed_order, jit_options=OPTIONS)
def _smoothed_order(signal):  # type: ignore[no-untyped-def]
    return lambda signal: tanh_half(signal)


noise_signal, value_signal = njit(**OPTIONS)(rules.noise_signal), njit(**OPTIONS)(rules.value_signal)
trend_signal, next_price = njit(**OPTIONS)(rules.trend_signal), njit(**OPTIONS)(rules.next_price)
mispricing = njit(**OPTIONS)(rules.mispricing)
smoothed_order, hard_order = rules.smoothed_order, rules.hard_order


@njit(**OPTIONS)
def _sum_recent(total, recent, t, window):
    """Sum the last `window` prices before t, as distances to the last one."""
    size = recent.shape[0]
    last = recent[(t - 1) % size]
    total[:] = 0
    for j in range(2, window + 1):
        row = recent[(t - j + size) % size]
        for lane in range(LANES):
            total[lane] += row[lane] - last[lane]


@njit(**OPTIONS)
def roll_trend(sign, short, long, last, leaves_short, leaves_long, trend):
    """M(t) from M(t-1): `last` = P(t-1) enters both windows, P(t-1-l1) and P(t-1-l2) leave them. Sign -1: back."""
    per_short, per_long = trend.dtype.type(sign / short), trend.dtype.type(sign / long)
    for lane in range(trend.size):
        trend[lane] += (last[lane] - leaves_short[lane]) * per_short - (last[lane] - leaves_long[lane]) * per_long


@njit(**OPTIONS)
def trend(trend, recent, t, short, long, refresh, short_sum, long_sum):
    """M(t) of one trader, summed anew or rolled; row ``t % size`` of the ring `recent` is the price at t."""
    size, real = recent.shape[0], trend.dtype.type
    if refresh:
        _sum_recent(short_sum, recent, t, short)
        _sum_recent(long_sum, recent, t, long)
        for lane in range(LANES):
            trend[lane] = trend_signal(short_sum[lane], real(short), long_sum[lane], real(long))
    else:
        leaves_short, leaves_long = recent[(t - 1 - short + size) % size], recent[(t - 1 - long + size) % size]
        roll_trend(1, short, long, recent[(t - 1) % size], leaves_short, leaves_long, trend)


@njit(**OPTIONS)
def act(signal, sensitivity, threshold, hard, order, demand, volume, with_volume):
    """Add the orders on `signal` to the demand of the group, and their sizes to its volume."""
    if hard:
        for lane in range(LANES):
            order[lane] = hard_order(signal[lane], threshold)
            demand[lane] += order[lane]
    else:
        for lane in range(LANES):
            order[lane] = smoothed_order(sensitivity * signal[lane])
            demand[lane] += order[lane]
    if with_volume:
        for lane in range(LANES):
            volume[lane] += abs(order[lane])


@njit(**OPTIONS)
def weigh(balance, technical, fundamental):
    """Orders, or sizes, of both groups as often as they count."""
    one = balance.dtype.type(1)
    for lane in range(balance.size):
        technical[lane] *= one - balance[lane]
        fundamental[lane] *= one + balance[lane]


@njit(**OPTIONS)
def misprice(price, value, gap):
    """How far the price is above value, relative to it."""
    for lane in range(gap.size):
        gap[lane] = mispricing(price[lane], value[lane])
