"""The verb simulate: from a market to paths, in chunks and threads, in memory or streamed to a file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, overload

import numpy as np

from simcal.errors import NumericalWarning, ParameterError, check_names
from simcal.noise import check_dtype, check_integer, check_range, check_seed
from simcal.path_files import PathsFile, check_target, stream
from simcal.paths import Paths
from simcal.threads import check_threads

if TYPE_CHECKING:
    from simcal.models import Market

CHUNK_BYTES = 2**25  # of saved numbers, where the chunk is not given
CHUNK_PATHS = 1024  # the chunk is a multiple of it: whole blocks of the kernel


class Options(TypedDict, total=False):
    """The keyword arguments of `simulate` but `out`, for type checkers."""

    seed: int
    save: Sequence[str]
    every: int
    burn_in: int
    dtype: Any
    threads: int | None
    first_path: int
    chunk: int | None
    progress: Callable[[int, int], None] | None


@overload
def simulate(market: Market, n_paths: int, n_steps: int, *, out: None = None, **options: Unpack[Options]) -> Paths: ...
@overload
def simulate(
    market: Market, n_paths: int, n_steps: int, *, out: str | Path, **options: Unpack[Options]
) -> PathsFile: ...
def simulate(
    market: Market,
    n_paths: int,
    n_steps: int,
    *,
    seed: int = 0,
    save: Sequence[str] = (),
    every: int = 1,
    burn_in: int = 0,
    dtype: Any = "float64",
    threads: int | None = None,
    first_path: int = 0,
    out: str | Path | None = None,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Paths | PathsFile:
    """Simulate paths of a market.

    Path k of a seed has the same bits whatever the other arguments but `dtype`: not the number of paths or threads,
    nor the chunk, nor what is saved.

    Main arguments
    --------------
    market
        The market, such as ``simcal.load("stock")``.
    n_paths, n_steps
        How many paths, and how many steps of each.
    seed
        Whole number from 0 to 2**64 - 1.
    save
        Names among ``market.OUTPUTS`` to save beside the prices.
    out
        Parquet file to stream to; the result then is a `PathsFile`, and memory holds one chunk at a time.

    Other arguments
    ---------------
    every
        Save every so many steps; a demand or volume is that of the saved step alone.
    burn_in
        Steps to simulate first and not to save; `n_steps` come after them.
    dtype
        "float64", or "float32" for twice the speed: its prices have seven digits.
    threads
        Threads; None is one per core.
    first_path
        Number of the first path.
    chunk
        Paths simulated at a time; matters for memory and progress only.
    progress
        Called with (paths done, n_paths) after each chunk.

    Returns
    -------
    `Paths` with prices of shape (n_paths, n_steps // every + 1), or `PathsFile` where `out` is given.

    Raises
    ------
    ParameterError
        Where an argument is not allowed, or the paths do not fit in the machine's memory.
    DataError
        Where `out` does not end in ``.parquet`` or cannot be written.

    Warns
    -----
    NumericalWarning
        Where paths left the range of the numbers; ``status`` of the result then says so as well.
    """
    if not hasattr(market, "simulate_chunk"):
        raise ParameterError(f"market is {market!r}, but must be a market, such as simcal.load('stock').")
    n_paths, n_steps = check_integer("n_paths", n_paths, 1, 2**63 - 1), check_integer("n_steps", n_steps, 1, 2**31 - 1)
    burn_in, every = check_integer("burn_in", burn_in, 0, 2**31 - 1), check_integer("every", every, 1, n_steps)
    check_range(first_path, n_paths, 1, n_steps + burn_in)
    save = [save] if isinstance(save, str) else list(dict.fromkeys(save))
    check_names(save, market.OUTPUTS, "an output of this market")
    dtype = check_dtype(dtype)
    bytes_per_path = np.dtype(dtype).itemsize * (1 + len(save)) * (n_steps // every + 1)
    if chunk is None:
        chunk = max(CHUNK_BYTES // bytes_per_path // CHUNK_PATHS, 1) * CHUNK_PATHS
    chunk = min(check_integer("chunk", chunk, 1, 2**63 - 1), n_paths)
    options: dict[str, Any] = {"save": save, "every": every, "burn_in": burn_in, "dtype": dtype}
    options["threads"] = check_threads(threads)

    chunks = _chunks(market, check_seed(seed), int(first_path), n_paths, n_steps, chunk, options, progress)
    if out is not None:
        target = check_target(out)
        result = PathsFile(target, stream(target, chunks))
    else:
        _check_memory(n_paths * bytes_per_path)
        result = _join(chunks, n_paths)
    if result.status != "ok":
        warnings.warn(result.status, NumericalWarning, stacklevel=2)
    return result


def _chunks(
    market: Market,
    seed: int,
    first_path: int,
    n_paths: int,
    n_steps: int,
    chunk: int,
    options: dict[str, Any],
    progress: Callable[[int, int], None] | None,
) -> Iterator[Paths]:
    n_failed, first_failure = 0, ""
    for begin in range(0, n_paths, chunk):
        count, start = min(chunk, n_paths - begin), first_path + begin
        arrays = market.simulate_chunk(seed, start, count, n_steps, **options)
        failed = arrays.pop("failed_step")
        bad = np.flatnonzero(failed)
        if bad.size and not n_failed:
            first_failure = f"the first is path {start + int(bad[0])} at step {failed[bad[0]]} (burn-in included)"
        n_failed += bad.size
        status = "ok"
        if n_failed:
            status = (
                f"{n_failed} of {n_paths} paths left the range of {options['dtype']} and hold prices or values "
                f"that are not positive or not finite; {first_failure}. Use milder parameters, fewer steps or float64."
            )
        yield Paths(
            prices=arrays.pop("prices"),
            outputs=arrays,
            market=market.to_dict(),
            seed=seed,
            first_path=start,
            every=options["every"],
            burn_in=options["burn_in"],
            status=status,
            n_failed=bad.size,
        )
        if progress is not None:
            progress(begin + count, n_paths)


def _join(chunks: Iterator[Paths], n_paths: int) -> Paths:
    """One `Paths` of all chunks, each copied to its place as it comes."""
    first = part = next(chunks)
    if first.n_paths == n_paths:
        for _ in chunks:  # lets progress be told
            pass
        return first
    arrays = {
        name: np.empty((n_paths, values.shape[1]), values.dtype)
        for name, values in {"prices": first.prices, **first.outputs}.items()
    }
    done = n_failed = 0
    while part is not None:
        for name, values in {"prices": part.prices, **part.outputs}.items():
            arrays[name][done : done + part.n_paths] = values
        done, n_failed, status = done + part.n_paths, n_failed + part.n_failed, part.status
        part = next(chunks, None)
    return Paths(
        prices=arrays.pop("prices"),
        outputs=arrays,
        market=first.market,
        seed=first.seed,
        first_path=first.first_path,
        every=first.every,
        burn_in=first.burn_in,
        status=status,
        n_failed=n_failed,
    )


def _check_memory(needed: int) -> None:
    try:
        available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return
    if needed > available:
        raise ParameterError(
            f"The paths need {needed / 2**30:.1f} GiB, but this machine has {available / 2**30:.1f} GiB of memory: "
            "give a file as out, save fewer outputs, or raise every."
        )
