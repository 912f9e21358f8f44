"""Speed of a backtest in the stock market, by form of the strategy: `python benchmarks/backtest.py`.

The peer replays recorded prices in plain NumPy, as vectorised backtesters do: the same crossover on an array of prices
that notices nobody, which has no market to simulate. Beside it stand the engine on those recorded prices, and the
engine in the market, where every order moves the price. CPU time of one thread, the best of several runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from rich.console import Console
from rich.table import Table

from simcal.models import load
from simcal.trading.bands import Noise
from simcal.trading.orders import Strategy, play, replay, strategy_of, terms_of

N_PATHS, N_STEPS, BURN_IN = 1024, 250, 60
SHORT, LONG = 10, 50


def seconds(work: Callable[[], object], runs: int = 5) -> float:
    """The best of several runs, after one that compiles."""
    work()
    best = float("inf")
    for _ in range(runs):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def replay_in_numpy(prices: np.ndarray) -> np.ndarray:
    """P&L of each step of the crossover with rolling means of cumulated prices, orders executed at the next price."""
    total = np.cumsum(np.insert(prices, 0, 0.0, axis=1), axis=1)
    ends = np.arange(BURN_IN + 1, BURN_IN + N_STEPS + 1)
    fast, slow = ((total[:, ends] - total[:, ends - window]) / window for window in (SHORT, LONG))
    position = np.sign(fast - slow)
    moves = np.diff(prices[:, BURN_IN:], axis=1)
    return np.concatenate([np.zeros((len(prices), 1)), position[:, :-1]], axis=1) * moves


class LastReturn:
    """A policy that holds the sign of the last return."""

    def predict(self, observation: np.ndarray, deterministic: bool = True) -> np.ndarray:
        return np.sign(observation[:, 0])


def main() -> None:
    market: Any = load("stock-sp500")
    noise = Noise(0, 0, N_PATHS, N_STEPS, BURN_IN)
    terms = terms_of(0.1, 1, execution="next", fixed=0, proportional=0, quadratic=0)
    crossover = strategy_of("crossover", market, noise, {"short": SHORT, "long": LONG})
    forms: dict[str, Strategy] = {
        "Python over paths": crossover,
        "compiled": strategy_of(njit(crossover.decide), market, noise),
    }
    policy = strategy_of(LastReturn(), market, noise)
    hold = strategy_of("hold", market, noise)
    prices = market.simulate_chunk(
        0, 0, N_PATHS, BURN_IN + N_STEPS, save=(), every=1, burn_in=0, dtype="float64", threads=1
    )["prices"]  # fmt: skip
    np.testing.assert_allclose(
        replay_in_numpy(prices), replay([crossover], prices, terms, burn_in=BURN_IN).pnl[0], atol=1e-8
    )  # fmt: skip
    table = Table(
        "what", "strategy", "M steps/s",
        title=f"Crossover, {N_PATHS} paths of {N_STEPS} steps after {BURN_IN}, one thread; a step is one of one path",
    )  # fmt: skip

    def row(what: str, name: str, steps: int, work: Callable[[], object]) -> None:
        table.add_row(what, name, f"{N_PATHS * steps / seconds(work) / 1e6:.2f}")

    def prices_alone() -> None:
        stepper = market.stepper(0, 0, N_PATHS)
        for _ in range(BURN_IN + N_STEPS):
            stepper.advance()

    row("replay in plain NumPy", "whole arrays", N_STEPS, lambda: replay_in_numpy(prices))
    for name, strategy in forms.items():
        row("engine, recorded prices", name, N_STEPS, lambda s=strategy: replay([s], prices, terms, burn_in=BURN_IN))
    row("market alone", "none", BURN_IN + N_STEPS, prices_alone)
    for name, strategy in {**forms, "policy (last return)": policy, "hold": hold}.items():
        row("engine in the market", name, BURN_IN + N_STEPS, lambda s=strategy: play([s], market, noise, terms))
    Console().print(table)


if __name__ == "__main__":
    main()
