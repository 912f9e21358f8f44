"""A market of your own, from the first line: momentum traders and a market maker who leans against its inventory.

simcal simulate examples/own_market.py:MakerMarket --paths 1000 --steps 250
simcal calibrate sp500 --market examples/own_market.py:MakerMarket
"""

from simcal.definition import PriceMarket, Trader, draw, exp, group, output, parameter, state, tanh_half


class MomentumTrader(Trader):
    """Buys after rises of the log price over its own horizon, and has opinions of its own."""

    horizon = parameter((5, 20, 60), "steps over which it measures the trend", 1, integer=True, trainable=False)
    steepness = parameter(2.0, "how sharply it answers to the trend", 0, open=True)
    opinion_sd = parameter(1.0, "deviation of its own opinion", 0)
    opinion = draw()

    def orders(self, market):
        trend = market.log_price - market.lag("log_price", self.horizon)
        return tanh_half(self.steepness * trend + self.opinion_sd * self.opinion)


class MakerMarket(PriceMarket):
    """The maker takes the other side of every order and moves its quotes against what it holds."""

    title = "market with a maker"
    momentum = group(MomentumTrader, 3)
    impact = parameter(0.004, "change of the log price per unit of excess demand", 0, open=True)
    lean = parameter(0.0005, "change of the log price per unit that the maker holds", 0)
    forget = parameter(0.3, "share of its inventory that the maker lays off elsewhere per step", 0, 1)

    log_price = state(0.0)
    inventory = state(0.0)
    price = output("price", start=100.0)
    held = output("units that the maker holds")

    def step(self):
        demand = self.orders("momentum").demand + self.outside
        self.inventory = (1 - self.forget) * self.inventory - demand
        self.log_price = self.log_price + self.impact * demand - self.lean * self.inventory
        self.price = 100.0 * exp(self.log_price)
        self.held = self.inventory
