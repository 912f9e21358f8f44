"""Speed of the order book engine on one core, beside order books in Python: `python benchmarks/book.py`.

All are given the same streams and must make as many trades of as many shares. An order is a limit, market or cancel
order; a step of the clock follows each and is counted in its time. CPU time, the best of several runs in turns.

With PAMS installed (its numpy<2 does not go with this library's own needs), its market is measured as well, with the
limit orders of the first mix and the matching that follows each.
"""

from __future__ import annotations

import importlib.util
import random
import time
import warnings
from typing import Any

import numpy as np
from book_peers import HeapBook, Row, SortedBook, play_reference
from numba import njit
from rich.console import Console
from rich.table import Table

from simcal.book import engine
from simcal.book.engine.auction import ADVANCE, CANCEL, LIMIT, MARKET

TARGET = 10.0  # million orders per second on one core
N_TICKS, MIDDLE = 2**16, 2**15
# Shares of limit, market and cancel orders; how far limits reach across the middle, of 200 ticks that they go away; by
# how many ticks the middle wanders from order to order.
MIXES = {
    "limit, patient": ((1.0, 0.0, 0.0), 20, 0),
    "limit, eager": ((1.0, 0.0, 0.0), 100, 0),
    "limit, wandering": ((1.0, 0.0, 0.0), 20, 3),
    "with cancels": ((0.5, 0.1, 0.4), 5, 0),
}
DEPTHS = (200, 2_000, 20_000)


def stream(mix: str, n: int, depth: int, seed: int = 0) -> np.ndarray:
    """`n` orders, each followed by a step; they live for `depth` steps, so about as many rest."""
    shares, across, wander = MIXES[mix]
    rng = np.random.default_rng(seed)
    rows = np.zeros((n, 2), engine.INSTRUCTION)
    rows["kind"][:, 0] = rng.choice([LIMIT, MARKET, CANCEL], n, p=shares)
    rows["kind"][:, 1] = ADVANCE
    order = rows[:, 0]
    order["side"] = rng.integers(0, 2, n)
    away = rng.integers(-across, 200, n)
    walk = np.cumsum(rng.integers(-wander, wander + 1, n))
    order["tick"] = np.clip(MIDDLE + walk + np.where(order["side"] == 0, -away, away), 0, N_TICKS - 1)
    order["volume"] = rng.integers(1, 10, n)
    order["trader"] = rng.integers(0, 200, n)
    order["lifetime"] = depth
    sent = np.cumsum(order["kind"] != CANCEL)
    order["order"] = np.maximum(sent - rng.integers(0, depth, n), 0)
    rows["volume"][:, 1] = 1
    return rows.reshape(-1)


@njit(**engine.BORROWED)
def all_of_it(book, rows, slots, statuses, total):
    """Play a stream to its end; `total` counts trades, shares and, at the end, live orders."""
    begin = 0
    while begin < rows.size:
        begin = engine.play(book, rows, begin, slots, statuses)
        for f in range(engine.n_fills(book)):
            total[1] += book.fills[f].volume
        total[0] += engine.n_fills(book)
        engine.clear_fills(book)
    total[2] = engine.n_live(book)


@njit(**engine.BORROWED)
def one_order(book, row, total):
    """An order, its trades, the clock: what a simulator does with a book at a step."""
    engine.limit(book, row.side, row.tick, row.volume, row.trader, row.lifetime)
    total[0] += engine.n_fills(book)
    engine.clear_fills(book)
    engine.advance(book)


@njit(nogil=True)
def in_turns(books, rows, total):
    """A batch: one order into each book, then the next."""
    for i in range(rows.shape[1]):
        for b in range(rows.shape[0]):
            one_order(engine.book_of(books, b), rows[b, i], total)


@njit(nogil=True)
def one_after_another(books, rows, total):
    """A batch: all orders into a book, then the next book."""
    for b in range(rows.shape[0]):
        book = engine.book_of(books, b)
        for i in range(rows.shape[1]):
            one_order(book, rows[b, i], total)


class EngineRun:
    """A book of the engine and a stream, to be played again and again."""

    def __init__(self, rows: np.ndarray, depth: int) -> None:
        self.rows, self.total = rows, np.zeros(3, np.int64)
        self.book = engine.new_book(n_ticks=N_TICKS, capacity=2**16, wheel=2 * depth)
        self.slots, self.statuses = np.zeros(rows.size + 1, np.int32), np.zeros(rows.size, np.int64)

    def __call__(self) -> float:
        engine.reset(self.book)
        self.total[:] = 0
        start = time.process_time()
        all_of_it(self.book, self.rows, self.slots, self.statuses, self.total)
        return time.process_time() - start


def timed(work: Any, *arguments: Any) -> tuple[float, Any]:
    start = time.process_time()
    found = work(*arguments)
    return time.process_time() - start, found


def python_rates(rows: np.ndarray, n: int, n_reference: int) -> dict[str, float]:
    """Orders per second of the peers, which must trade as the engine does."""
    as_tuples: list[Row] = rows[: 2 * n].tolist()
    rates = {}
    for name, work, count in (
        ("heap of prices", lambda part: HeapBook().play(part), n),
        ("sorted lists", lambda part: SortedBook().play(part), n),
        ("obvious book", lambda part: play_reference(part, N_TICKS), n_reference),
    ):
        run = EngineRun(rows[: 2 * count], 200)
        run()
        seconds, found = min((timed(work, as_tuples[: 2 * count]) for _ in range(2)), key=lambda pair: pair[0])
        if found != tuple(run.total[:2]):
            raise AssertionError(f"{name} made {found}, the engine {tuple(run.total[:2])} trades and shares.")
        rates[name] = count / seconds
    return rates


def pams_rate(rows: np.ndarray, n: int) -> float:
    """Orders per second of a PAMS market: order, matching, clock."""
    from pams.market import Market  # type: ignore[import-not-found]
    from pams.order import LIMIT_ORDER, Order  # type: ignore[import-not-found]

    warnings.simplefilter("ignore")
    market = Market(0, random.Random(0), None, "market")  # type: ignore[arg-type]
    market.setup({"tickSize": 1.0, "marketPrice": float(MIDDLE)})
    market._is_running = True
    market._update_time(float(MIDDLE))
    limits = rows[: 2 * n : 2].tolist()
    start = time.process_time()
    for _, side, tick, volume, trader, lifetime, _ in limits:
        order = Order(trader, 0, side == 0, LIMIT_ORDER, volume, price=float(tick), ttl=lifetime)
        market._add_order(order)
        market._execution()
        market._update_time(float(MIDDLE))
    return n / (time.process_time() - start)


def depth_table(n: int = 1_000_000, runs: int = 5) -> Table:
    """The engine and the peers, by mix and depth."""
    names = ["heap of prices", "sorted lists", "obvious book"]
    table = Table(
        "orders", "live", "trades", "engine", *names, title="Thousand orders per second, one core; trades per order"
    )
    table.columns[0].no_wrap = True
    slowest = float("inf")
    for mix in MIXES:
        for depth in DEPTHS:
            rows = stream(mix, n, depth)
            run = EngineRun(rows, depth)
            run()
            rate = n / min(run() for _ in range(runs))
            slowest = min(slowest, rate)
            n_peer = max(20_000, 3 * depth)
            peers = python_rates(rows, n_peer, 1500)
            table.add_row(
                mix, f"{run.total[2]:,}", f"{run.total[0] / n:.2f}", f"{rate / 1e3:,.0f}",
                *(f"{peers[name] / 1e3:,.1f}" for name in names),
            )  # fmt: skip
    verdict = "met" if slowest >= TARGET * 1e6 else "missed"
    table.caption = f"target: {TARGET:g} million in each; least {slowest / 1e6:.1f} million: {verdict}"
    return table


def linear_table() -> Table:
    """Nanoseconds per order as the stream grows."""
    table = Table("orders", "ns per order", title=f"{next(iter(MIXES))}, 2,000 live")
    for n in (10_000, 100_000, 1_000_000, 4_000_000):
        run = EngineRun(stream(next(iter(MIXES)), n, 2_000), 2_000)
        run()
        table.add_row(f"{n:,}", f"{min(run() for _ in range(5)) / n * 1e9:.1f}")
    return table


def batch_table(n_books: int = 256, n: int = 1_280_000) -> Table:
    """Many books at once."""
    table = Table("256 books of 200 orders", "million orders/s", title="A batch on one core")
    rows = stream(next(iter(MIXES)), n, 200)[::2].reshape(n_books, -1).copy()
    for name, work in (("one after another", one_after_another), ("in turns, an order each", in_turns)):
        best = float("inf")
        books = engine.new_books(n_books, n_ticks=N_TICKS, capacity=512, wheel=512)
        by_place = rows if work is one_after_another else np.asfortranarray(rows)
        for _ in range(4):
            best = min(best, timed(work, books, by_place, np.zeros(3, np.int64))[0])
        table.add_row(name, f"{n / best / 1e6:.1f}")
    return table


if __name__ == "__main__":
    console = Console()
    console.print(depth_table())
    console.print(linear_table())
    console.print(batch_table())
    if importlib.util.find_spec("pams"):
        for book_depth in DEPTHS[:2]:
            rate = pams_rate(stream(next(iter(MIXES)), 4 * book_depth, book_depth), 4 * book_depth)
            console.print(
                f"PAMS, orders that live for {book_depth:,} steps: {rate / 1e3:.1f} thousand orders per second."
            )
    else:
        console.print("PAMS is not installed and left out.")
