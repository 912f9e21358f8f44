"""The arrays of a batch of markets: constants, accounts, memories and records, and the names of their columns."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simcal.learning.market import LearningMarket
from simcal.learning.specs import FEATURES
from simcal.learning.traits import scales
from simcal.models.book import engine
from simcal.models.lanes import OPTIONS

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

TRADE = np.dtype([
    ("step", "i4"), ("tick", "i4"), ("volume", "i4"), ("buyer", "i4"), ("seller", "i4"), ("bought", "i4"),
    ("mid", "f8"),
])  # fmt: skip

# Bounds of the features that are the same in all markets; those of the traits follow.
_BOUNDS = ((0, 1), (0, 3), (0, 1), (-0.7, 0.7), (0, 0.05), (0, 5), (0, 5), (-0.7, 0.7))


class Constants(NamedTuple):
    """A market as numbers that compiled code takes; `LearningMarket` says what they are."""

    n_traders: int
    n_steps: int
    first_trade: int
    sessions: Any
    tick: float
    start_tick: float
    lifetime: int
    value_sd: float
    shares_mean: float
    cash_mean: float
    risk_mean: float
    risk_sd: float
    noise_mean: float
    noise_sd: float
    discount_low: float
    discount_high: float
    largest: int
    band: float
    affordable: bool
    auctions: bool
    gains: bool
    reserve: float
    gain_weight: float
    risk_weight: float
    wealth_scale: float
    short_penalty: float
    debt_penalty: float
    illiquidity_penalty: float
    mispricing_penalty: float
    low: Any
    high: Any


class Books(NamedTuple):
    """The state of n markets, all arrays with an axis of n in front; `one_of` gives that of one, without it.

    Attributes
    ----------
    book
        The order books, see `simcal.models.book.engine`.
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


@njit(**OPTIONS)
def one_of(books, b):
    """Market b of a batch, as views."""
    return Books(
        engine.book_of(books.book, b), books.traders[b], books.numbers[b], books.counts[b], books.log_mids[b],
        books.squares[b], books.counted[b], books.record[b], books.ticks[b], books.volumes[b], books.places[b],
        books.scratch[b], books.trades[b],
    )  # fmt: skip


def constants(market: LearningMarket) -> Constants:
    """The numbers of a market."""
    bounds = np.array([*_BOUNDS, *scales(market)], dtype=float)
    assert len(bounds) == len(FEATURES)
    return Constants(
        n_traders=market.n_traders, n_steps=market.n_steps, first_trade=market.first_trade,
        sessions=np.array(market.sessions, np.int64), tick=market.tick,
        start_tick=float(round(market.initial_price / market.tick)), lifetime=_lifetime(market),
        value_sd=market.fundamental_volatility, shares_mean=market.shares_mean, cash_mean=market.cash_mean,
        risk_mean=market.risk_aversion_mean, risk_sd=market.risk_aversion_sd, noise_mean=market.noise_mean,
        noise_sd=market.noise_sd, discount_low=market.discount_low, discount_high=market.discount_high,
        largest=market.largest_volume, band=market.price_band, affordable=market.affordable,
        auctions=market.matching == "level", gains=market.reward == "gains", reserve=market.reserve,
        gain_weight=market.gain_weight, risk_weight=market.risk_weight, wealth_scale=market.wealth_scale,
        short_penalty=market.short_penalty, debt_penalty=market.debt_penalty,
        illiquidity_penalty=market.illiquidity_penalty, mispricing_penalty=market.mispricing_penalty,
        low=np.ascontiguousarray(bounds[:, 0]), high=np.ascontiguousarray(bounds[:, 1]),
    )  # fmt: skip


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
        engine.new_books(n_books, n_ticks=n_ticks, capacity=lifetime + 2, rule=rule, wheel=lifetime + 2),
        np.zeros((n_books, n_traders, N_TRADER)), np.zeros((n_books, N_NUMBER)), np.zeros((n_books, N_COUNT), np.int64),
        np.zeros((n_books, n_steps)), np.zeros((n_books, n_steps)), np.zeros((n_books, n_steps + 1), np.int32),
        np.zeros((n_books, n_steps + 1, 3)), np.zeros((n_books, lifetime + 1), np.int32),
        np.zeros((n_books, lifetime + 1), np.int32), np.zeros((n_books, lifetime + 3), np.int32),
        np.zeros((n_books, lifetime + 1)), np.zeros((n_books, n_steps), TRADE),
    )  # fmt: skip
