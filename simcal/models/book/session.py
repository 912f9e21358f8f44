"""Sessions and breaks: when orders trade and when they only rest, openings, price limits and halts."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from simcal.models.book import engine
from simcal.models.book.layout import (
    BUY_VOLUME,
    CASH,
    CLOCK,
    FAILED,
    HIGH,
    LOG_PRICE,
    LOW,
    MID,
    NEVER,
    OPEN,
    PHASE_END,
    PRICE,
    REFERENCE,
    RETURNING,
    SHARES,
    SPREAD,
    TRADED,
    TRADES,
    VOLUME,
)

I64 = np.int64


@njit(**engine.BORROWED)
def settle(c, s):
    """Book the trades that just happened, and find price, mid and spread anew."""
    book, numbers, counts = s.book, s.numbers, s.counts
    count = engine.n_fills(book)
    bid, ask = engine.best_bid(book), engine.best_ask(book)
    known = bid != engine.NO_TICK and ask != engine.NO_TICK and bid < ask
    if known:
        numbers[MID], numbers[SPREAD] = 0.5 * (bid + ask), ask - bid
    if count > 0:
        engine.settle(book.fills, count, s.traders[:, SHARES], s.traders[:, CASH], c.tick)
        for row in range(count):
            fill = book.fills[row]
            counts[VOLUME] += fill.volume
            counts[BUY_VOLUME] += fill.volume if fill.side == engine.BUY else 0
        counts[TRADES] += count
        counts[TRADED] = 1
        _move(c, s, float(engine.last_tick(book)))
        if not known:
            numbers[MID] = numbers[PRICE]
        engine.clear_fills(book)
    elif counts[TRADED] == 0 and counts[OPEN] == 1 and known:
        _move(c, s, numbers[MID])


@njit(**engine.BORROWED)
def _move(c, s, price):
    if price != s.numbers[PRICE]:
        s.numbers[PRICE], s.numbers[LOG_PRICE] = price, math.log(price)
    if price <= 1.0 or price >= c.top:
        fail(c, s)


@njit(**engine.BORROWED)
def fail(c, s):
    """Note the step at which the path ended, counted from time 0 and at least 1."""
    if s.counts[FAILED] == 0:
        s.counts[FAILED] = max(s.counts[CLOCK] - c.warm_up, 1)


@njit(**engine.BORROWED)
def limit_prices(c, s):
    """The range of prices that orders may have, from the reference price."""
    numbers = s.numbers
    if c.band < math.inf:
        numbers[LOW] = min(max(math.ceil(numbers[REFERENCE] * (1.0 - c.band)), 1.0), float(c.top))
        numbers[HIGH] = max(min(math.floor(numbers[REFERENCE] * (1.0 + c.band)), float(c.top)), numbers[LOW])


@njit(**engine.BORROWED)
def _open(c, s):
    """Begin to trade; under the rule of PAMS the next order sets it off."""
    if c.auctions:
        reference = I64(math.floor(s.numbers[PRICE] + 0.5))
        status, _, _ = engine.auction(s.book, reference)
        if status < 0:
            fail(c, s)
    engine.trade(s.book)
    s.counts[OPEN] = 1
    settle(c, s)
    s.numbers[REFERENCE] = s.numbers[PRICE]
    limit_prices(c, s)


@njit(**engine.BORROWED)
def _close(s):
    engine.collect(s.book)
    s.counts[OPEN] = 0


@njit(**engine.BORROWED)
def begin_sessions(c, s):
    """The first phase of a path: the warm-up, or the first session where there is none."""
    counts = s.counts
    if c.warm_up > 0:
        _close(s)
        counts[PHASE_END] = c.warm_up
    else:
        _open(c, s)
        counts[PHASE_END] = c.session_steps if c.session_steps > 0 else NEVER


@njit(**engine.BORROWED)
def change_session(c, s):
    """After a step: open, close or halt where it is time to.

    A halt lengthens the session's plan by nothing: a session that would end during it ends, and its break begins.
    """
    counts, numbers = s.counts, s.numbers
    now = counts[CLOCK]
    if counts[RETURNING] > 0 and now >= counts[RETURNING] and now < counts[PHASE_END]:
        counts[RETURNING] = 0
        _open(c, s)
    if now == counts[PHASE_END]:
        planned = counts[OPEN] == 1 or counts[RETURNING] > 0  # a session ends, else a break or the warm-up
        counts[RETURNING] = 0
        if planned and c.break_steps > 0:
            _close(s)
            counts[PHASE_END] = now + c.break_steps
        else:
            if planned:
                _close(s)
            _open(c, s)
            counts[PHASE_END] = now + c.session_steps if c.session_steps > 0 else NEVER
    elif counts[OPEN] == 1 and abs(numbers[PRICE] / numbers[REFERENCE] - 1.0) >= c.threshold:
        _close(s)
        counts[RETURNING] = now + c.halt
