"""The book for people: prices in currency, tables in and out, refusals in sentences."""

import doctest
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from simcal.book import OrderBook, order_book
from simcal.book import engine as book_engine
from simcal.book import market as book_market
from simcal.book.order_book import RULES, SELF_TRADE
from simcal.book.tables import KINDS
from simcal.errors import ParameterError


def test_the_examples_of_the_documentation():
    for module in (order_book, book_engine, book_market):
        result = doctest.testmod(module)
        assert result.attempted > 3
        assert result.failed == 0


def test_names_stand_in_the_order_of_the_engine():
    assert [RULES[book_engine.EACH_LEVEL], RULES[book_engine.ONE_PRICE]] == ["each-level", "one-price"]
    by_number = {0: book_engine.ALLOW, 1: book_engine.CANCEL_RESTING, 2: book_engine.CANCEL_INCOMING}
    assert all(number == place for number, place in by_number.items())
    assert SELF_TRADE == ("allow", "cancel-resting", "cancel-incoming")
    from simcal.book.engine import play

    assert [getattr(sys.modules[play.__module__], kind.upper()) for kind in KINDS] == list(range(len(KINDS)))


def test_a_walk_through_three_levels_and_what_is_left():
    book = OrderBook(tick_size=0.05, lowest_price=90.0, n_ticks=1000)
    for price, volume in ((100.10, 5), (100.0, 2), (100.05, 3)):
        assert book.limit("sell", price, volume, trader=1) == (book.orders()["number"].max(), "resting", 0, None)
    receipt = book.limit("buy", 100.10, 7, trader=2)
    assert receipt[:3] == (4, "traded", 7)
    assert receipt.price == pytest.approx((2 * 100.0 + 3 * 100.05 + 2 * 100.10) / 7, rel=1e-12)
    assert (book.bid, book.ask, book.last, book.step) == (None, 100.10, 100.10, 0)
    expected = pd.DataFrame({
        "step": 0, "price": [100.0, 100.05, 100.10], "volume": [2, 3, 2], "buyer": 2, "seller": 1,
        "resting": [2, 3, 1], "incoming": 4, "side": "buy",
    })  # fmt: skip
    pd.testing.assert_frame_equal(book.fills(), expected, check_dtype=False)
    assert book.levels().to_dict("list") == {"side": ["sell"], "price": [100.10], "volume": [3], "orders": [1]}
    assert repr(book) == "OrderBook(step 0, no bid, ask 100.1 x 3, 1 order, 3 trades)"


def test_prices_between_ticks_go_to_the_better_one_for_the_sender():
    book = OrderBook(tick_size=0.25)
    book.limit("buy", 10.2, 1)
    book.limit("sell", 10.6, 1)
    book.limit("buy", 0.1 + 0.2 - 0.05, 1)  # 0.25 but for its rounding
    assert book.orders()["price"].tolist() == [10.0, 0.25, 10.75]


def test_lifetimes_and_cancels():
    book = OrderBook()
    first, second = book.limit("buy", 10, 1, lifetime=0), book.limit("buy", 9, 1, lifetime=2)
    third = book.limit("buy", 8, 1)
    assert book.orders()["last_step"].isna().tolist() == [False, False, True]
    assert book.orders()["last_step"].tolist()[:2] == [0, 2]
    assert book.advance() == 1
    assert not book.cancel(first.number)
    assert book.cancel(third.number)
    assert not book.cancel(third.number)
    assert not book.cancel(99)
    assert book.bid == 9
    assert book.advance(2) == 1
    assert (book.step, book.bid, second.number) == (3, None, 2)


def test_an_opening():
    book = OrderBook(tick_size=1, n_ticks=200)
    book.collect()
    book.limit("buy", 110, 5)
    book.limit("sell", 90, 3)
    assert book.market("buy", 1).status == "not trading"
    assert book.limit("sell", 100, 4).status == "resting"
    assert (book.bid, book.ask, book.last) == (110, 90, None)
    assert book.auction() == (100, 5)  # 2 of the sell at 100 are left over
    assert book.fills()["volume"].tolist() == [3, 2]
    assert book.limit("buy", 100, 1).status == "traded"
    assert book.auction() == (None, 0)


def test_an_opening_without_an_auction_trades_at_one_price_of_the_last_pair():
    book = OrderBook(tick_size=1, n_ticks=200, rule="one-price")
    book.collect()
    book.limit("buy", 110, 5)
    book.limit("sell", 90, 3)
    book.limit("sell", 100, 2)
    book.trade()
    assert book.limit("sell", 105, 1).status == "resting"
    assert book.fills()[["price", "volume", "incoming"]].to_numpy().tolist() == [[110, 3, 2], [110, 2, 3]]


def test_a_table_is_the_orders_one_by_one():
    rng = np.random.default_rng(11)
    n = 4000
    table = pd.DataFrame({
        "kind": rng.choice(list(KINDS), n, p=[0.7, 0.1, 0.1, 0.1]), "side": rng.choice(["buy", "sell"], n),
        "price": 50 + 0.01 * rng.integers(-20, 21, n), "volume": rng.integers(1, 4, n), "trader": rng.integers(0, 9, n),
        "lifetime": rng.integers(-1, 60, n), "order": rng.integers(1, n, n),
    })  # fmt: skip
    together, alone = OrderBook(capacity=300, self_trade="cancel-resting"), OrderBook(self_trade="cancel-resting")
    found = together.send(table)
    statuses = []
    for row in table.itertuples():
        if row.kind == "limit":
            receipt = alone.limit(row.side, row.price, row.volume, trader=row.trader, lifetime=row.lifetime)
            statuses.append(receipt.status)
        elif row.kind == "market":
            statuses.append(alone.market(row.side, row.volume, trader=row.trader).status)
        elif row.kind == "cancel":
            statuses.append("cancelled" if alone.cancel(row.order) else "unknown order")
        else:
            alone.advance(row.volume)
            statuses.append("")
    assert found["status"].tolist() == statuses
    assert set(statuses) >= {"resting", "traded", "cancelled", "unknown order", "dropped", ""}
    assert len(together.fills()) > 500
    pd.testing.assert_frame_equal(together.fills(), alone.fills())
    pd.testing.assert_frame_equal(together.orders(), alone.orders())
    orders = table["kind"].isin(["limit", "market"])
    assert found["number"][orders].tolist() == list(range(1, orders.sum() + 1))
    assert (found["number"][~orders] == 0).all()


def test_a_full_book_says_so():
    book = OrderBook(capacity=2)
    statuses = [book.limit("buy", price, 1).status for price in (3, 2, 1)]
    assert statuses == ["resting", "resting", "book full"]


def test_missing_values_of_a_table_are_the_defaults():
    table = {"kind": ["limit", "advance"], "side": ["buy", None], "price": [5.0, np.nan], "volume": [np.nan, 3]}
    book = OrderBook()
    assert book.send(table)["status"].tolist() == ["resting", ""]
    assert book.orders()["volume"].tolist() == [1]
    assert book.step == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda b: b.limit("long", 10, 1), "The side of an order is 'long', but must be one of 'buy', 'sell'."),
        (lambda b: b.limit("buy", 700, 1), "A price is 700, but this book's prices go from 0 to 655.35. Make the book"),
        (lambda b: b.limit("buy", float("nan"), 1), "A price is nan"),
        (lambda b: b.limit("buy", "ten", 1), "The column price of the orders must hold numbers, but does not."),
        (
            lambda b: b.limit("buy", 10, 0),
            "The volume of an order is 0, but must be a whole number from 1 to 2147483647.",
        ),
        (lambda b: b.limit("buy", 10, 1.5), "The volume of an order is 1.5, but"),
        (lambda b: b.market("buy", 1, trader=-1), "The trader of an order is -1, but"),
        (lambda b: b.send({"side": ["buy"]}), "kind is missing."),
        (lambda b: b.send([1, 2]), "A table of orders is a DataFrame or a mapping with a column kind"),
        (lambda b: b.send({"kind": ["limit"], "prise": [1]}), "unknown: prise."),
        (lambda b: b.send({"kind": ["limit"], "side": ["buy"]}), "The orders of kind 'limit' need a column price"),
        (lambda b: b.send({"kind": ["cancel"] * 2, "order": [1]}), r"The column order of the orders has shape \(1,\)"),
        (
            lambda b: OrderBook(rule="best"),
            "rule of an order book is 'best', but must be one of 'each-level', 'one-price'.",
        ),
        (lambda b: OrderBook(tick_size=0), "tick size of 0 from 0.0, but a tick must be above 0"),
        (lambda b: OrderBook(n_ticks=1), "n_ticks of an order book is 1, but"),
    ],
)
def test_what_is_not_allowed_is_refused_in_a_sentence(call, message):
    book = OrderBook()
    with pytest.raises(ParameterError, match=message):
        call(book)
    assert repr(book) == "OrderBook(step 0, no bid, no ask, 0 orders, 0 trades)"


def test_the_description_of_a_book_needs_no_numba():
    code = "import sys; import simcal.book; print(sorted({'numba', 'torch', 'pandas'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
