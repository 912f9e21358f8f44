"""What a trader sees, in a time that does not grow with what she looks back on, and what her decisions earn."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from simcal.book import engine
from simcal.definition.elementary import exponential
from simcal.learning.books import layout as at

_REACH, _DECAY = 0.05, 100.0  # of the depth: how far from the mid, and how fast it counts less
_LARGEST_RATIO = 5.0
_SHARES_UNIT = 20.0


@njit(**engine.BORROWED)
def returns_since(c, one, trader):
    """N times mean and N times variance of the returns of mids since the trader's last order; 0 below two mids.

    The mids of the steps from her last order (or from the first session with trade) to the step before this one,
    without those where a side of the book was empty. Sums of squares from the start make this two looks.
    """
    step = one.counts[at.STEP]
    since = np.int64(trader[at.SINCE])
    if since >= step:
        return 0.0, 0.0
    first, end = one.counted[since], one.counted[step]
    if end - first < 2:
        return 0.0, 0.0
    count = end - first - 1
    mean = (one.log_mids[end - 1] - one.log_mids[first]) / count
    variance = (one.squares[end - 1] - one.squares[first]) / count - mean * mean
    return c.n_traders * mean, c.n_traders * max(variance, 0.0)


@njit(**engine.BORROWED)
def depths(one, mid):
    """Volumes of bids and of asks up to 5 % from the mid (in ticks), each share counting exp(-100 distance / mid)."""
    ticks, volumes, weights = one.ticks, one.volumes, one.scratch
    for i in range(ticks.size):  # vector instructions
        volume = float(volumes[i])
        distance = (mid - ticks[i]) / mid
        distance = distance if volume > 0.0 else -distance
        near = (distance >= 0.0) & (distance <= _REACH)
        weights[i] = volume * exponential(-_DECAY * (distance if near else 0.0)) if near else 0.0
    bids, asks = 0.0, 0.0
    for i in range(ticks.size):
        bids += max(weights[i], 0.0)
        asks += max(-weights[i], 0.0)
    return bids, asks


@njit(**engine.BORROWED)
def depth_ratios(one, shares):
    """Shares held over the depth of bids and of asks, at most 5."""
    bids, asks = depths(one, mid_or_price(one))
    return (
        min(abs(shares) / (bids + 1e-6), _LARGEST_RATIO),
        min(abs(shares) / (asks + 1e-6), _LARGEST_RATIO),
    )


@njit(**engine.BORROWED)
def mid_or_price(one):
    """In ticks: the mid, or the market price where a side of the book is empty."""
    mid = one.numbers[at.MID]
    return one.numbers[at.PRICE] if math.isnan(mid) else mid


@njit(**engine.BORROWED)
def observe(c, one, j, blur, out):
    """Write what trader j of market b sees to `out`, (11,) float32.

    Parameters
    ----------
    blur
        A standard normal, by which the fundamental value is blurred.

    Returns
    -------
    Return, variance and the two depth ratios, unscaled.
    """
    trader, numbers = one.traders[j], one.numbers
    price = numbers[at.PRICE] * c.tick
    shares, cash = trader[at.SHARES], trader[at.CASH]
    held, wealth = shares * price, cash + shares * price
    drift, variance = returns_since(c, one, trader)
    bids, asks = depth_ratios(one, shares)
    mispricing = numbers[at.LOG_VALUE] - math.log(price)
    _put(c, out, 0, held / wealth if wealth != 0 else 0.0)
    _put(c, out, 1, shares / _SHARES_UNIT)
    _put(c, out, 2, price / cash if cash != 0 else 1.0)
    _put(c, out, 3, drift)
    _put(c, out, 4, variance)
    _put(c, out, 5, bids)
    _put(c, out, 6, asks)
    _put(c, out, 7, mispricing + max(trader[at.NOISE], 1e-10) * blur)
    _put(c, out, 8, trader[at.NOISE])
    _put(c, out, 9, trader[at.RISK])
    _put(c, out, 10, trader[at.DISCOUNT])
    return drift, variance, bids, asks


@njit(**engine.BORROWED)
def _put(c, out, i, value):
    low, high = c.low[i], c.high[i]
    scaled = 2.0 * (value - low) / (high - low) - 1.0 if high > low else 0.0
    out[i] = np.float32(min(max(scaled, -1.0), 1.0))


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
        `LearningConstants`.
    trader
        Row of `Books.traders`.
    wealth, variance
        At the end of the interval: money, and V, the variance of returns since her last order times N.
    """
    gain = (wealth - trader[at.BEFORE]) / (trader[at.START] + c.reserve)
    risk = 0.5 * trader[at.RISK] * c.risk_weight * trader[at.EXPOSURE] ** 2 * min(variance, LARGEST_VARIANCE)
    return c.gain_weight * (gain - risk) - penalties(c, trader)


@njit(**engine.BORROWED)
def penalties(c, trader):
    """Of shares and of cash below zero."""
    short = c.short_penalty if trader[at.SHARES] < 0 else 0.0
    debt = c.debt_penalty if trader[at.CASH] < 0 else 0.0
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
    shares = trader[at.SHARES]
    held = shares * price
    wealth = trader[at.CASH] + held
    # W f = q p, so that nothing is divided by a wealth that may be 0.
    risk = 0.5 * trader[at.RISK] * abs(held) * numbers[at.VARIANCE] * _sign(wealth)
    utility = wealth + held * numbers[at.RETURN] - risk
    bids = numbers[at.BID_RATIO] / max(1.0, shares) + 1e-6
    asks = numbers[at.ASK_RATIO] / max(1.0, shares) + 1e-6
    illiquidity = bids + asks + _IMBALANCE * (max(bids, asks) / min(bids, asks) - 1.0)
    return (
        2.0 / math.pi * math.atan(c.wealth_scale * utility)
        - penalties(c, trader)
        - min(c.illiquidity_penalty * illiquidity, _LARGEST_ILLIQUIDITY)
        - min(c.mispricing_penalty * numbers[at.RUN], _LARGEST_MISPRICING)
    )


@njit(**engine.BORROWED)
def _sign(x):
    return 1.0 if x >= 0 else -1.0
