"""Where a path begins: traits and endowments are drawn, the book is empty, and orders are collected."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from simcal.models.book import engine
from simcal.models.book.layout import (
    CASH,
    CLOCK,
    HIGH,
    HORIZON,
    LOG_PRICE,
    LOG_VALUE,
    LOW,
    MARGIN,
    MID,
    NEVER,
    NOISE_PULL,
    PAST_LOG,
    PAST_SUM,
    PHASE_END,
    PRICE,
    REFERENCE,
    RISK,
    SHARES,
    TREND_PULL,
    VALUE,
    VALUE_PULL,
    VARIANCE,
)
from simcal.models.book.rules import horizon, risk_aversion
from simcal.models.book.session import begin_sessions, limit_prices
from simcal.models.book.specs import BLOCKS_PER_TRADER
from simcal.noise.compiled import philox, uniform

U32, U64 = np.uint32, np.uint64


@njit(**engine.BORROWED)
def _endow(exponential, mean, spread, draw):
    """An endowment from a uniform number."""
    return -mean * math.log(draw) if exponential else mean * (1.0 + spread * (2.0 * draw - 1.0))


@njit(cache=True, **engine.BORROWED)
def start(c, s, k0, k1, path):
    """Begin path number `path` of a seed."""
    low, high = U32(path), U32(path >> U64(32))
    s.traders[:] = 0.0
    for j in range(c.n_traders):
        trader = s.traders[j]
        w0, w1, w2, w3 = philox(k0, k1, low, high, U32(0), U32(BLOCKS_PER_TRADER * j))
        value = -c.value_weight * math.log(uniform(w0, 1.0))
        trend = -c.trend_weight * math.log(uniform(w1, 1.0))
        noise = -c.noise_weight * math.log(uniform(w2, 1.0))
        total = value + trend + noise
        if total > 0.0:
            trader[VALUE_PULL], trader[TREND_PULL] = value / total / c.value_horizon, trend / total
            trader[NOISE_PULL] = noise / total * c.noise_scale
        trader[HORIZON] = horizon(c.horizon, c.horizon_inertia, value, trend)
        trader[RISK] = risk_aversion(c.risk_aversion, c.risk_inertia, value, trend)
        if j < c.groups[5]:  # makers begin with nothing, so that what they hold is what they have bought
            trader[SHARES] = math.floor(_endow(c.exponential, c.shares_mean, c.shares_spread, uniform(w3, 1.0)))
        w0, w1, _, _ = philox(k0, k1, low, high, U32(0), U32(BLOCKS_PER_TRADER * j + 1))
        trader[CASH] = _endow(c.exponential, c.cash_mean, c.cash_spread, uniform(w0, 1.0))
        trader[MARGIN] = c.order_margin * uniform(w1, 1.0)

    s.counts[:] = 0
    s.numbers[:] = 0.0
    numbers = s.numbers
    numbers[PRICE], numbers[MID], numbers[REFERENCE] = c.start_tick, c.start_tick, c.start_tick
    numbers[LOG_PRICE] = math.log(c.start_tick)
    numbers[LOG_VALUE], numbers[VARIANCE] = c.start, c.variance_start
    numbers[VALUE] = c.start_tick * math.exp(c.start)
    numbers[LOW], numbers[HIGH] = 1.0, c.top
    limit_prices(c, s)
    s.past[:] = 0.0
    s.past[PAST_LOG, 0], s.past[PAST_SUM, 0] = numbers[LOG_PRICE], numbers[PRICE]
    engine.reset(s.book)
    s.counts[CLOCK], s.counts[PHASE_END] = 0, NEVER
    begin_sessions(c, s)
