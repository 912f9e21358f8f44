"""One step of a market: the trader who was drawn acts, orders match, the clock moves, the next one looks."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from simcal.learning.books.features import mid_or_price, observe, returns_since
from simcal.learning.books.layout import (
    ACTING,
    ASK_RATIO,
    BEFORE,
    BID_RATIO,
    CASH,
    EARNED,
    EXPOSURE,
    GAP,
    LOG_VALUE,
    MID,
    N_BUYS,
    N_EMPTY,
    N_ORDERS,
    N_REFUSED,
    N_TRADES,
    N_TRADING,
    N_VOLUME,
    NEXT_SHOCK,
    OPENED,
    PREVIOUS,
    PRICE,
    RECORD_MID,
    RECORD_PRICE,
    RECORD_VALUE,
    RETURN,
    RUN,
    SESSION,
    SESSION_END,
    SHARES,
    SINCE,
    STEP,
    VALUE_SD,
    VARIANCE,
)
from simcal.learning.books.rewards import gains, wealth_level
from simcal.learning.specs import BLOCK_MARKET, BLOCK_POLICY
from simcal.models.book import engine
from simcal.models.book.engine.layout import SLOT_BITS
from simcal.noise.compiled import normal_pair, philox

I64, U32, U64 = np.int64, np.uint32, np.uint64


@njit(**engine.BORROWED)
def look(c, one, k0, k1, path, features, noise):
    """Draw who acts at this step and write what she sees, and two normals for her policy.

    Where her decision before this one ends here, its reward "gains" waits in EARNED.
    """
    counts, numbers = one.counts, one.numbers
    step = U32(counts[STEP] + 1)
    who, _, first, second = philox(k0, k1, U32(path), U32(path >> U64(32)), step, U32(BLOCK_MARKET))
    j = I64((U64(who) * U64(c.n_traders)) >> U64(32))
    blur, numbers[NEXT_SHOCK] = normal_pair(first, second, 1.0)
    words = philox(k0, k1, U32(path), U32(path >> U64(32)), step, U32(BLOCK_POLICY))
    noise[0], noise[1] = normal_pair(words[0], words[1], 1.0)
    drift, variance, bids, asks = observe(c, one, j, blur, features)
    numbers[RETURN], numbers[VARIANCE], numbers[BID_RATIO], numbers[ASK_RATIO] = drift, variance, bids, asks
    counts[ACTING] = j
    trader = one.traders[j]
    wealth = trader[CASH] + trader[SHARES] * numbers[PRICE] * c.tick
    numbers[EARNED] = 0.0
    if c.gains and trader[PREVIOUS] >= 0:
        numbers[EARNED] = gains(c, trader, wealth, variance)
    trader[BEFORE] = wealth


@njit(**engine.BORROWED)
def play(c, one, patience, size):
    """Let the trader whose turn it is act, and move the clock; returns the reward of her decision before this one."""
    counts, numbers = one.counts, one.numbers
    j = counts[ACTING]
    trader, ordered = one.traders[j], _order(c, one, j, patience, size)
    now = counts[STEP]
    _tick_clock(c, one)
    if ordered:
        trader[SINCE] = max(now, c.first_trade)
    price = numbers[PRICE] * c.tick
    earned = numbers[EARNED]
    if c.gains:
        held = trader[SHARES] * price
        trader[EXPOSURE] = held / max(trader[CASH] + held, c.reserve)
    elif trader[PREVIOUS] >= 0:
        earned = wealth_level(c, trader, numbers, price)
    trader[PREVIOUS] = now
    return earned


@njit(**engine.BORROWED)
def close(c, one, earned):
    """Write the rewards "gains" of all traders' last decisions at the close, at the fundamental value, to `earned`."""
    value = math.exp(one.numbers[LOG_VALUE])
    for j in range(c.n_traders):
        trader = one.traders[j]
        if trader[PREVIOUS] >= 0:
            _, variance = returns_since(c, one, trader)
            earned[j] = gains(c, trader, trader[CASH] + trader[SHARES] * value, variance)


@njit(**engine.BORROWED)
def _order(c, one, j, patience, size):
    """Send the order that an action stands for; whether there was one that the book took."""
    counts, trader, mid = one.counts, one.traders[j], mid_or_price(one)
    volume = I64(math.ceil(c.largest * abs(size)))
    if size > 0:
        side, tick = engine.BUY, I64(math.floor(mid * (1.0 - c.band * patience)))
    else:
        side, tick = engine.SELL, I64(math.ceil(mid * (1.0 + c.band * patience)))
    if c.affordable:
        most = trader[CASH] / (max(tick, 1) * c.tick) if size > 0 else trader[SHARES]
        volume = min(volume, I64(math.floor(max(most, 0.0))))
    if volume < 1:
        return False
    status, identity = engine.BAD_TICK, I64(0)
    if tick > 0:  # a price of 0 has no logarithm
        status, identity = engine.limit(one.book, side, tick, volume, j, c.lifetime)
    if status < 0:
        counts[N_REFUSED] += 1
        return False
    counts[N_ORDERS] += 1
    counts[N_BUYS] += 1 if size > 0 else 0
    place = counts[STEP] % one.ticks.size
    one.ticks[place], one.volumes[place] = tick, volume if size > 0 else -volume
    one.places[_slot(identity)] = place
    _settle(c, one)
    return True


@njit(**engine.BORROWED)
def _slot(identity):
    """The slot of an order in the book, also of one that has just left it."""
    return identity & ((1 << SLOT_BITS) - 1)


@njit(**engine.BORROWED)
def from_outside(c, one, shares):
    """Send a market order of somebody who is none of the traders, as the last of `one.traders`; what traded of it.

    Parameters
    ----------
    shares
        To buy; below 0 to sell. Nothing trades while orders are only collected.
    """
    trader = one.traders.shape[0] - 1
    before = one.traders[trader, SHARES]
    status, _ = engine.market(one.book, engine.BUY if shares > 0 else engine.SELL, abs(shares), trader)
    if status >= 0:
        _settle(c, one)
        _remember(c, one)
    return one.traders[trader, SHARES] - before


@njit(**engine.BORROWED)
def _settle(c, one):
    """Book the trades that just happened, and find price and mid anew."""
    counts, numbers, book = one.counts, one.numbers, one.book
    count = engine.n_fills(book)
    bid, ask = engine.best_bid(book), engine.best_ask(book)
    known = bid != engine.NO_TICK and ask != engine.NO_TICK
    numbers[MID] = 0.5 * (bid + ask) if known else np.nan
    if count > 0:
        accounts = one.traders
        engine.settle(book.fills, count, accounts[:, SHARES], accounts[:, CASH], c.tick)
        numbers[PRICE] = float(engine.last_tick(book))
        mid = mid_or_price(one)
        for row in range(count):
            fill, trade = book.fills[row], one.trades[counts[N_TRADES]]
            trade.step, trade.tick, trade.volume, trade.mid = counts[STEP], fill.tick, fill.volume, mid * c.tick
            trade.buyer, trade.seller = fill.buyer, fill.seller
            trade.bought = 1 if fill.side == engine.BUY else 0
            counts[N_TRADES] += 1
            counts[N_VOLUME] += fill.volume
            for identity in (fill.resting, fill.incoming):
                if _slot(identity) > 0:  # a market order, which only comes from outside, has no place in the book
                    place = one.places[_slot(identity)]
                    one.volumes[place] -= fill.volume if one.volumes[place] > 0 else -fill.volume
        counts[N_TRADING] += 1
        counts[OPENED] = 1
        engine.clear_fills(book)
    elif counts[OPENED] == 0 and counts[SESSION] % 2 == 1 and known:
        numbers[PRICE] = numbers[MID]


@njit(**engine.BORROWED)
def _tick_clock(c, one):
    """The next step: the mid is remembered, the value moves, orders lapse, sessions change."""
    counts, numbers = one.counts, one.numbers
    step = counts[STEP]
    number = one.counted[step]
    if not math.isnan(numbers[MID]):
        log_mid = math.log(numbers[MID] * c.tick)
        one.log_mids[number] = log_mid
        if number > 0:
            change = log_mid - one.log_mids[number - 1]
            one.squares[number] = one.squares[number - 1] + change * change
        else:
            one.squares[number] = 0.0
        number += 1
    elif counts[SESSION] % 2 == 1:
        counts[N_EMPTY] += 1
    one.counted[step + 1] = number
    numbers[LOG_VALUE] += numbers[VALUE_SD] * numbers[NEXT_SHOCK]
    gap = numbers[LOG_VALUE] - math.log(numbers[PRICE] * c.tick)
    numbers[RUN] = abs(gap) + (numbers[RUN] if gap * numbers[GAP] > 0 else 0.0)
    numbers[GAP] = gap
    counts[STEP] = step + 1
    engine.advance(one.book)
    one.volumes[(step + 1) % one.volumes.size] = 0  # of the order that lapses
    change_session(c, one)
    _remember(c, one)


@njit(**engine.BORROWED)
def _remember(c, one):
    """Write down what stands as this step begins."""
    numbers, step = one.numbers, one.counts[STEP]
    one.record[step, RECORD_MID] = mid_or_price(one) * c.tick
    one.record[step, RECORD_VALUE] = math.exp(numbers[LOG_VALUE])
    one.record[step, RECORD_PRICE] = numbers[PRICE] * c.tick


@njit(**engine.BORROWED)
def change_session(c, one):
    """Go to the session of this step: orders only rest, or they trade, after an auction where the rule has one."""
    counts, book = one.counts, one.book
    while counts[STEP] == counts[SESSION_END] and counts[SESSION] + 1 < c.sessions.size:
        counts[SESSION] += 1
        counts[SESSION_END] += c.sessions[counts[SESSION]]
        if counts[SESSION_END] == counts[STEP]:
            continue  # without steps
        if counts[SESSION] % 2 == 0:
            engine.collect(book)
        else:
            if c.auctions:
                engine.auction(book, I64(math.floor(one.numbers[PRICE] + 0.5)))
                _settle(c, one)
            engine.trade(book)
