"""The beginning of an episode: endowments and traits are drawn, and the clock stands at 0."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from simcal.learning.books.layout import (
    CASH,
    DISCOUNT,
    LOG_VALUE,
    MID,
    NOISE,
    PREVIOUS,
    PRICE,
    RECORD_MID,
    RECORD_PRICE,
    RECORD_VALUE,
    RISK,
    SESSION_END,
    SHARES,
    SINCE,
    START,
    VALUE_SD,
)
from simcal.learning.books.step import change_session
from simcal.models.book import engine
from simcal.noise.compiled import normal_pair, philox, uniform

U32, U64 = np.uint32, np.uint64


@njit(**engine.BORROWED)
def start(c, one, k0, k1, path):
    """Begin episode number `path` in market b."""
    low, high = U32(path), U32(path >> U64(32))
    price = c.start_tick * c.tick
    for j in range(c.n_traders):
        trader = one.traders[j]
        w0, w1, w2, _ = philox(k0, k1, low, high, U32(0), U32(2 * j))
        trader[SHARES] = math.floor(-c.shares_mean * math.log(uniform(w0, 1.0)))
        trader[CASH] = -c.cash_mean * math.log(uniform(w1, 1.0))
        trader[DISCOUNT] = c.discount_low + (c.discount_high - c.discount_low) * uniform(w2, 1.0)
        w0, w1, _, _ = philox(k0, k1, low, high, U32(0), U32(2 * j + 1))
        for_risk, for_noise = normal_pair(w0, w1, 1.0)
        trader[RISK] = c.risk_mean + c.risk_sd * for_risk
        trader[NOISE] = c.noise_mean + c.noise_sd * for_noise
        trader[SINCE], trader[PREVIOUS] = c.first_trade, -1.0
        trader[START] = trader[CASH] + trader[SHARES] * price
    w0, _, _, _ = philox(k0, k1, low, high, U32(0), U32(2 * c.n_traders))
    one.numbers[:] = 0.0
    one.counts[:] = 0
    numbers = one.numbers
    numbers[PRICE], numbers[MID] = c.start_tick, np.nan
    numbers[LOG_VALUE], numbers[VALUE_SD] = math.log(price), c.value_sd * uniform(w0, 1.0)
    one.counted[0] = 0
    one.volumes[:] = 0
    one.record[0, RECORD_MID] = price
    one.record[0, RECORD_VALUE] = price
    one.record[0, RECORD_PRICE] = price
    book = one.book
    engine.reset(book)
    engine.collect(book)
    one.counts[SESSION_END] = c.sessions[0]
    change_session(c, one)
