"""The noise in Numba: functions of one number, which vectorise over paths inside a kernel, and filled arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

from simcal.errors import ParameterError
from simcal.noise import gaussian
from simcal.noise.counters import MULTIPLIERS, ROUNDS, WEYL, check_range, check_seed, key_of
from simcal.stale_code import forget_stale_code
from simcal.threads import check_threads, run, split

forget_stale_code()  # before any compiled function is looked for: all compiled code imports this module

# Numba promotes the sum of two uint32 to 64 bits, and of a float32 and a Python float to float64: each constant and
# each result below carries its type.
U32, U64, I32, I64, F32, F64 = np.uint32, np.uint64, np.int32, np.int64, np.float32, np.float64
M0, M1 = U64(MULTIPLIERS[0]), U64(MULTIPLIERS[1])
W0, W1 = U32(WEYL[0]), U32(WEYL[1])
LOG32 = tuple(F32(c) for c in gaussian.LOG32)
SIN32, COS32 = tuple(F32(c) for c in gaussian.SIN32), tuple(F32(c) for c in gaussian.COS32)
LOG64, SIN64, COS64 = gaussian.LOG64, gaussian.SIN64, gaussian.COS64
HIGH64, LOW64, HIGH32, LOW32 = (
    gaussian.LN2_HIGH64,
    gaussian.LN2_LOW64,
    F32(gaussian.LN2_HIGH32),
    F32(gaussian.LN2_LOW32),
)
SPLIT64, SPLIT32 = I64(gaussian.SPLIT64), I32(gaussian.SPLIT32)
ONE, TWO, HALF = F32(1), F32(2), F32(0.5)
WORD32, QUARTER32 = F32(2.0**-32), F32(2.0**-30)


@njit(inline="always")
def philox(k0, k1, c0, c1, c2, c3):
    """Philox4x32-10: four uint32 from a key of two and a counter of four."""
    for _ in range(ROUNDS):
        p0 = M0 * U64(c0)
        p1 = M1 * U64(c2)
        c0 = U32(U32(p1 >> U64(32)) ^ c1 ^ k0)
        c1 = U32(p1)
        c2 = U32(U32(p0 >> U64(32)) ^ c3 ^ k1)
        c3 = U32(p0)
        k0 = U32(k0 + W0)
        k1 = U32(k1 + W1)
    return c0, c1, c2, c3


@njit(error_model="numpy", nogil=True)
def _normal_pair64(first, second):
    x = (F64(first) + 0.5) * 2.0**-32
    bits = np.float64(x).view(np.int64)
    power = (bits - SPLIT64) >> I64(52)
    m = np.int64(bits - (power << I64(52))).view(np.float64)
    k = F64(power)
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    c = LOG64
    p = (((((z * c[6] + c[5]) * z + c[4]) * z + c[3]) * z + c[2]) * z + c[1]) * z + c[0]
    radius = np.sqrt((k * HIGH64 + (s * 2.0 + (s * z * p + k * LOW64))) * -2.0)
    quarter = U32(U32(second + U32(1 << 29)) >> U32(30))
    # The turn that is left, as a signed number: whole turns wrap in 32 bits.
    x = (F64(I32(U32(second - U32(quarter << U32(30))))) + 0.5) * 2.0**-30
    z = x * x
    c = SIN64
    sine = x * ((((((z * c[6] + c[5]) * z + c[4]) * z + c[3]) * z + c[2]) * z + c[1]) * z + c[0])
    c6 = COS64
    cosine = z * (((((z * c6[5] + c6[4]) * z + c6[3]) * z + c6[2]) * z + c6[1]) * z + c6[0]) + 1.0
    odd = (quarter & U32(1)) == U32(1)
    a = sine if odd else cosine
    b = cosine if odd else sine
    a = -a if (U32(quarter + U32(1)) & U32(2)) == U32(2) else a
    b = -b if (quarter & U32(2)) == U32(2) else b
    return radius * a, radius * b


@njit(error_model="numpy", nogil=True)
def _normal_pair32(first, second):
    x = (F32(first) + HALF) * WORD32
    bits = np.float32(x).view(np.int32)
    power = I32(I32(bits - SPLIT32) >> I32(23))
    m = np.int32(bits - I32(power << I32(23))).view(np.float32)
    k = F32(power)
    s = (m - ONE) / (m + ONE)
    z = s * s
    c = LOG32
    p = (z * c[2] + c[1]) * z + c[0]
    radius = np.sqrt((k * HIGH32 + (s * TWO + (s * z * p + k * LOW32))) * -TWO)
    quarter = U32(U32(second + U32(1 << 29)) >> U32(30))
    x = (F32(I32(U32(second - U32(quarter << U32(30))))) + HALF) * QUARTER32
    z = x * x
    c = SIN32
    sine = x * (((z * c[3] + c[2]) * z + c[1]) * z + c[0])
    c = COS32
    cosine = z * (((z * c[3] + c[2]) * z + c[1]) * z + c[0]) + ONE
    odd = (quarter & U32(1)) == U32(1)
    a = sine if odd else cosine
    b = cosine if odd else sine
    a = -a if (U32(quarter + U32(1)) & U32(2)) == U32(2) else a
    b = -b if (quarter & U32(2)) == U32(2) else b
    return radius * a, radius * b


def normal_pair(first: Any, second: Any, like: Any) -> Any:
    """Two standard normals from two words (uint32), in the precision of `like`; for use inside Numba functions."""
    raise NotImplementedError


@overload(normal_pair, inline="always")
def _normal_pair(first, second, like):
    if like == types.float32:
        return lambda first, second, like: _normal_pair32(first, second)
    return lambda first, second, like: _normal_pair64(first, second)


def uniform(word: Any, like: Any) -> Any:
    """A number strictly between 0 and 1 from a word (uint32), in the precision of `like`; for Numba functions."""
    raise NotImplementedError


@overload(uniform, inline="always")
def _uniform(word, like):
    if like == types.float32:
        return lambda word, like: (F32(U32(word >> U32(9))) + HALF) * F32(2.0**-23)
    return lambda word, like: (F64(word) + 0.5) * 2.0**-32


@njit(error_model="numpy", nogil=True, cache=True)
def normal_rows(out, k0, k1, first_path, first_step, begin, end):
    """Write the rows `begin` to `end` of `out`; row r is step r // blocks, block r % blocks."""
    n_streams, n_paths = out.shape[1], out.shape[2]
    n_blocks = (n_streams + 3) // 4
    spare = np.empty((3, n_paths), out.dtype)
    like = out.dtype.type(0)
    for row in range(begin, end):
        i, block = row // n_blocks, row % n_blocks
        s = 4 * block
        a, b = out[i, s], spare[0]
        if s + 1 < n_streams:
            b = out[i, s + 1]
        c, d = spare[1], spare[2]
        if s + 2 < n_streams:
            c = out[i, s + 2]
        if s + 3 < n_streams:
            d = out[i, s + 3]
        step, counter = U32(first_step + U64(i)), U32(block)
        for j in range(n_paths):
            path = U64(first_path + U64(j))
            w0, w1, w2, w3 = philox(k0, k1, U32(path), U32(path >> U64(32)), step, counter)
            a[j], b[j] = normal_pair(w0, w1, like)
            c[j], d[j] = normal_pair(w2, w3, like)


@njit(error_model="numpy", nogil=True, cache=True)
def uniform_rows(out, k0, k1, first_path, first_step, begin, end):
    """As `normal_rows`, for uniforms."""
    n_streams, n_paths = out.shape[1], out.shape[2]
    n_blocks = (n_streams + 3) // 4
    like = out.dtype.type(0)
    for row in range(begin, end):
        i, block = row // n_blocks, row % n_blocks
        step, counter = U32(first_step + U64(i)), U32(block)
        for j in range(n_paths):
            path = U64(first_path + U64(j))
            four = philox(k0, k1, U32(path), U32(path >> U64(32)), step, counter)
            for s in range(4 * block, min(4 * block + 4, n_streams)):
                out[i, s, j] = uniform(four[s - 4 * block], like)


def fill(
    rows: Callable[..., Any], out: np.ndarray, seed: int, first_path: int, first_step: int, threads: int
) -> np.ndarray:
    """Check the arguments and share the rows among threads; see `simcal.noise.fill_normals`."""
    if out.ndim != 3 or out.dtype not in (np.float32, np.float64) or not out.flags.c_contiguous:
        raise ParameterError(
            f"out is an array of {out.dtype} with shape {out.shape}, but must be a C-contiguous array of float32 or "
            "float64 with shape (n_steps, n_streams, n_paths)."
        )
    k0, k1 = key_of(check_seed(seed))
    check_range(first_path, out.shape[2], first_step, out.shape[0])
    n_rows = out.shape[0] * ((out.shape[1] + 3) // 4)
    key = (U32(k0), U32(k1), U64(first_path), U64(first_step))
    run([(rows, (out, *key, begin, end)) for begin, end in split(n_rows, check_threads(threads))])
    return out
