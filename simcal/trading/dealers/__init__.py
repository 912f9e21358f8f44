"""Pricing policies in the dealer market: built-in ones, accounts, and what other margins would have done."""

from simcal.trading.dealers.accounts import Account
from simcal.trading.dealers.history import HistoryShift, shift_history
from simcal.trading.dealers.strategies import averse, best_margin, fixed, optimal, skewed

__all__ = ["Account", "HistoryShift", "averse", "best_margin", "fixed", "optimal", "shift_history", "skewed"]
