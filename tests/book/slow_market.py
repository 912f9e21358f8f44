"""The order-book market in plain Python on the plain book: what the kernel must reproduce, trade by trade.

It shares the rules, the constants and the noise with the kernel, and nothing else: lists instead of rings, the book
that is sorted when looked at, one dictionary per trader.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from slow_book import BUY, SELL, Fill, ReferenceBook

from simcal.book import engine, rules
from simcal.book.events import FatFinger, PriceLimit, Shock, TradingHalt
from simcal.book.layout import BLOCK_DECISIONS, BLOCK_STEP, BLOCKS_PER_DECISION, BLOCKS_PER_TRADER, n_ticks
from simcal.book.market import BookMarket
from simcal.book.parameters import GROUPS
from simcal.noise import words
from simcal.noise.gaussian import normal_pair, uniform

SIDES = (BUY, SELL)


@dataclass
class Played:
    """What a path did: outputs at each time from 0, all trades, warm-up included, and the traders at the end."""

    rows: list[dict[str, float]] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    traders: list[dict[str, Any]] = field(default_factory=list)


class _Book(ReferenceBook):
    """Remembers the side of every order that was sent."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.side_of: dict[int, str] = {}

    def limit(self, side: str, tick: int, volume: int, trader: int, lifetime: int) -> int:
        self.side_of[self.sent + 1] = side
        return super().limit(side, tick, volume, trader, lifetime)


def simulate(market: BookMarket, seed: int, path: int, n_steps: int, outside: Any = None) -> Played:
    """Play one path; `outside` has the demand from outside of each step, in units."""
    return _Path(market, seed, path).play(n_steps, outside)


class _Path:
    def __init__(self, market: BookMarket, seed: int, path: int) -> None:
        self.m, self.seed, self.path = market, seed, path
        self.book = _Book(
            n_ticks=n_ticks(market), one_price=market.matching == "one-price", self_trade=market.self_trade
        )
        self.groups = [name for name in GROUPS for _ in range(getattr(market, name))]
        self.traders = [self._born(j, group) for j, group in enumerate(self.groups)]
        self.traders += [{"shares": 0.0, "cash": 0.0}, {"shares": 0.0, "cash": 0.0}]  # outside, fat fingers
        self.price = self.mid = self.reference = market.initial_price / market.tick
        self.spread, self.waiting, self.clock, self.seen, self.public = 0.0, 0.0, 0, 0, 0.0
        self.log_value = float(np.log(market.starting("fundamental_start") / market.initial_price))
        self.variance = market.starting("variance_start")
        self.logs, self.squares, self.sums = [math.log(self.price)], [0.0], [self.price]
        self.low, self.high = 1.0, float(self.book.n_ticks - 1)
        self._limit_prices()
        self.returning, self.phase_end = 0, math.inf
        self.volume = self.bought = self.trades = 0
        if market.warm_up > 0:
            self.book.trading = False
            self.phase_end = market.warm_up
        else:
            self._open()
            self.phase_end = market.session_steps or math.inf

    def _words(self, step: int, block: int) -> list[int]:
        return [int(w) for w in words(self.seed, self.path, step, block).ravel()]

    def _uniform(self, word: int) -> float:
        return float(uniform(np, np.array([word], np.int64), True)[0])

    def _normals(self, first: int, second: int) -> tuple[float, float]:
        a, b = normal_pair(np, np.array([first], np.int64), np.array([second], np.int64), True)
        return float(a[0]), float(b[0])

    def _born(self, j: int, group: str) -> dict[str, Any]:
        m = self.m
        one, two = self._words(0, BLOCKS_PER_TRADER * j), self._words(0, BLOCKS_PER_TRADER * j + 1)
        weights = [
            -mean * math.log(self._uniform(word))
            for mean, word in zip((m.value_weight, m.trend_weight, m.noise_weight), one[:3], strict=True)
        ]
        total = sum(weights)

        def endowment(mean: float, spread: float, word: int) -> float:
            draw = self._uniform(word)
            return -mean * math.log(draw) if m.endowment == "exponential" else mean * (1 + spread * (2 * draw - 1))

        shares = math.floor(endowment(m.shares_mean, m.shares_spread, one[3]))
        value, trend, noise = (w / total if total > 0 else 0.0 for w in weights)
        return {
            "pulls": (value / m.value_horizon, trend, noise * m.noise_scale),
            "horizon": rules.horizon(m.horizon, m.horizon_inertia, weights[0], weights[1]),
            "risk": rules.risk_aversion(m.risk_aversion, m.risk_inertia, weights[0], weights[1]),
            "shares": 0.0 if group == "n_makers" else float(shares),
            "cash": endowment(m.cash_mean, m.cash_spread, two[0]),
            "margin": m.order_margin * self._uniform(two[1]),
        }

    def play(self, n_steps: int, outside: Any) -> Played:
        played = Played(traders=self.traders)
        for t in range(-self.m.warm_up, n_steps + 1):
            if t > -self.m.warm_up:
                self._step(0.0 if outside is None or t <= 0 else outside[t - 1])
            if t >= 0:
                played.rows.append(self._row())
        played.fills = self.book.fills
        return played

    def _row(self) -> dict[str, float]:
        tick, bids, asks = self.m.tick, self.book.levels(BUY), self.book.levels(SELL)
        return {
            "prices": tick * (self.price if self.m.price == "last" else self.mid),
            "mid": tick * self.mid, "last_price": tick * self.price, "spread": tick * self.spread,
            "depth_bid": bids[0][1] if bids else 0, "depth_ask": asks[0][1] if asks else 0,
            "resting": len(self.book.orders), "volume": self.volume, "buy_volume": self.bought, "trades": self.trades,
            "trading": self.book.trading, "fundamental_value": tick * self.value, "fundamental_variance": self.variance,
        }  # fmt: skip

    @property
    def value(self) -> float:
        return self.m.initial_price / self.m.tick * math.exp(self.log_value)

    def _step(self, outside: float) -> None:
        m = self.m
        self.clock += 1
        self.volume = self.bought = self.trades = 0
        one = self._words(self.clock, BLOCK_STEP)
        self.public = self._normals(one[2], one[3])[0]
        value_normal, variance_normal = self._normals(one[0], one[1])
        orthogonal = math.sqrt(max(1 - m.leverage_correlation**2, 0.0))
        self.variance = rules.next_variance(
            self.variance, m.variance_mean, m.variance_reversion, m.vol_of_vol, variance_normal
        )
        mean = float(np.log(m.fundamental_mean / m.initial_price))
        self.log_value = rules.next_value(
            self.log_value, mean, m.fundamental_reversion, self.variance, value_normal, variance_normal,
            m.leverage_correlation, orthogonal,
        )  # fmt: skip
        for event in m.events:
            if isinstance(event, Shock) and event.step + m.warm_up == self.clock:
                self.log_value += math.log(1 + event.change)
        for event in m.events:
            if isinstance(event, FatFinger) and event.step + m.warm_up == self.clock and self.book.trading:
                self._market(event.side, event.volume, m.n_traders + 1)
        for i in range(m.orders_per_step):
            block = BLOCK_DECISIONS + BLOCKS_PER_DECISION * i
            self._decide(self._words(self.clock, block), self._words(self.clock, block + 1))
        self.waiting += outside * m.outside_volume
        shares = math.floor(abs(self.waiting) + 1e-9)
        if shares >= 1 and self.book.trading:
            before = self.traders[m.n_traders]["shares"]
            self._market(BUY if self.waiting > 0 else SELL, shares, m.n_traders)
            self.waiting -= self.traders[m.n_traders]["shares"] - before
        self.book.advance()
        self._change_session()
        change = math.log(self.price) - self.logs[-1]
        self.logs.append(math.log(self.price))
        self.squares.append(self.squares[-1] + change * change)
        self.sums.append(self.sums[-1] + self.price)

    def _decide(self, one: list[int], two: list[int]) -> None:
        m, j = self.m, one[0] * self.m.n_traders >> 32
        trader, group = self.traders[j], self.groups[j]
        if group == "n_makers":
            self.book.cancel_all(j)
            bid, ask = rules.quotes(self.mid, m.maker_spread, m.maker_skew, trader["shares"])
            self._limit(engine.BUY, bid, m.maker_volume, j, m.order_lifetime)
            self._limit(engine.SELL, ask, m.maker_volume, j, m.order_lifetime)
            return
        own = self._normals(one[2], one[3])[0]
        if group in ("n_fcn", "n_cara"):
            self._forecaster(j, group == "n_cara", own, self._uniform(one[1]))
            return
        wanted = self._demand(j, group, own)
        side, price, volume = rules.signal_order(wanted, m.signal_volume, self.mid, m.order_margin,
                                                 self._uniform(two[1]))  # fmt: skip
        if m.replace_orders:
            self.book.cancel_all(j)
        if volume == 0:
            return
        if self._uniform(two[0]) >= m.market_share:
            self._limit(side, price, volume, j, m.order_lifetime)
        elif self.book.trading:
            self._market(SIDES[side], volume, j)

    def _forecaster(self, j: int, cautious: bool, own: float, draw: float) -> None:
        m, trader, now = self.m, self.traders[j], self.clock - 1
        span = min(int(trader["horizon"]), now)
        log_price = math.log(self.price)
        expected = rules.expected_return(
            *trader["pulls"], math.log(self.value) - log_price, log_price - self.logs[now - span], span, own
        )
        lifetime = span or int(m.horizon)
        if cautious or m.replace_orders:
            self.book.cancel_all(j)
        if not cautious:
            side, price, volume = rules.fcn_order(self.price, expected, trader["margin"], m.order_volume)
            self._limit(side, price, volume, j, lifetime)
            return
        variance = 0.0
        if span:
            mean = (self.logs[now] - self.logs[now - span]) / span
            variance = (self.squares[now] - self.squares[now - span]) / span - mean * mean
        bids, asks = self.book.levels(BUY), self.book.levels(SELL)
        side, price, volume = rules.cara_order(
            log_price + expected, trader["risk"] * max(variance, 1e-10) * m.tick, trader["shares"],
            trader["cash"] / m.tick, draw, bids[0][0] if bids else self.price, asks[0][0] if asks else self.price,
        )  # fmt: skip
        if volume > 0:
            self._limit(side, price, volume, j, lifetime)

    def _demand(self, j: int, group: str, own: float) -> float:
        m, i, now = self.m, j - self.groups.index(group), self.clock - 1
        hard = m.rule == "hard"
        if group == "n_noise":
            public, private = m.public_sd * self.public, m.private_sd * own
            signal = rules.noise_signal(m.vector("public_weight")[i], public, m.vector("private_weight")[i], private)
            return rules.hard(signal, 0.0) if hard else rules.smoothed(signal)
        if group == "n_technical":
            short, long = int(m.vector("short_window")[i]), int(m.vector("long_window")[i])
            if now + 1 < long:
                return 0.0
            sums = [self.sums[now] - (self.sums[now - w] if now >= w else 0.0) for w in (short, long)]
            signal = m.tick * rules.trend_signal(sums[0], short, sums[1], long)
            threshold = m.vector("trend_threshold")[i]
            return rules.hard(signal, threshold) if hard else rules.smoothed(m.vector("trend_sensitivity")[i] * signal)
        error = m.vector("observation_sd")[i] * own
        signal = rules.value_signal(m.tick * self.value, error, m.tick * self.price)
        return rules.hard(signal, 0.0) if hard else rules.smoothed(m.vector("value_sensitivity")[i] * signal)

    def _limit(self, side: int, price: float, volume: int, j: int, lifetime: int) -> None:
        tick = int(rules.tick_of(side, price, self.low, self.high))
        self.book.limit(SIDES[side], tick, int(volume), j, lifetime)
        self._settle()

    def _market(self, side: str, volume: int, j: int) -> None:
        if any(isinstance(event, PriceLimit) for event in self.m.events):
            self.book.cancel(self.book.limit(side, int(self.high if side == BUY else self.low), volume, j, 0))
        else:
            self.book.market(side, volume, j)
        self._settle()

    def _settle(self) -> None:
        bids, asks = self.book.levels(BUY), self.book.levels(SELL)
        known = bool(bids and asks) and bids[0][0] < asks[0][0]
        if known:
            self.mid, self.spread = 0.5 * (bids[0][0] + asks[0][0]), asks[0][0] - bids[0][0]
        fresh = self.book.fills[self.seen :]
        self.seen = len(self.book.fills)
        for fill in fresh:
            paid = fill.tick * self.m.tick * fill.volume
            self.traders[fill.buyer]["shares"] += fill.volume
            self.traders[fill.seller]["shares"] -= fill.volume
            self.traders[fill.buyer]["cash"] -= paid
            self.traders[fill.seller]["cash"] += paid
            self.volume += fill.volume
            self.bought += fill.volume if self.book.side_of[fill.incoming] == BUY else 0
            self.price = float(fill.tick)
        self.trades += len(fresh)
        if fresh and not known:
            self.mid = self.price
        if not self.book.fills and self.book.trading and known:
            self.price = self.mid

    def _limit_prices(self) -> None:
        for event in self.m.events:
            if isinstance(event, PriceLimit):
                top = float(self.book.n_ticks - 1)
                self.low = min(max(math.ceil(self.reference * (1 - event.band)), 1.0), top)
                self.high = max(min(math.floor(self.reference * (1 + event.band)), top), self.low)

    def _open(self) -> None:
        if self.m.matching == "each-level":
            self.book.auction(math.floor(self.price + 0.5))
        self.book.trading = True
        self._settle()
        self.reference = self.price
        self._limit_prices()

    def _change_session(self) -> None:
        m, now = self.m, self.clock
        halt = next((event for event in m.events if isinstance(event, TradingHalt)), None)
        if self.returning and self.returning <= now < self.phase_end:
            self.returning = 0
            self._open()
        if now == self.phase_end:
            in_session = self.book.trading or self.returning > 0
            self.returning, self.book.trading = 0, False
            if in_session and m.break_steps:
                self.phase_end = now + m.break_steps
            else:
                self._open()
                self.phase_end = now + m.session_steps if m.session_steps else math.inf
        elif self.book.trading and halt and abs(self.price / self.reference - 1) >= halt.threshold:
            self.book.trading = False
            self.returning = now + halt.duration
