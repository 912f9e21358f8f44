"""Worked examples: both matching rules, trades with oneself, sessions, refusals, a buffer that is too small."""

import numpy as np
import pytest

from simcal.book import engine
from simcal.book.engine import BUY, FOREVER, SELL
from simcal.errors import ParameterError


def book_with_asks(*asks, **options):
    """A book of 100 ticks where traders 0, 1, ... sell (tick, volume)."""
    book = engine.new_book(**{"n_ticks": 100, "capacity": 20, **options})
    for trader, (tick, volume) in enumerate(asks):
        engine.limit(book, SELL, tick, volume, trader, FOREVER)
    return book


def trades(book):
    return [
        (int(f["buyer"]), int(f["seller"]), int(f["tick"]), int(f["volume"]))
        for f in book.fills[: engine.n_fills(book)]
    ]


@pytest.mark.parametrize(("rule", "ticks"), [(engine.EACH_LEVEL, [50, 51, 53]), (engine.ONE_PRICE, [53, 53, 53])])
def test_an_order_that_walks_three_levels(rule, ticks):
    book = book_with_asks((53, 5), (50, 2), (51, 3), rule=rule)
    status, _ = engine.limit(book, BUY, 60, 7, 9, FOREVER)
    assert status == engine.TRADED
    assert trades(book) == [(9, 1, ticks[0], 2), (9, 2, ticks[1], 3), (9, 0, ticks[2], 2)]
    assert (engine.best_ask(book), engine.volume_at(book, SELL, 53), engine.last_tick(book)) == (53, 3, 53)


def test_the_rest_of_a_limit_order_rests_and_that_of_a_market_order_does_not():
    book = book_with_asks((50, 2))
    assert engine.limit(book, BUY, 50, 5, 9, FOREVER)[0] == engine.RESTING
    assert (engine.best_bid(book), engine.volume_at(book, BUY, 50)) == (50, 3)
    assert engine.market(book, SELL, 4, 8)[0] == engine.DROPPED
    assert trades(book) == [(9, 0, 50, 2), (9, 8, 50, 3)]
    assert (engine.n_live(book), engine.best_bid(book)) == (0, engine.NO_TICK)
    assert engine.market(book, SELL, 4, 8)[0] == engine.DROPPED


@pytest.mark.parametrize(
    ("self_trade", "status", "expected", "asks"),
    [
        (engine.ALLOW, engine.TRADED, [(1, 0, 50, 2), (1, 1, 51, 3), (1, 2, 52, 1)], [52]),
        (engine.CANCEL_RESTING, engine.TRADED, [(1, 0, 50, 2), (1, 2, 52, 4)], []),
        (engine.CANCEL_INCOMING, engine.DROPPED, [(1, 0, 50, 2)], [51, 52]),
    ],
)
def test_a_trader_meets_its_own_order(self_trade, status, expected, asks):
    book = book_with_asks((50, 2), (51, 3), (52, 4), self_trade=self_trade)
    assert engine.limit(book, BUY, 60, 6, 1, FOREVER)[0] == status
    assert trades(book) == expected
    ticks = np.zeros(5, np.int64)
    assert ticks[: engine.depth(book, SELL, ticks, np.zeros(5, np.int64))].tolist() == asks
    assert engine.best_bid(book) == engine.NO_TICK


def test_a_stale_number_is_refused_though_its_slot_is_in_use_again():
    book = book_with_asks((50, 2))
    _, first = engine.limit(book, BUY, 40, 1, 0, FOREVER)
    assert engine.cancel(book, first) == engine.CANCELLED
    _, second = engine.limit(book, BUY, 41, 1, 0, FOREVER)
    assert engine.slot_of(book, second) == first & 0xFFFFFF
    for unknown in (first, 0, -1, 2**62, second + 1):
        assert engine.cancel(book, unknown) == engine.UNKNOWN_ORDER
    assert engine.best_bid(book) == 41
    assert engine.cancel(book, second) == engine.CANCELLED


def test_what_is_not_allowed_is_refused_and_changes_nothing():
    book = book_with_asks((50, 2), n_traders=3, capacity=2)
    before = [array.copy() for array in book[:-1]]
    for order, status in {
        (2, 50, 1, 0): engine.BAD_SIDE, (-1, 50, 1, 0): engine.BAD_SIDE,
        (BUY, 100, 1, 0): engine.BAD_TICK, (BUY, -1, 1, 0): engine.BAD_TICK,
        (BUY, 50, 0, 0): engine.BAD_VOLUME, (BUY, 50, 2**31, 0): engine.BAD_VOLUME,
        (BUY, 50, 1, 3): engine.BAD_TRADER, (BUY, 50, 1, -1): engine.BAD_TRADER,
    }.items():  # fmt: skip
        assert engine.limit(book, *order, FOREVER) == (status, 0)
    for found, expected in zip(book[:-1], before, strict=True):
        np.testing.assert_array_equal(found, expected)
    engine.limit(book, BUY, 40, 1, 0, FOREVER)
    assert engine.limit(book, BUY, 60, 1, 0, FOREVER) == (engine.BOOK_FULL, 0)
    assert engine.n_fills(book) == 0


def test_a_buffer_that_is_full_loses_no_trade():
    book = book_with_asks((50, 2), (51, 3), (52, 4), max_fills=2)
    assert engine.limit(book, BUY, 60, 7, 9, FOREVER)[0] == engine.FILLS_FULL
    assert trades(book) == [(9, 0, 50, 2), (9, 1, 51, 3)]
    # What could not be recorded is still for sale, and the rest of the order is gone.
    assert (engine.volume_at(book, SELL, 52), engine.best_bid(book)) == (4, engine.NO_TICK)
    engine.collect(book)
    for tick in (70, 71):
        engine.limit(book, BUY, tick, 1, 9, FOREVER)
    assert engine.auction(book, 60) == (engine.FILLS_FULL, engine.NO_TICK, 0)
    assert engine.n_live(book) == 3
    engine.clear_fills(book)
    assert engine.auction(book, 60) == (engine.TRADED, 52, 2)


@pytest.mark.parametrize(("rule", "ticks"), [(engine.EACH_LEVEL, [40, 60]), (engine.ONE_PRICE, [60, 60])])
def test_the_first_order_of_a_session_opens_a_crossed_book(rule, ticks):
    """By hand: 3 of the older sell at 40 and the buy at 70, then 2 of the older buy at 60 and the new sell at 45."""
    book = engine.new_book(n_ticks=100, capacity=9, rule=rule)
    engine.collect(book)
    engine.limit(book, SELL, 40, 3, 0, FOREVER)
    engine.limit(book, BUY, 70, 3, 1, FOREVER)
    engine.limit(book, BUY, 60, 2, 2, FOREVER)
    assert engine.market(book, BUY, 1, 3) == (engine.NOT_TRADING, 0)
    assert engine.is_crossed(book)
    assert engine.n_fills(book) == 0
    engine.trade(book)
    assert engine.n_fills(book) == 0
    assert engine.limit(book, SELL, 45, 2, 4, FOREVER)[0] == engine.TRADED
    assert trades(book) == [(1, 0, ticks[0], 3), (2, 4, ticks[1], 2)]
    assert not engine.is_crossed(book)


@pytest.mark.parametrize(
    ("self_trade", "status", "buys"),
    [(engine.CANCEL_INCOMING, engine.DROPPED, [70, 60]), (engine.CANCEL_RESTING, engine.RESTING, [])],
)
def test_a_trader_meets_its_own_order_in_a_crossed_book(self_trade, status, buys):
    book = engine.new_book(n_ticks=100, capacity=9, self_trade=self_trade)
    engine.collect(book)
    engine.limit(book, BUY, 70, 3, 5, FOREVER)
    engine.limit(book, BUY, 60, 2, 5, FOREVER)
    engine.trade(book)
    engine.collect(book)
    engine.limit(book, SELL, 40, 1, 6, FOREVER)
    engine.trade(book)
    assert engine.limit(book, SELL, 45, 2, 5, FOREVER)[0] == status
    assert trades(book) == [(5, 6, 70, 1)]
    ticks = np.zeros(5, np.int64)
    assert ticks[: engine.depth(book, BUY, ticks, np.zeros(5, np.int64))].tolist() == buys
    assert not engine.is_crossed(book)


def test_a_crossed_book_whose_trades_find_no_room_keeps_them_for_later():
    book = engine.new_book(n_ticks=100, capacity=9, max_fills=1)
    engine.collect(book)
    for tick in (70, 60):
        engine.limit(book, BUY, tick, 2, 5, FOREVER)
        engine.limit(book, SELL, 40, 2, 6, FOREVER)
    engine.trade(book)
    assert engine.limit(book, SELL, 50, 1, 7, FOREVER)[0] == engine.FILLS_FULL
    assert (trades(book), engine.n_live(book), engine.is_crossed(book)) == ([(5, 6, 70, 2)], 2, True)
    assert engine.market(book, BUY, 1, 7)[0] == engine.FILLS_FULL
    engine.clear_fills(book)
    assert engine.market(book, BUY, 1, 7)[0] == engine.DROPPED
    assert (trades(book), engine.n_live(book)) == ([(5, 6, 60, 2)], 0)


@pytest.mark.parametrize("lifetime", [0, 1, 3, 4, 7, 8, 30])
@pytest.mark.parametrize("start", [0, 5])
def test_an_order_is_alive_to_the_step_whatever_the_wheel(lifetime, start):
    book = engine.new_book(n_ticks=100, capacity=9, wheel=4)
    for _ in range(start):
        engine.advance(book)
    engine.limit(book, BUY, 50, 1, 0, lifetime)
    engine.limit(book, BUY, 40, 1, 0, FOREVER)
    for _ in range(lifetime):
        assert engine.advance(book) == 0
        assert engine.best_bid(book) == 50
    assert engine.advance(book) == 1
    assert engine.step_of(book) == start + lifetime + 1
    assert engine.best_bid(book) == 40


def test_one_order_per_step_with_a_lifetime_of_n_makes_n_plus_one_live_orders():
    book = engine.new_book(n_ticks=1000, capacity=201)
    live = []
    for step in range(1000):
        assert engine.limit(book, BUY, step % 500, 1, 0, 200)[0] == engine.RESTING
        live.append(engine.n_live(book))
        engine.advance(book)
    assert live == [min(step + 1, 201) for step in range(1000)]


def test_a_trader_can_cancel_all_it_has():
    book = engine.new_book(n_ticks=100, capacity=9, n_traders=2)
    for tick in (10, 20, 30):
        engine.limit(book, BUY, tick, 1, 0, FOREVER)
        engine.limit(book, BUY, tick + 1, 1, 1, FOREVER)
    assert engine.cancel_all(book, 0) == 3
    assert engine.cancel_all(book, 0) == engine.cancel_all(book, 7) == 0
    assert [engine.volume_at(book, BUY, t) for t in (10, 11, 20, 21, 30, 31)] == [0, 1] * 3


def test_books_of_a_batch_do_not_know_each_other_and_a_reset_one_is_new():
    rng = np.random.default_rng(3)
    books = engine.new_books(3, n_ticks=500, capacity=40, n_traders=4, wheel=8)
    new = [array[2].copy() for array in books]
    alone = engine.new_book(n_ticks=500, capacity=40, n_traders=4, wheel=8)
    for _ in range(300):
        order = (rng.integers(2), rng.integers(240, 261), rng.integers(1, 5), rng.integers(4), rng.integers(-1, 20))
        for b in (1, 2):
            engine.limit(engine.book_of(books, b), *order)
        engine.limit(alone, *order)
        for book in (engine.book_of(books, 1), alone):
            engine.advance(book)
    for array, other in zip(books, alone, strict=True):
        np.testing.assert_array_equal(array[1], other)
    assert engine.n_live(engine.book_of(books, 2)) == 40
    assert engine.n_live(engine.book_of(books, 0)) == 0
    engine.reset(engine.book_of(books, 2))
    for name, array, before in zip(books._fields, books, new, strict=True):
        if name == "orders":
            np.testing.assert_array_equal(array[2]["sequence"], before["sequence"])
        elif name != "fills":
            np.testing.assert_array_equal(array[2], before, err_msg=name)


@pytest.mark.parametrize(
    "wrong", [{"n_ticks": 1}, {"capacity": 2**24}, {"rule": 2}, {"self_trade": -1}, {"wheel": 0.5}]
)
def test_a_book_that_cannot_be_made_is_refused_in_a_sentence(wrong):
    (name,) = wrong
    with pytest.raises(
        ParameterError, match=rf"{name} of an order book is .*, but must be an integer from \d+ to \d+\."
    ):
        engine.new_book(**wrong)
