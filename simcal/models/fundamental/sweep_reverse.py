"""The transpose of `next_fundamental`: derivatives in the fundamental value's numbers, one step back at a time."""

from __future__ import annotations

import math

from numba import njit

from simcal.models.fundamental.lanes import correlated, positive_part
from simcal.models.lanes import INLINED


@njit(**INLINED)
def root_slope(root, floor, zero, half):
    """d sqrt(max(sigma, 0)) / d sigma: zero where truncated; the root is held up to `floor`."""
    slope = half / (floor if root < floor else root)
    return zero if root <= zero else slope


@njit(**INLINED)
def reverse_value(
    p, value_before, variance, value_normals, variance_normals, signal_adjoint, value_adjoint, root_adjoint
):
    """Equation (7), P* from t to t-1; returns the derivatives in mean, reversion and correlation."""
    zero, one = variance.dtype.type(0), variance.dtype.type(1)
    tilt = p.correlation / p.orthogonal if p.orthogonal > zero else zero
    by_mean = by_reversion = by_correlation = zero
    for lane in range(value_before.size):
        g = value_adjoint[lane] + signal_adjoint[lane]
        by_mean += g
        by_reversion += g * (p.mean - value_before[lane])
        root = math.sqrt(positive_part(variance[lane]))
        by_correlation += g * root * (variance_normals[lane] - tilt * value_normals[lane])
        shock = correlated(value_normals[lane], variance_normals[lane], p.correlation, p.orthogonal)
        root_adjoint[lane] += g * shock
        value_adjoint[lane] = g * (one - p.reversion)
    return p.reversion * by_mean, by_reversion, by_correlation


@njit(**INLINED)
def reverse_variance(p, floor, variance_before, variance, variance_normals, variance_adjoint, root_adjoint):
    """Equation (8), sigma and its root from t to t-1; returns the derivatives in mean, reversion and vol_of_vol."""
    zero, one, half = variance.dtype.type(0), variance.dtype.type(1), variance.dtype.type(0.5)
    by_mean = by_reversion = by_vol_of_vol = zero
    for lane in range(variance.size):
        root = math.sqrt(positive_part(variance[lane]))
        g = variance_adjoint[lane] + root_adjoint[lane] * root_slope(root, floor, zero, half)
        by_mean += g
        by_reversion += g * (p.variance_mean - variance_before[lane])
        by_vol_of_vol += g * math.sqrt(positive_part(variance_before[lane])) * variance_normals[lane]
        variance_adjoint[lane] = g * (one - p.variance_reversion)
        root_adjoint[lane] = g * p.vol_of_vol * variance_normals[lane]
    return p.variance_reversion * by_mean, by_reversion, by_vol_of_vol
