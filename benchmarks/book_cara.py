"""The order book of risk-averse traders beside the reference program: statistics of bars, with the noise of seeds.

    python benchmarks/book_cara.py [--sets 20]

The reference's numbers come from one run of 24 episodes each of the public code of arXiv 2511.05207 (traders without
learning), on bars in trade time, for the last row on bars of seven steps. Ours, at a tick of 0.001, are the mean of
sets of 24 episodes and their deviation from set to set, which is the noise that one run of the reference has too.
"""

from __future__ import annotations

import argparse

import numpy as np
from rich.console import Console
from rich.table import Table

import simcal
from simcal.book.episodes import clock_closes, episode_statistics, trade_time_closes

EPISODES, STEPS = 24, 2010
NAMES = ("kurtosis", "hill", "acf_1", "acf_10", "acf_30", "decay", "first_negative", "steps with a trade")
FCN = {"n_cara": 0, "n_fcn": 200, "trend_weight": 1.25}
CASES: dict[str, tuple[dict[str, float], tuple[float, ...]]] = {
    "risk-averse, trend weight 1": ({}, (10.9, 2.92, 0.27, -0.01, 0.03, 1.2, 9, 644)),
    "the same, value moves": ({"variance_mean": 1e-6}, (8.1, 3.04, 0.20, 0.04, 0.02, 0.6, 39, 667)),
    "risk-averse, trend weight 0": ({"trend_weight": 0.0}, (3.9, 3.72, 0.20, 0.01, 0.06, 0.6, 41, 542)),
    "risk-averse, trend weight 1.4": ({"trend_weight": 1.4}, (6.9, 3.05, 0.30, 0.04, 0.08, 0.4, 57, 662)),
    "not risk-averse, clock time": (FCN, (3.2, 3.88, 0.12, 0.02, -0.01, 1.1, 17, 204)),
}


def statistics(changes: dict[str, float], first: int, seed: int = 0) -> list[float]:
    """The numbers of 24 episodes from path `first` on, in the order of `NAMES`."""
    market = simcal.load("book-cara").replace(tick=0.001, **changes)
    saved = market.simulate_chunk(  # type: ignore[attr-defined]
        seed, first, EPISODES, STEPS, save=("mid", "trades"), every=1, burn_in=0, dtype="float64", threads=1
    )
    mid, trades = saved["mid"], saved["trades"]
    closes = clock_closes(market, mid, 7, 2) if changes == FCN else trade_time_closes(market, mid, trades, (151, 150))
    traded = (trades[:, 1:1001] > 0).sum(axis=1) + (trades[:, 1011:] > 0).sum(axis=1)
    return [*episode_statistics(closes).values(), traded.mean()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=20)
    sets = parser.parse_args().sets
    table = Table("market", "", *NAMES, title=f"Sets of {EPISODES} episodes; ours: mean and deviation of {sets} sets")
    for case, (changes, reference) in CASES.items():
        ours = np.array([statistics(changes, EPISODES * i) for i in range(sets)])
        mean, sd = np.nanmean(ours, axis=0), np.nanstd(ours, axis=0, ddof=1)
        table.add_row(case, "reference", *(f"{x:g}" for x in reference))
        table.add_row("", "ours", *(f"{m:.3g} ± {s:.2g}" for m, s in zip(mean, sd, strict=True)))
        table.add_row("", "z", *(f"{z:.1f}" for z in (np.array(reference) - mean) / sd), end_section=True)
    Console(width=170).print(table)
