"""The smoothed stock market as compiled loops over lanes of paths: the forward sweep of the adjoint.

It works on blocks of `lanes` paths, so that the innermost loop runs over paths and becomes vector instructions.
It keeps prices, value, variance and demand; `reverse` computes the orders again, which costs less than reading them
from memory. Letters as in `StockMarket`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from simcal.models.fundamental.lanes import next_fundamental
from simcal.models.lanes import OPTIONS
from simcal.models.stock.lanes import (
    misprice,
    next_price,
    noise_signal,
    roll_trend,
    smoothed_order,
    value_signal,
    weigh,
)
from simcal.models.stock.specs import STREAM_PUBLIC, STREAM_TRADERS, STREAM_VALUE, STREAM_VARIANCE
from simcal.models.switching.lanes import choose


@njit(**OPTIONS)
def _noise_orders(public_weight, private_weight, public, private, demand):
    for lane in range(demand.size):
        demand[lane] += smoothed_order(noise_signal(public_weight, public[lane], private_weight, private[lane]))


@njit(**OPTIONS)
def add_trend_orders(sensitivity, trend, demand):
    for lane in range(demand.size):
        demand[lane] += smoothed_order(sensitivity * trend[lane])


@njit(**OPTIONS)
def add_value_orders(sensitivity, sd, value, error, last, demand):
    for lane in range(demand.size):
        demand[lane] += smoothed_order(sensitivity * value_signal(value[lane], sd * error[lane], last[lane]))


@njit(cache=True, **OPTIONS)
def forward(first, last, lanes, p, noise, prices, value, variance, demand, balance):
    """Simulate the blocks `first` to `last` - 1 of `lanes` paths each.

    `noise` has shape (n_steps, draws per step, n_paths); `prices`, `value` and `variance` (n_steps + 1, n_paths) and
    `demand` (n_steps, n_paths) are filled. Where traders switch, row t of `balance`, (n_steps + 1, n_paths), gets that
    of step t + 1.
    """
    n_steps, _, n_paths = noise.shape
    n_noise, n_technical, n_fundamental = p.public.size, p.trend.size, p.value.size
    for block in range(first, last):
        lo, hi = block * lanes, min((block + 1) * lanes, n_paths)
        # Before time 0 the price counts as P(0): M starts at zero and is right from t = l2 on, when it is first used.
        trend = np.zeros((n_technical, hi - lo), prices.dtype)
        gap, still = np.empty(hi - lo, prices.dtype), np.zeros(hi - lo, prices.dtype)
        technical, fundamental = np.empty(hi - lo, prices.dtype), np.empty(hi - lo, prices.dtype)
        if p.switching:
            balance[0, lo:hi] = 0
        prices[0, lo:hi] = p.initial_price
        value[0, lo:hi] = p.start
        variance[0, lo:hi] = p.variance_start
        for t in range(1, n_steps + 1):
            now, before, orders = value[t, lo:hi], prices[t - 1, lo:hi], demand[t - 1, lo:hi]
            normals = noise[t - 1]
            next_fundamental(
                p, value[t - 1, lo:hi], variance[t - 1, lo:hi], normals[STREAM_VALUE, lo:hi],
                normals[STREAM_VARIANCE, lo:hi], now, variance[t, lo:hi],
            )  # fmt: skip
            orders[:] = 0
            trend_orders, value_orders = orders, orders
            if p.switching:
                trend_orders, value_orders = technical, fundamental
                technical[:], fundamental[:] = 0, 0
            public = normals[STREAM_PUBLIC, lo:hi]
            for i in range(n_noise):
                _noise_orders(p.public[i], p.private[i], public, normals[STREAM_TRADERS + i, lo:hi], orders)
            for i in range(n_technical):
                leaves_short = prices[max(t - 1 - p.short[i], 0), lo:hi]
                leaves_long = prices[max(t - 1 - p.long[i], 0), lo:hi]
                roll_trend(1, p.short[i], p.long[i], before, leaves_short, leaves_long, trend[i])
                if t >= p.long[i]:
                    add_trend_orders(p.trend[i], trend[i], trend_orders)
            for i in range(n_fundamental):
                error = normals[STREAM_TRADERS + n_noise + i, lo:hi]
                add_value_orders(p.value[i], p.observation_sd[i], now, error, before, value_orders)
            if p.switching:
                weigh(balance[t - 1, lo:hi], technical, fundamental)
                for lane in range(hi - lo):
                    orders[lane] += technical[lane] + fundamental[lane]
                misprice(before, now, gap)
                choose(p, balance[t - 1, lo:hi], gap, still, balance[t, lo:hi])
            after = prices[t, lo:hi]
            for lane in range(hi - lo):
                after[lane] = next_price(before[lane], p.impact, orders[lane])
