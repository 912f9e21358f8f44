"""Speed of the learning traders' market, with and without learning: `python benchmarks/learning.py`.

An environment step is one decision in one market: observation, reward, order, matching, clock. Actions are drawn before
the clock starts; new episodes are counted. Beside it the same market as one would write it first, in lists (that of
`tests/learning/reference.py`), which is checked to play the same game. Training is the default of `simcal train`: all
of it counts, compiled code excepted. CPU time of one thread; of the environment the best of several rounds.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from simcal.learning import LearningMarket, PpoSettings, evaluate, train
from simcal.learning.books import BookBatch
from simcal.learning.play import play
from simcal.learning.ppo import SharedPolicy
from simcal.training import torch_threads

STEPS_TARGET, TRAINING_TARGET = 4e5, 180.0


def random_actions(n_steps: int, n_books: int) -> np.ndarray:
    """Those of a policy that has not learned, (n_steps, n_books, 2)."""
    return np.tanh(np.exp(-1) * np.random.default_rng(0).standard_normal((n_steps, n_books, 2)))


def environment(market: LearningMarket, n_books: int, rounds: int = 3) -> float:
    """Steps per second with random actions."""
    batch, actions, best = BookBatch(market, n_books, 0), random_actions(market.n_steps, n_books), 0.0
    batch.begin(np.arange(n_books))
    batch.advance(actions[0])
    for number in range(rounds):
        start = time.process_time()
        batch.begin(np.arange(n_books) + number * n_books)
        for step in range(market.n_steps):
            batch.advance(actions[step])
        best = max(best, n_books * market.n_steps / (time.process_time() - start))
    return best


def with_policy(market: LearningMarket, n_books: int, width: int) -> float:
    """Steps per second where a network of some width decides."""
    batch, policy = BookBatch(market, n_books, 0), SharedPolicy(11, 2, width, -1.0)
    start = time.process_time()
    play(batch, policy, np.arange(n_books))
    return n_books * market.n_steps / (time.process_time() - start)


def in_lists(market: LearningMarket) -> float:
    """Steps per second of the slow market, after a check that it trades as the fast one does."""
    path = Path(__file__).parents[1] / "tests/learning/reference.py"
    spec = importlib.util.spec_from_file_location("reference", path)
    assert spec is not None
    assert spec.loader is not None
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    slow, batch, actions = (
        reference.SlowMarket(market, 0, 0),
        BookBatch(market, 1, 0),
        random_actions(market.n_steps, 1),
    )
    batch.begin([0])
    start = time.process_time()
    for patience, size in actions[:, 0]:
        slow.look()
        slow.play(patience, size)
    seconds = time.process_time() - start
    for action in actions:
        batch.advance(action)
    assert np.array_equal(batch.state.traders[0, :, 0], slow.shares), "the slow market plays another game"
    return market.n_steps / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="trainings with as many seeds")
    parser.add_argument("--environment", action="store_true", help="the environment only")
    options = parser.parse_args()
    console, market = Console(), LearningMarket()
    table = Table("environment", "steps/s", title="200 traders, one core")
    with torch_threads(1):
        speeds = {n: environment(market, n) for n in (16, 64, 256, 1024)}
        for n, speed in speeds.items():
            table.add_row(f"{n} markets, random actions", f"{speed:,.0f}")
        for width in (64, 512):
            table.add_row(f"256 markets, policy of width {width}", f"{with_policy(market, 256, width):,.0f}")
    table.add_row("published reward and matching, 256 markets", f"{environment(published(market), 256):,.0f}")
    table.add_row("in lists, one market", f"{in_lists(market):,.0f}")
    console.print(table)
    console.print(f"Target: {STEPS_TARGET:,.0f} steps/s; {'met' if speeds[256] >= STEPS_TARGET else 'missed'}.")
    for seed in range(0 if options.environment else options.seeds):
        wall, start = time.monotonic(), time.process_time()
        trained = train(market, PpoSettings(), seed=seed)
        wall, cpu = time.monotonic() - wall, time.process_time() - start
        episodes = evaluate(trained, 96, seed=1)
        steps = trained.history["steps"].iloc[-1]
        console.print(
            f"Training, seed {seed}: {steps:,} steps in {wall:.0f} s, {cpu:.0f} s of CPU, {steps / cpu:,.0f} steps/s; "
            f"target {TRAINING_TARGET:.0f} s {'met' if wall <= TRAINING_TARGET else 'missed'}. {trained.status} "
            f"Then {episodes.status} Mispricing {episodes.activity.mispricing:.3f}."
        )
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    console.print(f"{os.cpu_count()} cores, load {load:.1f}, Python {sys.version.split()[0]}.")


def published(market: LearningMarket) -> LearningMarket:
    """The market with what the published code does otherwise."""
    return market.replace(reward="wealth", matching="sweep", price_band=0.05)


if __name__ == "__main__":
    main()
