"""Speed of the kernels of price markets and of the noise, beside plain NumPy programs.

    python benchmarks/simulate.py [--markets stock herding]

The peer is the market written by hand (tests/oracles), vectorised over 1000 paths, with the normals of a NumPy
generator; it saves prices only, as the kernel does, and the noise counts for both. On one thread CPU time is measured,
on more the wall clock; each number is the best of several runs.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import simcal
from simcal import noise

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from oracles import herding, stock

REFERENCES = {"stock": stock.simulate, "herding": herding.simulate}
N_STEPS, PEER_PATHS, KERNEL_PATHS = 100, 1000, 20_480


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.process_time, runs: int = 7) -> float:
    """The best of several runs, after one that compiles."""
    work()
    best = float("inf")
    for _ in range(runs):
        start = clock()
        work()
        best = min(best, clock() - start)
    return best


def thread_counts() -> list[int]:
    return [1, 2] if (os.cpu_count() or 1) > 1 else [1]


def simulation_table(name: str) -> Table:
    market: Any = simcal.load(name)
    plain = REFERENCES[name]
    generator = np.random.default_rng(0)
    table = Table(
        "implementation", "dtype", "threads", "paths/s", "ns per step", "x plain NumPy",
        title=f"{name}, {N_STEPS} steps, noise included",
    )  # fmt: skip

    def row(name: str, dtype: str, threads: int, per_path: float, peer: float) -> None:
        numbers = (f"{1 / per_path:,.0f}", f"{per_path / N_STEPS * 1e9:.1f}", f"{peer / per_path:.1f}")
        table.add_row(name, dtype, str(threads), *numbers)

    peers = {}
    for dtype in ("float64", "float32"):
        shape = (N_STEPS, market.draws_per_step, PEER_PATHS)
        peers[dtype] = (
            seconds(lambda s=shape, d=dtype: plain(market, generator.standard_normal(s, d), save=())) / PEER_PATHS
        )
        row("plain NumPy", dtype, 1, peers[dtype], peers["float64"])
    for dtype in ("float64", "float32"):
        for threads in thread_counts():
            per_path = (
                seconds(
                    lambda d=dtype, n=threads: market.simulate_chunk(0, 0, KERNEL_PATHS, N_STEPS, dtype=d, threads=n),
                    time.process_time if threads == 1 else time.perf_counter,
                )
                / KERNEL_PATHS
            )
            row("simcal kernel", dtype, threads, per_path, peers["float64"])
    return table


def noise_table() -> Table:
    table = Table("normals", "dtype", "threads", "ns per normal", title="Noise, filled into an array")
    shape = (100, 16, 1000)
    count = int(np.prod(shape))
    generator = np.random.default_rng(0)
    for dtype in ("float64", "float32"):
        out = np.empty(shape, dtype)
        per_normal = seconds(lambda o=out: generator.standard_normal(out=o, dtype=o.dtype)) / count
        table.add_row("NumPy Generator (PCG64)", dtype, "1", f"{per_normal * 1e9:.2f}")
        for threads in thread_counts():
            clock = time.process_time if threads == 1 else time.perf_counter
            per_normal = seconds(lambda o=out, n=threads: noise.fill_normals(o, 0, 0, 1, threads=n), clock) / count
            table.add_row("simcal Philox4x32-10", dtype, str(threads), f"{per_normal * 1e9:.2f}")
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markets", nargs="+", choices=list(REFERENCES), default=list(REFERENCES))
    console = Console()
    for name in parser.parse_args().markets:
        console.print(simulation_table(name))
    console.print(noise_table())
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    console.print(f"{os.cpu_count()} cores, load {load:.1f}: more than one thread needs idle cores to show its speed.")
