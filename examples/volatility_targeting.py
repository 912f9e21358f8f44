"""A trader of your own in the stock market: it holds less the wilder prices have been.

simcal simulate examples/volatility_targeting.py:TargetingMarket --paths 1000 --steps 250
simcal calibrate sp500 --market examples/volatility_targeting.py:TargetingMarket
"""

from simcal import StockMarket
from simcal.definition import Trader, group, minimum, parameter, root, state


class VolatilityTargeting(Trader):
    memory = parameter(0.94, "weight that the variance keeps from step to step", 0, 1)
    target = parameter(0.005, "volatility at which one unit is held", 0, open=True)
    variance = state(1e-4)
    holding = state(0.0)

    def orders(self, market):
        change = market.price / market.lag("price", 2) - 1
        self.variance = self.memory * self.variance + (1 - self.memory) * change**2
        before, self.holding = self.holding, minimum(self.target / root(self.variance), 1.0)
        return self.holding - before


class TargetingMarket(StockMarket):
    targeting = group(VolatilityTargeting, 3)
