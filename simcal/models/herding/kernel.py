"""The herding market in Numba: blocks of lanes in threads, the noise made in place, only what is saved stored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from simcal.models.blocks import simulate_in_blocks
from simcal.models.herding.coefficients import coefficients, numbers_of
from simcal.models.herding.market import HerdingMarket
from simcal.models.herding.specs import STREAM_VALUE, STREAM_VARIANCE
from simcal.models.herding.step import NAMES, ROWS, SCRATCH, SHARE, VALUE, VOLUME, begin, step_block, sum_up
from simcal.models.lanes import LANES, OPTIONS, SHELF, U64, draw, store


@njit(cache=True, **OPTIONS)
def simulate_blocks(p, k0, k1, first_path, n_steps, every, burn_in, slots, out, failed, first_block, last_block):
    """Simulate the blocks `first_block` to `last_block` - 1, as `simulate_in_blocks` wants it."""
    n_paths = failed.size
    draws = STREAM_VARIANCE + 1 if p.moving else STREAM_VALUE
    with_value, with_sums = slots[VALUE] >= 0, slots[VOLUME] >= 0 or slots[SHARE] >= 0
    normals = np.empty((draws + 3, LANES), out.dtype)
    scratch, outside = np.zeros((SCRATCH, LANES), out.dtype), np.zeros(LANES, out.dtype)
    two = np.empty((2, ROWS, LANES), out.dtype)  # this step and the one before take turns
    shelves = np.empty((out.shape[0], SHELF, LANES), out.dtype)
    failed_now, ages = np.empty(LANES, np.int32), np.empty(LANES, np.int32)

    for block in range(first_block, last_block):
        first, end = block * LANES, min((block + 1) * LANES, n_paths)
        begin(p, two[0])
        begin(p, two[1])
        failed_now[:] = 0
        for t in range(n_steps + burn_in + 1):
            before, now = two[(t + 1) % 2], two[t % 2]
            if t > 0:
                ages[:] = t
                draw(normals, draws, k0, k1, U64(first_path + U64(first)), t)
                step_block(p, normals, before, now, outside, failed_now, ages, with_value, scratch)
                if with_sums:
                    sum_up(p, before, now)
            if t >= burn_in and (t - burn_in) % every == 0:
                for q in range(len(NAMES)):
                    if slots[q] >= 0:
                        store(out[slots[q], first:end], shelves[slots[q]], now[q], (t - burn_in) // every)
        failed[first:end] = failed_now[: end - first]


def simulate_chunk(
    market: HerdingMarket,
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
    """See `HerdingMarket.simulate_chunk`."""
    return simulate_in_blocks(
        simulate_blocks, (coefficients(market, numbers_of(market), dtype),), NAMES, seed, first_path, n_paths, n_steps,
        save=save, every=every, burn_in=burn_in, dtype=dtype, threads=threads,
    )  # fmt: skip
