"""The reverse sweep of the adjoint: derivatives of a loss in every number of the market, one step back at a time.

Each function is the transpose of one in `sweep`; "adjoint" is the derivative of the loss in a quantity. The derivatives
are summed block by block, so that they are the same bits whatever the number of threads.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from simcal.models.fundamental.sweep_reverse import reverse_value, reverse_variance, root_slope
from simcal.models.lanes import INLINED, REVERSE
from simcal.models.stock.lanes import misprice, noise_signal, positive_part, roll_trend, smoothed_order, value_signal
from simcal.models.stock.specs import STREAM_PUBLIC, STREAM_TRADERS, STREAM_VALUE, STREAM_VARIANCE
from simcal.models.stock.sweep import add_trend_orders, add_value_orders
from simcal.models.switching.sweep_reverse import reverse_choice

# The columns of `partials`: one per trader for each of the groups' coefficients, then one for each scalar.
GROUPS = ("public", "private", "trend", "value", "observation_sd")
SCALARS = (
    "impact", "initial_price", "fundamental_mean", "fundamental_reversion", "fundamental_start",
    "variance_mean", "variance_reversion", "variance_start", "vol_of_vol", "leverage_correlation",
    "predisposition", "herding", "misalignment", "misalignment_tilt",
)  # fmt: skip
(
    IMPACT, PRICE, MEAN, REVERSION, START, VARIANCE_MEAN, VARIANCE_REVERSION, VARIANCE_START, VOL_OF_VOL, CORRELATION,
    PREDISPOSITION, HERDING, MISALIGNMENT, TILT,
) = range(len(SCALARS))  # fmt: skip


@njit(**INLINED)
def _price_reverse(impact, before, demand, adjoint, order_adjoint):
    """Equation (2): `adjoint` goes from P(t) to the direct part of P(t-1); returns the derivative in `impact`."""
    one, total = before.dtype.type(1), before.dtype.type(0)
    for lane in range(before.size):
        through = adjoint[lane] * before[lane]
        total += through * demand[lane]
        order_adjoint[lane] = through * impact
        adjoint[lane] *= one + impact * demand[lane]
    return total


@njit(**INLINED)
def _noise_reverse(public_weight, private_weight, public, private, order_adjoint):
    """Derivatives in both weights."""
    one, half = public.dtype.type(1), public.dtype.type(0.5)
    by_public = by_private = public.dtype.type(0)
    for lane in range(public.size):
        order = smoothed_order(noise_signal(public_weight, public[lane], private_weight, private[lane]))
        g = order_adjoint[lane] * half * (one - order * order)
        by_public += g * public[lane]
        by_private += g * private[lane]
    return by_public, by_private


@njit(**INLINED)
def _trend_reverse(sensitivity, trend, order_adjoint, trend_adjoint):
    """Fills the adjoint of M(t); returns the derivative in the sensitivity."""
    one, half, total = trend.dtype.type(1), trend.dtype.type(0.5), trend.dtype.type(0)
    for lane in range(trend.size):
        order = smoothed_order(sensitivity * trend[lane])
        g = order_adjoint[lane] * half * (one - order * order)
        total += g * trend[lane]
        trend_adjoint[lane] = g * sensitivity
    return total


@njit(**INLINED)
def _spread_trend(short, long, trend_adjoint, enters, leaves_short, leaves_long):
    """The transpose of two window sums: what begins and ends to act on the prices as the reverse goes down."""
    real = trend_adjoint.dtype.type
    per_short, per_long = real(1 / short), real(1 / long)
    for lane in range(trend_adjoint.size):
        by_short, by_long = per_short * trend_adjoint[lane], per_long * trend_adjoint[lane]
        enters[lane] += by_short - by_long
        leaves_short[lane] -= by_short
        leaves_long[lane] += by_long


@njit(**INLINED)
def _value_reverse(sensitivity, sd, value, error, last, order_adjoint, signal_adjoint):
    """Adds the adjoint of X(t); returns the derivatives in the sensitivity and in sigma_F."""
    one, half = value.dtype.type(1), value.dtype.type(0.5)
    by_sensitivity = by_sd = value.dtype.type(0)
    for lane in range(value.size):
        signal = value_signal(value[lane], sd * error[lane], last[lane])
        order = smoothed_order(sensitivity * signal)
        g = order_adjoint[lane] * half * (one - order * order)
        by_sensitivity += g * signal
        signal_adjoint[lane] += g * sensitivity
        by_sd += g * sensitivity * error[lane]
    return by_sensitivity, by_sd


@njit(**INLINED)
def _weigh_reverse(balance, technical, fundamental, order_adjoint, balance_adjoint, by_technical, by_fundamental):
    """Adds to the adjoint of the balance; fills those of both groups' orders."""
    one = balance.dtype.type(1)
    for lane in range(balance.size):
        balance_adjoint[lane] += order_adjoint[lane] * (fundamental[lane] - technical[lane])
        by_technical[lane] = order_adjoint[lane] * (one - balance[lane])
        by_fundamental[lane] = order_adjoint[lane] * (one + balance[lane])


@njit(**INLINED)
def _mispricing_reverse(price, value, gap, gap_adjoint, adjoint, signal_adjoint):
    """From the relative gap to the price and the value; what `signal_adjoint` gets will be taken off `adjoint`."""
    for lane in range(price.size):
        by_price = gap_adjoint[lane] / value[lane]
        by_value = -by_price - by_price * gap[lane]
        signal_adjoint[lane] += by_value
        adjoint[lane] += by_price + by_value


@njit(**INLINED)
def _price_gather(price_gradient, windows, enters, signal_adjoint, adjoint):
    """Adds to the adjoint of P(t-1) what is not direct: the loss, the moving averages, the value signals."""
    for lane in range(adjoint.size):
        windows[lane] += enters[lane]
        adjoint[lane] += price_gradient[lane] + windows[lane] - signal_adjoint[lane]


@njit(**INLINED)
def _last_trend(prices, t, lo, hi, short, long, trend):
    """M(t) from the prices themselves, those before time 0 counted as P(0)."""
    base = prices[t - 1, lo:hi]
    for i in range(short.size):
        trend[i, :] = 0
        for j in range(1, long[i] + 1):
            past = prices[max(t - j, 0), lo:hi]
            weight = -1 / long[i] + (1 / short[i] if j <= short[i] else 0.0)
            weight = prices.dtype.type(weight)
            for lane in range(hi - lo):
                trend[i, lane] += weight * (past[lane] - base[lane])


@njit(cache=True, **REVERSE)
def reverse(first, last, lanes, p, floor, noise, prices, value, variance, demand, balance, price_gradient, partials):
    """The transpose of `forward` on the same blocks.

    `price_gradient` has the shape of `prices`. To row `block` of `partials`, columns as in `GROUPS` and `SCALARS`, the
    derivatives in the fields of `Coefficients` are added. `floor` holds up the root of the variance where 1 / (2 root)
    is taken.
    """
    n_steps, _, n_paths = noise.shape
    n_noise, n_technical, n_fundamental = p.public.size, p.trend.size, p.value.size
    at_private = n_noise
    at_trend = at_private + n_noise
    at_value = at_trend + n_technical
    at_observation = at_value + n_fundamental
    at_scalars = at_observation + n_fundamental
    for block in range(first, last):
        lo, hi = block * lanes, min((block + 1) * lanes, n_paths)
        width = hi - lo
        sums, scalars = partials[block], partials[block, at_scalars:]
        adjoint = price_gradient[n_steps, lo:hi].copy()
        rows = np.zeros((7, width), prices.dtype)
        value_adjoint, variance_adjoint, root_adjoint, signal_adjoint = rows[0], rows[1], rows[2], rows[3]
        windows, order_adjoint, trend_adjoint = rows[4], rows[5], rows[6]
        spare = np.zeros((9, width), prices.dtype)
        balance_adjoint, gap, gap_adjoint, still, still_adjoint = spare[0], spare[1], spare[2], spare[3], spare[4]
        technical, fundamental = spare[5], spare[6]
        trend = np.empty((n_technical, width), prices.dtype)
        _last_trend(prices, n_steps, lo, hi, p.short, p.long, trend)
        # Row s + 1: the change of the moving averages' share in the adjoint from P(s+1) to P(s); s = -1 is not used.
        changes = np.zeros((n_steps + 2, width), prices.dtype)
        for t in range(n_steps, 0, -1):
            before, normals = prices[t - 1, lo:hi], noise[t - 1]
            scalars[IMPACT] += _price_reverse(p.impact, before, demand[t - 1, lo:hi], adjoint, order_adjoint)
            by_technical, by_fundamental = order_adjoint, order_adjoint
            if p.switching:
                technical[:], fundamental[:] = 0, 0
                for i in range(n_technical):
                    if t >= p.long[i]:
                        add_trend_orders(p.trend[i], trend[i], technical)
                for i in range(n_fundamental):
                    error = normals[STREAM_TRADERS + n_noise + i, lo:hi]
                    add_value_orders(p.value[i], p.observation_sd[i], value[t, lo:hi], error, before, fundamental)
                misprice(before, value[t, lo:hi], gap)
                _, by_predisposition, by_herding, by_misalignment, by_tilt, _ = reverse_choice(
                    p, balance[t - 1, lo:hi], gap, still, balance[t, lo:hi], balance_adjoint, still_adjoint, gap_adjoint
                )
                scalars[PREDISPOSITION] += by_predisposition
                scalars[HERDING] += by_herding
                scalars[MISALIGNMENT] += by_misalignment
                scalars[TILT] += by_tilt
                by_technical, by_fundamental = spare[7], spare[8]
                _weigh_reverse(
                    balance[t - 1, lo:hi], technical, fundamental, order_adjoint, balance_adjoint, by_technical,
                    by_fundamental,
                )  # fmt: skip
            public = normals[STREAM_PUBLIC, lo:hi]
            for i in range(n_noise):
                private = normals[STREAM_TRADERS + i, lo:hi]
                by_public, by_private = _noise_reverse(p.public[i], p.private[i], public, private, order_adjoint)
                sums[i] += by_public
                sums[at_private + i] += by_private
            for i in range(n_technical):
                if t >= p.long[i]:
                    sums[at_trend + i] += _trend_reverse(p.trend[i], trend[i], by_technical, trend_adjoint)
                    leaves_short, leaves_long = changes[t - p.short[i]], changes[t - p.long[i]]
                    _spread_trend(p.short[i], p.long[i], trend_adjoint, changes[t], leaves_short, leaves_long)
                    leaves_short = prices[max(t - 1 - p.short[i], 0), lo:hi]
                    leaves_long = prices[max(t - 1 - p.long[i], 0), lo:hi]
                    roll_trend(-1, p.short[i], p.long[i], before, leaves_short, leaves_long, trend[i])
            signal_adjoint[:] = 0
            for i in range(n_fundamental):
                error = normals[STREAM_TRADERS + n_noise + i, lo:hi]
                by_sensitivity, by_sd = _value_reverse(
                    p.value[i], p.observation_sd[i], value[t, lo:hi], error, before, by_fundamental, signal_adjoint
                )
                sums[at_value + i] += by_sensitivity
                sums[at_observation + i] += by_sd
            if p.switching:
                _mispricing_reverse(before, value[t, lo:hi], gap, gap_adjoint, adjoint, signal_adjoint)
            value_normals, variance_normals = normals[STREAM_VALUE, lo:hi], normals[STREAM_VARIANCE, lo:hi]
            by_mean, by_reversion, by_correlation = reverse_value(
                p, value[t - 1, lo:hi], variance[t, lo:hi], value_normals, variance_normals,
                signal_adjoint, value_adjoint, root_adjoint,
            )  # fmt: skip
            scalars[MEAN] += by_mean
            scalars[REVERSION] += by_reversion
            scalars[CORRELATION] += by_correlation
            by_mean, by_reversion, by_vol_of_vol = reverse_variance(
                p, floor, variance[t - 1, lo:hi], variance[t, lo:hi], variance_normals, variance_adjoint, root_adjoint
            )
            scalars[VARIANCE_MEAN] += by_mean
            scalars[VARIANCE_REVERSION] += by_reversion
            scalars[VOL_OF_VOL] += by_vol_of_vol
            _price_gather(price_gradient[t - 1, lo:hi], windows, changes[t], signal_adjoint, adjoint)
        for lane in range(width):
            root = math.sqrt(positive_part(variance[0, lo + lane]))
            slope = root_slope(root, floor, prices.dtype.type(0), prices.dtype.type(0.5))
            scalars[PRICE] += adjoint[lane]
            scalars[START] += value_adjoint[lane]
            scalars[VARIANCE_START] += variance_adjoint[lane] + root_adjoint[lane] * slope
