"""One step of a block of lanes of the herding market: both demands, what comes from outside, price and shares."""

from __future__ import annotations

import numpy as np
from numba import njit

from simcal.models.fundamental.lanes import next_fundamental
from simcal.models.herding.lanes import (
    chartists,
    clear,
    fundamental_share,
    fundamentalists,
    misprice,
    moods,
    tails,
    to_prices,
)
from simcal.models.herding.market import HerdingMarket
from simcal.models.herding.specs import STREAM_CHARTIST, STREAM_FUNDAMENTAL, STREAM_VALUE, STREAM_VARIANCE
from simcal.models.lanes import OPTIONS
from simcal.models.switching.lanes import choose

NAMES = ("prices", *HerdingMarket.OUTPUTS)
PRICE, FUNDAMENTAL, CHARTIST, VOLUME, SHARE, VALUE, VARIANCE = range(len(NAMES))
# What a path also remembers: the log price, the log value, the trend, the balance of the next step.
LOG_PRICE, LOG_VALUE, TREND, BALANCE = range(len(NAMES), len(NAMES) + 4)
ROWS, SCRATCH = len(NAMES) + 4, 3


@njit(**OPTIONS)
def begin(p, now):
    """All rows of a block, at the time before the first step."""
    now[:] = 0
    now[PRICE], now[LOG_VALUE], now[VARIANCE] = p.initial_price, p.start, p.variance_start
    now[SHARE], now[BALANCE] = fundamental_share(p.balance, p.half), p.balance
    to_prices(p, now[LOG_VALUE], now[VALUE])


@njit(**OPTIONS)
def step_block(p, normals, before, now, outside, failed, ages, with_value, scratch):
    """Play one step of a block: from the rows `before` to the rows `now`; `normals` are its draws.

    `outside` is excess demand per head beside the market's own, and `ages` counts the steps of each lane, this one
    included. `failed` gets the first of them whose price or value is not a usable number. A row of `scratch` that is
    not used is left 0.
    """
    log_price, value, trend, balance = before[LOG_PRICE], now[LOG_VALUE], before[TREND], before[BALANCE]
    if p.moving:
        next_fundamental(
            p, before[LOG_VALUE], before[VARIANCE], normals[STREAM_VALUE], normals[STREAM_VARIANCE], value,
            now[VARIANCE],
        )  # fmt: skip
        if with_value:
            to_prices(p, value, now[VALUE])
    draws = tails(p.fundamental_tail, p.fundamental_scale, normals[STREAM_FUNDAMENTAL], scratch[0])
    gap = scratch[2]
    misprice(log_price, value, gap)
    fundamentalists(p, balance, gap, draws, now[FUNDAMENTAL])
    draws = tails(p.chartist_tail, p.chartist_scale, normals[STREAM_CHARTIST], scratch[0])
    moods(p, trend, scratch[1])
    chartists(p, balance, trend, scratch[1], draws, now[CHARTIST])
    choose(p, balance, gap, trend, now[BALANCE])
    clear(p, log_price, trend, now[FUNDAMENTAL], now[CHARTIST], outside, now[LOG_PRICE], now[TREND])
    price = now[PRICE]
    to_prices(p, now[LOG_PRICE], price)
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
