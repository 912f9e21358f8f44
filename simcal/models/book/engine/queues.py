"""An order enters its queues and leaves them: its level, the wheel of expiries, the account of its trader."""

from __future__ import annotations

import numpy as np
from numba import njit

from simcal.models.book.engine.layout import BEST_BUY, BORROWED, FREE, N_LIVE, USED, key_of
from simcal.models.book.engine.occupancy import highest_below, mark, unmark


@njit(**BORROWED)
def take_slot(book):
    """A free slot, or 0; the last one freed first, because it is still in the cache."""
    state = book.state
    slot = state[FREE]
    if slot > 0:
        state[FREE] = book.orders[slot].next
        return slot
    if state[USED] + 1 < book.orders.shape[0]:
        state[USED] += 1
        return state[USED]
    return np.int64(0)


@njit(**BORROWED)
def free_slot(book, slot):
    """Give a slot back."""
    order = book.orders[slot]
    order.sequence = 0
    order.next = book.state[FREE]
    book.state[FREE] = slot


@njit(**BORROWED)
def enter(book, slot):
    """Put the order in `slot`, whose own numbers are written, at the end of its queues."""
    orders, state = book.orders, book.state
    order = orders[slot]
    side = order.side
    key = key_of(book, side, order.tick)
    level = book.levels[side, key]
    order.next, order.previous = 0, level.tail
    if level.tail > 0:
        orders[level.tail].next = slot
    else:
        level.head = slot
        mark(book.words, side, key)
        if key > state[BEST_BUY + side]:
            state[BEST_BUY + side] = key
    level.tail = slot
    level.volume += order.volume
    state[N_LIVE] += 1

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


@njit(**BORROWED)
def leave(book, slot):
    """Take the order in `slot` out of all its queues and free the slot."""
    orders, state = book.orders, book.state
    order = orders[slot]
    side = order.side
    key = key_of(book, side, order.tick)
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
        if key == state[BEST_BUY + side]:
            state[BEST_BUY + side] = highest_below(book.words, side, key)
    state[N_LIVE] -= 1

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


@njit(**BORROWED)
def reduce(book, slot, volume):
    """Take `volume` off an order, which leaves where nothing is left of it."""
    order = book.orders[slot]
    order.volume -= volume
    book.levels[order.side, key_of(book, order.side, order.tick)].volume -= volume
    if order.volume == 0:
        leave(book, slot)
