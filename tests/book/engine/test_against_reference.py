"""Random streams of orders: the engine and the slow, obvious book make the same trades and hold the same orders."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_book import ReferenceBook

from simcal.book import engine
from simcal.book.engine.auction import ADVANCE, AUCTION, CANCEL, CANCEL_ALL, COLLECT, LIMIT, MARKET, TRADE
from simcal.book.engine.layout import BEST_BUY, LEVEL, N_STATE, ORDER, SLOT_BITS, key_of

N_TRADERS, MOST_ORDERS = 4, 80
SIDES = ("buy", "sell")
SELF_TRADE = ("allow", "cancel-resting", "cancel-incoming")


class Pair:
    """The same instructions to both books."""

    def __init__(self, n_ticks, rule, self_trade, *, capacity=MOST_ORDERS, wheel=4):
        self.n_ticks = n_ticks
        self.book = engine.new_book(
            n_ticks=n_ticks, capacity=capacity, n_traders=N_TRADERS, wheel=wheel, rule=rule,
            self_trade=self_trade,
        )  # fmt: skip
        self.slow = ReferenceBook(n_ticks=n_ticks, one_price=bool(rule), self_trade=SELF_TRADE[self_trade])
        self.slots = np.zeros(capacity + 1, np.int32)
        self.fills = []

    def do(self, kind, side=0, tick=0, volume=1, trader=0, lifetime=-1, order=0):
        """One instruction; checks that both say the same became of it."""
        row = np.array([(kind, side, tick, volume, trader, lifetime, order)], engine.INSTRUCTION)
        status = np.full(1, 99)
        assert engine.play(self.book, row, 0, self.slots, status) == 1
        new = self.book.fills[: engine.n_fills(self.book)].copy()
        engine.clear_fills(self.book)
        self.fills += [
            (*(int(f[k]) >> SLOT_BITS for k in ("resting", "incoming")),
             *(int(f[k]) for k in ("buyer", "seller", "tick", "volume", "step")))
            for f in new
        ]  # fmt: skip
        expected = self._do_slowly(kind, side, tick, volume, trader, lifetime, order)
        assert status[0] == expected
        return new

    def _do_slowly(self, kind, side, tick, volume, trader, lifetime, order):
        slow, before = self.slow, len(self.slow.fills)
        if kind in (LIMIT, MARKET):
            if kind == MARKET and not slow.trading:
                slow.sent += 1
                return engine.NOT_TRADING
            number = (
                slow.limit(SIDES[side], tick, volume, trader, lifetime)
                if kind == LIMIT
                else slow.market(SIDES[side], volume, trader)
            )
            traded = sum(f.volume for f in slow.fills[before:] if number in (f.incoming, f.resting))
            if any(o.sequence == number for o in slow.orders):
                return engine.RESTING
            return engine.TRADED if traded == volume else engine.DROPPED
        if kind == CANCEL:
            return engine.CANCELLED if slow.cancel(order) else engine.UNKNOWN_ORDER
        if kind == CANCEL_ALL:
            return slow.cancel_all(trader)
        if kind == ADVANCE:
            return sum(slow.advance() for _ in range(volume))
        if kind == AUCTION:
            slow.auction(None if tick == engine.NO_TICK else tick)
            return engine.TRADED
        slow.trading = kind == TRADE
        return 0

    def compare(self):
        """The same trades, orders and levels; and the engine's indices are those of its orders."""
        assert self.fills == [tuple(vars(f).values()) for f in self.slow.fills]
        for side, name in enumerate(SIDES):
            ticks, volumes = np.empty((2, self.book.orders.size), np.int64)
            n = engine.depth(self.book, side, ticks, volumes)
            levels = list(zip(ticks[:n].tolist(), volumes[:n].tolist(), strict=True))
            assert levels == self.slow.levels(name)
            held = []
            for tick, _ in levels:
                slot = engine.first_at(self.book, side, tick)
                while slot:
                    o = self.book.orders[slot]
                    held.append((int(o["sequence"]), int(o["volume"]), int(o["trader"]), tick))
                    slot = int(o["next"])
            assert held == [(o.sequence, o.volume, o.trader, o.tick) for o in self.slow.side(name)]
        assert engine.n_live(self.book) == len(self.slow.orders)
        assert engine.step_of(self.book) == self.slow.step
        assert engine.last_tick(self.book) == (self.slow.fills[-1].tick if self.slow.fills else engine.NO_TICK)
        check_indices(self.book)


def check_indices(book):
    """Levels, bits, best prices, the wheel and the traders' accounts, all worked out anew from the orders."""
    live = {slot for slot in range(1, book.orders.size) if book.orders[slot]["sequence"] > 0}
    occupied = np.zeros(book.levels.shape, bool)
    for slot in live:
        o = book.orders[slot]
        occupied[o["side"], key_of(book, int(o["side"]), int(o["tick"]))] = True
    np.testing.assert_array_equal(book.levels["head"] > 0, occupied)
    for side in (0, 1):
        bits = occupied[side]
        for height in range(book.words.shape[1]):
            padded = np.zeros(-(-bits.size // 64) * 64, np.uint8)
            padded[: bits.size] = bits
            words = np.packbits(padded, bitorder="little").view(np.uint64)
            np.testing.assert_array_equal(book.words[side, height, : words.size], words)
            bits = words > 0
        keys = np.flatnonzero(occupied[side])
        assert book.state[BEST_BUY + side] == (keys[-1] if keys.size else -1)

    def listed(first, field):
        while first:
            yield int(first)
            first = book.orders[first][field]

    in_wheel = [(s, place) for place, first in enumerate(book.expiries) for s in listed(first, "expiry_next")]
    size = book.expiries.size
    assert sorted(in_wheel) == sorted((s, int(e) % size) for s in live if (e := book.orders[s]["expiry"]) > 0)
    owned = [(s, trader) for trader, first in enumerate(book.owned) for s in listed(first, "own_next")]
    if book.owned.size:
        assert sorted(owned) == sorted((s, int(book.orders[s]["trader"])) for s in live)


def instructions(n_ticks, kinds):
    """Limit orders near the middle and far away, and everything else."""
    near = st.integers(max(0, n_ticks // 2 - 3), min(n_ticks - 1, n_ticks // 2 + 3))
    tick = st.one_of(near, near, st.integers(0, n_ticks - 1))
    return st.fixed_dictionaries({
        "kind": st.sampled_from(kinds),
        "side": st.integers(0, 1),
        "tick": tick,
        "volume": st.integers(1, 4),
        "trader": st.integers(0, N_TRADERS - 1),
        "lifetime": st.integers(-1, 9),  # the wheel has four places
        "order": st.integers(0, 45),
    })  # fmt: skip


@st.composite
def sessions(draw, kinds):
    """A stream of up to 50 instructions of these kinds."""
    n_ticks = draw(st.sampled_from([7, 64, 65, 5000]))
    return n_ticks, draw(st.lists(instructions(n_ticks, kinds), min_size=1, max_size=50))


@st.composite
def openings(draw):
    """Orders are collected near the middle, and the session opens with an auction or without one."""
    n_ticks, middle = 20, st.integers(7, 12)
    limits = st.builds(lambda i, tick: {**i, "kind": LIMIT, "tick": tick}, instructions(n_ticks, (LIMIT,)), middle)
    collected, later = (draw(st.lists(limits, min_size=3, max_size=n)) for n in (20, 6))
    auction = draw(st.sampled_from([[], [{"kind": AUCTION, "tick": 10}], [{"kind": AUCTION, "tick": engine.NO_TICK}]]))
    return n_ticks, [{"kind": COLLECT}, *collected, *auction, {"kind": TRADE}, *later]


CONTINUOUS = (LIMIT, LIMIT, LIMIT, LIMIT, LIMIT, MARKET, CANCEL, ADVANCE)
EVERYTHING = (*CONTINUOUS, LIMIT, LIMIT, CANCEL_ALL, COLLECT, TRADE, AUCTION)


@pytest.mark.parametrize("self_trade", range(3), ids=SELF_TRADE)
@pytest.mark.parametrize("rule", range(2), ids=("each-level", "one-price"))
@settings(max_examples=60, deadline=None)
@given(session=st.one_of(sessions(EVERYTHING), openings()))
def test_every_stream_makes_the_same_trades_and_the_same_book(rule, self_trade, session):
    n_ticks, stream = session
    pair = Pair(n_ticks, rule, self_trade)
    for instruction in stream:
        pair.do(**instruction)
        pair.compare()


@pytest.mark.parametrize("rule", range(2), ids=("each-level", "one-price"))
@settings(max_examples=60, deadline=None)
@given(session=sessions(CONTINUOUS), self_trade=st.integers(0, 2))
def test_continuous_trading_is_never_crossed_keeps_priority_and_conserves(rule, session, self_trade):
    n_ticks, stream = session
    pair = Pair(n_ticks, rule, self_trade)
    shares, cash = np.full(N_TRADERS, 10), np.full(N_TRADERS, 1000)
    for instruction in stream:
        queues = [pair.slow.side(side) for side in SIDES]
        volumes = {o.sequence: o.volume for o in pair.slow.orders}
        new = pair.do(**instruction)
        bid, ask = engine.best_bid(pair.book), engine.best_ask(pair.book)
        assert not engine.is_crossed(pair.book)
        assert engine.NO_TICK in (bid, ask) or bid < ask
        if new.size:
            # Those who rest are served from the head of their queue on, all but the last of them in full.
            skipped = instruction["trader"] if self_trade == engine.CANCEL_RESTING else None
            queue = [o for o in queues[1 - instruction["side"]] if o.trader != skipped]
            served = [int(identity) >> SLOT_BITS for identity in new["resting"]]
            assert served == [o.sequence for o in queue[: len(served)]]
            assert new["volume"][:-1].tolist() == [volumes[s] for s in served[:-1]]
            at = [queue[len(served) - 1].tick] * len(served) if rule else [o.tick for o in queue[: len(served)]]
            assert new["tick"].tolist() == at
        engine.settle(new, new.size, shares, cash, 1)
    assert (shares.sum(), cash.sum()) == (10 * N_TRADERS, 1000 * N_TRADERS)
    for trader in range(N_TRADERS):
        fills = pair.slow.fills
        signed = [(f.volume * ((f.buyer == trader) - (f.seller == trader)), f.tick) for f in fills]
        assert shares[trader] == 10 + sum(v for v, _ in signed)
        assert cash[trader] == 1000 - sum(v * tick for v, tick in signed)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("rule", range(2), ids=("each-level", "one-price"))
def test_a_long_stream_on_a_wide_grid(rule, seed):
    """Prices at all distances, so that next levels are found at every height of the words."""
    rng = np.random.default_rng(seed)
    n, n_ticks = 1500, 2**18
    pair = Pair(n_ticks, rule, seed % 3, capacity=n, wheel=64)
    away = np.where(rng.random(n) < 0.2, -rng.integers(0, 100, n), np.exp(rng.uniform(0, 11.5, n)).astype(int))
    side = rng.integers(0, 2, n)
    tick = n_ticks // 2 + np.where(side == 0, -away, away)
    kinds = rng.choice([LIMIT, MARKET, CANCEL, ADVANCE, CANCEL_ALL], n, p=[0.7, 0.08, 0.1, 0.11, 0.01])
    for i in range(n):
        pair.do(
            int(kinds[i]), int(side[i]), int(tick[i]), int(rng.integers(1, 9)), int(rng.integers(N_TRADERS)),
            int(rng.integers(-1, 150)), int(rng.integers(max(0, i - 300), i + 1)),
        )  # fmt: skip
        if i % 100 == 99:
            pair.compare()
    pair.compare()
    assert len(pair.fills) > 100


def test_books_are_borrowed_and_given_back():
    """Compiled code that does not count references leaves them as they are."""
    book = engine.new_book(n_ticks=64, capacity=8, n_traders=1)
    before = [sys.getrefcount(array) for array in book]
    for step in range(200):
        engine.limit(book, step % 2, 30, 2, 0, 3)
        engine.market(book, 0, 1, 0)
        engine.advance(book)
        engine.clear_fills(book)
        engine.cancel_all(book, 0)
    assert [sys.getrefcount(array) for array in book] == before


def test_an_order_is_one_cache_line_and_a_level_a_quarter():
    assert (ORDER.itemsize, LEVEL.itemsize) == (64, 16)
    assert engine.new_book(n_ticks=64, capacity=2).state.size == N_STATE
