"""The peers of `benchmarks/book.py`: order books as one writes them in Python. They are given the same instructions.

Each trades at the price of the resting order and returns the number of trades and the shares traded. `HeapBook` keeps a
heap of prices and a queue per price and forgets dead orders when it meets them; `SortedBook` keeps all orders sorted.
"""

from __future__ import annotations

import bisect
import heapq
import sys
from collections import defaultdict, deque
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests" / "book"))
from slow_book import ReferenceBook

from simcal.book.engine.auction import ADVANCE, CANCEL, LIMIT, MARKET

Row = tuple[int, int, int, int, int, int, int]
WORST = 2**30


class HeapBook:
    """Heaps of prices, a deque of orders per price, dead orders left where they are until they come up."""

    def __init__(self) -> None:
        self.heaps: tuple[list[int], list[int]] = ([], [])
        self.queues: tuple[dict[int, Any], dict[int, Any]] = ({}, {})
        self.left: dict[int, int] = {}  # volume of live orders
        self.expiries: defaultdict[int, list[int]] = defaultdict(list)
        self.step = self.sent = self.trades = self.shares = 0

    def play(self, rows: list[Row]) -> tuple[int, int]:
        for kind, side, tick, volume, _, lifetime, number in rows:
            if kind in (LIMIT, MARKET):
                self._order(kind, side, tick, volume, lifetime)
            elif kind == CANCEL:
                self.left.pop(number, None)
            else:
                for _ in range(volume):
                    self.step += 1
                    for dead in self.expiries.pop(self.step, ()):
                        self.left.pop(dead, None)
        return self.trades, self.shares

    def _order(self, kind: int, side: int, tick: int, volume: int, lifetime: int) -> None:
        self.sent += 1
        sign = 1 if side == 0 else -1  # prices as costs: a heap's first is its best
        limit = WORST if kind == MARKET else sign * tick
        heap, queues, left = self.heaps[1 - side], self.queues[1 - side], self.left
        while volume and heap and heap[0] <= limit:
            queue = queues[heap[0]]
            while queue and volume:
                there = left.get(queue[0], 0)
                traded = min(there, volume)
                if traded:
                    self.trades += 1
                    self.shares += traded
                    volume -= traded
                    left[queue[0]] = there - traded
                if traded == there:
                    left.pop(queue.popleft(), None)
            if not queue:
                del queues[heapq.heappop(heap)]
        if volume and kind == LIMIT:
            key = -sign * tick
            if key not in self.queues[side]:
                self.queues[side][key] = deque()
                heapq.heappush(self.heaps[side], key)
            self.queues[side][key].append(self.sent)
            left[self.sent] = volume
            if lifetime >= 0:
                self.expiries[self.step + lifetime + 1].append(self.sent)


class SortedBook:
    """Two sorted lists of orders, the best last; found again by bisection."""

    def __init__(self) -> None:
        self.sides: tuple[list[Any], list[Any]] = ([], [])
        self.where: dict[int, tuple[int, int]] = {}  # side and price of live orders
        self.left: dict[int, int] = {}
        self.expiries: defaultdict[int, list[int]] = defaultdict(list)
        self.step = self.sent = self.trades = self.shares = 0

    def _remove(self, number: int) -> None:
        if number in self.left:
            side, key = self.where.pop(number)
            orders = self.sides[side]
            del orders[bisect.bisect_left(orders, (key, -number))]
            del self.left[number]

    def play(self, rows: list[Row]) -> tuple[int, int]:
        for kind, side, tick, volume, _, lifetime, number in rows:
            if kind in (LIMIT, MARKET):
                self._order(kind, side, tick, volume, lifetime)
            elif kind == CANCEL:
                self._remove(number)
            else:
                for _ in range(volume):
                    self.step += 1
                    for dead in self.expiries.pop(self.step, ()):
                        self._remove(dead)
        return self.trades, self.shares

    def _order(self, kind: int, side: int, tick: int, volume: int, lifetime: int) -> None:
        self.sent += 1
        sign = 1 if side == 0 else -1
        limit = WORST if kind == MARKET else sign * tick
        others, left = self.sides[1 - side], self.left
        while volume and others and -others[-1][0] <= limit:
            number = -others[-1][1]
            traded = min(left[number], volume)
            self.trades += 1
            self.shares += traded
            volume -= traded
            left[number] -= traded
            if left[number] == 0:
                others.pop()
                del left[number], self.where[number]
        if volume and kind == LIMIT:
            key = sign * tick
            bisect.insort(self.sides[side], (key, -self.sent))
            left[self.sent], self.where[self.sent] = volume, (side, key)
            if lifetime >= 0:
                self.expiries[self.step + lifetime + 1].append(self.sent)


def play_reference(rows: list[Row], n_ticks: int) -> tuple[int, int]:
    """The obvious book of the tests."""
    book, sides = ReferenceBook(n_ticks=n_ticks), ("buy", "sell")
    for kind, side, tick, volume, trader, lifetime, number in rows:
        if kind == LIMIT:
            book.limit(sides[side], tick, volume, trader, lifetime)
        elif kind == MARKET:
            book.market(sides[side], volume, trader)
        elif kind == CANCEL:
            book.cancel(number)
        elif kind == ADVANCE:
            for _ in range(volume):
                book.advance()
    return len(book.fills), sum(fill.volume for fill in book.fills)
