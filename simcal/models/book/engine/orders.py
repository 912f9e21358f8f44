"""What a trader or the clock does to a book: limit, market and cancel orders, a step of time, sessions."""

from __future__ import annotations

import numpy as np
from numba import njit

from simcal.models.book.engine.layout import (
    BAD_SIDE,
    BAD_TICK,
    BAD_TRADER,
    BAD_VOLUME,
    BEST_BUY,
    BEST_SELL,
    BOOK_FULL,
    BORROWED,
    CANCELLED,
    DROPPED,
    FREE,
    LAST_TICK,
    MAX_VOLUME,
    N_FILLS,
    N_SENT,
    NO_TICK,
    NOT_TRADING,
    RESTING,
    SLOT_BITS,
    STEP,
    TRADED,
    TRADING,
    UNKNOWN_ORDER,
    USED,
    key_of,
)
from simcal.models.book.engine.matching import is_crossed, sweep, uncross
from simcal.models.book.engine.queues import enter, free_slot, leave, take_slot

I64 = np.int64


@njit(**BORROWED)
def _refusal(book, side, tick, volume, trader):
    if side != 0 and side != 1:
        return BAD_SIDE
    if not 0 <= tick < book.levels.shape[1]:
        return BAD_TICK
    if not 0 < volume <= MAX_VOLUME:
        return BAD_VOLUME
    if trader < 0 or (book.owned.size > 0 and trader >= book.owned.size):
        return BAD_TRADER
    return 0


@njit(**BORROWED)
def _write(book, slot, side, tick, volume, trader, lifetime):
    order, now = book.orders[slot], book.state[STEP]
    order.sequence = book.state[N_SENT]
    order.side, order.tick, order.trader, order.placed = side, tick, trader, now
    order.volume, order.sent = volume, volume
    order.expiry = now + lifetime + 1 if lifetime >= 0 else 0


@njit(cache=True, **BORROWED)
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
    state[N_SENT] += 1
    status = _refusal(book, side, tick, volume, trader)
    if status < 0:
        return status, I64(0)
    slot = take_slot(book)
    if slot == 0:
        return BOOK_FULL, I64(0)
    identity = (state[N_SENT] << SLOT_BITS) | slot
    if state[TRADING] == 0:
        _write(book, slot, side, tick, volume, trader, lifetime)
        enter(book, slot)
        return RESTING, identity
    if is_crossed(book):
        _write(book, slot, side, tick, volume, trader, lifetime)
        enter(book, slot)
        status = uncross(book)
        if book.orders[slot].sequence == state[N_SENT]:
            if status == TRADED:
                return RESTING, identity
            leave(book, slot)  # what could not be recorded: as in an uncrossed book
        elif status == TRADED and book.orders[slot].volume > 0:
            status = DROPPED
        return status, identity
    status, left = sweep(book, identity, side, key_of(book, side, tick), volume, trader)
    if left == 0 or status != TRADED:
        free_slot(book, slot)
        return status, identity
    _write(book, slot, side, tick, volume, trader, lifetime)
    book.orders[slot].volume = left
    enter(book, slot)
    return RESTING, identity


@njit(cache=True, **BORROWED)
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
    state[N_SENT] += 1
    status = _refusal(book, side, 0, volume, trader)
    if status == 0 and state[TRADING] == 0:
        status = NOT_TRADING
    if status < 0:
        return status, I64(0)
    identity = state[N_SENT] << SLOT_BITS
    if is_crossed(book):
        status = uncross(book)
        if status < 0:
            return status, identity
    status, left = sweep(book, identity, side, book.levels.shape[1] - 1, volume, trader)
    return DROPPED if left > 0 and status == TRADED else status, identity


@njit(**BORROWED)
def slot_of(book, identity):
    """Slot of a live order, or 0 where none has this number (any more)."""
    slot = identity & ((1 << SLOT_BITS) - 1)
    sequence = identity >> SLOT_BITS
    if sequence > 0 and 0 < slot < book.orders.size and book.orders[slot].sequence == sequence:
        return slot
    return I64(0)


@njit(cache=True, **BORROWED)
def cancel(book, identity):
    """Cancel a live order: `CANCELLED`, or `UNKNOWN_ORDER` if it has traded, expired or never was."""
    slot = slot_of(book, identity)
    if slot == 0:
        return UNKNOWN_ORDER
    leave(book, slot)
    return CANCELLED


@njit(cache=True, **BORROWED)
def cancel_all(book, trader):
    """Cancel all live orders of a trader and count them; for books made with `n_traders`."""
    count = 0
    if 0 <= trader < book.owned.size:
        while book.owned[trader] > 0:
            leave(book, I64(book.owned[trader]))
            count += 1
    return count


@njit(cache=True, **BORROWED)
def advance(book):
    """Move the clock by one step and remove the orders whose last step is over; how many those were."""
    book.state[STEP] += 1
    now, count = book.state[STEP], 0
    slot = I64(book.expiries[now & (book.expiries.size - 1)])
    while slot > 0:
        following = I64(book.orders[slot].expiry_next)
        if book.orders[slot].expiry == now:
            leave(book, slot)
            count += 1
        slot = following
    return count


@njit(**BORROWED)
def collect(book):
    """From now on orders rest without trading, and the book may cross."""
    book.state[TRADING] = 0


@njit(**BORROWED)
def trade(book):
    """From now on orders trade as they come; a crossed book trades with itself at the next order (see `auction`)."""
    book.state[TRADING] = 1


@njit(**BORROWED)
def clear_fills(book):
    """Empty the buffer of trades."""
    book.state[N_FILLS] = 0


@njit(cache=True, **BORROWED)
def reset(book):
    """Make the book as it was when it was new, in time linear in the orders that ever rested at once."""
    state = book.state
    for slot in range(1, state[USED] + 1):
        if book.orders[slot].sequence > 0:
            leave(book, slot)
    state[STEP] = state[N_FILLS] = state[N_SENT] = state[FREE] = state[USED] = 0
    state[BEST_BUY] = state[BEST_SELL] = state[LAST_TICK] = NO_TICK
    state[TRADING] = 1
