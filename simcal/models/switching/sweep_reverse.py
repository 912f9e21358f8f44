"""The transpose of `choose`: derivatives in what makes a type attractive, one step back at a time."""

from __future__ import annotations

from numba import njit

from simcal.models.lanes import INLINED
from simcal.models.switching.lanes import attractiveness


@njit(**INLINED)
def reverse_choice(p, balance_before, gap, trend, balance, balance_adjoint, trend_adjoint, gap_adjoint):
    """The balance from t + 1 to t; fills the adjoint of the gap, and adds to that of the trend.

    Returns the derivatives in intensity, predisposition, herding, misalignment, tilt and attraction.
    """
    zero, one, half = gap.dtype.type(0), gap.dtype.type(1), gap.dtype.type(0.5)
    by_intensity = by_predisposition = by_herding = by_misalignment = by_tilt = by_attraction = zero
    for lane in range(gap.size):
        x, b = gap[lane], balance_before[lane]
        a = attractiveness(b, x, trend[lane], p.predisposition, p.herding, p.misalignment, p.tilt, p.attraction)
        inner = balance_adjoint[lane] * half * (one - balance[lane] * balance[lane])
        g = inner * p.intensity
        by_intensity += inner * a
        by_predisposition += g
        by_herding += g * b
        by_misalignment += g * x * x
        by_tilt += g * x
        by_attraction += g * trend[lane]
        balance_adjoint[lane] = g * p.herding
        trend_adjoint[lane] += g * p.attraction
        gap_adjoint[lane] = g * (p.tilt + (p.misalignment + p.misalignment) * x)
    return by_intensity, by_predisposition, by_herding, by_misalignment, by_tilt, by_attraction
