"""The herding market: fundamentalists and chartists whose shares follow how attractive they are."""

from simcal.models.herding.market import HerdingMarket as HerdingMarket
