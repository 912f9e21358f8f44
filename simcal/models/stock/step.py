"""One step of a block of lanes of the stock market: the traders' orders, what comes from outside, the next price."""

from __future__ import annotations

import numpy as np
from numba import njit

from simcal.models.fundamental.lanes import move_fundamental
from simcal.models.lanes import LANES, OPTIONS
from simcal.models.stock.lanes import act, misprice, next_price, noise_signal, trend, value_signal, weigh
from simcal.models.stock.market import StockMarket
from simcal.models.stock.specs import STREAM_PUBLIC, STREAM_TRADERS, STREAM_VALUE, STREAM_VARIANCE
from simcal.models.switching.lanes import choose

# Steps between two exact sums of the moving averages; in between they are rolled. The hard rule has a jump at
# its threshold and sums at every step, so that equal prices give exactly no trend.
REFRESH = 64
NAMES = ("prices", *StockMarket.OUTPUTS)
PRICE, DEMAND, VOLUME = 0, NAMES.index("demand_noise"), NAMES.index("volume_noise")
VALUE, VARIANCE = NAMES.index("fundamental_value"), NAMES.index("fundamental_variance")
SHARE = NAMES.index("share_fundamental")
BALANCE = len(NAMES)  # what a path also remembers: n_f - n_c of the next step
ROWS = len(NAMES) + 1
SCRATCH = 4  # rows that a step may overwrite


@njit(**OPTIONS)
def step_block(
    p, hard, t, oldest, youngest, ages, normals, recent, trends, now, failed, outside, with_volume, scratch
):  # fmt: skip
    """Play step `t` (from 1) of a block; `normals` are its draws.

    The rows of `now` are the quantities `NAMES` at this time, before and after; row ``t % size`` of the ring `recent`
    is the price at t. `outside` is excess demand beside the market's own traders, in traders. A lane may have begun
    later than the block: `ages` (only looked at where oldest and youngest differ) counts its own steps, this one
    included. `failed` gets the first own step whose price or value is not a usable number.
    """
    n_noise, n_technical, n_fundamental = p.public.size, p.trend.size, p.value.size
    real = now.dtype.type
    zero, one, infinity = real(0), real(1), real(np.inf)
    signal, order, spare = scratch[0], scratch[1], scratch[2:]
    price, value, variance = now[PRICE], now[VALUE], now[VARIANCE]
    move_fundamental(p, value, variance, normals[STREAM_VALUE], normals[STREAM_VARIANCE])
    now[DEMAND : VOLUME + 3] = 0
    noise_demand, trend_demand, value_demand = now[DEMAND], now[DEMAND + 1], now[DEMAND + 2]
    public = normals[STREAM_PUBLIC]
    for i in range(n_noise):
        private = normals[STREAM_TRADERS + i]
        for lane in range(LANES):
            signal[lane] = noise_signal(p.public[i], public[lane], p.private[i], private[lane])
        act(signal, one, zero, hard, order, noise_demand, now[VOLUME], with_volume)
    for i in range(n_technical):
        trend(trends[i], recent, t, p.short[i], p.long[i], hard or t % REFRESH == 0, spare[0], spare[1])
        if youngest >= p.long[i]:
            act(trends[i], p.trend[i], p.threshold[i], hard, order, trend_demand, now[VOLUME + 1], with_volume)
        elif oldest >= p.long[i]:
            spare[:] = 0
            act(trends[i], p.trend[i], p.threshold[i], hard, order, spare[0], spare[1], with_volume)
            for lane in range(LANES):
                if ages[lane] >= p.long[i]:
                    trend_demand[lane] += spare[0, lane]
                    now[VOLUME + 1, lane] += spare[1, lane]
    for i in range(n_fundamental):
        error = normals[STREAM_TRADERS + n_noise + i]
        for lane in range(LANES):
            signal[lane] = value_signal(value[lane], p.observation_sd[i] * error[lane], price[lane])
        act(signal, p.value[i], zero, hard, order, value_demand, now[VOLUME + 2], with_volume)
    if p.switching:
        balance, share, half = now[BALANCE], now[SHARE], real(0.5)
        for lane in range(LANES):
            share[lane] = half + half * balance[lane]
        weigh(balance, trend_demand, value_demand)
        if with_volume:
            weigh(balance, now[VOLUME + 1], now[VOLUME + 2])
        gap, still = scratch[0], scratch[1]
        misprice(price, value, gap)
        still[:] = 0
        choose(p, balance, gap, still, scratch[2])
        balance[:] = scratch[2]
    for lane in range(LANES):
        demand = noise_demand[lane] + trend_demand[lane] + value_demand[lane] + outside[lane]
        price[lane] = next_price(price[lane], p.impact, demand)
    for lane in range(LANES):
        usable = price[lane] > zero and price[lane] + abs(value[lane]) < infinity
        age = t if oldest == youngest else ages[lane]
        failed[lane] = failed[lane] if usable or failed[lane] > 0 else age
    recent[t % recent.shape[0]] = price
