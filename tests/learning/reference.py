"""The market of learning traders as one would write it first: lists, loops over the whole past, one episode."""

import math

import numpy as np

from simcal import noise


class SlowMarket:
    """Plays one episode of a `LearningMarket` on the same noise as `BookBatch`, with nothing remembered in sums."""

    def __init__(self, market, seed, number):
        self.market, self.seed, self.number = market, seed, number
        n = market.n_traders
        u = [self.uniforms(0, 2 * j) for j in range(n)]
        z = [self.normals(0, 2 * j + 1) for j in range(n)]
        self.shares = [math.floor(-market.shares_mean * math.log(x[0])) for x in u]
        self.cash = [-market.cash_mean * math.log(x[1]) for x in u]
        self.discount = [market.discount_low + (market.discount_high - market.discount_low) * x[2] for x in u]
        self.risk = [market.risk_aversion_mean + market.risk_aversion_sd * x[0] for x in z]
        self.sigma = [market.noise_mean + market.noise_sd * x[1] for x in z]
        self.value_sd = market.fundamental_volatility * self.uniforms(0, 2 * n)[0]
        self.start = [c + q * market.initial_price for c, q in zip(self.cash, self.shares, strict=True)]
        self.values = [math.log(market.initial_price)]  # logarithms
        self.prices, self.mids = [], []  # at the end of each step; mids may be None
        self.price, self.mid = float(round(market.initial_price / market.tick)), None  # in ticks
        self.orders = []  # [side, tick, volume, trader, step], oldest first
        self.step, self.opened = 0, False
        self.last_order = [None] * n
        self.last = {}  # trader: wealth, exposure at her last decision
        self.fills, self.gaps = [], []
        self.enter_session()
        self.shown = [market.initial_price]  # mids, or prices in their stead, as each step begins

    def uniforms(self, step, block):
        return noise.uniforms(self.seed, self.number, 1, step, 1, 4 * block + 4)[0, 4 * block :, 0]

    def normals(self, step, block):
        return noise.normals(self.seed, self.number, 1, step, 1, 4 * block + 4)[0, 4 * block :, 0]

    # -- sessions and matching ------------------------------------------------------------------------------------

    def session(self, step):
        for k, end in enumerate(np.cumsum(self.market.sessions)):
            if step < end:
                return k
        return len(self.market.sessions) - 1

    def trading(self):
        return self.session(self.step) % 2 == 1

    def enter_session(self):
        """An auction where trade begins now."""
        before = self.session(self.step - 1) if self.step else -1
        now = self.session(self.step)
        if self.step < self.market.n_steps and now != before and now % 2 == 1 and self.market.matching == "level":
            tick = self.auction_tick()
            if tick is not None:
                self.match(lambda older, last: tick)
            self.after_orders(self.matched if tick is not None else [])

    def best(self, side):
        ticks = [o[1] for o in self.orders if o[0] == side]
        return None if not ticks else (max(ticks) if side == "buy" else min(ticks))

    def auction_tick(self):
        """Of the ticks with most volume and then least surplus: where all surplus is of buys the highest, where all is
        of sells the lowest, else the one nearest to the last price."""
        bid, ask = self.best("buy"), self.best("sell")
        if bid is None or ask is None or bid < ask:
            return None
        found = []
        for tick in range(ask, bid + 1):
            buys = sum(o[2] for o in self.orders if o[0] == "buy" and o[1] >= tick)
            sells = sum(o[2] for o in self.orders if o[0] == "sell" and o[1] <= tick)
            found.append((-min(buys, sells), abs(buys - sells), tick, np.sign(buys - sells)))
        best = min(x[:2] for x in found)
        ticks, surplus = [x[2] for x in found if x[:2] == best], {x[3] for x in found if x[:2] == best}
        if surplus in ({1}, {-1}):
            return max(ticks) if surplus == {1} else min(ticks)
        reference = math.floor(self.price + 0.5)
        return min(ticks, key=lambda t: abs(t - reference))

    def match(self, priced):
        """Pair the best buy and the best sell until they no longer cross."""
        pairs = []
        while self.best("buy") is not None and self.best("sell") is not None and self.best("buy") >= self.best("sell"):
            buy = next(o for o in self.orders if o[0] == "buy" and o[1] == self.best("buy"))
            sell = next(o for o in self.orders if o[0] == "sell" and o[1] == self.best("sell"))
            older = min(buy, sell, key=self.orders.index)
            volume = min(buy[2], sell[2])
            pairs.append((older[1], volume, buy[3], sell[3]))
            buy[2], sell[2] = buy[2] - volume, sell[2] - volume
            self.orders = [o for o in self.orders if o[2] > 0]
        last = pairs[-1][0] if pairs else None
        self.matched = [(priced(own, last), volume, buyer, seller) for own, volume, buyer, seller in pairs]

    def after_orders(self, pairs):
        bid, ask = self.best("buy"), self.best("sell")
        self.mid = None if bid is None or ask is None else (bid + ask) / 2
        for tick, volume, buyer, seller in pairs:
            self.fills.append((self.step, tick, volume, buyer, seller))
            money = tick * self.market.tick * volume
            self.shares[buyer] += volume
            self.shares[seller] -= volume
            self.cash[buyer] -= money
            self.cash[seller] += money
        if pairs:
            self.price, self.opened = float(pairs[-1][0]), True
        elif not self.opened and self.trading() and self.mid is not None:
            self.price = self.mid

    # -- one decision ----------------------------------------------------------------------------------------------

    def money(self):
        return self.price * self.market.tick

    def wealth(self, j):
        return self.cash[j] + self.shares[j] * self.money()

    def returns(self, j):
        first = self.market.first_trade
        since = first if self.last_order[j] is None else max(first, self.last_order[j])
        mids = [m for m in self.mids[since : self.step] if m is not None]
        if len(mids) < 2:
            return 0.0, 0.0
        r = np.diff(np.log(np.array(mids) * self.market.tick))
        return self.market.n_traders * r.mean(), self.market.n_traders * r.var()

    def ratios(self, j):
        m = self.price if self.mid is None else self.mid
        found = []
        for side, sign in (("buy", 1), ("sell", -1)):
            total = 0.0
            for other, tick, volume, _, _ in self.orders:
                distance = sign * (m - tick) / m
                if other == side and 0 <= distance <= 0.05:
                    total += volume * math.exp(-100 * distance)
            found.append(min(abs(self.shares[j]) / (total + 1e-6), 5))
        return found

    def look(self):
        """Who acts, the eleven features, and her gains up to now."""
        market = self.market
        word = int(noise.words(self.seed, self.number, self.step + 1, 0)[0, 0])
        self.acting = j = word * market.n_traders >> 32
        blur, self.shock = self.normals(self.step + 1, 0)[2:4]
        self.seen = drift, variance = self.returns(j)
        self.depths = bids, asks = self.ratios(j)
        p, q, c = self.money(), self.shares[j], self.cash[j]
        reach = 3.090232306167813
        low, high = market.discount_low, market.discount_high
        raw = [
            (q * p / (c + q * p), 0, 1),
            (q / 20, 0, 3),
            (p / c, 0, 1),
            (drift, -0.7, 0.7),
            (variance, 0, 0.05),
            (bids, 0, 5),
            (asks, 0, 5),
            (self.values[-1] - math.log(p) + max(self.sigma[j], 1e-10) * blur, -0.7, 0.7),
            (self.sigma[j], market.noise_mean - reach * market.noise_sd, market.noise_mean + reach * market.noise_sd),
            (self.risk[j], market.risk_aversion_mean - reach * market.risk_aversion_sd,
             market.risk_aversion_mean + reach * market.risk_aversion_sd),
            (self.discount[j], low + 0.001 * (high - low), high - 0.001 * (high - low)),
        ]  # fmt: skip
        features = [0.0 if b <= a else min(max(2 * (x - a) / (b - a) - 1, -1), 1) for x, a, b in raw]
        earned = self.gains(j, self.wealth(j), variance) if j in self.last and market.reward == "gains" else 0.0
        return j, features, earned

    def gains(self, j, wealth, variance):
        market, (before, exposure) = self.market, self.last[j]
        gain = (wealth - before) / (self.start[j] + market.reserve)
        risk = self.risk[j] / 2 * market.risk_weight * exposure**2 * min(variance, 0.05)
        return market.gain_weight * (gain - risk) - self.penalties(j)

    def penalties(self, j):
        return self.market.short_penalty * (self.shares[j] < 0) + self.market.debt_penalty * (self.cash[j] < 0)

    def play(self, patience, size):
        """Act; returns the published reward, which is of the decision before this one."""
        market, j = self.market, self.acting
        known, before = j in self.last, self.wealth(j)
        m = self.price if self.mid is None else self.mid
        volume = math.ceil(market.largest_volume * abs(size))
        if size > 0:
            side, tick = "buy", math.floor(m * (1 - market.price_band * patience))
        else:
            side, tick = "sell", math.ceil(m * (1 + market.price_band * patience))
        if market.affordable:
            most = self.cash[j] / (max(tick, 1) * market.tick) if side == "buy" else self.shares[j]
            volume = min(volume, math.floor(max(most, 0)))
        if volume > 0:
            self.orders.append([side, tick, volume, j, self.step])
            self.matched = []
            if self.trading():
                self.match((lambda own, last: own) if market.matching == "level" else (lambda own, last: last))
            self.after_orders(self.matched)
            self.last_order[j] = self.step
        self.mids.append(self.mid)
        self.values.append(self.values[-1] + self.value_sd * self.shock)
        gap = self.values[-1] - math.log(self.money())
        self.gaps.append(gap)
        self.step += 1
        self.orders = [o for o in self.orders if o[4] + market.order_lifetime >= self.step]
        self.enter_session()
        self.shown.append((self.price if self.mid is None else self.mid) * market.tick)
        held, wealth = self.shares[j] * self.money(), self.wealth(j)
        self.last[j] = (before, held / max(wealth, market.reserve))
        return self.published(j) if known and market.reward == "wealth" else 0.0

    def published(self, j):
        market, wealth, (drift, variance) = self.market, self.wealth(j), self.seen
        f = self.shares[j] * self.money() / wealth
        utility = wealth * (1 + f * drift) - self.risk[j] / 2 * abs(f) * variance * wealth
        x, y = (ratio / max(1, self.shares[j]) + 1e-6 for ratio in self.depths)
        run = 0.0
        for gap in reversed(self.gaps):
            if gap * self.gaps[-1] <= 0:
                break
            run += abs(gap)
        return (
            2 / math.pi * math.atan(market.wealth_scale * utility)
            - self.penalties(j)
            - min(market.illiquidity_penalty * (x + y + 0.1 * (max(x, y) / min(x, y) - 1)), 1)
            - min(market.mispricing_penalty * run, 10)
        )

    def close(self):
        """What last decisions earn, with shares at the fundamental value; 0 of traders who never decided."""
        value = math.exp(self.values[-1])
        return [
            self.gains(j, self.cash[j] + self.shares[j] * value, self.returns(j)[1]) if j in self.last else 0.0
            for j in range(self.market.n_traders)
        ]
