"""The order-book market in Numba: a step of value, traders, demand from outside and clock; and paths made of steps."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from simcal.book import engine
from simcal.book import layout as at
from simcal.book.layout import one_of
from simcal.book.market import BookMarket
from simcal.book.rules import next_value, next_variance
from simcal.book.sessions import change_session, fail, start
from simcal.book.traders import decide, send_market
from simcal.noise.compiled import normal_pair, philox

I64, U32, U64 = np.int64, np.uint32, np.uint64
NAMES = ("prices", *BookMarket.OUTPUTS)


@njit(cache=True, **engine.BORROWED)
def step(c, s, k0, k1, path, outside):
    """Play a step, with `outside` units of demand from outside; nothing where the path has failed."""
    counts = s.counts
    counts[at.CLOCK] += 1
    if counts[at.FAILED] > 0:
        return
    now = U32(counts[at.CLOCK])
    counts[at.VOLUME] = counts[at.BUY_VOLUME] = counts[at.TRADES] = 0
    _move_value(c, s, k0, k1, path, now)
    _slip(c, s)
    for i in range(c.orders_per_step):
        decide(c, s, k0, k1, path, now, i)
        if counts[at.FAILED] > 0:
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
        words = philox(k0, k1, U32(path), U32(path >> U64(32)), now, U32(at.BLOCK_STEP))
        if noisy:
            numbers[at.PUBLIC], _ = normal_pair(words[2], words[3], 1.0)
        if c.moving:
            value_normal, variance_normal = normal_pair(words[0], words[1], 1.0)
            numbers[at.VARIANCE] = next_variance(
                numbers[at.VARIANCE], c.variance_mean, c.variance_reversion, c.vol_of_vol, variance_normal
            )
            numbers[at.LOG_VALUE] = next_value(
                numbers[at.LOG_VALUE], c.fundamental_mean, c.fundamental_reversion, numbers[at.VARIANCE], value_normal,
                variance_normal, c.leverage_correlation, c.orthogonal,
            )  # fmt: skip
    changed = c.moving
    for k in range(c.shocks.shape[0]):
        if I64(c.shocks[k, 0]) == s.counts[at.CLOCK]:
            numbers[at.LOG_VALUE] += math.log(c.shocks[k, 1])
            changed = True
    if changed:
        numbers[at.VALUE_NOW] = c.start_tick * math.exp(numbers[at.LOG_VALUE])
        if not 0.0 < numbers[at.VALUE_NOW] < math.inf:
            fail(c, s)


@njit(**engine.BORROWED)
def _slip(c, s):
    """Market orders of fat fingers."""
    for k in range(c.fingers.shape[0]):
        if c.fingers[k, 0] == s.counts[at.CLOCK] and s.counts[at.OPEN] == 1:
            send_market(c, s, c.fingers[k, 1], c.fingers[k, 2], c.mistaken)


@njit(**engine.BORROWED)
def _from_outside(c, s, outside):
    """The market order of demand from outside, which waits while nobody trades with it."""
    s.numbers[at.WAITING] += outside * c.outside_volume
    shares = math.floor(abs(s.numbers[at.WAITING]) + 1e-9)  # tenths of a unit add up to a whole share
    if shares >= 1 and s.counts[at.OPEN] == 1:
        buys = s.numbers[at.WAITING] > 0
        before = s.traders[c.outside, at.SHARES]
        send_market(c, s, engine.BUY if buys else engine.SELL, min(I64(shares), 10**9), c.outside)
        s.numbers[at.WAITING] -= s.traders[c.outside, at.SHARES] - before


@njit(**engine.BORROWED)
def _remember(s):
    """Write the step's price into the rings."""
    now, past = s.counts[at.CLOCK], s.past
    mask = past.shape[1] - 1
    here, before = now & mask, (now - 1) & mask
    log_price = s.numbers[at.LOG_PRICE]
    change = log_price - past[at.PAST_LOG, before]
    past[at.PAST_LOG, here] = log_price
    past[at.PAST_SQUARES, here] = past[at.PAST_SQUARES, before] + change * change
    past[at.PAST_SUM, here] = past[at.PAST_SUM, before] + s.numbers[at.PRICE]


@njit(cache=True, **engine.BORROWED)
def observe(c, s, values):
    """The price of the step and the outputs, in the order of `NAMES`."""
    numbers, counts, book = s.numbers, s.counts, s.book
    bid, ask = engine.best_bid(book), engine.best_ask(book)
    values[0] = c.tick * (numbers[at.PRICE] if c.last_price else numbers[at.MID])
    values[1], values[2], values[3] = c.tick * numbers[at.MID], c.tick * numbers[at.PRICE], c.tick * numbers[at.SPREAD]
    values[4] = engine.volume_at(book, engine.BUY, bid) if bid != engine.NO_TICK else 0.0
    values[5] = engine.volume_at(book, engine.SELL, ask) if ask != engine.NO_TICK else 0.0
    values[6] = engine.n_live(book)
    values[7], values[8], values[9] = counts[at.VOLUME], counts[at.BUY_VOLUME], counts[at.TRADES]
    values[10], values[11], values[12] = counts[at.OPEN], c.tick * numbers[at.VALUE_NOW], numbers[at.VARIANCE]
    if counts[at.FAILED] > 0:
        values[0] = values[1] = values[2] = math.nan


@njit(cache=True, **engine.OPTIONS)
def simulate_paths(states, c, k0, k1, first_path, n_steps, every, burn_in, slots, out, failed, begin, end):
    """Simulate the paths `begin` to `end` - 1 in the first market of `states`; else as `simulate_in_blocks` has it."""
    s = one_of(states, 0)
    values = np.empty(slots.size)
    for i in range(begin, end):
        path = U64(first_path + U64(i))
        start(c, s, k0, k1, path)
        for _ in range(c.warm_up):
            step(c, s, k0, k1, path, 0.0)
        for t in range(n_steps + burn_in + 1):
            if t > 0:
                step(c, s, k0, k1, path, 0.0)
            if t >= burn_in and (t - burn_in) % every == 0:
                observe(c, s, values)
                for q in range(slots.size):
                    if slots[q] >= 0:
                        out[slots[q], i, (t - burn_in) // every] = values[q]
        failed[i] = s.counts[at.FAILED]
