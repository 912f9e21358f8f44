"""tanh(x / 2) and exp(x) for compiled loops, written so that a loop over them becomes vector instructions.

Numba calls the C library for ``math.tanh``, one number at a time. This one is some twenty multiplications and a
division, without a branch or a call; the exponential lacks the division.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

# The steps below are exact only in their order, so the compiler may contract but not reassociate them.
_OPTIONS: Any = {"error_model": "numpy", "fastmath": {"contract"}, "nogil": True}


def tanh_half(x: Any) -> Any:
    """tanh(x / 2) = expm1(x) / (expm1(x) + 2), for NumPy and inside compiled functions.

    Within 4e-16 (float64) and 2e-7 (float32) of the exact value, relative to it. NaN stays NaN.
    """
    return np.tanh(0.5 * x)


def exponential(x: Any) -> Any:
    """exp(x), for NumPy and inside compiled functions.

    Within 5e-16 (float64) and 2e-7 (float32) of the exact value, relative to it. Compiled, it may be 0 below twice the
    smallest normal number, and infinite above 0.7 times the largest one. NaN stays NaN.
    """
    return np.exp(x)


def _bits(context, value):
    """The bits of a float as an integer of the same size."""
    integer = types.int32 if value == types.float32 else types.int64

    def generate(context, builder: ir.IRBuilder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return integer(value), generate


def _float(context, value):
    """The float that these bits stand for."""
    real = types.float32 if value == types.int32 else types.float64

    def generate(context, builder: ir.IRBuilder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return real(value), generate


# Typed loosely: called with the value alone from compiled functions.
_as_bits: Any = intrinsic(_bits)
_as_float: Any = intrinsic(_float)


@overload(tanh_half, jit_options=_OPTIONS)
def _overload_tanh_half(x):
    if x == types.float32:
        return _tanh_half_single
    if x == types.float64:
        return _tanh_half_double
    return None


@overload(exponential, jit_options=_OPTIONS)
def _overload_exponential(x):
    if x == types.float32:
        return _exponential_single
    if x == types.float64:
        return _exponential_double
    return None


# All: x = n log 2 + r with |r| <= log(2) / 2; expm1(x) = 2^n expm1(r) + (2^n - 1), and expm1(r) by its series.
# Adding 1.5 * 2^(mantissa bits) rounds to the nearest integer n and leaves n in the lowest bits.
# log 2 is taken off in two parts, the first with so few digits that n times it is exact.


def _tanh_half_single(x):
    f = np.float32
    x = f(20) if x > f(20) else x
    x = f(-20) if x < f(-20) else x
    shifted = x * f(1.4426950408889634) + f(12582912.0)
    n = shifted - f(12582912.0)
    r = x - n * f(0.693145751953125)
    r = r - n * f(1.428606820309417e-06)
    series = f(1 / 5040)
    series = series * r + f(1 / 720)
    series = series * r + f(1 / 120)
    series = series * r + f(1 / 24)
    series = series * r + f(1 / 6)
    series = series * r + f(1 / 2)
    series = series * r * r + r
    power = _as_float(np.int32(np.int32(_as_bits(shifted) + np.int32(127)) << np.int32(23)))
    expm1 = power * series + (power - f(1))
    return expm1 / (expm1 + f(2))


def _tanh_half_double(x):
    x = 40.0 if x > 40.0 else x
    x = -40.0 if x < -40.0 else x
    shifted = x * 1.4426950408889634 + 6755399441055744.0
    n = shifted - 6755399441055744.0
    r = x - n * 0.6931471803691238
    r = r - n * 1.9082149292705877e-10
    series = 1 / 6227020800
    series = series * r + 1 / 479001600
    series = series * r + 1 / 39916800
    series = series * r + 1 / 3628800
    series = series * r + 1 / 362880
    series = series * r + 1 / 40320
    series = series * r + 1 / 5040
    series = series * r + 1 / 720
    series = series * r + 1 / 120
    series = series * r + 1 / 24
    series = series * r + 1 / 6
    series = series * r + 1 / 2
    series = series * r * r + r
    power = _as_float(np.int64((_as_bits(shifted) + 1023) << 52))
    expm1 = power * series + (power - 1.0)
    return expm1 / (expm1 + 2.0)


def _exponential_single(x):
    f = np.float32
    x = f(89) if x > f(89) else x
    x = f(-88) if x < f(-88) else x
    shifted = x * f(1.4426950408889634) + f(12582912.0)
    n = shifted - f(12582912.0)
    r = x - n * f(0.693145751953125)
    r = r - n * f(1.428606820309417e-06)
    series = f(1 / 5040)
    series = series * r + f(1 / 720)
    series = series * r + f(1 / 120)
    series = series * r + f(1 / 24)
    series = series * r + f(1 / 6)
    series = series * r + f(1 / 2)
    series = series * r * r + r
    return _as_float(np.int32(np.int32(_as_bits(shifted) + np.int32(127)) << np.int32(23))) * (f(1) + series)


def _exponential_double(x):
    x = 710.0 if x > 710.0 else x
    x = -709.0 if x < -709.0 else x
    shifted = x * 1.4426950408889634 + 6755399441055744.0
    n = shifted - 6755399441055744.0
    r = x - n * 0.6931471803691238
    r = r - n * 1.9082149292705877e-10
    series = 1 / 6227020800
    series = series * r + 1 / 479001600
    series = series * r + 1 / 39916800
    series = series * r + 1 / 3628800
    series = series * r + 1 / 362880
    series = series * r + 1 / 40320
    series = series * r + 1 / 5040
    series = series * r + 1 / 720
    series = series * r + 1 / 120
    series = series * r + 1 / 24
    series = series * r + 1 / 6
    series = series * r + 1 / 2
    series = series * r * r + r
    return _as_float(np.int64((_as_bits(shifted) + 1023) << 52)) * (1.0 + series)
