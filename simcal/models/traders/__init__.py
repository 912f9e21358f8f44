"""Types of traders, each written once and used in any price market that shows what they look at."""

from simcal.models.traders.stock import FundamentalTrader, NoiseTrader, TechnicalTrader
from simcal.models.traders.switching import attractiveness

__all__ = ["FundamentalTrader", "NoiseTrader", "TechnicalTrader", "attractiveness"]
