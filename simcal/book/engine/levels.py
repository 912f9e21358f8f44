"""What rests in a book: the queues an order enters and leaves, which levels have orders, and how one looks at them."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from simcal.book.engine import layout as at

U64, I64 = np.uint64, np.int64
ONE, SIX, LAST = U64(1), U64(6), U64(63)


@intrinsic
def _highest_bit(context, word):

    def code(context, builder, signature, arguments):
        zeros = builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 1))
        return builder.sub(ir.Constant(ir.IntType(64), 63), zeros)

    return types.int64(types.uint64), code


highest_bit: Any = _highest_bit  # place of the highest bit of a uint64 that is not 0


@njit(**at.BORROWED)
def mark(words, side, key):
    """Note that a level has orders."""
    place = U64(key)
    for height in range(words.shape[1]):
        word = words[side, height, place >> SIX]
        words[side, height, place >> SIX] = word | (ONE << (place & LAST))
        if word != U64(0):
            break
        place = place >> SIX


@njit(**at.BORROWED)
def unmark(words, side, key):
    """Note that a level has no orders left."""
    place = U64(key)
    for height in range(words.shape[1]):
        word = words[side, height, place >> SIX] & ~(ONE << (place & LAST))
        words[side, height, place >> SIX] = word
        if word != U64(0):
            break
        place = place >> SIX


@njit(**at.BORROWED)
def highest_below(words, side, key):
    """The highest key with orders below `key`, or -1."""
    place = U64(key)
    for height in range(words.shape[1]):
        word = words[side, height, place >> SIX] & ((ONE << (place & LAST)) - ONE)
        place = place >> SIX
        if word != U64(0):
            place = (place << SIX) | U64(highest_bit(word))
            for lower in range(height - 1, -1, -1):
                place = (place << SIX) | U64(highest_bit(words[side, lower, place]))
            return I64(place)
    return I64(-1)


@njit(**at.BORROWED)
def take_slot(book):
    """A free slot, or 0; the last one freed first, because it is still in the cache."""
    state = book.state
    slot = state[at.FREE]
    if slot > 0:
        state[at.FREE] = book.orders[slot].next
        return slot
    if state[at.USED] + 1 < book.orders.shape[0]:
        state[at.USED] += 1
        return state[at.USED]
    return np.int64(0)


@njit(**at.BORROWED)
def free_slot(book, slot):
    """Give a slot back."""
    order = book.orders[slot]
    order.sequence = 0
    order.next = book.state[at.FREE]
    book.state[at.FREE] = slot


@njit(**at.BORROWED)
def enter(book, slot):
    """Put the order in `slot`, whose own numbers are written, at the end of its queues."""
    orders, state = book.orders, book.state
    order = orders[slot]
    side = order.side
    key = at.key_of(book, side, order.tick)
    level = book.levels[side, key]
    order.next, order.previous = 0, level.tail
    if level.tail > 0:
        orders[level.tail].next = slot
    else:
        level.head = slot
        mark(book.words, side, key)
        if key > state[at.BEST_BUY + side]:
            state[at.BEST_BUY + side] = key
    level.tail = slot
    level.volume += order.volume
    state[at.N_LIVE] += 1

    if order.expiry > 0:
        place = order.expiry & (book.expiries.size - 1)
        first = book.expiries[place]
        order.expiry_next, order.expiry_previous = first, 0
        if first > 0:
            orders[first].expiry_previous = slot
        book.expiries[place] = slot
    if book.owned.size > 0:
        first = book.owned[order.trader]
        order.own_next, order.own_previous = first, 0
        if first > 0:
            orders[first].own_previous = slot
        book.owned[order.trader] = slot


@njit(**at.BORROWED)
def leave(book, slot):
    """Take the order in `slot` out of all its queues and free the slot."""
    orders, state = book.orders, book.state
    order = orders[slot]
    side = order.side
    key = at.key_of(book, side, order.tick)
    level = book.levels[side, key]
    level.volume -= order.volume
    if order.next > 0:
        orders[order.next].previous = order.previous
    else:
        level.tail = order.previous
    if order.previous > 0:
        orders[order.previous].next = order.next
    else:
        level.head = order.next
    if level.head == 0:
        unmark(book.words, side, key)
        if key == state[at.BEST_BUY + side]:
            state[at.BEST_BUY + side] = highest_below(book.words, side, key)
    state[at.N_LIVE] -= 1

    if order.expiry > 0:
        if order.expiry_next > 0:
            orders[order.expiry_next].expiry_previous = order.expiry_previous
        if order.expiry_previous > 0:
            orders[order.expiry_previous].expiry_next = order.expiry_next
        else:
            book.expiries[order.expiry & (book.expiries.size - 1)] = order.expiry_next
    if book.owned.size > 0:
        if order.own_next > 0:
            orders[order.own_next].own_previous = order.own_previous
        if order.own_previous > 0:
            orders[order.own_previous].own_next = order.own_next
        else:
            book.owned[order.trader] = order.own_next
    free_slot(book, slot)


@njit(**at.BORROWED)
def reduce(book, slot, volume):
    """Take `volume` off an order, which leaves where nothing is left of it."""
    order = book.orders[slot]
    order.volume -= volume
    book.levels[order.side, at.key_of(book, order.side, order.tick)].volume -= volume
    if order.volume == 0:
        leave(book, slot)


@njit(**at.BORROWED)
def best(book, side):
    """Best tick of a side, or `NO_TICK`."""
    key = book.state[at.BEST_BUY + side]
    return at.key_of(book, side, key) if key >= 0 else I64(at.NO_TICK)


@njit(**at.BORROWED)
def best_bid(book):
    """Highest tick at which somebody buys, or `NO_TICK`."""
    return best(book, at.BUY)


@njit(**at.BORROWED)
def best_ask(book):
    """Lowest tick at which somebody sells, or `NO_TICK`."""
    return best(book, at.SELL)


@njit(**at.BORROWED)
def next_level(book, side, tick):
    """The tick of the next level with orders, one further from the best than `tick`, or `NO_TICK`."""
    key = highest_below(book.words, side, at.key_of(book, side, tick))
    return at.key_of(book, side, key) if key >= 0 else I64(at.NO_TICK)


@njit(**at.BORROWED)
def volume_at(book, side, tick):
    """Shares that rest at a tick on a side."""
    return book.levels[side, at.key_of(book, side, tick)].volume


@njit(**at.BORROWED)
def depth(book, side, ticks, volumes):
    """Fill two arrays with the levels of a side from the best outwards; how many there were room for."""
    tick, count = best(book, side), 0
    while tick != at.NO_TICK and count < ticks.size:
        ticks[count], volumes[count] = tick, volume_at(book, side, tick)
        tick = next_level(book, side, tick)
        count += 1
    return count


@njit(**at.BORROWED)
def first_at(book, side, tick):
    """Slot of the oldest order of a level, or 0; the next one is `book.orders[slot].next`."""
    return I64(book.levels[side, at.key_of(book, side, tick)].head)


@njit(**at.BORROWED)
def first_owned(book, trader):
    """Slot of the newest live order of a trader, or 0; the next one is `book.orders[slot].own_next`."""
    return I64(book.owned[trader])


@njit(**at.BORROWED)
def step_of(book):
    """The clock."""
    return book.state[at.STEP]


@njit(**at.BORROWED)
def last_tick(book):
    """Tick of the last trade, or `NO_TICK`."""
    return book.state[at.LAST_TICK]


@njit(**at.BORROWED)
def n_fills(book):
    """Trades in the buffer."""
    return book.state[at.N_FILLS]


@njit(**at.BORROWED)
def n_live(book):
    """Orders in the book."""
    return book.state[at.N_LIVE]
