"""The herding market as compiled loops over lanes of paths: the forward sweep of the adjoint.

It works on blocks of `lanes` paths, so that the innermost loop runs over paths and becomes vector instructions.
It keeps logs, trends, shares and, where it moves, the fundamental value; `reverse` computes the demands again.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from simcal.models.fundamental.lanes import next_fundamental
from simcal.models.herding.lanes import chartists, clear, draws_of, fundamentalists, misprice, moods, to_prices
from simcal.models.herding.specs import STREAM_CHARTIST, STREAM_FUNDAMENTAL, STREAM_VALUE, STREAM_VARIANCE
from simcal.models.lanes import OPTIONS
from simcal.models.switching.lanes import choose


@njit(cache=True, **OPTIONS)
def forward(first, last, lanes, p, noise, prices, logs, trend, balance, value, variance):
    """Simulate the blocks `first` to `last` - 1 of `lanes` paths each.

    `noise` has shape (n_steps, draws per step, n_paths); `prices`, `logs`, `trend` and `balance`, (n_steps + 1,
    n_paths), are filled, as are `value` and `variance`, which have one row where the value does not move. Row t of
    `balance` is n_f - n_c of step t + 1.
    """
    n_steps, _, n_paths = noise.shape
    for block in range(first, last):
        lo, hi = block * lanes, min((block + 1) * lanes, n_paths)
        spare, calm = np.empty(hi - lo, prices.dtype), np.zeros(hi - lo, prices.dtype)
        gap = np.empty(hi - lo, prices.dtype)
        demands, outside = np.empty((2, hi - lo), prices.dtype), np.zeros(hi - lo, prices.dtype)
        change, ages = np.zeros(hi - lo, prices.dtype), np.empty(hi - lo, np.int32)
        prices[0, lo:hi], logs[0, lo:hi], trend[0, lo:hi], balance[0, lo:hi] = p.initial_price, 0, 0, p.balance
        value[0, lo:hi], variance[0, lo:hi] = p.start, p.variance_start
        for t in range(1, n_steps + 1):
            normals, now = noise[t - 1], value[t if p.moving else 0, lo:hi]
            if p.moving:
                next_fundamental(
                    p, value[t - 1, lo:hi], variance[t - 1, lo:hi], normals[STREAM_VALUE, lo:hi],
                    normals[STREAM_VARIANCE, lo:hi], now, variance[t, lo:hi],
                )  # fmt: skip
            before, trend_before, balance_before = logs[t - 1, lo:hi], trend[t - 1, lo:hi], balance[t - 1, lo:hi]
            draws = draws_of(p.fundamental_shape, normals[STREAM_FUNDAMENTAL, lo:hi], spare)
            misprice(before, now, gap)
            fundamentalists(p, balance_before, gap, draws, demands[0])
            draws = draws_of(p.chartist_shape, normals[STREAM_CHARTIST, lo:hi], spare)
            moods(p, trend_before, calm)
            chartists(p, balance_before, change, calm, draws, demands[1])
            choose(p, balance_before, gap, trend_before, balance[t, lo:hi])
            clear(p, before, trend_before, demands[0], demands[1], outside, logs[t, lo:hi], change, trend[t, lo:hi])
            ages[:] = t
            to_prices(p, logs[t, lo:hi], ages, prices[t, lo:hi])
