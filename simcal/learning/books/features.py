"""What a trader sees: eleven features from -1 to 1, in a time that does not grow with what she looks back on."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from simcal.learning.books.layout import (
    CASH,
    DISCOUNT,
    LOG_VALUE,
    MID,
    NOISE,
    PRICE,
    RISK,
    SHARES,
    SINCE,
    STEP,
)
from simcal.models.book import engine
from simcal.models.elementary import exponential

_REACH, _DECAY = 0.05, 100.0  # of the depth: how far from the mid, and how fast it counts less
_LARGEST_RATIO = 5.0
_SHARES_UNIT = 20.0


@njit(**engine.BORROWED)
def returns_since(c, one, trader):
    """N times mean and N times variance of the returns of mids since the trader's last order; 0 below two mids.

    The mids of the steps from her last order (or from the first session with trade) to the step before this one,
    without those where a side of the book was empty. Sums of squares from the start make this two looks.
    """
    step = one.counts[STEP]
    since = np.int64(trader[SINCE])
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
    mid = one.numbers[MID]
    return one.numbers[PRICE] if math.isnan(mid) else mid


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
    price = numbers[PRICE] * c.tick
    shares, cash = trader[SHARES], trader[CASH]
    held, wealth = shares * price, cash + shares * price
    drift, variance = returns_since(c, one, trader)
    bids, asks = depth_ratios(one, shares)
    mispricing = numbers[LOG_VALUE] - math.log(price)
    _put(c, out, 0, held / wealth if wealth != 0 else 0.0)
    _put(c, out, 1, shares / _SHARES_UNIT)
    _put(c, out, 2, price / cash if cash != 0 else 1.0)
    _put(c, out, 3, drift)
    _put(c, out, 4, variance)
    _put(c, out, 5, bids)
    _put(c, out, 6, asks)
    _put(c, out, 7, mispricing + max(trader[NOISE], 1e-10) * blur)
    _put(c, out, 8, trader[NOISE])
    _put(c, out, 9, trader[RISK])
    _put(c, out, 10, trader[DISCOUNT])
    return drift, variance, bids, asks


@njit(**engine.BORROWED)
def _put(c, out, i, value):
    low, high = c.low[i], c.high[i]
    scaled = 2.0 * (value - low) / (high - low) - 1.0 if high > low else 0.0
    out[i] = np.float32(min(max(scaled, -1.0), 1.0))
