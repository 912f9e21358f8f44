"""The call auction: all orders that were collected trade at the one price at which most can."""

from __future__ import annotations

import numpy as np
from numba import njit

from simcal.models.book.engine.layout import (
    BEST_BUY,
    BEST_SELL,
    BORROWED,
    BUY,
    FILLS_FULL,
    N_FILLS,
    NO_TICK,
    SELL,
    TRADED,
)
from simcal.models.book.engine.matching import is_crossed, trade_heads
from simcal.models.book.engine.views import first_at, next_level

I64 = np.int64


@njit(**BORROWED)
def _following(book, side, slot):
    """The order after `slot` in price and time, or 0."""
    order = book.orders[slot]
    if order.next > 0:
        return I64(order.next)
    tick = next_level(book, side, order.tick)
    return first_at(book, side, tick) if tick != NO_TICK else I64(0)


@njit(cache=True, **BORROWED)
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
        return I64(NO_TICK), I64(0), I64(0)
    last = book.levels.shape[1] - 1
    buy, sell = first_at(book, BUY, book.state[BEST_BUY]), first_at(book, SELL, last - book.state[BEST_SELL])
    buy_left, sell_left = I64(book.orders[buy].volume), I64(book.orders[sell].volume)
    high, low = I64(0), I64(0)  # limits of the last pair
    volume, pairs = I64(0), I64(0)
    while buy > 0 and sell > 0 and book.orders[buy].tick >= book.orders[sell].tick:
        high, low = I64(book.orders[buy].tick), I64(book.orders[sell].tick)
        traded = min(buy_left, sell_left)
        volume, pairs = volume + traded, pairs + 1
        buy_left, sell_left = buy_left - traded, sell_left - traded
        if buy_left == 0:
            buy = _following(book, BUY, buy)
            buy_left = I64(book.orders[buy].volume)
        if sell_left == 0:
            sell = _following(book, SELL, sell)
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
    if reference == NO_TICK:
        reference = (first + end) // 2
    return min(max(reference, first), end), volume, pairs


@njit(**BORROWED)
def _unserved(book, slot, left):
    """Volume of a level from an order on, of which `left` is left."""
    volume, slot = left, I64(book.orders[slot].next)
    while slot > 0:
        volume += book.orders[slot].volume
        slot = I64(book.orders[slot].next)
    return volume


@njit(cache=True, **BORROWED)
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
    if pairs > book.fills.size - book.state[N_FILLS]:
        return FILLS_FULL, I64(NO_TICK), I64(0)
    last = book.levels.shape[1] - 1
    for _ in range(pairs):
        buy, sell = first_at(book, BUY, book.state[BEST_BUY]), first_at(book, SELL, last - book.state[BEST_SELL])
        traded = min(book.orders[buy].volume, book.orders[sell].volume)
        trade_heads(book, buy, sell, tick, traded)
    return TRADED, tick, volume
