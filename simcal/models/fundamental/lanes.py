"""The fundamental value in compiled loops over lanes; `p` has the fields of `fundamental_fields`."""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.extending import overload

from simcal.models.fundamental import rules
from simcal.models.lanes import LANES, OPTIONS


@overload(rules.positive_part, jit_options=OPTIONS)
def _positive_part(x):  # type: ignore[no-untyped-def]
    zero = (np.float32 if x == types.float32 else np.float64)(0)
    return lambda x: zero if x < zero else x


positive_part = rules.positive_part
correlated = njit(**OPTIONS)(rules.correlated)
next_variance, next_value = njit(**OPTIONS)(rules.next_variance), njit(**OPTIONS)(rules.next_value)


@njit(**OPTIONS)
def move_fundamental(p, value, variance, value_normals, variance_normals):
    """Equations (8) and (7), in place, of a whole block."""
    for lane in range(LANES):
        shock = correlated(value_normals[lane], variance_normals[lane], p.correlation, p.orthogonal)
        variance[lane] = next_variance(
            variance[lane], p.variance_mean, p.variance_reversion, p.vol_of_vol, variance_normals[lane]
        )
        value[lane] = next_value(value[lane], p.mean, p.reversion, variance[lane], shock)


@njit(**OPTIONS)
def next_fundamental(p, value_before, variance_before, value_normals, variance_normals, value, variance):
    """Equations (8) and (7), from one row to the next."""
    for lane in range(value.size):
        shock = correlated(value_normals[lane], variance_normals[lane], p.correlation, p.orthogonal)
        variance[lane] = next_variance(
            variance_before[lane], p.variance_mean, p.variance_reversion, p.vol_of_vol, variance_normals[lane]
        )
        value[lane] = next_value(value_before[lane], p.mean, p.reversion, variance[lane], shock)
