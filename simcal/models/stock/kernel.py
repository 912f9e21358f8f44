"""The stock market in Numba: blocks of lanes in threads, the noise made in place, only what is saved stored.

A lane runs the same instructions whatever stands in the others, and the last block is padded to all its lanes. So a
path has the same bits whatever the number of paths, the chunk or the thread.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from simcal.models.stock.coefficients import coefficients, numbers_of
from simcal.models.stock.lanes import LANES, OPTIONS, U32, U64, draw
from simcal.models.stock.market import StockMarket
from simcal.models.stock.specs import STREAM_TRADERS
from simcal.models.stock.step import NAMES, PRICE, SCRATCH, VALUE, VARIANCE, VOLUME, step_block
from simcal.noise.counters import key_of
from simcal.threads import check_threads, run, split

SHELF = 16


@njit(**OPTIONS)
def _store(out, shelf, row, place):
    """Column `place` of the paths of this block, laid aside until a cache line's worth can go to its path at once."""
    shelf[place % SHELF] = row
    if place % SHELF == SHELF - 1 or place == out.shape[1] - 1:
        first = place - place % SHELF
        for lane in range(out.shape[0]):  # the padded lanes stay out
            for j in range(place - first + 1):
                out[lane, first + j] = shelf[j, lane]


@njit(cache=True, **OPTIONS)
def simulate_blocks(p, hard, k0, k1, first_path, n_steps, every, burn_in, slots, out, failed, first_block, last_block):
    """Simulate the blocks `first_block` to `last_block` - 1.

    `out` has shape (saved names, n_paths, saved times); ``slots[q]`` is the place there of ``NAMES[q]``, or -1.
    `failed` (n_paths,) gets the first step whose price or value is not a usable number, 0 where there is none.
    """
    n_paths = failed.size
    n_technical = p.trend.size
    draws = STREAM_TRADERS + p.public.size + p.value.size
    size = 2
    for i in range(n_technical):
        size = max(size, p.long[i] + 1)
    with_volume = slots[VOLUME] >= 0 or slots[VOLUME + 1] >= 0 or slots[VOLUME + 2] >= 0

    recent = np.empty((size, LANES), out.dtype)
    trends = np.empty((n_technical, LANES), out.dtype)
    normals = np.empty((draws + 3, LANES), out.dtype)
    scratch, outside = np.empty((SCRATCH, LANES), out.dtype), np.zeros(LANES, out.dtype)
    now = np.empty((len(NAMES), LANES), out.dtype)
    price, value, variance = now[PRICE], now[VALUE], now[VARIANCE]
    shelves = np.empty((out.shape[0], SHELF, LANES), out.dtype)
    failed_now, ages = np.empty(LANES, np.int32), np.empty(LANES, np.int32)

    for block in range(first_block, last_block):
        begin, end = block * LANES, min((block + 1) * LANES, n_paths)
        now[:] = 0
        price[:], value[:], variance[:] = p.initial_price, p.start, p.variance_start
        recent[:], trends[:], failed_now[:] = p.initial_price, 0, 0
        for t in range(n_steps + burn_in + 1):
            if t > 0:
                draw(normals, draws, k0, k1, U64(first_path + U64(begin)), t)
                step_block(
                    p, hard, t, t, t, ages, normals, recent, trends, now, failed_now, outside, with_volume, scratch
                )
            if t >= burn_in and (t - burn_in) % every == 0:
                for q in range(len(NAMES)):
                    if slots[q] >= 0:
                        _store(out[slots[q], begin:end], shelves[slots[q]], now[q], (t - burn_in) // every)
        failed[begin:end] = failed_now[: end - begin]


def simulate_chunk(
    market: StockMarket,
    seed: int,
    first_path: int,
    n_paths: int,
    n_steps: int,
    *,
    save: Sequence[str],
    every: int,
    burn_in: int,
    dtype: str,
    threads: int | None,
) -> dict[str, np.ndarray]:
    """See `StockMarket.simulate_chunk`."""
    names = ["prices", *save]
    out = np.empty((len(names), n_paths, n_steps // every + 1), dtype)
    failed = np.empty(n_paths, np.int64)
    slots = np.array([names.index(name) if name in names else -1 for name in NAMES])
    k0, k1 = key_of(seed)
    what = (coefficients(market, numbers_of(market), dtype), market.rule == "hard", U32(k0), U32(k1), U64(first_path))
    where = (n_steps, every, burn_in, slots, out, failed)
    blocks = split(-(-n_paths // LANES), check_threads(threads))
    run([(simulate_blocks, (*what, *where, begin, end)) for begin, end in blocks])
    return {**dict(zip(names, out, strict=True)), "failed_step": failed}
