"""The order book in plain Python, as obvious as can be: one list, sorted when looked at. The engine must reproduce it.

It is slow on purpose: no index, no cursor, nothing that must be kept in step with the orders.
"""

from __future__ import annotations

from dataclasses import dataclass

BUY, SELL = "buy", "sell"


@dataclass
class Order:
    """An order in the book; `sequence` counts the orders sent, from 1."""

    sequence: int
    side: str
    tick: int
    volume: int
    trader: int
    last_step: float


@dataclass(frozen=True)
class Fill:
    """A trade: sequences of the older and the newer order, then who, at what price, how much and when."""

    resting: int
    incoming: int
    buyer: int
    seller: int
    tick: int
    volume: int
    step: int


class ReferenceBook:
    """An order book with the engine's words: see `simcal.book.engine`.

    Parameters
    ----------
    one_price
        All pairs of a sweep trade at the price of the older order of the last one.
    self_trade
        "allow", "cancel-resting" or "cancel-incoming".
    """

    def __init__(self, *, n_ticks: int, one_price: bool = False, self_trade: str = "allow") -> None:
        self.n_ticks, self.one_price, self.self_trade = n_ticks, one_price, self_trade
        self.orders: list[Order] = []
        self.fills: list[Fill] = []
        self.step, self.sent, self.trading = 0, 0, True

    def side(self, side: str) -> list[Order]:
        """The orders of a side, in price and time priority."""
        sign = -1 if side == BUY else 1
        return sorted((o for o in self.orders if o.side == side), key=lambda o: (sign * o.tick, o.sequence))

    def levels(self, side: str) -> list[tuple[int, int]]:
        """Ticks and volumes from the best outwards."""
        volumes: dict[int, int] = {}
        for order in self.side(side):
            volumes[order.tick] = volumes.get(order.tick, 0) + order.volume
        return list(volumes.items())

    def limit(self, side: str, tick: int, volume: int, trader: int, lifetime: int) -> int:
        """Send a limit order; its sequence."""
        self.sent += 1
        last = self.step + lifetime if lifetime >= 0 else float("inf")
        self.orders.append(Order(self.sent, side, tick, volume, trader, last))
        if self.trading:
            self._match()
        return self.sent

    def market(self, side: str, volume: int, trader: int) -> int:
        """Send a market order: a limit order that accepts every price and is cancelled if it has not traded."""
        self._match()  # orders that were collected trade first
        sequence = self.limit(side, self.n_ticks - 1 if side == BUY else 0, volume, trader, -1)
        self.cancel(sequence)
        return sequence

    def cancel(self, sequence: int) -> bool:
        """Cancel an order; whether it was there."""
        before = len(self.orders)
        self.orders = [o for o in self.orders if o.sequence != sequence]
        return len(self.orders) < before

    def cancel_all(self, trader: int) -> int:
        """Cancel the orders of a trader; how many there were."""
        before = len(self.orders)
        self.orders = [o for o in self.orders if o.trader != trader]
        return before - len(self.orders)

    def advance(self) -> int:
        """Move the clock; how many orders expired."""
        self.step += 1
        before = len(self.orders)
        self.orders = [o for o in self.orders if self.step <= o.last_step]
        return before - len(self.orders)

    def _match(self) -> None:
        sweep: list[Fill] = []
        while (pair := self._crossing()) is not None:
            older, newer = sorted(pair, key=lambda o: o.sequence)
            if older.trader == newer.trader and self.self_trade != "allow":
                self.orders.remove(older if self.self_trade == "cancel-resting" else newer)
            else:
                sweep.append(self._pair(*pair, older.tick))
        if self.one_price:
            sweep = [Fill(**{**vars(fill), "tick": sweep[-1].tick}) for fill in sweep]
        self.fills += sweep

    def _crossing(self) -> tuple[Order, Order] | None:
        buys, sells = self.side(BUY), self.side(SELL)
        if buys and sells and buys[0].tick >= sells[0].tick:
            return buys[0], sells[0]
        return None

    def _pair(self, buy: Order, sell: Order, tick: int) -> Fill:
        volume = min(buy.volume, sell.volume)
        for order in (buy, sell):
            order.volume -= volume
        self.orders = [o for o in self.orders if o.volume > 0]
        older, newer = sorted((buy.sequence, sell.sequence))
        return Fill(older, newer, buy.trader, sell.trader, tick, volume, self.step)

    def clearing_price(self, reference: int | None) -> int | None:
        """The price of a call auction: every tick is tried."""
        if self._crossing() is None:
            return None
        offers: list[tuple[int, int, int]] = []  # tick, volume that trades, surplus of buys
        for tick in range(self.n_ticks):
            demand = sum(o.volume for o in self.orders if o.side == BUY and o.tick >= tick)
            supply = sum(o.volume for o in self.orders if o.side == SELL and o.tick <= tick)
            offers.append((tick, min(demand, supply), demand - supply))
        most = max(volume for _, volume, _ in offers)
        offers = [offer for offer in offers if offer[1] == most]
        least = min(abs(surplus) for _, _, surplus in offers)
        offers = [offer for offer in offers if abs(offer[2]) == least]
        ticks = [tick for tick, _, _ in offers]
        if all(surplus > 0 for _, _, surplus in offers):
            return max(ticks)
        if all(surplus < 0 for _, _, surplus in offers):
            return min(ticks)
        if least > 0:  # as many buys too many at one tick as sells at the next
            ticks = [max(t for t, _, s in offers if s > 0), min(t for t, _, s in offers if s < 0)]
        if reference is None:
            reference = (min(ticks) + max(ticks)) // 2
        return min(max(reference, min(ticks)), max(ticks))

    def auction(self, reference: int | None) -> tuple[int | None, int]:
        """Hold a call auction; price and volume."""
        tick, volume = self.clearing_price(reference), 0
        while tick is not None and (pair := self._crossing()) is not None:
            fill = self._pair(*pair, tick)
            self.fills.append(fill)
            volume += fill.volume
        return tick, volume
