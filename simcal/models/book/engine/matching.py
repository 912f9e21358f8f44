"""Orders become trades: an incoming order against the other side, or a crossed book against itself."""

from __future__ import annotations

from numba import njit

from simcal.models.book.engine.layout import (
    ALLOW,
    BEST_BUY,
    BEST_SELL,
    BORROWED,
    BUY,
    CANCEL_RESTING,
    DROPPED,
    FILLS_FULL,
    LAST_TICK,
    N_FILLS,
    ONE_PRICE,
    RULE,
    SELF_TRADE,
    SELL,
    SLOT_BITS,
    STEP,
    TRADED,
)
from simcal.models.book.engine.queues import leave, reduce


@njit(**BORROWED)
def record(book, resting, incoming, side, trader, other, tick, volume):
    """Write a trade; `side` and `trader` are the incoming order's."""
    fill = book.fills[book.state[N_FILLS]]
    fill.resting, fill.incoming = resting, incoming
    fill.buyer, fill.seller = (trader, other) if side == BUY else (other, trader)
    fill.tick, fill.volume, fill.step, fill.side = tick, volume, book.state[STEP], side
    book.state[N_FILLS] += 1
    book.state[LAST_TICK] = tick


@njit(**BORROWED)
def use_one_price(book, first):
    """Give all trades from row `first` on the price of the last."""
    for row in range(first, book.state[N_FILLS] - 1):
        book.fills[row].tick = book.state[LAST_TICK]


@njit(**BORROWED)
def sweep(book, identity, side, key, volume, trader):
    """Trade an incoming order with the other side, as far as its key reaches.

    Returns
    -------
    TRADED, or DROPPED or FILLS_FULL where it was stopped, and the volume that is left.
    """
    state, orders = book.state, book.orders
    other, last = 1 - side, book.levels.shape[1] - 1
    first, status = state[N_FILLS], TRADED
    while volume > 0 and key + state[BEST_BUY + other] >= last:
        slot = book.levels[other, state[BEST_BUY + other]].head
        order = orders[slot]
        if order.trader == trader and state[SELF_TRADE] != ALLOW:
            if state[SELF_TRADE] == CANCEL_RESTING:
                leave(book, slot)
                continue
            status = DROPPED
            break
        if state[N_FILLS] == book.fills.size:
            status = FILLS_FULL
            break
        traded = min(volume, order.volume)
        resting = (order.sequence << SLOT_BITS) | slot
        record(book, resting, identity, side, trader, order.trader, order.tick, traded)
        reduce(book, slot, traded)
        volume -= traded
    if state[RULE] == ONE_PRICE:
        use_one_price(book, first)
    return status, volume


@njit(**BORROWED)
def is_crossed(book):
    """Whether a buy and a sell that rest could trade, as they can where orders were only collected."""
    return book.state[BEST_BUY] + book.state[BEST_SELL] >= book.levels.shape[1] - 1


@njit(**BORROWED)
def trade_heads(book, buy, sell, tick, volume):
    """Trade `volume` of two resting orders, the newer taken for the incoming one; at `tick`, or -1 for the older's."""
    b, s = book.orders[buy], book.orders[sell]
    buy_id, sell_id = (b.sequence << SLOT_BITS) | buy, (s.sequence << SLOT_BITS) | sell
    if buy_id > sell_id:
        record(book, sell_id, buy_id, BUY, b.trader, s.trader, s.tick if tick < 0 else tick, volume)
    else:
        record(book, buy_id, sell_id, SELL, s.trader, b.trader, b.tick if tick < 0 else tick, volume)
    reduce(book, buy, volume)
    reduce(book, sell, volume)


@njit(**BORROWED)
def uncross(book):
    """Trade the best buy with the best sell until the book is no longer crossed.

    Returns
    -------
    TRADED, or FILLS_FULL where the buffer ended first.
    """
    state = book.state
    first, status = state[N_FILLS], TRADED
    while is_crossed(book):
        buy, sell = book.levels[BUY, state[BEST_BUY]].head, book.levels[SELL, state[BEST_SELL]].head
        b, s = book.orders[buy], book.orders[sell]
        if b.trader == s.trader and state[SELF_TRADE] != ALLOW:
            older_is_buy = b.sequence < s.sequence
            leave(book, buy if older_is_buy == (state[SELF_TRADE] == CANCEL_RESTING) else sell)
            continue
        if state[N_FILLS] == book.fills.size:
            status = FILLS_FULL
            break
        trade_heads(book, buy, sell, -1, min(b.volume, s.volume))
    if state[RULE] == ONE_PRICE:
        use_one_price(book, first)
    return status
