"""The dealer market in Numba: blocks of lanes in threads, the noise made in place, only what is saved stored.

Lanes are paths where quotes depend on what happened before (inventories, a quoting function). Elsewhere requests depend
on each other through sums alone, and lanes are paths or the steps of a path, whichever leaves fewer of them idle. A
lane runs the same instructions whatever stands in the others, and the last block is padded to all its lanes. So a path
has the same bits whatever the number of paths and steps, the chunk or the thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError

from simcal.definition.lanes import LANES, OPTIONS, SHELF, U32, U64, store
from simcal.errors import ParameterError
from simcal.noise.counters import key_of
from simcal.rfq.kernel.choice import INVENTORY, NAMES, WINNER, choose, hold, output
from simcal.rfq.kernel.draws import (
    CACHED,
    coefficients,
    draw_clients,
    draw_mids,
    draw_quotes,
    draw_words,
    new_lanes,
    round_quotes,
)
from simcal.rfq.market import Quoting, RfqMarket
from simcal.rfq.rules import ZERO_AT_START
from simcal.threads import check_threads, run, split

AT_START = np.array([0.0 if name in ZERO_AT_START else np.nan for name in NAMES])
AT_START[WINNER] = -1.0


@njit(**OPTIONS)
def _ask_function(quoting, p, w, step, count):
    """Margins of dealer 0 by the quoting function; what is no finite number is no quote."""
    quote, side, size, panel, mid, inventory = w.quotes[0], w.side, w.size, w.panel, w.mid, w.inventory[0]
    for lane in range(LANES):
        if lane < count:
            asked = np.int64(panel[lane])
            quote[lane] = quoting(side[lane], size[lane], asked, mid[lane], p.half_spread, inventory[lane], step)
        else:
            quote[lane] = np.inf
    take_margins(p, w)


@njit(**CACHED)
def take_margins(p, w):
    """Margins of dealer 0 as quotes: at the tick, and infinite where they are no finite number, which is no quote."""
    quote = w.quotes[0]
    round_quotes(p, w, quote)
    for lane in range(LANES):
        quote[lane] = quote[lane] if abs(quote[lane]) < np.inf else np.inf


@njit(**CACHED)
def _first_saved(step, burn_in, every):
    """How many steps after `step` the next one to be saved comes."""
    return burn_in - step if step <= burn_in else -(step - burn_in) % every


@njit(**CACHED)
def _store_along(out, row, first, end, every):
    """Every so many lanes of a path from `first` on, to the begin of `out`."""
    if every == 1:  # becomes vector instructions
        for lane in range(first, end):
            out[lane - first] = row[lane]
    else:
        for lane in range(first, end, every):
            out[(lane - first) // every] = row[lane]


@njit(**CACHED)
def _note_failures(mid, failed, across, step, last_step):
    """The first step whose mid is not a usable number; one for all lanes where they are steps."""
    for lane in range(LANES):
        usable = mid[lane] > 0.0 and mid[lane] < np.inf
        if across:
            failed[lane] = failed[lane] if usable or failed[lane] > 0 else step
        elif not usable and failed[0] == 0 and step + lane <= last_step:
            failed[0] = step + lane


def _simulate(p, quoting, k0, k1, first_path, n_steps, every, burn_in, across, slots, out, failed, begin, end):
    """Simulate the units `begin` to `end` - 1: blocks of paths where lanes are paths, else paths.

    `out` has shape (saved names, n_paths, saved times); ``slots[q]`` is the place there of ``NAMES[q]``, or -1.
    `failed` (n_paths,) gets the first step whose mid is not a usable number, 0 where there is none.
    """
    n_paths, last_step = failed.size, n_steps + burn_in
    all_shares = p.skew.max() > 0.0
    holds = across or slots[INVENTORY] >= 0
    w = new_lanes(p.mean.size)
    shelves = np.empty((out.shape[0], SHELF, LANES), out.dtype)
    failed_now = np.empty(LANES, np.int64)
    carried = np.empty(3)  # of a path whose lanes are steps: the mid, the side and the inventory of dealer 0
    rounds = last_step if across else (last_step + LANES - 1) // LANES
    path_stride, step_stride = (U64(1), U32(0)) if across else (U64(0), U32(1))

    for unit in range(begin, end):
        first = unit * LANES if across else unit
        beyond = min(first + LANES, n_paths) if across else unit + 1
        w.side[:], w.mid[:], w.inventory[:], failed_now[:] = 0.0, p.start, 0.0, 0
        w.size[:], w.panel[:] = p.size_median, p.mean.size
        carried[0], carried[1], carried[2] = p.start, 0.0, 0.0
        if burn_in == 0:
            for q in range(len(NAMES)):
                if slots[q] >= 0:
                    shelves[slots[q], 0] = out[slots[q], first:beyond, 0] = AT_START[q] if q > 0 else p.start
        for turn in range(rounds):
            step = turn + 1 if across else turn * LANES + 1  # of the first lane
            path = U64(first_path + U64(first))
            draw_words(w.words, p.needed, k0, k1, path, path_stride, U32(step), step_stride)
            draw_clients(p, w)
            draw_mids(p, w, step == 1, across, carried)
            if p.walk:
                _note_failures(w.mid, failed_now, across, step, last_step)
            if quoting is None:
                draw_quotes(p, w, 0)
            else:
                _ask_function(quoting, p, w, step, beyond - first)
                draw_quotes(p, w, 1)
            choose(p, w, all_shares)
            if holds:
                hold(p, w, across, all_shares, carried)

            next_saved = _first_saved(step, burn_in, every)
            place = (step + next_saved - burn_in) // every
            if next_saved > 0 if across else next_saved >= min(LANES, last_step + 1 - step):
                continue
            for q in range(len(NAMES)):
                if slots[q] >= 0:
                    output(q, p, w)
                    saved = out[slots[q], first:beyond]
                    if across:
                        store(saved, shelves[slots[q]], w.row, place)
                    else:
                        _store_along(saved[0, place:], w.row, next_saved, min(LANES, last_step + 1 - step), every)
        failed[first:beyond] = failed_now[: beyond - first]


_simulate_laws = njit(**CACHED)(_simulate)
_simulate_function = njit(**OPTIONS)(_simulate)  # compiled anew for each quoting function


def is_compiled(quoting: Quoting) -> bool:
    """Whether Numba has compiled a function; `ParameterError` for what is no function."""
    if not callable(quoting):
        raise ParameterError(f"quoting is {quoting!r}, but must be a function that returns dealer 0's margin.")
    return isinstance(quoting, Dispatcher)


def simulate_chunk(
    market: RfqMarket, seed: int, first_path: int, n_paths: int, n_steps: int, *, save: Sequence[str], every: int,
    burn_in: int, dtype: str, threads: int | None, quoting: Quoting | None = None,
) -> dict[str, np.ndarray]:  # fmt: skip
    """See `RfqMarket.simulate_chunk`; `quoting` is a function compiled by Numba."""
    names = ["prices", *save]
    out = np.empty((len(names), n_paths, n_steps // every + 1), dtype)
    failed = np.empty(n_paths, np.int64)
    slots = np.array([names.index(name) if name in names else -1 for name in NAMES])
    k0, k1 = key_of(seed)
    p, steps, threads = coefficients(market), n_steps + burn_in, check_threads(threads)
    blocks = -(-n_paths // LANES)
    # Blocks of lanes that the busiest thread goes through, either way.
    if_across, if_along = -(-blocks // threads) * steps, -(-n_paths // threads) * -(-steps // LANES)
    across = quoting is not None or bool(p.skew.max() > 0) or if_across < if_along
    what: Any = (p, quoting, U32(k0), U32(k1), U64(first_path), n_steps, every, burn_in, across, slots, out, failed)
    simulate = _simulate_laws if quoting is None else _simulate_function
    units = split(blocks if across else n_paths, threads)
    try:
        run([(simulate, (*what, begin, end)) for begin, end in units])
    except NumbaError as error:
        if quoting is None:
            raise
        raise ParameterError(
            "The quoting function does not compile as f(side, size, n_dealers, mid, half_spread, inventory, step) of "
            f"numbers that returns a number ({_reason(error)}). Correct it, or give it as a plain Python function."
        ) from error
    return {**dict(zip(names, out, strict=True)), "failed_step": failed}


def _reason(error: NumbaError) -> str:
    """The line of Numba's message that says what is wrong with a quoting function."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = next((line for line in lines if line and not line.startswith("Failed in ")), "no reason is given")
    return "it returns something else" if "setitem" in told else told.rstrip(".")
