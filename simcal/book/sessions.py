"""A path's beginning, and its sessions and breaks: when orders trade or only rest, openings, price limits and halts."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from simcal.book import engine
from simcal.book import layout as at
from simcal.book.rules import horizon, risk_aversion
from simcal.noise.compiled import philox, uniform

I64, U32, U64 = np.int64, np.uint32, np.uint64


@njit(**engine.BORROWED)
def settle(c, s):
    """Book the trades that just happened, and find price, mid and spread anew."""
    book, numbers, counts = s.book, s.numbers, s.counts
    count = engine.n_fills(book)
    bid, ask = engine.best_bid(book), engine.best_ask(book)
    known = bid != engine.NO_TICK and ask != engine.NO_TICK and bid < ask
    if known:
        numbers[at.MID], numbers[at.SPREAD] = 0.5 * (bid + ask), ask - bid
    if count > 0:
        engine.settle(book.fills, count, s.traders[:, at.SHARES], s.traders[:, at.CASH], c.tick)
        for row in range(count):
            fill = book.fills[row]
            counts[at.VOLUME] += fill.volume
            counts[at.BUY_VOLUME] += fill.volume if fill.side == engine.BUY else 0
        counts[at.TRADES] += count
        counts[at.TRADED] = 1
        _move(c, s, float(engine.last_tick(book)))
        if not known:
            numbers[at.MID] = numbers[at.PRICE]
        engine.clear_fills(book)
    elif counts[at.TRADED] == 0 and counts[at.OPEN] == 1 and known:
        _move(c, s, numbers[at.MID])


@njit(**engine.BORROWED)
def _move(c, s, price):
    if price != s.numbers[at.PRICE]:
        s.numbers[at.PRICE], s.numbers[at.LOG_PRICE] = price, math.log(price)
    if price <= 1.0 or price >= c.top:
        fail(c, s)


@njit(**engine.BORROWED)
def fail(c, s):
    """Note the step at which the path ended, counted from time 0 and at least 1."""
    if s.counts[at.FAILED] == 0:
        s.counts[at.FAILED] = max(s.counts[at.CLOCK] - c.warm_up, 1)


@njit(**engine.BORROWED)
def limit_prices(c, s):
    """The range of prices that orders may have, from the reference price."""
    numbers = s.numbers
    if c.band < math.inf:
        numbers[at.LOW] = min(max(math.ceil(numbers[at.REFERENCE] * (1.0 - c.band)), 1.0), float(c.top))
        numbers[at.HIGH] = max(min(math.floor(numbers[at.REFERENCE] * (1.0 + c.band)), float(c.top)), numbers[at.LOW])


@njit(**engine.BORROWED)
def _open(c, s):
    """Begin to trade; under the rule of PAMS the next order sets it off."""
    if c.auctions:
        reference = I64(math.floor(s.numbers[at.PRICE] + 0.5))
        status, _, _ = engine.auction(s.book, reference)
        if status < 0:
            fail(c, s)
    engine.trade(s.book)
    s.counts[at.OPEN] = 1
    settle(c, s)
    s.numbers[at.REFERENCE] = s.numbers[at.PRICE]
    limit_prices(c, s)


@njit(**engine.BORROWED)
def _close(s):
    engine.collect(s.book)
    s.counts[at.OPEN] = 0


@njit(**engine.BORROWED)
def begin_sessions(c, s):
    """The first phase of a path: the warm-up, or the first session where there is none."""
    counts = s.counts
    if c.warm_up > 0:
        _close(s)
        counts[at.PHASE_END] = c.warm_up
    else:
        _open(c, s)
        counts[at.PHASE_END] = c.session_steps if c.session_steps > 0 else at.NEVER


@njit(**engine.BORROWED)
def change_session(c, s):
    """After a step: open, close or halt where it is time to.

    A halt lengthens the session's plan by nothing: a session that would end during it ends, and its break begins.
    """
    counts, numbers = s.counts, s.numbers
    now = counts[at.CLOCK]
    if counts[at.RETURNING] > 0 and now >= counts[at.RETURNING] and now < counts[at.PHASE_END]:
        counts[at.RETURNING] = 0
        _open(c, s)
    if now == counts[at.PHASE_END]:
        planned = counts[at.OPEN] == 1 or counts[at.RETURNING] > 0  # a session ends, else a break or the warm-up
        counts[at.RETURNING] = 0
        if planned and c.break_steps > 0:
            _close(s)
            counts[at.PHASE_END] = now + c.break_steps
        else:
            if planned:
                _close(s)
            _open(c, s)
            counts[at.PHASE_END] = now + c.session_steps if c.session_steps > 0 else at.NEVER
    elif counts[at.OPEN] == 1 and abs(numbers[at.PRICE] / numbers[at.REFERENCE] - 1.0) >= c.threshold:
        _close(s)
        counts[at.RETURNING] = now + c.halt


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
        w0, w1, w2, w3 = philox(k0, k1, low, high, U32(0), U32(at.BLOCKS_PER_TRADER * j))
        value = -c.value_weight * math.log(uniform(w0, 1.0))
        trend = -c.trend_weight * math.log(uniform(w1, 1.0))
        noise = -c.noise_weight * math.log(uniform(w2, 1.0))
        total = value + trend + noise
        if total > 0.0:
            trader[at.VALUE_PULL], trader[at.TREND_PULL] = value / total / c.value_horizon, trend / total
            trader[at.NOISE_PULL] = noise / total * c.noise_scale
        trader[at.HORIZON] = horizon(c.horizon, c.horizon_inertia, value, trend)
        trader[at.RISK] = risk_aversion(c.risk_aversion, c.risk_inertia, value, trend)
        if j < c.groups[5]:  # makers begin with nothing, so that what they hold is what they have bought
            trader[at.SHARES] = math.floor(_endow(c.exponential, c.shares_mean, c.shares_spread, uniform(w3, 1.0)))
        w0, w1, _, _ = philox(k0, k1, low, high, U32(0), U32(at.BLOCKS_PER_TRADER * j + 1))
        trader[at.CASH] = _endow(c.exponential, c.cash_mean, c.cash_spread, uniform(w0, 1.0))
        trader[at.MARGIN] = c.order_margin * uniform(w1, 1.0)

    s.counts[:] = 0
    s.numbers[:] = 0.0
    numbers = s.numbers
    numbers[at.PRICE], numbers[at.MID], numbers[at.REFERENCE] = c.start_tick, c.start_tick, c.start_tick
    numbers[at.LOG_PRICE] = math.log(c.start_tick)
    numbers[at.LOG_VALUE], numbers[at.VARIANCE] = c.fundamental_start, c.variance_start
    numbers[at.VALUE_NOW] = c.start_tick * math.exp(c.fundamental_start)
    numbers[at.LOW], numbers[at.HIGH] = 1.0, c.top
    limit_prices(c, s)
    s.past[:] = 0.0
    s.past[at.PAST_LOG, 0], s.past[at.PAST_SUM, 0] = numbers[at.LOG_PRICE], numbers[at.PRICE]
    engine.reset(s.book)
    s.counts[at.CLOCK], s.counts[at.PHASE_END] = 0, at.NEVER
    begin_sessions(c, s)
