"""Speed of the order-book market, in orders per second on one core, beside the plain reference program.

    python benchmarks/book_market.py [--orders N]

Decisions are counted, each of which sends one order (a market maker two, which count once); noise, rules, cancelling
of the order before, matching and accounts are included. CPU time, best of several runs. PAMS, the reference program of
such markets in Python, made 13 to 16 thousand orders per second where it was measured (one order a step, 30 to 100
traders; 4.5 thousand with 1000); it cannot stand beside NumPy 2, so the peer here is our own plain program.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

import simcal
from simcal.book import BookMarket

sys.path.append(str(Path(__file__).parents[1] / "tests" / "book"))
import slow_market

ALL = {"n_fcn": 20, "n_cara": 20, "n_noise": 20, "n_technical": 20, "n_fundamental": 20, "n_makers": 5}
CALM = {"trend_weight": 0.0, "variance_mean": 1e-8}  # else long paths stray off the grid of prices
MARKETS = {
    "fcn, 100 traders, 1 order a step": BookMarket(n_fcn=100),
    "fcn, 1000 traders, 1 order a step": BookMarket(n_fcn=1000),
    "fcn, 100 traders, 30 orders a step": BookMarket(n_fcn=100, orders_per_step=30, **CALM),
    "fcn, 1000 traders, 30 orders a step": BookMarket(n_fcn=1000, orders_per_step=30, **CALM),
    "fcn, 1000 traders, 1000 orders a step": BookMarket(n_fcn=1000, orders_per_step=1000, **CALM),
    "risk-averse, 200 traders": simcal.load("book-cara"),
    "all groups, 105 traders": BookMarket(**ALL, orders_per_step=10),
    "book": simcal.load("book"),
}


def seconds(work: Callable[[], object], runs: int = 3) -> float:
    best = float("inf")
    for _ in range(runs):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def rate(market: BookMarket, decisions: int) -> float:
    """Millions of orders per second, of a path that does not end early."""
    steps = max(decisions // market.orders_per_step, 10)
    if market.simulate_chunk(0, 0, 1, steps)["failed_step"].any():
        raise SystemExit(f"The price left the grid within {steps} steps; give fewer orders.")
    warm = seconds(lambda: market.simulate_chunk(0, 0, 1, 1))
    return steps * market.orders_per_step / (seconds(lambda: market.simulate_chunk(0, 0, 1, steps)) - warm) / 1e6


def peer(market: BookMarket) -> float:
    """Thousands of orders per second of the plain program, on a coarse grid."""
    coarse = market.replace(tick=market.initial_price / 1000, warm_up=20)
    steps = max(600 // market.orders_per_step, 2)
    warm, all_of_it = (seconds(lambda n=n: slow_market.simulate(coarse, 0, 0, n), 1) for n in (1, 1 + steps))
    return steps * market.orders_per_step / (all_of_it - warm) / 1e3


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=200_000, help="decisions of the shortest run")
    orders = parser.parse_args().orders
    table = Table(
        "market", "orders/s, 1x", "orders/s, 5x as many", "plain reference", title="Order-book market, one core"
    )
    for name, market in MARKETS.items():
        short, long = rate(market, orders), rate(market, 5 * orders)
        table.add_row(name, f"{short:.2f} M", f"{long:.2f} M", f"{peer(market):.2f} k")
    console = Console(width=120)
    console.print(table)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    console.print(f"{os.cpu_count()} cores, load {load:.1f}.")
