"""Looking at a book: best prices, levels from the best outwards, orders of a level and of a trader."""

from __future__ import annotations

import numpy as np
from numba import njit

from simcal.models.book.engine.layout import (
    BEST_BUY,
    BORROWED,
    BUY,
    LAST_TICK,
    N_FILLS,
    N_LIVE,
    NO_TICK,
    SELL,
    STEP,
    key_of,
)
from simcal.models.book.engine.occupancy import highest_below

I64 = np.int64


@njit(**BORROWED)
def best(book, side):
    """Best tick of a side, or `NO_TICK`."""
    key = book.state[BEST_BUY + side]
    return key_of(book, side, key) if key >= 0 else I64(NO_TICK)


@njit(**BORROWED)
def best_bid(book):
    """Highest tick at which somebody buys, or `NO_TICK`."""
    return best(book, BUY)


@njit(**BORROWED)
def best_ask(book):
    """Lowest tick at which somebody sells, or `NO_TICK`."""
    return best(book, SELL)


@njit(**BORROWED)
def next_level(book, side, tick):
    """The tick of the next level with orders, one further from the best than `tick`, or `NO_TICK`."""
    key = highest_below(book.words, side, key_of(book, side, tick))
    return key_of(book, side, key) if key >= 0 else I64(NO_TICK)


@njit(**BORROWED)
def volume_at(book, side, tick):
    """Shares that rest at a tick on a side."""
    return book.levels[side, key_of(book, side, tick)].volume


@njit(**BORROWED)
def depth(book, side, ticks, volumes):
    """Fill two arrays with the levels of a side from the best outwards; how many there were room for."""
    tick, count = best(book, side), 0
    while tick != NO_TICK and count < ticks.size:
        ticks[count], volumes[count] = tick, volume_at(book, side, tick)
        tick = next_level(book, side, tick)
        count += 1
    return count


@njit(**BORROWED)
def first_at(book, side, tick):
    """Slot of the oldest order of a level, or 0; the next one is `book.orders[slot].next`."""
    return I64(book.levels[side, key_of(book, side, tick)].head)


@njit(**BORROWED)
def first_owned(book, trader):
    """Slot of the newest live order of a trader, or 0; the next one is `book.orders[slot].own_next`."""
    return I64(book.owned[trader])


@njit(**BORROWED)
def step_of(book):
    """The clock."""
    return book.state[STEP]


@njit(**BORROWED)
def last_tick(book):
    """Tick of the last trade, or `NO_TICK`."""
    return book.state[LAST_TICK]


@njit(**BORROWED)
def n_fills(book):
    """Trades in the buffer."""
    return book.state[N_FILLS]


@njit(**BORROWED)
def n_live(book):
    """Orders in the book."""
    return book.state[N_LIVE]
