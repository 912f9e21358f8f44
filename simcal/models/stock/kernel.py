"""The stock market in Numba: blocks of lanes in threads, the noise made in place, only what is saved stored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from simcal.models.blocks import simulate_in_blocks
from simcal.models.lanes import LANES, OPTIONS, SHELF, U64, draw, store
from simcal.models.stock.coefficients import coefficients, numbers_of
from simcal.models.stock.market import StockMarket
from simcal.models.stock.specs import STREAM_TRADERS
from simcal.models.stock.step import NAMES, PRICE, ROWS, SCRATCH, SHARE, VALUE, VARIANCE, VOLUME, step_block


@njit(cache=True, **OPTIONS)
def simulate_blocks(p, hard, k0, k1, first_path, n_steps, every, burn_in, slots, out, failed, first_block, last_block):
    """Simulate the blocks `first_block` to `last_block` - 1, as `simulate_in_blocks` wants it."""
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
    now = np.empty((ROWS, LANES), out.dtype)
    price, value, variance = now[PRICE], now[VALUE], now[VARIANCE]
    shelves = np.empty((out.shape[0], SHELF, LANES), out.dtype)
    failed_now, ages = np.empty(LANES, np.int32), np.empty(LANES, np.int32)

    for block in range(first_block, last_block):
        begin, end = block * LANES, min((block + 1) * LANES, n_paths)
        now[:], now[SHARE] = 0, 0.5
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
                        store(out[slots[q], begin:end], shelves[slots[q]], now[q], (t - burn_in) // every)
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
    return simulate_in_blocks(
        simulate_blocks, (coefficients(market, numbers_of(market), dtype), market.rule == "hard"), NAMES, seed,
        first_path, n_paths, n_steps, save=save, every=every, burn_in=burn_in, dtype=dtype, threads=threads,
    )  # fmt: skip
