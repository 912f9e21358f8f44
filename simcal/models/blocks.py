"""From a compiled loop over blocks of lanes to the arrays of a chunk: what is saved, the key of the noise, threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from simcal.models.lanes import LANES, U32, U64
from simcal.noise.counters import key_of
from simcal.threads import check_threads, run, split


def simulate_in_blocks(
    loop: Callable[..., None],
    what: tuple[Any, ...],
    names: Sequence[str],
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
    """Run `loop` over all blocks of a chunk; the result is that of ``simulate_chunk`` of a market.

    Parameters
    ----------
    loop
        Compiled function of (\\*what, k0, k1, first_path, n_steps, every, burn_in, slots, out, failed, first_block,
        last_block), which simulates the blocks ``first_block`` to ``last_block`` - 1. It fills ``out``, shape (saved
        names, n_paths, saved times), where ``slots[q]`` is the place of ``names[q]`` or -1, and ``failed``, shape
        (n_paths,): the first step whose price or value is not a usable number, 0 where there is none.
    what
        The market as the loop wants it.
    names
        What the loop can save, ``"prices"`` among them.
    """
    saved = ["prices", *save]
    out = np.empty((len(saved), n_paths, n_steps // every + 1), dtype)
    failed = np.empty(n_paths, np.int64)
    slots = np.array([saved.index(name) if name in saved else -1 for name in names])
    k0, k1 = key_of(seed)
    arguments = (*what, U32(k0), U32(k1), U64(first_path), n_steps, every, burn_in, slots, out, failed)
    blocks = split(-(-n_paths // LANES), check_threads(threads))
    run([(loop, (*arguments, begin, end)) for begin, end in blocks])
    return {**dict(zip(saved, out, strict=True)), "failed_step": failed}
