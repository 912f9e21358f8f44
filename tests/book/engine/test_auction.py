"""The call auction: its price by hand, and beside a search over all ticks."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from slow_book import ReferenceBook

from simcal.book import engine
from simcal.book.engine import BUY, FOREVER, NO_TICK, SELL

N_TICKS = 40


def collected(buys, sells):
    book = engine.new_book(n_ticks=N_TICKS, capacity=60)
    engine.collect(book)
    for side, orders in ((BUY, buys), (SELL, sells)):
        for trader, (tick, volume) in enumerate(orders):
            engine.limit(book, side, tick, volume, trader, FOREVER)
    return book


@pytest.mark.parametrize(
    ("buys", "sells", "reference", "price", "volume"),
    [
        ([(30, 5)], [(20, 5)], 27, 27, 5),  # all of both: any price between, so the reference
        ([(30, 5)], [(20, 5)], 5, 20, 5),
        ([(30, 5)], [(20, 5)], 39, 30, 5),
        ([(30, 5)], [(20, 5)], NO_TICK, 25, 5),
        ([(30, 6)], [(20, 5)], 22, 30, 5),  # buys too many: the highest
        ([(30, 5)], [(20, 6)], 28, 20, 5),  # sells too many: the lowest
        ([(30, 5), (25, 3)], [(20, 5)], 20, 26, 5),  # from 26 up nobody is left out
        ([(30, 5)], [(20, 5), (25, 3)], 30, 24, 5),
        ([(30, 5), (25, 3)], [(20, 5), (26, 2)], 10, 26, 5),  # 3 buys too many at 25, 2 sells too many at 26
        ([(30, 5), (25, 3)], [(20, 5), (26, 3)], 10, 25, 5),  # as many: the tick nearer to the reference
        ([(30, 5), (25, 3)], [(20, 5), (26, 3)], 30, 26, 5),
        ([(10, 5)], [(20, 5)], 15, NO_TICK, 0),
    ],
)
def test_the_price_by_hand(buys, sells, reference, price, volume):
    book = collected(buys, sells)
    assert engine.clearing_price(book, reference)[:2] == (price, volume)
    assert engine.auction(book, reference) == (engine.TRADED, price, volume)
    assert not engine.is_crossed(book)
    assert {int(f["tick"]) for f in book.fills[: engine.n_fills(book)]} <= {price}
    assert engine.last_tick(book) == price


orders = st.lists(st.tuples(st.integers(0, N_TICKS - 1), st.integers(1, 6)), max_size=25)


@settings(max_examples=300, deadline=None)
@given(buys=orders, sells=orders, reference=st.integers(-1, N_TICKS - 1))
@example(buys=[(30, 5), (25, 3)], sells=[(20, 5), (26, 3)], reference=NO_TICK)
def test_the_price_is_the_best_of_all_ticks(buys, sells, reference):
    book, slow = collected(buys, sells), ReferenceBook(n_ticks=N_TICKS)
    slow.trading = False
    for side, all_orders in (("buy", buys), ("sell", sells)):
        for trader, (tick, volume) in enumerate(all_orders):
            slow.limit(side, tick, volume, trader, FOREVER)
    price, volume = slow.auction(None if reference == NO_TICK else reference)
    expected = (NO_TICK, 0, 0) if price is None else (price, volume, len(slow.fills))
    assert engine.clearing_price(book, reference) == expected
    engine.auction(book, reference)
    assert [(f["buyer"], f["seller"], f["volume"]) for f in book.fills[: engine.n_fills(book)]] == [
        (f.buyer, f.seller, f.volume) for f in slow.fills
    ]


def test_no_price_serves_more_than_the_auction():
    """The largest volume, worked out from the orders and not by pairing: min of demand and supply at each tick."""
    buys = [(33, 4), (31, 7), (31, 2), (28, 9), (22, 3), (15, 8)]
    sells = [(12, 6), (19, 5), (24, 4), (27, 3), (29, 10), (35, 2)]
    volumes = [
        min(sum(v for t, v in buys if t >= tick), sum(v for t, v in sells if t <= tick)) for tick in range(N_TICKS)
    ]
    tick, volume, _ = engine.clearing_price(collected(buys, sells), NO_TICK)
    assert volume == max(volumes) == volumes[tick]
