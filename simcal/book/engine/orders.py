"""What a trader or the clock does to a book, and how orders become trades."""

from __future__ import annotations

import numpy as np
from numba import njit

from simcal.book.engine import layout as at
from simcal.book.engine.levels import enter, free_slot, leave, reduce, take_slot

I64 = np.int64


@njit(**at.BORROWED)
def record(book, resting, incoming, side, trader, other, tick, volume):
    """Write a trade; `side` and `trader` are the incoming order's."""
    fill = book.fills[book.state[at.N_FILLS]]
    fill.resting, fill.incoming = resting, incoming
    fill.buyer, fill.seller = (trader, other) if side == at.BUY else (other, trader)
    fill.tick, fill.volume, fill.step, fill.side = tick, volume, book.state[at.STEP], side
    book.state[at.N_FILLS] += 1
    book.state[at.LAST_TICK] = tick


@njit(**at.BORROWED)
def use_one_price(book, first):
    """Give all trades from row `first` on the price of the last."""
    for row in range(first, book.state[at.N_FILLS] - 1):
        book.fills[row].tick = book.state[at.LAST_TICK]


@njit(**at.BORROWED)
def sweep(book, identity, side, key, volume, trader):
    """Trade an incoming order with the other side, as far as its key reaches.

    Returns
    -------
    at.TRADED, or at.DROPPED or at.FILLS_FULL where it was stopped, and the volume that is left.
    """
    state, orders = book.state, book.orders
    other, last = 1 - side, book.levels.shape[1] - 1
    first, status = state[at.N_FILLS], at.TRADED
    while volume > 0 and key + state[at.BEST_BUY + other] >= last:
        slot = book.levels[other, state[at.BEST_BUY + other]].head
        order = orders[slot]
        if order.trader == trader and state[at.SELF_TRADE] != at.ALLOW:
            if state[at.SELF_TRADE] == at.CANCEL_RESTING:
                leave(book, slot)
                continue
            status = at.DROPPED
            break
        if state[at.N_FILLS] == book.fills.size:
            status = at.FILLS_FULL
            break
        traded = min(volume, order.volume)
        resting = (order.sequence << at.SLOT_BITS) | slot
        record(book, resting, identity, side, trader, order.trader, order.tick, traded)
        reduce(book, slot, traded)
        volume -= traded
    if state[at.RULE] == at.ONE_PRICE:
        use_one_price(book, first)
    return status, volume


@njit(**at.BORROWED)
def is_crossed(book):
    """Whether a buy and a sell that rest could trade, as they can where orders were only collected."""
    return book.state[at.BEST_BUY] + book.state[at.BEST_SELL] >= book.levels.shape[1] - 1


@njit(**at.BORROWED)
def heads(book):
    """Slots of the best buy and the best sell, where there are both."""
    state, levels = book.state, book.levels
    return I64(levels[at.BUY, state[at.BEST_BUY]].head), I64(levels[at.SELL, state[at.BEST_SELL]].head)


@njit(**at.BORROWED)
def trade_heads(book, buy, sell, tick, volume):
    """Trade `volume` of two resting orders, the newer taken for the incoming one; at `tick`, or -1 for the older's."""
    b, s = book.orders[buy], book.orders[sell]
    buy_id, sell_id = (b.sequence << at.SLOT_BITS) | buy, (s.sequence << at.SLOT_BITS) | sell
    if buy_id > sell_id:
        record(book, sell_id, buy_id, at.BUY, b.trader, s.trader, s.tick if tick < 0 else tick, volume)
    else:
        record(book, buy_id, sell_id, at.SELL, s.trader, b.trader, b.tick if tick < 0 else tick, volume)
    reduce(book, buy, volume)
    reduce(book, sell, volume)


@njit(**at.BORROWED)
def uncross(book):
    """Trade the best buy with the best sell until the book is no longer crossed.

    Returns
    -------
    at.TRADED, or at.FILLS_FULL where the buffer ended first.
    """
    state = book.state
    first, status = state[at.N_FILLS], at.TRADED
    while is_crossed(book):
        buy, sell = heads(book)
        b, s = book.orders[buy], book.orders[sell]
        if b.trader == s.trader and state[at.SELF_TRADE] != at.ALLOW:
            older_is_buy = b.sequence < s.sequence
            leave(book, buy if older_is_buy == (state[at.SELF_TRADE] == at.CANCEL_RESTING) else sell)
            continue
        if state[at.N_FILLS] == book.fills.size:
            status = at.FILLS_FULL
            break
        trade_heads(book, buy, sell, -1, min(b.volume, s.volume))
    if state[at.RULE] == at.ONE_PRICE:
        use_one_price(book, first)
    return status


@njit(**at.BORROWED)
def _refusal(book, side, tick, volume, trader):
    if side != 0 and side != 1:
        return at.BAD_SIDE
    if not 0 <= tick < book.levels.shape[1]:
        return at.BAD_TICK
    if not 0 < volume <= at.MAX_VOLUME:
        return at.BAD_VOLUME
    if trader < 0 or (book.owned.size > 0 and trader >= book.owned.size):
        return at.BAD_TRADER
    return 0


@njit(**at.BORROWED)
def _write(book, slot, side, tick, volume, trader, lifetime):
    order, now = book.orders[slot], book.state[at.STEP]
    order.sequence = book.state[at.N_SENT]
    order.side, order.tick, order.trader, order.placed = side, tick, trader, now
    order.volume, order.sent = volume, volume
    order.expiry = now + lifetime + 1 if lifetime >= 0 else 0


@njit(cache=True, **at.BORROWED)
def limit(book, side, tick, volume, trader, lifetime):
    """Send a limit order.

    Parameters
    ----------
    side
        `BUY` or `SELL`.
    tick, volume
        Worst price accepted, 0 to n_ticks - 1, and shares, at least 1.
    trader
        Who sends it.
    lifetime
        Sent at step s it is alive at steps s to s + lifetime and gone when the clock moves on; `FOREVER` if negative.

    Returns
    -------
    status
        `RESTING` (some or all of it rests), `TRADED` (all of it traded), `DROPPED` (the rest was cancelled, because it
        met an order of its own trader), or negative: `FILLS_FULL` (what could not be recorded did not trade, and the
        rest was cancelled), or refused with nothing done.
    identity : int64
        Names the order, above the identity of every earlier one; 0 if refused. Shifted right by `SLOT_BITS` it is the
        order's place among all that were sent, refused ones included, from 1.
    """
    state = book.state
    state[at.N_SENT] += 1
    status = _refusal(book, side, tick, volume, trader)
    if status < 0:
        return status, I64(0)
    slot = take_slot(book)
    if slot == 0:
        return at.BOOK_FULL, I64(0)
    identity = (state[at.N_SENT] << at.SLOT_BITS) | slot
    if state[at.TRADING] == 0:
        _write(book, slot, side, tick, volume, trader, lifetime)
        enter(book, slot)
        return at.RESTING, identity
    if is_crossed(book):
        _write(book, slot, side, tick, volume, trader, lifetime)
        enter(book, slot)
        status = uncross(book)
        if book.orders[slot].sequence == state[at.N_SENT]:
            if status == at.TRADED:
                return at.RESTING, identity
            leave(book, slot)  # what could not be recorded: as in an uncrossed book
        elif status == at.TRADED and book.orders[slot].volume > 0:
            status = at.DROPPED
        return status, identity
    status, left = sweep(book, identity, side, at.key_of(book, side, tick), volume, trader)
    if left == 0 or status != at.TRADED:
        free_slot(book, slot)
        return status, identity
    _write(book, slot, side, tick, volume, trader, lifetime)
    book.orders[slot].volume = left
    enter(book, slot)
    return at.RESTING, identity


@njit(cache=True, **at.BORROWED)
def market(book, side, volume, trader):
    """Send a market order: it trades with what is there, at any price, and never rests.

    A crossed book trades with itself first, in a sweep of its own.

    Returns
    -------
    status
        `TRADED`, `DROPPED` (some or all of it found nobody to trade with), or negative as in `limit`; `NOT_TRADING`
        while orders are only collected.
    identity : int64
        Names the order in its trades; 0 if refused.
    """
    state = book.state
    state[at.N_SENT] += 1
    status = _refusal(book, side, 0, volume, trader)
    if status == 0 and state[at.TRADING] == 0:
        status = at.NOT_TRADING
    if status < 0:
        return status, I64(0)
    identity = state[at.N_SENT] << at.SLOT_BITS
    if is_crossed(book):
        status = uncross(book)
        if status < 0:
            return status, identity
    status, left = sweep(book, identity, side, book.levels.shape[1] - 1, volume, trader)
    return at.DROPPED if left > 0 and status == at.TRADED else status, identity


@njit(**at.BORROWED)
def slot_of(book, identity):
    """Slot of a live order, or 0 where none has this number (any more)."""
    slot = identity & ((1 << at.SLOT_BITS) - 1)
    sequence = identity >> at.SLOT_BITS
    if sequence > 0 and 0 < slot < book.orders.size and book.orders[slot].sequence == sequence:
        return slot
    return I64(0)


@njit(cache=True, **at.BORROWED)
def cancel(book, identity):
    """Cancel a live order: `CANCELLED`, or `UNKNOWN_ORDER` if it has traded, expired or never was."""
    slot = slot_of(book, identity)
    if slot == 0:
        return at.UNKNOWN_ORDER
    leave(book, slot)
    return at.CANCELLED


@njit(cache=True, **at.BORROWED)
def cancel_all(book, trader):
    """Cancel all live orders of a trader and count them; for books made with `n_traders`."""
    count = 0
    if 0 <= trader < book.owned.size:
        while book.owned[trader] > 0:
            leave(book, I64(book.owned[trader]))
            count += 1
    return count


@njit(cache=True, **at.BORROWED)
def advance(book):
    """Move the clock by one step and remove the orders whose last step is over; how many those were."""
    book.state[at.STEP] += 1
    now, count = book.state[at.STEP], 0
    slot = I64(book.expiries[now & (book.expiries.size - 1)])
    while slot > 0:
        following = I64(book.orders[slot].expiry_next)
        if book.orders[slot].expiry == now:
            leave(book, slot)
            count += 1
        slot = following
    return count


@njit(**at.BORROWED)
def collect(book):
    """From now on orders rest without trading, and the book may cross."""
    book.state[at.TRADING] = 0


@njit(**at.BORROWED)
def trade(book):
    """From now on orders trade as they come; a crossed book trades with itself at the next order (see `auction`)."""
    book.state[at.TRADING] = 1


@njit(**at.BORROWED)
def clear_fills(book):
    """Empty the buffer of trades."""
    book.state[at.N_FILLS] = 0


@njit(cache=True, **at.BORROWED)
def reset(book):
    """Make the book as it was when it was new, in time linear in the orders that ever rested at once."""
    state = book.state
    for slot in range(1, state[at.USED] + 1):
        if book.orders[slot].sequence > 0:
            leave(book, slot)
    state[at.STEP] = state[at.N_FILLS] = state[at.N_SENT] = state[at.FREE] = state[at.USED] = 0
    state[at.BEST_BUY] = state[at.BEST_SELL] = state[at.LAST_TICK] = at.NO_TICK
    state[at.TRADING] = 1
