"""Strategies inside a market: `backtest` and `backtest_family`."""

from simcal.trading.backtest import backtest
from simcal.trading.families import FamilyBacktest, backtest_family
from simcal.trading.orders.forms import load_strategy
from simcal.trading.result import Backtest

__all__ = ["Backtest", "FamilyBacktest", "backtest", "backtest_family", "load_strategy"]
