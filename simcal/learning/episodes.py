"""Episodes of traders who have learned: trades, prices, decisions and accounts, to be studied."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from simcal.learning.activity import Activity
from simcal.learning.market import LearningMarket


@dataclass(frozen=True, eq=False)
class Episodes:
    """What happened in some episodes of a market.

    Main attributes
    ---------------
    status : a sentence; with the number that shows it where there was no market.
    collapsed : whether there was none.
    activity : see `Activity`.
    fills : a row per trade, in order: episode, step, tick, price, volume, mid (right after the order), buyer, seller,
        bought (whether the incoming order bought).
    mids, values : (n_episodes, n_steps + 1): mid and fundamental value as a step begins. Here and in `fills` the market
        price stands in for the mid where a side of the book is empty, as it does for the traders.
    decisions : a row per decision: episode, step, trader, risk_aversion, discount, noise; price and volume (the
        action), wealth and invested (its share in shares) as she decided, at market prices, and wealth_change in money
        until her next decision, or until the close. Rows go episode by episode, step by step.
    features : (n_decisions, 11) float32, see `simcal.learning.specs.FEATURES`.
    accounts : a row per episode and trader: traits, start (wealth at the start), end (at the close, shares at the
        fundamental value), shares, cash and decisions.

    Other attributes
    ----------------
    market, seed, deterministic : what was played, and how.
    """

    market: LearningMarket
    seed: int
    deterministic: bool
    status: str
    collapsed: bool
    activity: Activity
    fills: pd.DataFrame
    mids: np.ndarray
    values: np.ndarray
    decisions: pd.DataFrame
    features: np.ndarray
    accounts: pd.DataFrame

    @property
    def n_episodes(self) -> int:
        """How many."""
        return len(self.mids)
