"""The loops around an emitted step. Their text is pasted into every emitted module, so that Numba can keep the result.

What is not defined here (``step``, ``begin``, ``back``, ``ROWS``, ...) is emitted from the market's definition; see
`simcal.definition.emit` for the conventions. Written as functions, not as text, so that editors and linters read them.
"""
# ruff: noqa: F821
# pyright: reportUndefinedVariable=false

from __future__ import annotations

import numpy as np

from simcal.definition.lanes import LANES, SHELF, U64, draw, draw_each, store


def simulate(
    p, sizes, k0, k1, first_path, n_steps, every, burn_in, slots, out, failed, first_block, last_block
):  # fmt: skip
    """Simulate some blocks of paths; see `simcal.definition.kernel`."""
    n_paths, draws = failed.size, sizes[0]
    rings, rows = new_memory(p, sizes, LANES, out)
    w = np.zeros(ROWS * LANES, out.dtype)
    normals, outside = np.zeros((1, draws + 3, LANES), out.dtype), np.zeros(LANES, out.dtype)
    shelves = np.empty((out.shape[0], SHELF, LANES), out.dtype)
    failed_now, ages = np.empty(LANES, np.int32), np.empty(LANES, np.int32)
    for block in range(first_block, last_block):
        first, end = block * LANES, min((block + 1) * LANES, n_paths)
        begin(p, w, rings, rows, 0, LANES)
        failed_now[:] = 0
        for t in range(n_steps + burn_in + 1):
            if t > 0:
                ages[:] = t
                draw(normals[0], draws, k0, k1, U64(first_path + U64(first)), t)
                step(p, normals, 0, 0, LANES, t, t, t, ages, w, rings, rows, outside)
                check(w, failed_now, ages)
            if t >= burn_in and (t - burn_in) % every == 0:
                for q in range(len(SAVED)):
                    if slots[q] >= 0:
                        row = w[SAVED[q] : SAVED[q] + LANES]
                        store(out[slots[q], first:end], shelves[slots[q]], row, (t - burn_in) // every)
        failed[first:end] = failed_now[: end - first]


def advance(p, sizes, k0, k1, t, oldest, youngest, ages, numbers, w, rings, rows, outside, failed):
    """One step of all blocks of a stepper, whose lanes may have begun at different times."""
    draws = sizes[0]
    normals = np.zeros((1, draws + 3, LANES), w.dtype)
    for block in range(w.shape[0]):
        lanes = slice(block * LANES, (block + 1) * LANES)
        draw_each(normals[0], draws, k0, k1, numbers[lanes], ages[lanes])
        step(
            p, normals, 0, 0, LANES, t, oldest, youngest, ages[lanes], w[block], rings_of(rings, block),
            rows_of(rows, block), outside[lanes],
        )  # fmt: skip
        check(w[block], failed[lanes], ages[lanes])


def restart(p, w, rings, rows):
    """One block where its paths begin."""
    begin(p, w, rings, rows, 0, LANES)


def forward(p, noise, rings, kept, memories, first_block, last_block):
    """The forward sweep over some blocks of LANES paths, the last of which may be narrower; it keeps every step."""
    n_steps, _, n_paths = noise.shape
    w = np.zeros(ROWS * LANES, noise.dtype)
    outside, ages = np.zeros(LANES, noise.dtype), np.empty(LANES, np.int32)
    rows = new_rows(p, LANES, w)
    for block in range(first_block, last_block):
        lo, width = block * LANES, min(LANES, n_paths - block * LANES)
        begin(p, w, rings, rows, lo, width)
        keep(p, w, rows, kept, memories, 0, lo, width)
        for t in range(1, n_steps + 1):
            ages[:] = t
            step(p, noise, t - 1, lo, width, t, t, t, ages, w, rings, rows, outside)
            keep(p, w, rows, kept, memories, t, lo, width)


def reverse(p, floor, noise, rings, kept, memories, gradient, sums, first_block, last_block):
    """The transpose of `forward` on the same blocks; derivatives are added to row `block` of each of `sums`."""
    n_steps, _, n_paths = noise.shape
    w = np.zeros(BACK_ROWS * LANES, noise.dtype)
    for block in range(first_block, last_block):
        lo, width = block * LANES, min(LANES, n_paths - block * LANES)
        rows, adjoints = new_rows(p, LANES, w), new_adjoints(p, LANES, w)
        changes, later = new_changes(rings, LANES, w), new_later(rings, LANES, w)
        w[:] = 0
        recall(p, w, rings, rows, lo, width, n_steps)
        for t in range(n_steps, 0, -1):
            back(
                p, floor, noise, t - 1, lo, width, t, w, rings, rows, kept, memories, gradient, adjoints, changes,
                later, sums_of(sums, block),
            )  # fmt: skip
        finish(p, w, rings, lo, width, n_steps, gradient, adjoints, changes, later, sums_of(sums, block))
