"""A family of strategies on several calibrated markets, and whether these rank it as held-out prices do."""

from simcal.trading.families.backtest import backtest_family
from simcal.trading.families.family import FAMILIES, family_of
from simcal.trading.families.markets import markets_of, markets_of_run
from simcal.trading.families.prices import resampled
from simcal.trading.families.result import FamilyBacktest

__all__ = [
    "FAMILIES",
    "FamilyBacktest",
    "backtest_family",
    "family_of",
    "markets_of",
    "markets_of_run",
    "resampled",
]
