"""What a trader who was drawn sends to the book: the rules, given what the market remembers."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from simcal.book import engine, rules
from simcal.book import layout as at
from simcal.book.sessions import fail, settle
from simcal.noise.compiled import normal_pair, philox, uniform

I64, U32, U64 = np.int64, np.uint32, np.uint64


@njit(**engine.BORROWED)
def decide(c, s, k0, k1, path, step, i):
    """Decision i of a step: a trader is drawn, acts, and the trades are booked."""
    low, high = U32(path), U32(path >> U64(32))
    block = at.BLOCK_DECISIONS + at.BLOCKS_PER_DECISION * i
    who, draw, first, second = philox(k0, k1, low, high, step, U32(block))
    j = I64((U64(who) * U64(c.n_traders)) >> U64(32))
    if j < c.groups[2]:
        own, _ = normal_pair(first, second, 1.0)
        _forecaster(c, s, j, own, uniform(draw, 1.0))
    elif j < c.groups[5]:
        own, _ = normal_pair(first, second, 1.0)
        coin, place, _, _ = philox(k0, k1, low, high, step, U32(block + 1))
        _signalled(c, s, j, own, uniform(coin, 1.0), uniform(place, 1.0))
    else:
        _maker(c, s, j)


@njit(**engine.BORROWED)
def send(c, s, side, price, volume, j, lifetime):
    """Send a limit order at a price in ticks, moved onto the grid and into the price limits."""
    tick = I64(rules.tick_of(side, price, s.numbers[at.LOW], s.numbers[at.HIGH]))
    status, _ = engine.limit(s.book, side, tick, I64(volume), j, lifetime)
    if status < 0:
        fail(c, s)
    settle(c, s)


@njit(**engine.BORROWED)
def send_market(c, s, side, volume, j):
    """Send a market order, or where prices are limited a limit order at the limit whose rest is cancelled."""
    if c.band < math.inf:
        tick = I64(s.numbers[at.HIGH] if side == engine.BUY else s.numbers[at.LOW])
        status, identity = engine.limit(s.book, side, tick, volume, j, 0)
        engine.cancel(s.book, identity)
    else:
        status, _ = engine.market(s.book, side, volume, j)
    if status < 0:
        fail(c, s)
    settle(c, s)


@njit(**engine.BORROWED)
def _forecaster(c, s, j, own, draw):
    """A fundamental-chartist-noise trader, with or without risk aversion."""
    numbers, trader, past, now = s.numbers, s.traders[j], s.past, s.counts[at.CLOCK] - 1
    mask = past.shape[1] - 1
    span = min(I64(trader[at.HORIZON]), now)
    then = (now - span) & mask
    mispricing = math.log(numbers[at.VALUE_NOW]) - numbers[at.LOG_PRICE]
    expected = rules.expected_return(
        trader[at.VALUE_PULL], trader[at.TREND_PULL], trader[at.NOISE_PULL], mispricing,
        numbers[at.LOG_PRICE] - past[at.PAST_LOG, then], span, own,
    )  # fmt: skip
    lifetime = span if span > 0 else I64(c.horizon)
    cautious = j >= c.groups[1]
    if cautious or c.replace_orders:
        engine.cancel_all(s.book, j)
    if not cautious:
        side, price, volume = rules.fcn_order(numbers[at.PRICE], expected, trader[at.MARGIN], c.order_volume)
        send(c, s, side, price, volume, j, lifetime)
        return
    last = now & mask
    variance = 0.0
    if span > 0:
        mean = (past[at.PAST_LOG, last] - past[at.PAST_LOG, then]) / span
        variance = (past[at.PAST_SQUARES, last] - past[at.PAST_SQUARES, then]) / span - mean * mean
    slope = trader[at.RISK] * max(variance, 1e-10) * c.tick
    bid, ask = engine.best_bid(s.book), engine.best_ask(s.book)
    side, price, volume = rules.cara_order(
        numbers[at.LOG_PRICE] + expected, slope, trader[at.SHARES], trader[at.CASH] / c.tick, draw,
        numbers[at.PRICE] if bid == engine.NO_TICK else float(bid),
        numbers[at.PRICE] if ask == engine.NO_TICK else float(ask),
    )  # fmt: skip
    if volume > 0:
        send(c, s, side, price, volume, j, lifetime)


@njit(**engine.BORROWED)
def _signalled(c, s, j, own, coin, place):
    """A noise, technical or fundamental trader: the demand of the stock market, sent to the book."""
    wanted = _demand(c, s, j, own)
    side, price, volume = rules.signal_order(wanted, c.signal_volume, s.numbers[at.MID], c.order_margin, place)
    if c.replace_orders:
        engine.cancel_all(s.book, j)
    if volume == 0:
        return
    if coin < c.market_share:
        if s.counts[at.OPEN] == 1:
            send_market(c, s, side, I64(volume), j)
    else:
        send(c, s, side, price, volume, j, c.order_lifetime)


@njit(**engine.BORROWED)
def _demand(c, s, j, own):
    numbers, past, now = s.numbers, s.past, s.counts[at.CLOCK] - 1
    if j < c.groups[3]:
        i = j - c.groups[2]
        signal = rules.noise_signal(
            c.public_weight[i], c.public_sd * numbers[at.PUBLIC], c.private_weight[i], c.private_sd * own
        )
        return rules.hard(signal, 0.0) if c.hard else rules.smoothed(signal)
    if j < c.groups[4]:
        i, mask = j - c.groups[3], past.shape[1] - 1
        short, long = I64(c.short_window[i]), I64(c.long_window[i])
        if now + 1 < long:
            return 0.0
        newest = past[at.PAST_SUM, now & mask]
        signal = c.tick * rules.trend_signal(
            newest - past[at.PAST_SUM, (now - short) & mask],
            short,
            newest - past[at.PAST_SUM, (now - long) & mask],
            long,
        )
        return rules.hard(signal, c.trend_threshold[i]) if c.hard else rules.smoothed(c.trend_sensitivity[i] * signal)
    i = j - c.groups[4]
    signal = rules.value_signal(c.tick * numbers[at.VALUE_NOW], c.observation_sd[i] * own, c.tick * numbers[at.PRICE])
    return rules.hard(signal, 0.0) if c.hard else rules.smoothed(c.value_sensitivity[i] * signal)


@njit(**engine.BORROWED)
def _maker(c, s, j):
    """A market maker renews both quotes."""
    engine.cancel_all(s.book, j)
    bid, ask = rules.quotes(s.numbers[at.MID], c.maker_spread, c.maker_skew, s.traders[j, at.SHARES])
    send(c, s, engine.BUY, bid, c.maker_volume, j, c.order_lifetime)
    send(c, s, engine.SELL, ask, c.maker_volume, j, c.order_lifetime)
