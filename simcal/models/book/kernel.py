"""The order-book market in Numba: one path after the other, each in one book, paths shared among threads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from simcal.models.book.layout import FAILED, constants, new_states, one_of
from simcal.models.book.market import BookMarket
from simcal.models.book.start import start
from simcal.models.book.step import NAMES, observe, step
from simcal.models.lanes import OPTIONS, U32, U64
from simcal.noise.counters import key_of
from simcal.threads import check_threads, run, split


@njit(cache=True, **OPTIONS)
def simulate_paths(states, c, k0, k1, first_path, n_steps, every, burn_in, slots, out, failed, begin, end):
    """Simulate the paths `begin` to `end` - 1 in the first market of `states`; else as `simulate_in_blocks` has it."""
    s = one_of(states, 0)
    values = np.empty(slots.size)
    for i in range(begin, end):
        path = U64(first_path + U64(i))
        start(c, s, k0, k1, path)
        for _ in range(c.warm_up):
            step(c, s, k0, k1, path, 0.0)
        for t in range(n_steps + burn_in + 1):
            if t > 0:
                step(c, s, k0, k1, path, 0.0)
            if t >= burn_in and (t - burn_in) % every == 0:
                observe(c, s, values)
                for q in range(slots.size):
                    if slots[q] >= 0:
                        out[slots[q], i, (t - burn_in) // every] = values[q]
        failed[i] = s.counts[FAILED]


def simulate_chunk(
    market: BookMarket,
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
    """See `BookMarket.simulate_chunk`."""
    saved = ["prices", *save]
    out = np.empty((len(saved), n_paths, n_steps // every + 1), dtype)
    failed = np.empty(n_paths, np.int64)
    slots = np.array([saved.index(name) if name in saved else -1 for name in NAMES])
    k0, k1 = key_of(seed)
    c = constants(market)
    what = (c, U32(k0), U32(k1), U64(first_path), n_steps, every, burn_in, slots, out, failed)
    parts = split(n_paths, check_threads(threads))
    run([(simulate_paths, (new_states(market, 1), *what, begin, end)) for begin, end in parts])
    return {**dict(zip(saved, out, strict=True)), "failed_step": failed}
