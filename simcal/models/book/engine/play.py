"""A stream of instructions, as one array, played into a book."""

from __future__ import annotations

import numpy as np
from numba import njit

from simcal.models.book.engine.auction import auction
from simcal.models.book.engine.layout import BORROWED, N_FILLS, N_LIVE, N_SENT, SLOT_BITS
from simcal.models.book.engine.orders import advance, cancel, cancel_all, collect, limit, market, trade

LIMIT, MARKET, CANCEL, ADVANCE, COLLECT, TRADE, AUCTION, CANCEL_ALL = range(8)
INSTRUCTION = np.dtype([
    ("kind", "i4"), ("side", "i4"), ("tick", "i8"), ("volume", "i8"), ("trader", "i8"), ("lifetime", "i8"),
    ("order", "i8"),
])  # fmt: skip


@njit(cache=True, **BORROWED)
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
        if state[N_FILLS] > 0 and book.fills.size - state[N_FILLS] < state[N_LIVE]:
            return row
        do = stream[row]
        if do.kind == LIMIT:
            status, identity = limit(book, do.side, do.tick, do.volume, do.trader, do.lifetime)
            slots[state[N_SENT]] = identity & ((1 << SLOT_BITS) - 1)
            statuses[row] = status
        elif do.kind == MARKET:
            statuses[row], _ = market(book, do.side, do.volume, do.trader)
            slots[state[N_SENT]] = 0
        elif do.kind == CANCEL:
            known = 0 < do.order <= state[N_SENT]
            statuses[row] = cancel(book, (do.order << SLOT_BITS) | slots[do.order] if known else 0)
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
