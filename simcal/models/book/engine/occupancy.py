"""Which price levels have orders: a bit each, and words of bits about words of bits, so that the next one is found in
as many looks as the book is high (three for 262 144 ticks)."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from simcal.models.book.engine.layout import BORROWED

U64, I64 = np.uint64, np.int64
ONE, SIX, LAST = U64(1), U64(6), U64(63)


@intrinsic
def _highest_bit(context, word):

    def code(context, builder, signature, arguments):
        zeros = builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 1))
        return builder.sub(ir.Constant(ir.IntType(64), 63), zeros)

    return types.int64(types.uint64), code


highest_bit: Any = _highest_bit  # place of the highest bit of a uint64 that is not 0


@njit(**BORROWED)
def mark(words, side, key):
    """Note that a level has orders."""
    place = U64(key)
    for height in range(words.shape[1]):
        word = words[side, height, place >> SIX]
        words[side, height, place >> SIX] = word | (ONE << (place & LAST))
        if word != U64(0):
            break
        place = place >> SIX


@njit(**BORROWED)
def unmark(words, side, key):
    """Note that a level has no orders left."""
    place = U64(key)
    for height in range(words.shape[1]):
        word = words[side, height, place >> SIX] & ~(ONE << (place & LAST))
        words[side, height, place >> SIX] = word
        if word != U64(0):
            break
        place = place >> SIX


@njit(**BORROWED)
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
