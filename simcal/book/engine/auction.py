"""The call auction, an array of instructions played into a book, and accounts that are settled."""

from __future__ import annotations

import numpy as np
from numba import njit

from simcal.book.engine import layout as at
from simcal.book.engine.levels import first_at, next_level
from simcal.book.engine.orders import (
    advance,
    cancel,
    cancel_all,
    collect,
    heads,
    is_crossed,
    limit,
    market,
    trade,
    trade_heads,
)

I64 = np.int64


@njit(**at.BORROWED)
def _following(book, side, slot):
    """The order after `slot` in price and time, or 0."""
    order = book.orders[slot]
    if order.next > 0:
        return I64(order.next)
    tick = next_level(book, side, order.tick)
    return first_at(book, side, tick) if tick != at.NO_TICK else I64(0)


@njit(cache=True, **at.BORROWED)
def clearing_price(book, reference):
    """The price of a call auction in the book as it is.

    Buys above and sells below are paired in priority until they no longer cross. Most volume trades at every price
    between the limits of the last pair; there, of the prices with the least surplus (volume that stays unserved
    though its limit allows the price), the one nearest to the reference is taken. Where all surplus is of buys that is
    the highest price, where all is of sells the lowest; where a surplus of buys at one tick is as large as that of
    sells at the next, the tick nearer to the reference.

    Parameters
    ----------
    reference
        Tick, such as the last trade's; `NO_TICK` for the middle of the prices that are equally good, rounded down.

    Returns
    -------
    tick, volume, pairs
        Price, shares and number of trades; `NO_TICK`, 0, 0 where the book is not crossed.
    """
    if not is_crossed(book):
        return I64(at.NO_TICK), I64(0), I64(0)
    last = book.levels.shape[1] - 1
    buy, sell = heads(book)
    buy_left, sell_left = I64(book.orders[buy].volume), I64(book.orders[sell].volume)
    high, low = I64(0), I64(0)  # limits of the last pair
    volume, pairs = I64(0), I64(0)
    while buy > 0 and sell > 0 and book.orders[buy].tick >= book.orders[sell].tick:
        high, low = I64(book.orders[buy].tick), I64(book.orders[sell].tick)
        traded = min(buy_left, sell_left)
        volume, pairs = volume + traded, pairs + 1
        buy_left, sell_left = buy_left - traded, sell_left - traded
        if buy_left == 0:
            buy = _following(book, at.BUY, buy)
            buy_left = I64(book.orders[buy].volume)
        if sell_left == 0:
            sell = _following(book, at.SELL, sell)
            sell_left = I64(book.orders[sell].volume)

    # The first orders that stay unserved: buys have a surplus up to `below`, sells from `above` on.
    below = I64(book.orders[buy].tick) if buy > 0 else I64(-1)
    above = I64(book.orders[sell].tick) if sell > 0 else last + 1
    first, end = max(low, below + 1), min(high, above - 1)
    if first > end and low <= below and above <= high:
        # Both limits are inside and neighbours: a surplus of buys at `below`, of sells at `above`.
        buys, sells = _unserved(book, buy, buy_left), _unserved(book, sell, sell_left)
        first = end = below if buys < sells else above
        if buys == sells:
            first, end = below, above
    elif first > end:
        first = end = high if below >= high else low
    if reference == at.NO_TICK:
        reference = (first + end) // 2
    return min(max(reference, first), end), volume, pairs


@njit(**at.BORROWED)
def _unserved(book, slot, left):
    """Volume of a level from an order on, of which `left` is left."""
    volume, slot = left, I64(book.orders[slot].next)
    while slot > 0:
        volume += book.orders[slot].volume
        slot = I64(book.orders[slot].next)
    return volume


@njit(cache=True, **at.BORROWED)
def auction(book, reference):
    """Hold a call auction; the session stays what it is.

    All orders take part in the order of price and time, also two of the same trader. Each pair is recorded with the
    newer order as the incoming one.

    Parameters
    ----------
    reference
        See `clearing_price`.

    Returns
    -------
    status
        `TRADED` (also where there was nothing to trade), or `FILLS_FULL` with nothing done.
    tick, volume
        Price and shares; `NO_TICK` and 0 where nothing traded.
    """
    tick, volume, pairs = clearing_price(book, reference)
    if pairs > book.fills.size - book.state[at.N_FILLS]:
        return at.FILLS_FULL, I64(at.NO_TICK), I64(0)
    for _ in range(pairs):
        buy, sell = heads(book)
        traded = min(book.orders[buy].volume, book.orders[sell].volume)
        trade_heads(book, buy, sell, tick, traded)
    return at.TRADED, tick, volume


LIMIT, MARKET, CANCEL, ADVANCE, COLLECT, TRADE, AUCTION, CANCEL_ALL = range(8)
INSTRUCTION = np.dtype([
    ("kind", "i4"), ("side", "i4"), ("tick", "i8"), ("volume", "i8"), ("trader", "i8"), ("lifetime", "i8"),
    ("order", "i8"),
])  # fmt: skip


@njit(cache=True, **at.BORROWED)
def play(book, stream, begin, slots, statuses):
    """Play instructions into a book, from row `begin`, until they end or the buffer of trades might overflow.

    Parameters
    ----------
    stream : array of INSTRUCTION
        `CANCEL` cancels the order with the number `order`: the place among all orders sent to the book, from 1.
        `ADVANCE` moves the clock by `volume` steps. `AUCTION` takes `tick` as its reference.
    slots : array of int32
        Slots of the orders by their number, with room for all that are sent; read and written.
    statuses : array of int64, shape (n_instructions,)
        Gets what became of each: a status, of `CANCEL_ALL` and `ADVANCE` the number of orders that left.

    Returns
    -------
    The row that comes next. With a buffer of trades as large as the capacity, it is larger than `begin` whenever the
    buffer was empty.
    """
    state = book.state
    for row in range(begin, stream.size):
        if state[at.N_FILLS] > 0 and book.fills.size - state[at.N_FILLS] < state[at.N_LIVE]:
            return row
        do = stream[row]
        if do.kind == LIMIT:
            status, identity = limit(book, do.side, do.tick, do.volume, do.trader, do.lifetime)
            slots[state[at.N_SENT]] = identity & ((1 << at.SLOT_BITS) - 1)
            statuses[row] = status
        elif do.kind == MARKET:
            statuses[row], _ = market(book, do.side, do.volume, do.trader)
            slots[state[at.N_SENT]] = 0
        elif do.kind == CANCEL:
            known = 0 < do.order <= state[at.N_SENT]
            statuses[row] = cancel(book, (do.order << at.SLOT_BITS) | slots[do.order] if known else 0)
        elif do.kind == CANCEL_ALL:
            statuses[row] = cancel_all(book, do.trader)
        elif do.kind == ADVANCE:
            statuses[row] = 0
            for _ in range(do.volume):
                statuses[row] += advance(book)
        elif do.kind == COLLECT:
            collect(book)
            statuses[row] = 0
        elif do.kind == TRADE:
            trade(book)
            statuses[row] = 0
        elif do.kind == AUCTION:
            statuses[row], _, _ = auction(book, do.tick)
    return stream.size


@njit(cache=True, **at.BORROWED)
def settle(fills, count, shares, cash, tick_size):
    """Book the first `count` trades of a buffer.

    Parameters
    ----------
    fills : array of FILL
        `book.fills`, with `count` = `n_fills(book)`.
    shares, cash : arrays, shape (n_traders,)
        What each trader has; changed in place, and may become negative.
    tick_size
        Currency per tick. With integers (a tick size of 1 and cash in ticks) the sum of all cash is kept exactly.
    """
    for row in range(count):
        fill = fills[row]
        paid = fill.tick * tick_size * fill.volume
        shares[fill.buyer] += fill.volume
        shares[fill.seller] -= fill.volume
        cash[fill.buyer] -= paid
        cash[fill.seller] += paid
