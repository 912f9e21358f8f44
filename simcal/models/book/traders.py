"""What a trader who was drawn sends to the book: the rules, given what the market remembers."""

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
    LOW,
    MARGIN,
    MID,
    NOISE_PULL,
    OPEN,
    PAST_LOG,
    PAST_SQUARES,
    PAST_SUM,
    PRICE,
    PUBLIC,
    RISK,
    SHARES,
    TREND_PULL,
    VALUE,
    VALUE_PULL,
)
from simcal.models.book.rules import (
    cara_order,
    expected_return,
    fcn_order,
    hard,
    quotes,
    signal_order,
    smoothed,
    tick_of,
)
from simcal.models.book.session import fail, settle
from simcal.models.book.specs import BLOCK_DECISIONS, BLOCKS_PER_DECISION
from simcal.models.stock import rules as stock
from simcal.noise.compiled import normal_pair, philox, uniform

I64, U32, U64 = np.int64, np.uint32, np.uint64

noise_signal, value_signal = njit(**engine.BORROWED)(stock.noise_signal), njit(**engine.BORROWED)(stock.value_signal)
trend_signal = njit(**engine.BORROWED)(stock.trend_signal)


@njit(**engine.BORROWED)
def decide(c, s, k0, k1, path, step, i):
    """Decision i of a step: a trader is drawn, acts, and the trades are booked."""
    low, high = U32(path), U32(path >> U64(32))
    block = BLOCK_DECISIONS + BLOCKS_PER_DECISION * i
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
    tick = I64(tick_of(side, price, s.numbers[LOW], s.numbers[HIGH]))
    status, _ = engine.limit(s.book, side, tick, I64(volume), j, lifetime)
    if status < 0:
        fail(c, s)
    settle(c, s)


@njit(**engine.BORROWED)
def send_market(c, s, side, volume, j):
    """Send a market order, or where prices are limited a limit order at the limit whose rest is cancelled."""
    if c.band < math.inf:
        tick = I64(s.numbers[HIGH] if side == engine.BUY else s.numbers[LOW])
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
    numbers, trader, past, now = s.numbers, s.traders[j], s.past, s.counts[CLOCK] - 1
    mask = past.shape[1] - 1
    span = min(I64(trader[HORIZON]), now)
    then = (now - span) & mask
    expected = expected_return(
        trader[VALUE_PULL], trader[TREND_PULL], trader[NOISE_PULL], math.log(numbers[VALUE]) - numbers[LOG_PRICE],
        numbers[LOG_PRICE] - past[PAST_LOG, then], span, own,
    )  # fmt: skip
    lifetime = span if span > 0 else I64(c.horizon)
    cautious = j >= c.groups[1]
    if cautious or c.replace_orders:
        engine.cancel_all(s.book, j)
    if not cautious:
        side, price, volume = fcn_order(numbers[PRICE], expected, trader[MARGIN], c.order_volume)
        send(c, s, side, price, volume, j, lifetime)
        return
    last = now & mask
    variance = 0.0
    if span > 0:
        mean = (past[PAST_LOG, last] - past[PAST_LOG, then]) / span
        variance = (past[PAST_SQUARES, last] - past[PAST_SQUARES, then]) / span - mean * mean
    slope = trader[RISK] * max(variance, 1e-10) * c.tick
    bid, ask = engine.best_bid(s.book), engine.best_ask(s.book)
    side, price, volume = cara_order(
        numbers[LOG_PRICE] + expected, slope, trader[SHARES], trader[CASH] / c.tick, draw,
        numbers[PRICE] if bid == engine.NO_TICK else float(bid),
        numbers[PRICE] if ask == engine.NO_TICK else float(ask),
    )  # fmt: skip
    if volume > 0:
        send(c, s, side, price, volume, j, lifetime)


@njit(**engine.BORROWED)
def _signalled(c, s, j, own, coin, place):
    """A noise, technical or fundamental trader: the demand of the stock market, sent to the book."""
    wanted = _demand(c, s, j, own)
    side, price, volume = signal_order(wanted, c.signal_volume, s.numbers[MID], c.order_margin, place)
    if c.replace_orders:
        engine.cancel_all(s.book, j)
    if volume == 0:
        return
    if coin < c.market_share:
        if s.counts[OPEN] == 1:
            send_market(c, s, side, I64(volume), j)
    else:
        send(c, s, side, price, volume, j, c.lifetime)


@njit(**engine.BORROWED)
def _demand(c, s, j, own):
    numbers, past, now = s.numbers, s.past, s.counts[CLOCK] - 1
    if j < c.groups[3]:
        i = j - c.groups[2]
        signal = noise_signal(
            c.public_weight[i], c.public_sd * numbers[PUBLIC], c.private_weight[i], c.private_sd * own
        )
        return hard(signal, 0.0) if c.hard else smoothed(signal)
    if j < c.groups[4]:
        i, mask = j - c.groups[3], past.shape[1] - 1
        short, long = I64(c.short_window[i]), I64(c.long_window[i])
        if now + 1 < long:
            return 0.0
        newest = past[PAST_SUM, now & mask]
        signal = c.tick * trend_signal(
            newest - past[PAST_SUM, (now - short) & mask], short, newest - past[PAST_SUM, (now - long) & mask], long
        )
        return hard(signal, c.trend_threshold[i]) if c.hard else smoothed(c.trend_sensitivity[i] * signal)
    i = j - c.groups[4]
    signal = value_signal(c.tick * numbers[VALUE], c.observation_sd[i] * own, c.tick * numbers[PRICE])
    return hard(signal, 0.0) if c.hard else smoothed(c.value_sensitivity[i] * signal)


@njit(**engine.BORROWED)
def _maker(c, s, j):
    """A market maker renews both quotes."""
    engine.cancel_all(s.book, j)
    bid, ask = quotes(s.numbers[MID], c.maker_spread, c.maker_skew, s.traders[j, SHARES])
    send(c, s, engine.BUY, bid, c.maker_volume, j, c.lifetime)
    send(c, s, engine.SELL, ask, c.maker_volume, j, c.lifetime)
