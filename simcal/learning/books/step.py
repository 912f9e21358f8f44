"""An episode's beginning and one step of it: who was drawn acts, orders match, the clock moves, the next one looks."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from simcal.book import engine
from simcal.learning.books import layout as at
from simcal.learning.books.features import gains, mid_or_price, observe, returns_since, wealth_level
from simcal.noise.compiled import normal_pair, philox, uniform

I64, U32, U64 = np.int64, np.uint32, np.uint64


@njit(**engine.BORROWED)
def look(c, one, k0, k1, path, features, noise):
    """Draw who acts at this step and write what she sees, and two normals for her policy.

    Where her decision before this one ends here, its reward "gains" waits in `numbers[EARNED]`.
    """
    counts, numbers = one.counts, one.numbers
    step = U32(counts[at.STEP] + 1)
    who, _, first, second = philox(k0, k1, U32(path), U32(path >> U64(32)), step, U32(at.BLOCK_MARKET))
    j = I64((U64(who) * U64(c.n_traders)) >> U64(32))
    blur, numbers[at.NEXT_SHOCK] = normal_pair(first, second, 1.0)
    words = philox(k0, k1, U32(path), U32(path >> U64(32)), step, U32(at.BLOCK_POLICY))
    noise[0], noise[1] = normal_pair(words[0], words[1], 1.0)
    drift, variance, bids, asks = observe(c, one, j, blur, features)
    numbers[at.RETURN], numbers[at.VARIANCE], numbers[at.BID_RATIO], numbers[at.ASK_RATIO] = drift, variance, bids, asks
    counts[at.ACTING] = j
    trader = one.traders[j]
    wealth = trader[at.CASH] + trader[at.SHARES] * numbers[at.PRICE] * c.tick
    numbers[at.EARNED] = 0.0
    if c.gains and trader[at.PREVIOUS] >= 0:
        numbers[at.EARNED] = gains(c, trader, wealth, variance)
    trader[at.BEFORE] = wealth


@njit(**engine.BORROWED)
def play(c, one, patience, size):
    """Let the trader whose turn it is act, and move the clock; returns the reward of her decision before this one."""
    counts, numbers = one.counts, one.numbers
    j = counts[at.ACTING]
    trader, ordered = one.traders[j], _order(c, one, j, patience, size)
    now = counts[at.STEP]
    _tick_clock(c, one)
    if ordered:
        trader[at.SINCE] = max(now, c.first_trade)
    price = numbers[at.PRICE] * c.tick
    earned = numbers[at.EARNED]
    if c.gains:
        held = trader[at.SHARES] * price
        trader[at.EXPOSURE] = held / max(trader[at.CASH] + held, c.reserve)
    elif trader[at.PREVIOUS] >= 0:
        earned = wealth_level(c, trader, numbers, price)
    trader[at.PREVIOUS] = now
    return earned


@njit(**engine.BORROWED)
def close(c, one, earned):
    """Write the rewards "gains" of all traders' last decisions at the close, at the fundamental value, to `earned`."""
    value = math.exp(one.numbers[at.LOG_VALUE])
    for j in range(c.n_traders):
        trader = one.traders[j]
        if trader[at.PREVIOUS] >= 0:
            _, variance = returns_since(c, one, trader)
            earned[j] = gains(c, trader, trader[at.CASH] + trader[at.SHARES] * value, variance)


@njit(**engine.BORROWED)
def _order(c, one, j, patience, size):
    """Send the order that an action stands for; whether there was one that the book took."""
    counts, trader, mid = one.counts, one.traders[j], mid_or_price(one)
    volume = I64(math.ceil(c.largest_volume * abs(size)))
    if size > 0:
        side, tick = engine.BUY, I64(math.floor(mid * (1.0 - c.price_band * patience)))
    else:
        side, tick = engine.SELL, I64(math.ceil(mid * (1.0 + c.price_band * patience)))
    if c.affordable:
        most = trader[at.CASH] / (max(tick, 1) * c.tick) if size > 0 else trader[at.SHARES]
        volume = min(volume, I64(math.floor(max(most, 0.0))))
    if volume < 1:
        return False
    status, identity = engine.BAD_TICK, I64(0)
    if tick > 0:  # a price of 0 has no logarithm
        status, identity = engine.limit(one.book, side, tick, volume, j, c.order_lifetime)
    if status < 0:
        counts[at.N_REFUSED] += 1
        return False
    counts[at.N_ORDERS] += 1
    counts[at.N_BUYS] += 1 if size > 0 else 0
    place = counts[at.STEP] % one.ticks.size
    one.ticks[place], one.volumes[place] = tick, volume if size > 0 else -volume
    one.places[_slot(identity)] = place
    _settle(c, one)
    return True


@njit(**engine.BORROWED)
def _slot(identity):
    """The slot of an order in the book, also of one that has just left it."""
    return identity & ((1 << engine.SLOT_BITS) - 1)


@njit(**engine.BORROWED)
def from_outside(c, one, shares):
    """Send a market order of somebody who is none of the traders, as the last of `one.traders`; what traded of it.

    Parameters
    ----------
    shares
        To buy; below 0 to sell. Nothing trades while orders are only collected.
    """
    trader = one.traders.shape[0] - 1
    before = one.traders[trader, at.SHARES]
    status, _ = engine.market(one.book, engine.BUY if shares > 0 else engine.SELL, abs(shares), trader)
    if status >= 0:
        _settle(c, one)
        _remember(c, one)
    return one.traders[trader, at.SHARES] - before


@njit(**engine.BORROWED)
def _settle(c, one):
    """Book the trades that just happened, and find price and mid anew."""
    counts, numbers, book = one.counts, one.numbers, one.book
    count = engine.n_fills(book)
    bid, ask = engine.best_bid(book), engine.best_ask(book)
    known = bid != engine.NO_TICK and ask != engine.NO_TICK
    numbers[at.MID] = 0.5 * (bid + ask) if known else np.nan
    if count > 0:
        accounts = one.traders
        engine.settle(book.fills, count, accounts[:, at.SHARES], accounts[:, at.CASH], c.tick)
        numbers[at.PRICE] = float(engine.last_tick(book))
        mid = mid_or_price(one)
        for row in range(count):
            fill, trade = book.fills[row], one.trades[counts[at.N_TRADES]]
            trade.step, trade.tick, trade.volume, trade.mid = counts[at.STEP], fill.tick, fill.volume, mid * c.tick
            trade.buyer, trade.seller = fill.buyer, fill.seller
            trade.bought = 1 if fill.side == engine.BUY else 0
            counts[at.N_TRADES] += 1
            counts[at.N_VOLUME] += fill.volume
            for identity in (fill.resting, fill.incoming):
                if _slot(identity) > 0:  # a market order, which only comes from outside, has no place in the book
                    place = one.places[_slot(identity)]
                    one.volumes[place] -= fill.volume if one.volumes[place] > 0 else -fill.volume
        counts[at.N_TRADING] += 1
        counts[at.OPENED] = 1
        engine.clear_fills(book)
    elif counts[at.OPENED] == 0 and counts[at.SESSION] % 2 == 1 and known:
        numbers[at.PRICE] = numbers[at.MID]


@njit(**engine.BORROWED)
def _tick_clock(c, one):
    """The next step: the mid is remembered, the value moves, orders lapse, sessions change."""
    counts, numbers = one.counts, one.numbers
    step = counts[at.STEP]
    number = one.counted[step]
    if not math.isnan(numbers[at.MID]):
        log_mid = math.log(numbers[at.MID] * c.tick)
        one.log_mids[number] = log_mid
        if number > 0:
            change = log_mid - one.log_mids[number - 1]
            one.squares[number] = one.squares[number - 1] + change * change
        else:
            one.squares[number] = 0.0
        number += 1
    elif counts[at.SESSION] % 2 == 1:
        counts[at.N_EMPTY] += 1
    one.counted[step + 1] = number
    numbers[at.LOG_VALUE] += numbers[at.VALUE_SD] * numbers[at.NEXT_SHOCK]
    gap = numbers[at.LOG_VALUE] - math.log(numbers[at.PRICE] * c.tick)
    numbers[at.RUN] = abs(gap) + (numbers[at.RUN] if gap * numbers[at.GAP] > 0 else 0.0)
    numbers[at.GAP] = gap
    counts[at.STEP] = step + 1
    engine.advance(one.book)
    one.volumes[(step + 1) % one.volumes.size] = 0  # of the order that lapses
    change_session(c, one)
    _remember(c, one)


@njit(**engine.BORROWED)
def _remember(c, one):
    """Write down what stands as this step begins."""
    numbers, step = one.numbers, one.counts[at.STEP]
    one.record[step, at.RECORD_MID] = mid_or_price(one) * c.tick
    one.record[step, at.RECORD_VALUE] = math.exp(numbers[at.LOG_VALUE])
    one.record[step, at.RECORD_PRICE] = numbers[at.PRICE] * c.tick


@njit(**engine.BORROWED)
def change_session(c, one):
    """Go to the session of this step: orders only rest, or they trade, after an auction where the rule has one."""
    counts, book = one.counts, one.book
    while counts[at.STEP] == counts[at.SESSION_END] and counts[at.SESSION] + 1 < c.sessions.size:
        counts[at.SESSION] += 1
        counts[at.SESSION_END] += c.sessions[counts[at.SESSION]]
        if counts[at.SESSION_END] == counts[at.STEP]:
            continue  # without steps
        if counts[at.SESSION] % 2 == 0:
            engine.collect(book)
        else:
            if c.auctions:
                engine.auction(book, I64(math.floor(one.numbers[at.PRICE] + 0.5)))
                _settle(c, one)
            engine.trade(book)


@njit(**engine.BORROWED)
def start(c, one, k0, k1, path):
    """Begin episode number `path` in market b."""
    low, high = U32(path), U32(path >> U64(32))
    price = c.start_tick * c.tick
    for j in range(c.n_traders):
        trader = one.traders[j]
        w0, w1, w2, _ = philox(k0, k1, low, high, U32(0), U32(2 * j))
        trader[at.SHARES] = math.floor(-c.shares_mean * math.log(uniform(w0, 1.0)))
        trader[at.CASH] = -c.cash_mean * math.log(uniform(w1, 1.0))
        trader[at.DISCOUNT] = c.discount_low + (c.discount_high - c.discount_low) * uniform(w2, 1.0)
        w0, w1, _, _ = philox(k0, k1, low, high, U32(0), U32(2 * j + 1))
        for_risk, for_noise = normal_pair(w0, w1, 1.0)
        trader[at.RISK] = c.risk_aversion_mean + c.risk_aversion_sd * for_risk
        trader[at.NOISE] = c.noise_mean + c.noise_sd * for_noise
        trader[at.SINCE], trader[at.PREVIOUS] = c.first_trade, -1.0
        trader[at.START] = trader[at.CASH] + trader[at.SHARES] * price
    w0, _, _, _ = philox(k0, k1, low, high, U32(0), U32(2 * c.n_traders))
    one.numbers[:] = 0.0
    one.counts[:] = 0
    numbers = one.numbers
    numbers[at.PRICE], numbers[at.MID] = c.start_tick, np.nan
    numbers[at.LOG_VALUE], numbers[at.VALUE_SD] = math.log(price), c.fundamental_volatility * uniform(w0, 1.0)
    one.counted[0] = 0
    one.volumes[:] = 0
    one.record[0, at.RECORD_MID] = price
    one.record[0, at.RECORD_VALUE] = price
    one.record[0, at.RECORD_PRICE] = price
    book = one.book
    engine.reset(book)
    engine.collect(book)
    one.counts[at.SESSION_END] = c.sessions[0]
    change_session(c, one)
