"""What a decision earns: gains less risk, or the published level of wealth less penalties."""

from __future__ import annotations

import math

from numba import njit

from simcal.learning.books.layout import (
    ASK_RATIO,
    BEFORE,
    BID_RATIO,
    CASH,
    EXPOSURE,
    RETURN,
    RISK,
    RUN,
    SHARES,
    START,
    VARIANCE,
)
from simcal.models.book import engine

# A jump in the few steps between two quick decisions makes a variance out of all proportion.
LARGEST_VARIANCE = 0.05
_LARGEST_ILLIQUIDITY, _LARGEST_MISPRICING = 1.0, 10.0  # penalties
_IMBALANCE = 0.1  # its weight in the illiquidity


@njit(**engine.BORROWED)
def gains(c, trader, wealth, variance):
    """Reward "gains" of a trader's last decision, whose interval ends now; see `LearningMarket`.

    Parameters
    ----------
    c
        `Constants`.
    trader
        Row of `Books.traders`.
    wealth, variance
        At the end of the interval: money, and V, the variance of returns since her last order times N.
    """
    gain = (wealth - trader[BEFORE]) / (trader[START] + c.reserve)
    risk = 0.5 * trader[RISK] * c.risk_weight * trader[EXPOSURE] ** 2 * min(variance, LARGEST_VARIANCE)
    return c.gain_weight * (gain - risk) - penalties(c, trader)


@njit(**engine.BORROWED)
def penalties(c, trader):
    """Of shares and of cash below zero."""
    short = c.short_penalty if trader[SHARES] < 0 else 0.0
    debt = c.debt_penalty if trader[CASH] < 0 else 0.0
    return short + debt


@njit(**engine.BORROWED)
def wealth_level(c, trader, numbers, price):
    r"""Reward "wealth", the published one, right after the trader's own step.

    .. math:: R &= \tfrac{2}{\pi} \arctan(u U) - a\,1[q < 0] - b\,1[c < 0] - \min(l L, 1) - \min(m F, 10) \\
        U &= W (1 + f r) - \tfrac{\alpha}{2} |f| V W, \qquad f = q p / W \\
        L &= x_b + x_s + 0.1 (\max(x_b, x_s) / \min(x_b, x_s) - 1), \quad x = \text{depth ratio} / \max(1, q) + 10^{-6}

    W, q and the price after the step; return r, variance V and depth ratios as she saw them before; F the sum of
    :math:`|\log v - \log p|` since the price was last on the other side of the value. It is credited to her decision
    before this one, as in the published code.

    Source: arXiv 2511.05207 and its code.
    """
    shares = trader[SHARES]
    held = shares * price
    wealth = trader[CASH] + held
    # W f = q p, so that nothing is divided by a wealth that may be 0.
    utility = wealth + held * numbers[RETURN] - 0.5 * trader[RISK] * abs(held) * numbers[VARIANCE] * _sign(wealth)
    bids = numbers[BID_RATIO] / max(1.0, shares) + 1e-6
    asks = numbers[ASK_RATIO] / max(1.0, shares) + 1e-6
    illiquidity = bids + asks + _IMBALANCE * (max(bids, asks) / min(bids, asks) - 1.0)
    return (
        2.0 / math.pi * math.atan(c.wealth_scale * utility)
        - penalties(c, trader)
        - min(c.illiquidity_penalty * illiquidity, _LARGEST_ILLIQUIDITY)
        - min(c.mispricing_penalty * numbers[RUN], _LARGEST_MISPRICING)
    )


@njit(**engine.BORROWED)
def _sign(x):
    return 1.0 if x >= 0 else -1.0
