"""The arrays of an order book: what an order, a price level and a fill are, and how books are made.

Everything that is zero is empty, so memory that no order has touched costs nothing: a book of 65 536 ticks takes two
megabytes of address space and a few pages in fact.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simcal.errors import ParameterError
from simcal.stale_code import forget_stale_code

forget_stale_code()  # before any compiled function is looked for

BUY, SELL = 0, 1
NO_TICK = -1
FOREVER = -1

# The arithmetic as written, so that all engines agree. Said aloud, because a compiled function without a word takes
# over the freedoms of its caller.
OPTIONS: Any = {"error_model": "numpy", "fastmath": False, "nogil": True}
# For functions that take a book and allocate nothing: they borrow its arrays instead of counting references to them.
# Counting, at each call and each element read, made an order ten times as slow. Such a function must not return arrays.
BORROWED: Any = {**OPTIONS, "_nrt": False}

# Matching rules.
EACH_LEVEL, ONE_PRICE = 0, 1
# What happens where a trader would trade with itself.
ALLOW, CANCEL_RESTING, CANCEL_INCOMING = 0, 1, 2

# What became of an order. Negative: refused or cut short.
RESTING, TRADED, DROPPED, CANCELLED = 0, 1, 2, 3
BOOK_FULL, FILLS_FULL, UNKNOWN_ORDER, BAD_SIDE, BAD_TICK, BAD_VOLUME, BAD_TRADER, NOT_TRADING = range(-1, -9, -1)

# The places of `Book.state`. Best prices are keys: see `key_of`.
BEST_BUY, BEST_SELL, STEP, LAST_TICK, N_FILLS, N_LIVE, N_SENT, FREE, USED, TRADING, RULE, SELF_TRADE = range(12)
N_STATE = 16

SLOT_BITS = 24  # an order's number is its place in the sequence of orders times 2**24, plus its slot
MAX_CAPACITY, MAX_TICKS = 2**SLOT_BITS - 1, 2**24
MAX_VOLUME = 2**31 - 1

# One cache line. `sequence` is 0 in a free slot, `expiry` 0 for an order that lives until it trades or is cancelled.
ORDER = np.dtype([
    ("sequence", "i8"), ("expiry", "i8"), ("volume", "i4"), ("sent", "i4"), ("tick", "i4"), ("side", "i4"),
    ("trader", "i4"), ("placed", "i4"), ("next", "i4"), ("previous", "i4"), ("expiry_next", "i4"),
    ("expiry_previous", "i4"), ("own_next", "i4"), ("own_previous", "i4"),
])  # fmt: skip
LEVEL = np.dtype([("head", "i4"), ("tail", "i4"), ("volume", "i8")])
FILL = np.dtype([
    ("resting", "i8"), ("incoming", "i8"), ("buyer", "i4"), ("seller", "i4"), ("tick", "i4"), ("volume", "i4"),
    ("step", "i4"), ("side", "i4"),
])  # fmt: skip


class Book(NamedTuple):
    """One order book, or a batch of them where every array has one axis more in front.

    Attributes
    ----------
    orders : array of ORDER, shape (capacity + 1,)
        The pool of orders; slot 0 stands for none.
    levels : array of LEVEL, shape (2, n_ticks)
        The queue of each side and key: first order, last order and volume.
    words : array of uint64, shape (2, heights, n_ticks / 64)
        One bit per level that has orders; above it, one bit per word that has bits, up to a single word.
    expiries : array of int32, shape (a power of two,)
        The wheel: first order of those that expire at a step, at that step modulo the wheel's size.
    owned : array of int32, shape (n_traders,)
        First live order of each trader; empty where no account is kept of them.
    fills : array of FILL, shape (max_fills,)
        The trades since the buffer was emptied, the first `state[N_FILLS]` rows.
    state : array of int64
        Best keys, clock, counts, session and options.
    """

    orders: Any
    levels: Any
    words: Any
    expiries: Any
    owned: Any
    fills: Any
    state: Any


def new_books(
    n_books: int,
    *,
    n_ticks: int = 2**16,
    capacity: int = 4096,
    max_fills: int | None = None,
    n_traders: int = 0,
    rule: int = EACH_LEVEL,
    self_trade: int = ALLOW,
    wheel: int = 1024,
) -> Book:
    """Make a batch of empty books at step 0, in continuous trading; see `new_book`. `book_of` gives one of them."""
    max_fills = capacity if max_fills is None else max_fills
    limits = {
        "n_books": (n_books, 1, 2**31), "n_ticks": (n_ticks, 2, MAX_TICKS), "capacity": (capacity, 1, MAX_CAPACITY),
        "max_fills": (max_fills, 1, 2**31), "n_traders": (n_traders, 0, 2**31 - 1), "wheel": (wheel, 1, 2**24),
        "rule": (rule, EACH_LEVEL, ONE_PRICE), "self_trade": (self_trade, ALLOW, CANCEL_INCOMING),
    }  # fmt: skip
    for name, (value, low, high) in limits.items():
        if not isinstance(value, int | np.integer) or not low <= value <= high:
            raise ParameterError(f"{name} of an order book is {value!r}, but must be an integer from {low} to {high}.")
    width, heights = -(-n_ticks // 64), 1
    while 64**heights < n_ticks:
        heights += 1
    state = np.zeros((n_books, N_STATE), np.int64)
    state[:, [BEST_BUY, BEST_SELL, LAST_TICK]] = NO_TICK
    state[:, TRADING], state[:, RULE], state[:, SELF_TRADE] = 1, rule, self_trade
    return Book(
        orders=np.zeros((n_books, capacity + 1), ORDER),
        levels=np.zeros((n_books, 2, n_ticks), LEVEL),
        words=np.zeros((n_books, 2, heights, width), np.uint64),
        expiries=np.zeros((n_books, 1 << (wheel - 1).bit_length()), np.int32),
        owned=np.zeros((n_books, n_traders), np.int32),
        fills=np.zeros((n_books, max_fills), FILL),
        state=state,
    )


def new_book(**options: Any) -> Book:
    """Make an empty book at step 0, in continuous trading.

    Parameters
    ----------
    n_ticks
        Prices are integers from 0 to `n_ticks` - 1.
    capacity
        How many orders can rest at the same time.
    max_fills
        Rows of the buffer of trades; `capacity` unless given, and then one order cannot overflow an empty buffer.
    n_traders
        Traders whose live orders the book keeps account of (`first_owned`, `cancel_all`), numbered from 0. With 0, no
        account is kept and a trader is any number from 0.
    rule
        `EACH_LEVEL`: a pair trades at the price of its older order. `ONE_PRICE`: all pairs of a sweep trade at the
        price of the older order of the last pair.
    self_trade
        `ALLOW`, `CANCEL_RESTING` (the older order is cancelled) or `CANCEL_INCOMING` (what is left of the newer one).
    wheel
        Lifetimes shorter than this many steps expire at a cost per order that does not depend on anything; an order
        with a longer one is looked at once per so many steps.

    Raises
    ------
    ParameterError
        A number is outside its range.
    """
    return Book(*(array[0] for array in new_books(1, **options)))


@njit(**OPTIONS)
def book_of(books, b):
    """Book b of a batch, as views."""
    return Book(
        books.orders[b], books.levels[b], books.words[b], books.expiries[b], books.owned[b], books.fills[b],
        books.state[b],
    )  # fmt: skip


@njit(**BORROWED)
def key_of(book, side, tick):
    """The place of a price in its side, the better the higher; its own inverse.

    Sells are counted from the top of the grid, so both sides run the same code. A buy and a sell cross where their keys
    add up to the last tick or more. An empty side has the best key -1, which crosses nothing.
    """
    return tick if side == BUY else book.levels.shape[1] - 1 - tick
