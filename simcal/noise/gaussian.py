"""From words to uniforms and normals, in arithmetic that every engine rounds alike.

A library's log, sin or cos differs in the last bits between NumPy, LLVM and CUDA, and none of them vectorises inside
Numba. The polynomials below (minimax fits of our own) take their place. `simcal.noise.compiled` restates them for one
number; the tests compare all engines bit by bit. Sums and products are rounded one by one: no fused multiply-add.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# log m = 2 s + s z L(z) with s = (m - 1) / (m + 1), z = s^2 and sqrt(1/2) <= m < sqrt(2): relative error 2e-18, 2e-9.
LOG64 = (
    0.6666666666666734, 0.399999999994143, 0.2857142874247897, 0.22222198563131837,
    0.18183564883178302, 0.1531403543691255, 0.14796109336156382,
)  # fmt: skip
LOG32 = (0.6666677594184875, 0.39977535605430603, 0.29871866106987)

# sin(pi x / 2) = x S(x^2) and cos(pi x / 2) = 1 + x^2 C(x^2) on |x| <= 1/2: error 5e-17, 5e-9.
SIN64 = (
    1.5707963267948966, -0.6459640975062443, 0.07969262624604308, -0.0046817541323423235,
    0.00016044115075243396, -3.5986433889448568e-06, 5.633938525660825e-08,
)  # fmt: skip
COS64 = (
    -1.233700550136157, 0.2536695079000529, -0.02086348073757383, 0.000919259967759332,
    -2.520019241925013e-05, 4.6560038452748167e-07,
)  # fmt: skip
SIN32 = (1.5707963705062866, -0.6459634900093079, 0.07968022674322128, -0.004602177068591118)
COS32 = (-1.2337005138397217, 0.25366923213005066, -0.02086028829216957, 0.0009040215518325567)

# ln 2 in two parts: products of the first with a small whole number are exact.
LN2_HIGH64, LN2_LOW64 = 0.6931471803691238, 1.9082149292705877e-10
LN2_HIGH32, LN2_LOW32 = 0.693359375, -0.00021219444170128554

# Bits of sqrt(1/2) and the length of the mantissa, to split a number into 2^k m.
SPLIT64, SHIFT64 = 0x3FE6A09E667F3BCD, 52
SPLIT32, SHIFT32 = 0x3F3504F3, 23


def polynomial(coefficients: tuple[float, ...], z: Any) -> Any:
    """c0 + c1 z + c2 z^2 + ... by Horner's rule."""
    value = z * coefficients[-1] + coefficients[-2]
    for c in coefficients[-3::-1]:
        value = value * z + c
    return value


def uniform(xp: Any, word: Any, double: bool) -> Any:
    """Numbers strictly between 0 and 1 from words held in int64; `xp` is numpy or torch."""
    if double:
        return (_cast(xp, word, xp.float64) + 0.5) * 2.0**-32
    return (_cast(xp, word >> 9, xp.float32) + 0.5) * 2.0**-23  # 24 bits and a half would round up to 1


def normal_pair(xp: Any, first: Any, second: Any, double: bool) -> tuple[Any, Any]:
    """Two independent standard normals per pair of words: sqrt(-2 ln u1) times (cos, sin)(2 pi u2)."""
    real = xp.float64 if double else xp.float32
    radius = _sqrt(xp, _log(xp, (_cast(xp, first, real) + 0.5) * 2.0**-32, double) * -2.0, double)
    # The angle is `quarter` quarter turns and x of one more, |x| <= 1/2.
    quarter = (second + 2**29) >> 30
    x = (_cast(xp, second - (quarter << 30), real) + 0.5) * 2.0**-30
    z = x * x
    sine = x * polynomial(SIN64 if double else SIN32, z)
    cosine = z * polynomial(COS64 if double else COS32, z) + 1.0
    odd = (quarter & 1) == 1
    a, b = xp.where(odd, sine, cosine), xp.where(odd, cosine, sine)
    a = xp.where(((quarter + 1) & 2) == 2, -a, a)
    b = xp.where((quarter & 2) == 2, -b, b)
    return radius * a, radius * b


def _log(xp: Any, x: Any, double: bool) -> Any:
    whole, split, shift = (xp.int64, SPLIT64, SHIFT64) if double else (xp.int32, SPLIT32, SHIFT32)
    bits = x.view(whole)
    power = (bits - split) >> shift
    m = (bits - (power << shift)).view(x.dtype)
    k = _cast(xp, power, x.dtype)
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    tail = s * z * polynomial(LOG64 if double else LOG32, z)
    high, low = (LN2_HIGH64, LN2_LOW64) if double else (LN2_HIGH32, LN2_LOW32)
    return k * high + (s * 2.0 + (tail + k * low))


def _sqrt(xp: Any, x: Any, double: bool) -> Any:
    if xp is np:
        return np.sqrt(x)
    # On a CPU torch.sqrt may be off by one in the last bit: round it correctly here.
    if not double:
        return xp.sqrt(x.to(xp.float64)).to(xp.float32)
    root = xp.sqrt(x)
    square = root * root
    shifted = root * 134217729.0
    high = shifted - (shifted - root)  # Dekker's exact product: square + error = root^2
    low = root - high
    error = ((high * high - square) + high * low * 2.0) + low * low
    return root + ((x - square) - error) / (root * 2.0)


def _cast(xp: Any, x: Any, dtype: Any) -> Any:
    return x.astype(dtype) if xp is np else x.to(dtype)
