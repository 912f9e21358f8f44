"""Strategies inside a market: the verb `backtest`, its result, and in `simcal.trading.dealers` pricing policies."""

from simcal.trading.backtest import backtest
from simcal.trading.reporting import write_backtest_report
from simcal.trading.result import Backtest
from simcal.trading.strategy_files import load_strategy

__all__ = ["Backtest", "backtest", "load_strategy", "write_backtest_report"]
