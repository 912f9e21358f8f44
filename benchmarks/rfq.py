"""Speed of the dealer market's kernel beside a vectorised NumPy/SciPy program: `python benchmarks/rfq.py`.

The peer draws all requests of a batch at once, exponential power through gamma variables, and finds the best quote, the
cover and who trades. The kernel saves the same three. On one thread CPU time is measured, on more the wall clock; each
number is the best of several runs, and the runs of both take turns.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from rich.console import Console
from rich.table import Table
from scipy import stats

import simcal
from simcal.rfq import RfqMarket

TARGET = 5.0  # times the peer's requests per second, on one core
PEER_REQUESTS, PATHS, STEPS = 50_000, 1024, 1000
SAVED = ("best_quote", "cover_quote", "traded")


def peer(market: RfqMarket, n: int, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Best quote, cover and trade of n requests, by NumPy and SciPy."""

    def draw(mean: float, scale: float, shape: float, size: tuple[int, ...]) -> np.ndarray:
        z = (shape * generator.standard_gamma(1 / shape, size)) ** (1 / shape)
        return mean + scale * np.where(generator.random(size) < 0.5, -z, z)

    mid = generator.uniform(market.mid_low, market.mid_high, n)
    side = np.where(generator.random(n) < market.buy_share, 1.0, -1.0)
    value = draw(market.client_mean, market.client_scale, market.client_shape, (n,))
    quotes = draw(market.quote_mean, market.quote_scale, market.quote_shape, (market.n_dealers, n))
    best, second = np.partition(quotes, 1, axis=0)[:2]
    away = side * market.half_spread
    return mid + away * best, mid + away * second, best < value


def scipy_peer(market: RfqMarket, n: int, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
    """The same with scipy.stats.gennorm, as one writes it first."""

    def law(mean: float, scale: float, shape: float) -> stats.rv_continuous:
        return stats.gennorm(shape, loc=mean, scale=scale * shape ** (1 / shape))

    mid = generator.uniform(market.mid_low, market.mid_high, n)
    side = np.where(generator.random(n) < market.buy_share, 1.0, -1.0)
    value = law(market.client_mean, market.client_scale, market.client_shape).rvs(n, random_state=generator)
    quotes = law(market.quote_mean, market.quote_scale, market.quote_shape)
    quotes = np.sort(quotes.rvs((n, market.n_dealers), random_state=generator), axis=1)
    away = side * market.half_spread
    return mid + away * quotes[:, 0], mid + away * quotes[:, 1], quotes[:, 0] < value


def skewed(side, size, n_dealers, mid, half_spread, inventory, step):  # type: ignore[no-untyped-def]
    """A quoting function, for numbers and for arrays."""
    return 0.5 - 0.02 * side * inventory


def best_seconds(works: dict[str, tuple[Callable[[], object], Callable[[], float]]], runs: int = 5) -> dict[str, float]:
    """The best time of each work by its clock, after one call that compiles; the works take turns."""
    best = dict.fromkeys(works, float("inf"))
    for work, _ in works.values():
        work()
    for _ in range(runs):
        for name, (work, clock) in works.items():
            start = clock()
            work()
            best[name] = min(best[name], clock() - start)
    return best


def table(name: str) -> Table:
    market = simcal.load(name)
    generator, cpu = np.random.default_rng(0), time.process_time
    works: dict[str, tuple[Callable[[], object], Callable[[], float]]] = {}
    if name == "rfq":
        works["scipy.stats.gennorm"] = (lambda: scipy_peer(market, PEER_REQUESTS, generator), cpu)
        works["NumPy, gamma variables"] = (lambda: peer(market, PEER_REQUESTS, generator), cpu)

    def kernel(dtype: str, threads: int, quoting: Callable[..., Any] | None = None) -> Callable[[], object]:
        options = {"save": SAVED, "dtype": dtype, "threads": threads, "quoting": quoting}
        return lambda: market.simulate_chunk(0, 0, PATHS, STEPS, **options)

    works["simcal kernel"] = (kernel("float64", 1), cpu)
    works["simcal kernel, float32 saved"] = (kernel("float32", 1), cpu)
    works["simcal kernel, quoting function compiled by Numba"] = (kernel("float64", 1, njit(skewed)), cpu)
    works["simcal stepper, quoting function in Python"] = (kernel("float64", 1, skewed), cpu)
    if (os.cpu_count() or 1) > 1:
        works["simcal kernel, 2 threads"] = (kernel("float64", 2), time.perf_counter)
    best = best_seconds(works)
    per_request = {who: s / (PATHS * STEPS if "simcal" in who else PEER_REQUESTS) for who, s in best.items()}
    reference = per_request.get("NumPy, gamma variables", per_request["simcal kernel"])

    result = Table(
        "implementation", "million requests/s", "ns per request", "ratio",
        title=f"{name}: {market.n_dealers} dealers, best quote, cover and trade saved, noise included",
    )  # fmt: skip
    for who, seconds in per_request.items():
        result.add_row(who, f"{1e-6 / seconds:.2f}", f"{seconds * 1e9:.1f}", f"{reference / seconds:.1f}")
    if name == "rfq":
        ratio = reference / per_request["simcal kernel"]
        result.caption = f"target: {TARGET:g} times the faster peer on one core; {ratio:.1f}: " + (
            "met" if ratio >= TARGET else "missed"
        )
    return result


if __name__ == "__main__":
    console = Console()
    for market_name in ("rfq", "rfq-desk"):
        console.print(table(market_name))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    console.print(f"{os.cpu_count()} cores, load {load:.1f}: more than one thread needs idle cores to show its speed.")
