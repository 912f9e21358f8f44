"""Strategies inside a market: `backtest` and `backtest_family`."""

from simcal.trading.backtest import backtest
from simcal.trading.families import FamilyBacktest, backtest_family, write_family_report
from simcal.trading.reporting import write_backtest_report
from simcal.trading.result import Backtest
from simcal.trading.strategy_files import load_strategy

__all__ = [
    "Backtest",
    "FamilyBacktest",
    "backtest",
    "backtest_family",
    "load_strategy",
    "write_backtest_report",
    "write_family_report",
]
