"""Speed of the environments with random actions, beside a plain NumPy one: `python benchmarks/environments.py`.

A step is one step of one episode: observation, reward, accounts, infos, the drawing of the action, new episodes and
their burn-in included. The peer is the same environment as one would write it in NumPy for 1000 paths at a time, with
the normals of a NumPy generator; before it is timed it is checked to play the same market. CPU time of one thread, the
best of several rounds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from rich.console import Console
from rich.table import Table

import simcal
import simcal.environments
from simcal import noise
from simcal.trading.observations import N_RETURNS, observe

STREAM_VALUE, STREAM_VARIANCE, STREAM_PUBLIC, STREAM_TRADERS = 0, 1, 2, 3
N_ENVS, N_STEPS, BURN_IN, SIZE, TARGET = 1000, 250, 100, 0.1, 1e6
Draw = Callable[[int], np.ndarray]


class PlainEnv:
    """``simcal/Stock-v0`` in plain NumPy, all paths at a time; episodes have one length and begin together."""

    def __init__(self, market: Any, n_paths: int, draw: Draw | None = None) -> None:
        self.market, self.n_paths = market, n_paths
        generator = np.random.default_rng(0)
        self.draw = draw or (lambda t: generator.standard_normal((market.draws_per_step, n_paths)))
        self.column = {name: market.vector(name)[:, None] for name, p in market.SPECS.items() if p.group}
        self.short, self.long = (market.vector(f"{name}_window").astype(int) for name in ("short", "long"))
        self.memory = max(int(self.long.max(initial=1)), N_RETURNS + 1)

    def reset(self) -> np.ndarray:
        market, n = self.market, self.n_paths
        # Row `memory + t` is the price at t; before time 0 the price counts as the initial one.
        self.prices = np.full((self.memory + BURN_IN + N_STEPS + 1, n), market.initial_price)
        self.value, self.variance = np.full(n, market.fundamental_start), np.full(n, market.starting("variance_start"))
        self.t = 0
        for _ in range(BURN_IN):
            self._advance(0.0)
        self.position, self.cash, self.wealth, self.steps = np.zeros(n), np.zeros(n), np.zeros(n), 0
        return self._seen()

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        target = np.clip(actions[:, 0].astype(float), -1, 1)
        order = target - self.position
        price = self._advance(SIZE * order)
        self.position, self.cash = target, self.cash - order * price
        wealth = self.cash + self.position * price
        reward, self.wealth = wealth - self.wealth, wealth
        self.steps += 1
        terminated = (wealth <= -self.market.initial_price) | ~((price > 0) & np.isfinite(price))
        truncated = np.full(self.n_paths, self.steps >= N_STEPS) & ~terminated
        seen = self.reset() if self.steps >= N_STEPS else self._seen()
        return seen, reward, terminated, truncated

    def _seen(self) -> np.ndarray:
        now = self.memory + self.t
        return observe(self.prices[now - N_RETURNS : now + 1].T, self.position, self.cash, self.steps, N_STEPS)

    def _advance(self, outside: Any) -> np.ndarray:
        market, column, normals = self.market, self.column, self.draw(self.t)
        self.t += 1
        now = self.memory + self.t
        correlation, price = market.leverage_correlation, self.prices[now - 1]
        shock = correlation * normals[STREAM_VARIANCE] + np.sqrt(1 - correlation**2) * normals[STREAM_VALUE]
        root = np.sqrt(np.maximum(self.variance, 0))
        self.variance = self.variance + market.variance_reversion * (market.variance_mean - self.variance)
        self.variance = self.variance + market.vol_of_vol * root * normals[STREAM_VARIANCE]
        self.value = self.value + market.fundamental_reversion * (market.fundamental_mean - self.value)
        self.value = self.value + np.sqrt(np.maximum(self.variance, 0)) * shock
        first = STREAM_TRADERS + market.n_noise
        public, private = market.public_sd * normals[STREAM_PUBLIC], market.private_sd * normals[STREAM_TRADERS:first]
        eta = column["public_weight"] * public + column["private_weight"] * private
        sums = self.prices[now - 1 : now - 1 - market.longest_window : -1] - price
        for j in range(1, len(sums)):  # a cumulative sum over rows, faster than np.cumsum
            sums[j] += sums[j - 1]
        trend = sums[self.short - 1] / self.short[:, None] - sums[self.long - 1] / self.long[:, None]
        error = column["observation_sd"] * normals[first:]
        gap = self.value + error - price
        demand = np.tanh(eta / 2).sum(0) + np.tanh(column["value_sensitivity"] * gap / 2).sum(0)
        demand += np.tanh(column["trend_sensitivity"] * trend / 2)[self.long <= self.t].sum(0)
        self.prices[now] = price * (1 + market.impact / market.n_traders * (demand + outside))
        return self.prices[now]


def check_the_peer(market: Any) -> float:
    """The largest difference of a reward or an observation over 50 steps on the same noise."""

    def draw(t: int) -> np.ndarray:
        return noise.normals(7, 0, 5, t + 1, 1, market.draws_per_step)[0]

    plain, ours = PlainEnv(market, 5, draw), gymnasium.make_vec("simcal/Stock-v0", 5, market=market, size=SIZE)
    actions, worst = np.random.default_rng(0).uniform(-1, 1, (50, 5, 1)), 0.0
    worst = float(np.abs(plain.reset() - ours.reset(seed=7)[0]).max())
    for action in actions:
        theirs, our = plain.step(action), ours.step(action)
        worst = max(worst, *(float(np.abs(a - b).max()) for a, b in zip(theirs[:2], our[:2], strict=True)))
    return worst


def steps_per_second(step: Callable[[], object], n_envs: int, rounds: int = 5, n_steps: int = 1000) -> float:
    """The best of several rounds, each of `n_steps` environment steps of `n_envs` episodes, after one more."""
    best = 0.0
    for _ in range(rounds + 1):
        start = time.process_time()
        for _ in range(n_steps):
            step()
        best = max(best, n_steps * n_envs / (time.process_time() - start))
    return best


def native(identifier: str, **options: Any) -> float:
    env = gymnasium.make_vec(identifier, N_ENVS, **options)
    env.reset(seed=0)
    env.action_space.seed(0)
    return steps_per_second(lambda: env.step(env.action_space.sample()), N_ENVS)


def plain(market: Any) -> float:
    env, generator = PlainEnv(market, N_ENVS), np.random.default_rng(1)
    env.reset()
    return steps_per_second(lambda: env.step(generator.uniform(-1, 1, (N_ENVS, 1))), N_ENVS, rounds=1)


def one_by_one(market: Any, count: int = 10) -> float:
    env = gymnasium.make_vec("simcal/Stock-v0", count, vectorization_mode="sync", market=market, size=SIZE)
    env.reset(seed=0)
    return steps_per_second(lambda: env.step(env.action_space.sample()), count, rounds=1, n_steps=300)


if __name__ == "__main__":
    console = Console()
    for name in ("stock", "stock-sp500"):
        market = simcal.load(name)
        console.print(f"{name}: the plain environment differs by {check_the_peer(market):.1g} at most.")
        table = Table(
            "environment", "steps/s", "x plain NumPy", title=f"simcal/Stock-v0, {name}, {N_ENVS} paths, one core"
        )
        peer = plain(market)
        found = native("simcal/Stock-v0", market=market, size=SIZE)
        ragged = native("simcal/Stock-v0", market=market, size=SIZE, capital=10.0)
        for row, speed in (
            ("plain NumPy", peer),
            ("simcal, native vector", found),
            ("simcal, native vector, some episodes end by ruin", ragged),
            ("simcal, SyncVectorEnv of 10 single ones", one_by_one(market)),
        ):
            table.add_row(row, f"{speed:,.0f}", f"{speed / peer:.2f}")
        console.print(table)
        console.print(f"Target: {TARGET:,.0f} steps/s; {'met' if found >= TARGET else 'missed'}.")
    console.print(f"simcal/Dealer-v0, rfq-desk, {N_ENVS} paths: {native('simcal/Dealer-v0'):,.0f} steps/s.")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    console.print(f"{os.cpu_count()} cores, load {load:.1f}.")
