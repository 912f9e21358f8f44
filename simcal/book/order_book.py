"""An order book in currency, for people: send orders one at a time or as a table, look at it as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simcal.book.tables import KINDS, Grid, fills_table, levels_table, numbers_in, orders_table, rows_of
from simcal.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

# In the order of the engine's numbers.
RULES = ("each-level", "one-price")
SELF_TRADE = ("allow", "cancel-resting", "cancel-incoming")
STATUS = {
    0: "resting", 1: "traded", 2: "dropped", 3: "cancelled", -1: "book full", -3: "unknown order", -8: "not trading",
}  # fmt: skip


class Receipt(NamedTuple):
    """What became of an order: its number, its status, the volume that traded and its average price (or None)."""

    number: int
    status: str
    traded: int
    price: float | None


class OrderBook:
    """A limit order book with price and time priority.

    Parameters
    ----------
    tick_size, lowest_price
        The grid of prices, in currency. A price between two ticks is moved to the one that is better for the sender: a
        buy's down, a sell's up.
    n_ticks
        Number of prices on the grid.
    rule
        "each-level" (the standard of exchanges: a pair trades at the price of its older order) or "one-price" (all
        pairs of a sweep trade at the price of the older order of the last pair).
    self_trade
        What happens where a trader meets its own order: "allow", "cancel-resting" or "cancel-incoming".
    capacity
        How many orders can rest at the same time.

    Raises
    ------
    ParameterError
        An argument is not allowed; so do all methods, in a sentence that says what is.

    Examples
    --------
    >>> from simcal.book import OrderBook
    >>> book = OrderBook(tick_size=0.01)
    >>> book.limit("sell", 100.02, 5, trader=1).status
    'resting'
    >>> book.limit("buy", 100.05, 3, trader=2)
    Receipt(number=2, status='traded', traded=3, price=100.02)
    >>> book
    OrderBook(step 0, no bid, ask 100.02 x 2, 1 order, 1 trade)
    """

    def __init__(
        self,
        *,
        tick_size: float = 0.01,
        lowest_price: float = 0.0,
        n_ticks: int = 2**16,
        rule: str = "each-level",
        self_trade: str = "allow",
        capacity: int = 2**16,
    ) -> None:
        from simcal.book import engine

        for name, value, allowed in (("rule", rule, RULES), ("self_trade", self_trade, SELF_TRADE)):
            if value not in allowed:
                raise ParameterError(
                    f"{name} of an order book is {value!r}, but must be one of " + ", ".join(map(repr, allowed)) + "."
                )
        self._grid = Grid(tick_size, lowest_price, n_ticks)
        self._engine = engine
        self._book = engine.new_book(
            n_ticks=n_ticks, capacity=capacity, rule=RULES.index(rule), self_trade=SELF_TRADE.index(self_trade)
        )
        self._slots = np.zeros(1024, np.int32)
        self._sent = 0
        self._fills: list[np.ndarray] = []

    def limit(self, side: str, price: float, volume: int, *, trader: int = 0, lifetime: int | None = None) -> Receipt:
        """Send a limit order: "buy" or "sell" up to `volume` shares at `price` or better.

        Sent at step s with a `lifetime` it is alive at the steps s to s + lifetime, without one until it trades or is
        cancelled. Its status is "resting" (some or all of it is in the book), "traded", "dropped" (the rest was
        cancelled because it met an order of its own trader) or "book full".
        """
        return self._send_one(kind="limit", side=side, price=price, volume=volume, trader=trader, lifetime=lifetime)

    def market(self, side: str, volume: int, *, trader: int = 0) -> Receipt:
        """Send a market order, which trades with what is there and never rests.

        Its status is "traded", "dropped" (some or all of it found nobody) or "not trading" (orders are being
        collected).
        """
        return self._send_one(kind="market", side=side, volume=volume, trader=trader)

    def cancel(self, number: int) -> bool:
        """Cancel an order by the number on its receipt; False where it has traded, expired or never was."""
        return self._play(rows_of(self._grid, {"kind": ["cancel"], "order": [number]}))[0] == "cancelled"

    def advance(self, steps: int = 1) -> int:
        """Move the clock; the number of orders that expired."""
        return int(self._play(rows_of(self._grid, {"kind": ["advance"], "volume": [steps]}), raw=True)[0])

    def send(self, table: Any) -> pd.DataFrame:
        """Send a whole stream, at the speed of the engine.

        Parameters
        ----------
        table
            A DataFrame, or a mapping of columns. `kind`: "limit", "market", "cancel" or "advance" (the clock, by
            `volume` steps). As the kinds need them: `side`, `price`, `volume` (1), `trader` (0), `lifetime` (-1: none)
            and `order`, the number of the order to cancel. The orders of a book are numbered from 1 as they are sent.
            A missing value is the one in brackets.

        Returns
        -------
        DataFrame with a row per row of `table`: the `number` of the order (0 for other kinds) and its `status`.
        """
        import pandas as pd

        rows, first = rows_of(self._grid, table), self._sent
        statuses = self._play(rows)
        is_order = rows["kind"] <= 1
        return pd.DataFrame({"number": np.where(is_order, first + np.cumsum(is_order), 0), "status": statuses})

    def collect(self) -> None:
        """Let orders rest without trading from now on, as before an opening."""
        self._engine.collect(self._book)

    def trade(self) -> None:
        """Let orders trade as they come from now on, without an auction.

        If the book is crossed, the next order makes it trade with itself, by the book's rule.
        """
        self._engine.trade(self._book)

    def auction(self, reference: float | None = None) -> tuple[float | None, int]:
        """Trade what was collected at the one price at which most can trade, and begin to trade.

        Of equally good prices the one nearest to `reference` is taken (without one, to their middle).

        Returns
        -------
        Price (None where nothing could trade) and volume.
        """
        tick = self._engine.NO_TICK if reference is None else self._grid.ticks_of([reference], [0])[0]
        _, at, volume = self._engine.auction(self._book, tick)
        self._engine.trade(self._book)
        self._keep_fills()
        return self._price(at), int(volume)

    @property
    def step(self) -> int:
        """The clock."""
        return int(self._engine.step_of(self._book))

    @property
    def bid(self) -> float | None:
        """The highest price at which somebody buys, or None."""
        return self._price(self._engine.best_bid(self._book))

    @property
    def ask(self) -> float | None:
        """The lowest price at which somebody sells, or None."""
        return self._price(self._engine.best_ask(self._book))

    @property
    def last(self) -> float | None:
        """The price of the last trade, or None."""
        return self._price(self._engine.last_tick(self._book))

    def orders(self) -> pd.DataFrame:
        """The orders in the book, buys first, each side in its priority.

        Columns: `number`, `side`, `price`, `volume` (what is left), `sent` (what was sent), `trader`, `placed` (the
        step), `last_step` (empty for orders without a lifetime).
        """
        return orders_table(self._grid, self._book.orders)

    def levels(self, n: int | None = None) -> pd.DataFrame:
        """Price, volume and number of orders of the best `n` levels of each side (of all by default)."""
        return levels_table(self.orders(), n)

    def fills(self) -> pd.DataFrame:
        """All trades so far.

        Columns: `step`, `price`, `volume`, `buyer` and `seller` (traders), `resting` and `incoming` (numbers of the
        older and the newer order), `side` (of the newer).
        """
        return fills_table(self._grid, self._all(self._fills))

    def __repr__(self) -> str:
        parts = [f"step {self.step}"]
        for name, side in (("bid", self._engine.BUY), ("ask", self._engine.SELL)):
            tick = self._engine.best(self._book, side)
            volume = self._engine.volume_at(self._book, side, tick) if tick >= 0 else 0
            parts.append(f"{name} {self._price(tick):.10g} x {volume}" if tick >= 0 else f"no {name}")
        for count, noun in ((int(self._engine.n_live(self._book)), "order"), (sum(map(len, self._fills)), "trade")):
            parts.append(f"{count} {noun}" + "s" * (count != 1))
        return f"OrderBook({', '.join(parts)})"

    def _price(self, tick: Any) -> float | None:
        return float(self._grid.prices_of(tick)) if tick >= 0 else None

    def _send_one(self, **columns: Any) -> Receipt:
        rows = rows_of(self._grid, {name: [value] for name, value in columns.items() if value is not None})
        before = len(self._fills)
        status = self._play(rows)[0]
        mine = [f[numbers_in(f["incoming"]) == self._sent] for f in self._fills[before:]]
        fills = self._all(mine)
        traded = int(fills["volume"].sum())
        average = float(np.average(self._grid.prices_of(fills["tick"]), weights=fills["volume"])) if traded else None
        return Receipt(self._sent, status, traded, average)

    def _play(self, rows: np.ndarray, raw: bool = False) -> Any:
        self._sent += int((rows["kind"] <= 1).sum())
        if self._sent >= self._slots.size:
            self._slots = np.concatenate([self._slots, np.zeros(max(self._sent, self._slots.size), np.int32)])
        statuses, row = np.zeros(rows.size, np.int64), 0
        while row < rows.size:
            row = self._engine.play(self._book, rows, row, self._slots, statuses)
            self._keep_fills()
        if raw:
            return statuses
        is_clock = rows["kind"] == tuple(KINDS).index("advance")
        return ["" if clock else STATUS[int(s)] for s, clock in zip(statuses, is_clock, strict=True)]

    def _all(self, parts: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([np.zeros(0, self._engine.FILL), *parts])

    def _keep_fills(self) -> None:
        count = self._engine.n_fills(self._book)
        if count:
            self._fills.append(self._book.fills[:count].copy())
            self._engine.clear_fills(self._book)
