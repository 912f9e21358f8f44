"""What emitted kernels share: blocks of lanes, one path per lane, their noise and what is stored of them.

Loops over the lanes of a block become vector instructions. A lane runs the same instructions whatever stands in the
others, and the last block is padded to all its lanes. So a path has the same bits whatever the number of paths, the
chunk or the thread. What stands here is compiled once and kept, so that an emitted module costs only its own part.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simcal.noise.compiled import normal_pair, philox

LANES = 512
SHELF = 16
# The arithmetic as written, so that all engines agree: near zero, a rounding of 1e-18 in the variance is one of 1e-9
# in its root. Said aloud, because a compiled function without a word takes over the freedoms of its caller.
OPTIONS: Any = {"error_model": "numpy", "fastmath": False, "nogil": True}
# Of the reverse sweeps. Sums may be taken in any order, which makes them vector instructions. Not "fast": NaN must
# stay NaN.
REVERSE: Any = {"error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz"}, "nogil": True}
# A part that is not inlined is optimised once when compiled and otherwise when read from the cache: the order of its
# sums, and so their last bits, would depend on whether the process is the first.
INLINED: Any = {**REVERSE, "inline": "always"}
STEP: Any = {**OPTIONS, "forceinline": True}  # of functions that two loops share: it is translated once
PASTED: Any = {**OPTIONS, "inline": "always"}  # of those that one loop has to itself: quicker to compile
REFRESH = 64  # steps between two exact sums of moving means; in between they are rolled
U32, U64 = np.uint32, np.uint64


@njit(cache=True, **OPTIONS)
def draw(normals, draws, k0, k1, first_path, step):
    """Fill the rows of `normals` with the streams 0 to `draws` - 1 (and up to three more) of one step."""
    like = normals.dtype.type(0)
    for block in range((draws + 3) // 4):
        s = 4 * block
        a, b, c, d = normals[s], normals[s + 1], normals[s + 2], normals[s + 3]
        if s + 2 < draws:
            for lane in range(LANES):
                path = U64(first_path + U64(lane))
                w0, w1, w2, w3 = philox(k0, k1, U32(path), U32(path >> U64(32)), U32(step), U32(block))
                a[lane], b[lane] = normal_pair(w0, w1, like)
                c[lane], d[lane] = normal_pair(w2, w3, like)
        else:
            for lane in range(LANES):
                path = U64(first_path + U64(lane))
                w0, w1, _, _ = philox(k0, k1, U32(path), U32(path >> U64(32)), U32(step), U32(block))
                a[lane], b[lane] = normal_pair(w0, w1, like)


@njit(cache=True, **OPTIONS)
def draw_each(normals, draws, k0, k1, numbers, ages):
    """As `draw`, where each lane has its own path number and its own step."""
    like = normals.dtype.type(0)
    for pair in range((draws + 1) // 2):
        a, b = normals[2 * pair], normals[2 * pair + 1]
        for lane in range(LANES):
            path = numbers[lane]
            words = philox(k0, k1, U32(path), U32(path >> U64(32)), U32(ages[lane]), U32(pair // 2))
            if pair % 2 == 0:
                a[lane], b[lane] = normal_pair(words[0], words[1], like)
            else:
                a[lane], b[lane] = normal_pair(words[2], words[3], like)


@njit(cache=True, **OPTIONS)
def store(out, shelf, row, place):
    """Column `place` of the paths of this block, laid aside until a cache line's worth can go to its path at once."""
    shelf[place % SHELF] = row
    if place % SHELF == SHELF - 1 or place == out.shape[1] - 1:
        first = place - place % SHELF
        for lane in range(out.shape[0]):  # the padded lanes stay out
            for j in range(place - first + 1):
                out[lane, first + j] = shelf[j, lane]


@njit(cache=True, **OPTIONS)
def sum_recent(total, ring, t, window, lo, width):
    """Sum the last `window` values before t, as distances to the last one."""
    size = ring.shape[0]
    last = ring[(t - 1) % size, lo : lo + width]
    total[:] = 0
    for j in range(2, window + 1):
        row = ring[(t - j + size) % size, lo : lo + width]
        for lane in range(width):
            total[lane] += row[lane] - last[lane]


@njit(cache=True, **OPTIONS)
def note_failures(price, value, failed, ages):
    """`failed` gets the first step of each lane whose price is not above 0, or whose price or value is not finite."""
    real = price.dtype.type
    zero, infinity = real(0), real(np.inf)
    bad = 0
    for lane in range(price.size):
        bad |= not (price[lane] > zero and price[lane] + abs(value[lane]) < infinity)
    if bad:
        for lane in range(price.size):
            usable = price[lane] > zero and price[lane] + abs(value[lane]) < infinity
            failed[lane] = failed[lane] if usable or failed[lane] > 0 else ages[lane]


@njit(cache=True, **REVERSE)
def spread(adjoint, length, sign, changes, t, depth):
    """The transpose of one moving mean: begins to act on the value at t - 1, ends to at t - 1 - length.

    Row ``s + 1 + depth`` of `changes` says by how much the adjoint of every value in the window changes from the value
    at s + 1 to that at s.
    """
    per = adjoint.dtype.type(sign / length)
    enters, leaves = changes[t + depth], changes[t - length + depth]
    for lane in range(adjoint.size):
        by = per * adjoint[lane]
        enters[lane] += by
        leaves[lane] -= by


@njit(cache=True, **REVERSE)
def gather_means(adjoint, window, changes, s, depth, width):
    """Add to the adjoint of a value at time `s` what moving means that hold it have to say."""
    change = changes[s + 1 + depth]
    for lane in range(width):
        window[lane] += change[lane]
        adjoint[lane] += window[lane]


@njit(cache=True, **REVERSE)
def gather_lags(adjoint, later, s, depth, width):
    """Add to the adjoint of a value at time `s` what was handed to it from later steps."""
    row = later[s + depth]
    for lane in range(width):
        adjoint[lane] += row[lane]
