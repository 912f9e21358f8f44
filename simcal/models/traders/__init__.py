"""Types of traders, each written once and used in any price market that shows what they look at."""

from simcal.definition import Trader
from simcal.models.traders.stock import FundamentalTrader, NoiseTrader, TechnicalTrader
from simcal.models.traders.switching import attractiveness
from simcal.registry import Registry

TRADERS: Registry[type[Trader]] = Registry("simcal.traders", "a type of trader")
"""The types by name: those that ship, those that other packages bring by entry points, those registered here."""

__all__ = ["TRADERS", "FundamentalTrader", "NoiseTrader", "TechnicalTrader", "attractiveness"]
