"""The reverse sweep of the adjoint: derivatives of a loss in every number of the market, one step back at a time.

Each function is the transpose of one in `lanes`; "adjoint" is the derivative of the loss in a quantity. The derivatives
are summed block by block, so that they are the same bits whatever the number of threads.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from simcal.models.elementary import exponential
from simcal.models.fundamental.lanes import positive_part
from simcal.models.fundamental.sweep_reverse import reverse_value, reverse_variance, root_slope
from simcal.models.herding.lanes import chartist_share, draws_of, fundamental_share, misprice, moods
from simcal.models.herding.shapes import Shape
from simcal.models.herding.specs import STREAM_CHARTIST, STREAM_FUNDAMENTAL, STREAM_VALUE, STREAM_VARIANCE
from simcal.models.lanes import INLINED, REVERSE
from simcal.models.switching.sweep_reverse import reverse_choice

# The columns of `partials`. Those of price, impact, shapes, value and share are brought to the parameters by the
# caller.
SCALARS = (
    "prices", "changes", "value_sensitivity", "trend_sensitivity", "fundamental_sd", "chartist_sd",
    "choice_intensity", "predisposition", "herding", "misalignment", "misalignment_tilt", "trend_attraction",
    "trend_memory", "fall_response", *(f"fundamental {name}" for name in Shape._fields),
    *(f"chartist {name}" for name in Shape._fields), "growth", "balance", "mean", "fundamental_reversion", "start",
    "variance_mean", "variance_reversion", "variance_start", "vol_of_vol", "leverage_correlation",
)  # fmt: skip
(
    PRICES, CHANGES, VALUE_SENSITIVITY, TREND_SENSITIVITY, FUNDAMENTAL_SD, CHARTIST_SD, INTENSITY, PREDISPOSITION,
    HERDING, MISALIGNMENT, TILT, ATTRACTION, MEMORY, RESPONSE, FUNDAMENTAL_SHAPE, _, _, _, CHARTIST_SHAPE, _, _, _,
    GROWTH, BALANCE, MEAN, REVERSION, START, VARIANCE_MEAN, VARIANCE_REVERSION, VARIANCE_START, VOL_OF_VOL, CORRELATION,
) = range(len(SCALARS))  # fmt: skip


@njit(**INLINED)
def _prices_reverse(prices, price_gradient, adjoint):
    """Adds to the adjoint of p what the loss says of P; returns the sum of P dL/dP."""
    total = prices.dtype.type(0)
    for lane in range(adjoint.size):
        g = price_gradient[lane] * prices[lane]
        total += g
        adjoint[lane] += g
    return total


@njit(**INLINED)
def _clear_reverse(p, before, after, trend_before, adjoint, change_adjoint, trend_adjoint, demand_adjoint):
    """Fills the adjoint of the demand; returns the sum of r dL/dr and the derivative in the memory."""
    by_change = by_memory = before.dtype.type(0)
    for lane in range(before.size):
        r = after[lane] - before[lane]
        through = adjoint[lane] + change_adjoint[lane] + p.fresh * trend_adjoint[lane]
        by_change += through * r
        by_memory += trend_adjoint[lane] * (trend_before[lane] - r)
        demand_adjoint[lane] = through * p.impact
        trend_adjoint[lane] *= p.memory
    return by_change, by_memory


@njit(**INLINED)
def _fundamentalists_reverse(p, balance, gaps, draws, demand_adjoint, balance_adjoint, gap_adjoint, draw_adjoint):
    """Fills the adjoint of the draws; returns the derivatives in the sensitivity and the deviation."""
    by_sensitivity = by_sd = gaps.dtype.type(0)
    for lane in range(gaps.size):
        gap = gaps[lane]
        g = demand_adjoint[lane] * fundamental_share(balance[lane], p.half)
        each = p.fundamental_sd * draws[lane] - p.value_sensitivity * gap
        balance_adjoint[lane] += p.half * demand_adjoint[lane] * each
        by_sd += g * draws[lane]
        by_sensitivity -= g * gap
        draw_adjoint[lane] = g * p.fundamental_sd
        gap_adjoint[lane] -= g * p.value_sensitivity
    return by_sensitivity, by_sd


@njit(**INLINED)
def _chartists_reverse(
    p, balance, change, trend, calm, draws, demand_adjoint, balance_adjoint, change_adjoint, trend_adjoint, draw_adjoint
):
    """Fills the adjoints of change and draws; returns derivatives in sensitivity, deviation and response to falls."""
    one = trend.dtype.type(1)
    by_sensitivity = by_sd = by_response = trend.dtype.type(0)
    for lane in range(trend.size):
        wild = one - calm[lane]
        g = demand_adjoint[lane] * chartist_share(balance[lane], p.half)
        each = p.trend_sensitivity * change[lane] + p.chartist_sd * wild * draws[lane]
        balance_adjoint[lane] -= p.half * demand_adjoint[lane] * each
        by_sensitivity += g * change[lane]
        by_draw = g * draws[lane]
        by_sd += by_draw * wild
        by_mood = by_draw * p.chartist_sd * p.half * (one - calm[lane] * calm[lane])
        by_response -= by_mood * trend[lane]
        change_adjoint[lane] = g * p.trend_sensitivity
        trend_adjoint[lane] -= by_mood * p.response
        draw_adjoint[lane] = g * p.chartist_sd * wild
    return by_sensitivity, by_sd, by_response


@njit(**INLINED)
def _shape_reverse(shape, normals, draw_adjoint):
    """Derivatives in the four numbers of a shape."""
    by_half_tail = by_constant = by_linear = by_quadratic = normals.dtype.type(0)
    for lane in range(normals.size):
        z = normals[lane]
        square = z * z
        g = draw_adjoint[lane] * exponential(shape.half_tail * square)
        by_constant += g
        by_linear += g * z
        by_quadratic += g * square
        by_half_tail += g * square * (shape.constant + shape.linear * z + shape.quadratic * square)
    return by_half_tail, by_constant, by_linear, by_quadratic


@njit(**INLINED)
def _change_before(logs, t, change):
    """The last change before step t, 0 at the first one."""
    change[:] = 0
    if t > 1:
        for lane in range(change.size):
            change[lane] = logs[t - 1, lane] - logs[t - 2, lane]


@njit(**INLINED)
def _add(sums, first, numbers):
    for place in range(len(numbers)):
        sums[first + place] += numbers[place]


@njit(**INLINED)
def _gap_reverse(gap_adjoint, adjoint):
    """From the gap to the price and, in place, to the value; returns the sum of the latter."""
    total = adjoint.dtype.type(0)
    for lane in range(adjoint.size):
        adjoint[lane] += gap_adjoint[lane]
        gap_adjoint[lane] = -gap_adjoint[lane]
        total += gap_adjoint[lane]
    return total


@njit(cache=True, **REVERSE)
def reverse(
    first, last, lanes, p, floor, noise, prices, logs, trend, balance, value, variance, price_gradient, partials
):
    """The transpose of `forward` on the same blocks.

    `price_gradient` has the shape of `prices`. To row `block` of `partials`, columns as in `SCALARS`, derivatives are
    added. `floor` holds up the root of the variance where 1 / (2 root) is taken.
    """
    n_steps, _, n_paths = noise.shape
    for block in range(first, last):
        lo, hi = block * lanes, min((block + 1) * lanes, n_paths)
        sums = partials[block]
        rows = np.zeros((12, hi - lo), prices.dtype)
        adjoint, change_adjoint, trend_adjoint, balance_adjoint = rows[0], rows[1], rows[2], rows[3]
        demand_adjoint, draw_adjoint, gap_adjoint = rows[4], rows[5], rows[6]
        value_adjoint, variance_adjoint, root_adjoint = rows[7], rows[8], rows[9]
        calm, change = rows[10], rows[11]
        spare, gap = np.empty(hi - lo, prices.dtype), np.empty(hi - lo, prices.dtype)
        for t in range(n_steps, 0, -1):
            before, trend_before, balance_before = logs[t - 1, lo:hi], trend[t - 1, lo:hi], balance[t - 1, lo:hi]
            normals, now = noise[t - 1], value[t if p.moving else 0, lo:hi]
            misprice(before, now, gap)
            by_price = _prices_reverse(prices[t, lo:hi], price_gradient[t, lo:hi], adjoint)
            sums[PRICES] += by_price
            sums[GROWTH] += t * by_price
            by_change, by_memory = _clear_reverse(
                p, before, logs[t, lo:hi], trend_before, adjoint, change_adjoint, trend_adjoint, demand_adjoint
            )
            sums[CHANGES] += by_change
            sums[MEMORY] += by_memory
            by_intensity, by_predisposition, by_herding, by_misalignment, by_tilt, by_attraction = reverse_choice(
                p, balance_before, gap, trend_before, balance[t, lo:hi], balance_adjoint, trend_adjoint,
                gap_adjoint,
            )  # fmt: skip
            sums[INTENSITY] += by_intensity
            sums[PREDISPOSITION] += by_predisposition
            sums[HERDING] += by_herding
            sums[MISALIGNMENT] += by_misalignment
            sums[TILT] += by_tilt
            sums[ATTRACTION] += by_attraction
            own = normals[STREAM_FUNDAMENTAL, lo:hi]
            draws = draws_of(p.fundamental_shape, own, spare)
            by_sensitivity, by_sd = _fundamentalists_reverse(
                p, balance_before, gap, draws, demand_adjoint, balance_adjoint, gap_adjoint, draw_adjoint
            )
            sums[VALUE_SENSITIVITY] += by_sensitivity
            sums[FUNDAMENTAL_SD] += by_sd
            _add(sums, FUNDAMENTAL_SHAPE, _shape_reverse(p.fundamental_shape, own, draw_adjoint))
            own = normals[STREAM_CHARTIST, lo:hi]
            draws = draws_of(p.chartist_shape, own, spare)
            moods(p, trend_before, calm)
            _change_before(logs[:, lo:hi], t, change)
            by_sensitivity, by_sd, by_response = _chartists_reverse(
                p, balance_before, change, trend_before, calm, draws, demand_adjoint, balance_adjoint, change_adjoint,
                trend_adjoint, draw_adjoint,
            )  # fmt: skip
            sums[TREND_SENSITIVITY] += by_sensitivity
            sums[CHARTIST_SD] += by_sd
            sums[RESPONSE] += by_response
            _add(sums, CHARTIST_SHAPE, _shape_reverse(p.chartist_shape, own, draw_adjoint))
            by_start = _gap_reverse(gap_adjoint, adjoint)
            if p.moving:
                value_normals, variance_normals = normals[STREAM_VALUE, lo:hi], normals[STREAM_VARIANCE, lo:hi]
                by_mean, by_reversion, by_correlation = reverse_value(
                    p, value[t - 1, lo:hi], variance[t, lo:hi], value_normals, variance_normals, gap_adjoint,
                    value_adjoint, root_adjoint,
                )  # fmt: skip
                sums[MEAN] += by_mean
                sums[REVERSION] += by_reversion
                sums[CORRELATION] += by_correlation
                by_mean, by_reversion, by_vol_of_vol = reverse_variance(
                    p, floor, variance[t - 1, lo:hi], variance[t, lo:hi], variance_normals, variance_adjoint,
                    root_adjoint,
                )  # fmt: skip
                sums[VARIANCE_MEAN] += by_mean
                sums[VARIANCE_REVERSION] += by_reversion
                sums[VOL_OF_VOL] += by_vol_of_vol
            else:
                sums[START] += by_start
        sums[PRICES] += _prices_reverse(prices[0, lo:hi], price_gradient[0, lo:hi], adjoint)
        for lane in range(hi - lo):
            root = math.sqrt(positive_part(variance[0, lo + lane]))
            slope = root_slope(root, floor, prices.dtype.type(0), prices.dtype.type(0.5))
            sums[BALANCE] += balance_adjoint[lane]
            sums[START] += value_adjoint[lane]
            sums[VARIANCE_START] += variance_adjoint[lane] + root_adjoint[lane] * slope
