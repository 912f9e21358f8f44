"""One step of a market: value, the traders' decisions, what comes from outside, and the clock."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from simcal.models.book import engine
from simcal.models.book.layout import (
    BUY_VOLUME,
    CLOCK,
    FAILED,
    LOG_PRICE,
    LOG_VALUE,
    MID,
    OPEN,
    PAST_LOG,
    PAST_SQUARES,
    PAST_SUM,
    PRICE,
    PUBLIC,
    SPREAD,
    TRADES,
    VALUE,
    VARIANCE,
    VOLUME,
    WAITING,
)
from simcal.models.book.market import BookMarket
from simcal.models.book.session import change_session, fail
from simcal.models.book.specs import BLOCK_STEP
from simcal.models.book.traders import decide, send_market
from simcal.models.fundamental.lanes import correlated, next_value, next_variance
from simcal.noise.compiled import normal_pair, philox

I64, U32, U64 = np.int64, np.uint32, np.uint64
NAMES = ("prices", *BookMarket.OUTPUTS)


@njit(cache=True, **engine.BORROWED)
def step(c, s, k0, k1, path, outside):
    """Play a step, with `outside` units of demand from outside; nothing where the path has failed."""
    counts = s.counts
    counts[CLOCK] += 1
    if counts[FAILED] > 0:
        return
    now = U32(counts[CLOCK])
    counts[VOLUME] = counts[BUY_VOLUME] = counts[TRADES] = 0
    _move_value(c, s, k0, k1, path, now)
    _slip(c, s)
    for i in range(c.orders_per_step):
        decide(c, s, k0, k1, path, now, i)
        if counts[FAILED] > 0:
            return
    _from_outside(c, s, outside)
    engine.advance(s.book)
    change_session(c, s)
    _remember(s)


@njit(**engine.BORROWED)
def _move_value(c, s, k0, k1, path, now):
    numbers = s.numbers
    noisy = c.groups[3] > c.groups[2]
    if c.moving or noisy:
        words = philox(k0, k1, U32(path), U32(path >> U64(32)), now, U32(BLOCK_STEP))
        if noisy:
            numbers[PUBLIC], _ = normal_pair(words[2], words[3], 1.0)
        if c.moving:
            value_normal, variance_normal = normal_pair(words[0], words[1], 1.0)
            shock = correlated(value_normal, variance_normal, c.correlation, c.orthogonal)
            numbers[VARIANCE] = next_variance(
                numbers[VARIANCE], c.variance_mean, c.variance_reversion, c.vol_of_vol, variance_normal
            )
            numbers[LOG_VALUE] = next_value(numbers[LOG_VALUE], c.mean, c.reversion, numbers[VARIANCE], shock)
    changed = c.moving
    for k in range(c.shocks.shape[0]):
        if I64(c.shocks[k, 0]) == s.counts[CLOCK]:
            numbers[LOG_VALUE] += math.log(c.shocks[k, 1])
            changed = True
    if changed:
        numbers[VALUE] = c.start_tick * math.exp(numbers[LOG_VALUE])
        if not 0.0 < numbers[VALUE] < math.inf:
            fail(c, s)


@njit(**engine.BORROWED)
def _slip(c, s):
    """Market orders of fat fingers."""
    for k in range(c.fingers.shape[0]):
        if c.fingers[k, 0] == s.counts[CLOCK] and s.counts[OPEN] == 1:
            send_market(c, s, c.fingers[k, 1], c.fingers[k, 2], c.mistaken)


@njit(**engine.BORROWED)
def _from_outside(c, s, outside):
    """The market order of demand from outside, which waits while nobody trades with it."""
    s.numbers[WAITING] += outside * c.outside_volume
    shares = math.floor(abs(s.numbers[WAITING]) + 1e-9)  # tenths of a unit add up to a whole share
    if shares >= 1 and s.counts[OPEN] == 1:
        buys = s.numbers[WAITING] > 0
        before = s.traders[c.outside, 0]
        send_market(c, s, engine.BUY if buys else engine.SELL, min(I64(shares), 10**9), c.outside)
        s.numbers[WAITING] -= s.traders[c.outside, 0] - before


@njit(**engine.BORROWED)
def _remember(s):
    """Write the step's price into the rings."""
    now, past = s.counts[CLOCK], s.past
    mask = past.shape[1] - 1
    here, before = now & mask, (now - 1) & mask
    log_price = s.numbers[LOG_PRICE]
    change = log_price - past[PAST_LOG, before]
    past[PAST_LOG, here] = log_price
    past[PAST_SQUARES, here] = past[PAST_SQUARES, before] + change * change
    past[PAST_SUM, here] = past[PAST_SUM, before] + s.numbers[PRICE]


@njit(cache=True, **engine.BORROWED)
def observe(c, s, values):
    """The price of the step and the outputs, in the order of `NAMES`."""
    numbers, counts, book = s.numbers, s.counts, s.book
    bid, ask = engine.best_bid(book), engine.best_ask(book)
    values[0] = c.tick * (numbers[PRICE] if c.last_price else numbers[MID])
    values[1], values[2], values[3] = c.tick * numbers[MID], c.tick * numbers[PRICE], c.tick * numbers[SPREAD]
    values[4] = engine.volume_at(book, engine.BUY, bid) if bid != engine.NO_TICK else 0.0
    values[5] = engine.volume_at(book, engine.SELL, ask) if ask != engine.NO_TICK else 0.0
    values[6] = engine.n_live(book)
    values[7], values[8], values[9] = counts[VOLUME], counts[BUY_VOLUME], counts[TRADES]
    values[10], values[11], values[12] = counts[OPEN], c.tick * numbers[VALUE], numbers[VARIANCE]
    if counts[FAILED] > 0:
        values[0] = values[1] = values[2] = math.nan
