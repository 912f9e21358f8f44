"""One step of a block of lanes of the herding market: both demands, what comes from outside, price and shares."""

from __future__ import annotations

import numpy as np
from numba import njit

from simcal.models.fundamental.lanes import next_fundamental
from simcal.models.herding.lanes import (
    chartists,
    clear,
    draws_of,
    fundamental_share,
    fundamentalists,
    misprice,
    moods,
    to_prices,
)
from simcal.models.herding.market import HerdingMarket
from simcal.models.herding.specs import STREAM_CHARTIST, STREAM_FUNDAMENTAL, STREAM_VALUE, STREAM_VARIANCE
from simcal.models.lanes import OPTIONS
from simcal.models.switching.lanes import choose

NAMES = ("prices", *HerdingMarket.OUTPUTS)
PRICE, FUNDAMENTAL, CHARTIST, VOLUME, SHARE, VALUE, VARIANCE = range(len(NAMES))
# What a path also remembers: log price, log value, the last change, the trend, the balance of the next step.
LOG_PRICE, LOG_VALUE, CHANGE, TREND, BALANCE = range(len(NAMES), len(NAMES) + 5)
ROWS, SCRATCH = len(NAMES) + 5, 3


@njit(**OPTIONS)
def begin(p, now):
    """All rows of a block, at the time before the first step."""
    now[:] = 0
    now[PRICE], now[LOG_VALUE], now[VARIANCE] = p.initial_price, p.start, p.variance_start
    now[SHARE], now[BALANCE] = fundamental_share(p.balance, p.half), p.balance
    to_prices(p, now[LOG_VALUE], np.zeros(now.shape[1], np.int32), now[VALUE])


@njit(**OPTIONS)
def step_block(p, normals, before, now, outside, failed, ages, with_value, scratch):
    """Play one step of a block: from the rows `before` to the rows `now`; `normals` are its draws.

    `outside` is excess demand per head beside the market's own, and `ages` counts the steps of each lane, this one
    included. `failed` gets the first of them whose price or value is not a usable number. A row of `scratch` that is
    not used is left 0.
    """
    log_price, value, balance = before[LOG_PRICE], now[LOG_VALUE], before[BALANCE]
    change, trend = before[CHANGE], before[TREND]
    if p.moving:
        next_fundamental(
            p, before[LOG_VALUE], before[VARIANCE], normals[STREAM_VALUE], normals[STREAM_VARIANCE], value,
            now[VARIANCE],
        )  # fmt: skip
    if with_value and (p.moving or p.growth != 0):
        to_prices(p, value, ages, now[VALUE])
    draws = draws_of(p.fundamental_shape, normals[STREAM_FUNDAMENTAL], scratch[0])
    gap = scratch[2]
    misprice(log_price, value, gap)
    fundamentalists(p, balance, gap, draws, now[FUNDAMENTAL])
    draws = draws_of(p.chartist_shape, normals[STREAM_CHARTIST], scratch[0])
    moods(p, trend, scratch[1])
    chartists(p, balance, change, scratch[1], draws, now[CHARTIST])
    choose(p, balance, gap, trend, now[BALANCE])
    clear(p, log_price, trend, now[FUNDAMENTAL], now[CHARTIST], outside, now[LOG_PRICE], now[CHANGE], now[TREND])
    price = now[PRICE]
    to_prices(p, now[LOG_PRICE], ages, price)
    _note_failures(price, value, failed, ages)


@njit(**OPTIONS)
def _note_failures(price, value, failed, ages):
    real = price.dtype.type
    zero, infinity = real(0), real(np.inf)
    bad = 0
    for lane in range(price.size):
        bad |= not (price[lane] > zero and price[lane] + abs(value[lane]) < infinity)
    if bad:
        for lane in range(price.size):
            usable = price[lane] > zero and price[lane] + abs(value[lane]) < infinity
            failed[lane] = failed[lane] if usable or failed[lane] > 0 else ages[lane]


@njit(**OPTIONS)
def sum_up(p, before, now):
    """The rows that are wanted only where they are saved: volume and share of the step just played."""
    volume, share, balance = now[VOLUME], now[SHARE], before[BALANCE]
    fundamental, chartist = now[FUNDAMENTAL], now[CHARTIST]
    for lane in range(volume.size):
        volume[lane] = abs(fundamental[lane]) + abs(chartist[lane])
    for lane in range(share.size):
        share[lane] = fundamental_share(balance[lane], p.half)
