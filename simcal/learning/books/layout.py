"""The arrays of a batch of markets: constants, accounts, memories and records, and the names of their columns."""

from __future__ import annotations

from collections import namedtuple
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simcal.book import engine
from simcal.learning.market import FEATURES, LearningMarket, scales

# Columns of `Books.traders`. SINCE is when returns begin to count, PREVIOUS the step of the last decision (-1: none),
# BEFORE the wealth at it, EXPOSURE the share of it in shares after it.
SHARES, CASH, NOISE, RISK, DISCOUNT, SINCE, PREVIOUS, START, BEFORE, EXPOSURE = range(10)
N_TRADER = 10
# Columns of `Books.numbers`. Prices and mids in ticks; a mid is NaN where a side of the book is empty.
PRICE, MID, LOG_VALUE, VALUE_SD, NEXT_SHOCK, RUN, GAP, EARNED, RETURN, VARIANCE, BID_RATIO, ASK_RATIO = range(12)
N_NUMBER = 12
# Columns of `Books.counts`; the last one is of steps with trade after which a side of the book is empty.
STEP, ACTING, SESSION, SESSION_END, OPENED, N_TRADES, N_ORDERS, N_BUYS, N_TRADING, N_VOLUME, N_REFUSED, N_EMPTY = range(
    12
)
N_COUNT = 12
# Columns of `Books.record`: what stood when a step began; for the mid the price where a side of the book is empty.
RECORD_MID, RECORD_VALUE, RECORD_PRICE = range(3)

# Blocks of the noise, see `simcal.noise`. At step t (from 1): who acts, what the value does and how blurred she sees
# it; normals for the policy; from BLOCK_OTHERS on one per trader, who would see it blurred by that. Step 0 draws
# endowments and traits, two blocks a trader, and in the block after the last trader's the volatility of the value.
BLOCK_MARKET, BLOCK_POLICY, BLOCK_OTHERS = 0, 1, 2

TRADE = np.dtype([
    ("step", "i4"), ("tick", "i4"), ("volume", "i4"), ("buyer", "i4"), ("seller", "i4"), ("bought", "i4"),
    ("mid", "f8"),
])  # fmt: skip

# Bounds of the features that are the same in all markets; those of the traits follow.
_BOUNDS = ((0, 1), (0, 3), (0, 1), (-0.7, 0.7), (0, 0.05), (0, 5), (0, 5), (-0.7, 0.7))


# A market as numbers that compiled code takes: its parameters, and what follows from them. The price at the start is in
# ticks; `low` and `high` are the bounds of the features.
_SAME = [name for name in LearningMarket.SPECS if name not in ("initial_price", "order_lifetime")]
LearningConstants: Any = namedtuple("LearningConstants", [
    *_SAME, "affordable", "n_steps", "first_trade", "sessions", "start_tick", "order_lifetime", "auctions", "gains",
    "low", "high",
])  # fmt: skip


class Books(NamedTuple):
    """The state of n markets, all arrays with an axis of n in front; `one_of` gives that of one, without it.

    Attributes
    ----------
    book
        The order books, see `simcal.book.engine`.
    traders, numbers, counts
        (n, n_traders, N_TRADER), (n, N_NUMBER) float64 and (n, N_COUNT) int64: see the columns above.
    log_mids, squares
        (n, n_steps) float64: logarithms of the mids that there were, and sums of squares of their differences.
    counted
        (n, n_steps + 1) int32: how many mids there were before a step.
    record
        (n, n_steps + 1, 3) float64.
    ticks, volumes
        (n, order_lifetime + 1) int32: the order of each of the last steps, at the step modulo their number; its volume
        is what is left of it, below 0 where it sells. Together they are the order book in the order of time, from which
        its depth is summed faster than from queues of price levels.
    places
        (n, capacity + 1) int32: where the order in a slot of the order book stands in them.
    scratch
        (n, order_lifetime + 1) float64.
    trades
        (n, n_steps) of TRADE. Each trade ends at least one order, and a step sends at most one: they always fit.
    """

    book: Any
    traders: Any
    numbers: Any
    counts: Any
    log_mids: Any
    squares: Any
    counted: Any
    record: Any
    ticks: Any
    volumes: Any
    places: Any
    scratch: Any
    trades: Any


@njit(**engine.OPTIONS)
def one_of(books, b):
    """Market b of a batch, as views."""
    return Books(
        engine.book_of(books.book, b), books.traders[b], books.numbers[b], books.counts[b], books.log_mids[b],
        books.squares[b], books.counted[b], books.record[b], books.ticks[b], books.volumes[b], books.places[b],
        books.scratch[b], books.trades[b],
    )  # fmt: skip


def constants(market: LearningMarket) -> Any:
    """The numbers of a market, see `LearningConstants`."""
    bounds = np.array([*_BOUNDS, *scales(market)], dtype=float)
    assert len(bounds) == len(FEATURES)
    return LearningConstants(
        **{name: getattr(market, name) for name in (*_SAME, "affordable", "n_steps", "first_trade")},
        sessions=np.array(market.sessions, np.int64),
        start_tick=float(round(market.initial_price / market.tick)),
        order_lifetime=_lifetime(market),
        auctions=market.matching == "level",
        gains=market.reward == "gains",
        low=np.ascontiguousarray(bounds[:, 0]),
        high=np.ascontiguousarray(bounds[:, 1]),
    )


def _lifetime(market: LearningMarket) -> int:
    """No order lives longer than the episode."""
    return min(market.order_lifetime, market.n_steps)


def new_books(market: LearningMarket, n_books: int) -> Books:
    """Markets that have not begun."""
    n_steps, n_traders = market.n_steps, market.n_traders
    # Prices up to eight times the first one (ticks that nobody uses cost nothing); orders beyond are refused, counted.
    n_ticks = 1 << int(np.ceil(np.log2(8 * market.initial_price / market.tick)))
    lifetime = _lifetime(market)
    rule = engine.EACH_LEVEL if market.matching == "level" else engine.ONE_PRICE
    return Books(
        book=engine.new_books(n_books, n_ticks=n_ticks, capacity=lifetime + 2, rule=rule, wheel=lifetime + 2),
        traders=np.zeros((n_books, n_traders, N_TRADER)),
        numbers=np.zeros((n_books, N_NUMBER)),
        counts=np.zeros((n_books, N_COUNT), np.int64),
        log_mids=np.zeros((n_books, n_steps)),
        squares=np.zeros((n_books, n_steps)),
        counted=np.zeros((n_books, n_steps + 1), np.int32),
        record=np.zeros((n_books, n_steps + 1, 3)),
        ticks=np.zeros((n_books, lifetime + 1), np.int32),
        volumes=np.zeros((n_books, lifetime + 1), np.int32),
        places=np.zeros((n_books, lifetime + 3), np.int32),
        scratch=np.zeros((n_books, lifetime + 1)),
        trades=np.zeros((n_books, n_steps), TRADE),
    )
