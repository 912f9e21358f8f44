"""Shares and cash change hands."""

from __future__ import annotations

from numba import njit

from simcal.models.book.engine.layout import BORROWED


@njit(cache=True, **BORROWED)
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
