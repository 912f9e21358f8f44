"""Paths of the equilibrium market, all at once, step by step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simcal.noise import normals

if TYPE_CHECKING:
    from simcal.models.trading_costs.market import EquilibriumMarket

_BLOCK = 64  # steps whose draws are made at a time


def simulate_chunk(
    market: EquilibriumMarket, seed: int, first_path: int, n_paths: int, n_steps: int, save: tuple[str, ...],
    every: int, burn_in: int, dtype: str,
) -> dict[str, np.ndarray]:  # fmt: skip
    """As `EquilibriumMarket.simulate_chunk`; draw (seed, path, step, stream 0) makes that step's increment of W.

    Positions are summed one agent after another, so that the bits do not depend on how many paths run together.
    """
    period, delta, agents = market.steps_per_period, market.step, market.n_agents
    gamma, xi, start = np.array(market.risk_aversion), np.array(market.exposure), market.initial_positions
    sigma, feedback, hedge = (np.array(x) for x in (market.volatility, market.feedback, market.hedge))
    saved = {name: np.empty((n_paths, n_steps // every + 1), dtype) for name in ("prices", *save)}
    failed = np.zeros(n_paths, np.int64)
    price, w = np.full(n_paths, market.initial_price), np.zeros(n_paths)
    positions = np.tile(start[:, None], n_paths)  # (agents, paths)
    root, volume = math.sqrt(delta), np.zeros(n_paths)
    drift, volatility = np.full(n_paths, np.nan), float(sigma[0])

    def trade(k: int) -> tuple[np.ndarray, np.ndarray]:
        """Rates of the step, shape (agents, paths), and the drift."""
        away = positions - start[:, None]
        rates = -hedge[k][:, None] * w
        for m in range(agents):
            rates -= feedback[k][:, m, None] * away[m]
        held = positions + rates * delta if market.timing == "post-trade" else positions
        total = np.zeros(n_paths)
        for n in range(agents):
            total += gamma[n] * (sigma[k] * held[n] + xi[n] * w)
        return rates, sigma[k] * total / agents

    def store(at: int) -> None:
        now = {"prices": price, "drift": drift, "volatility": volatility, "volume": volume}
        for name, table in saved.items():
            table[:, at] = now[name] if name in now else positions[int(name.removeprefix("position_")) - 1]

    drift = trade(0)[1]
    if burn_in == 0:
        store(0)
    draws = np.empty((0, 1, 0))
    for step in range(1, n_steps + burn_in + 1):
        k, place = (step - 1) % period, (step - 1) % _BLOCK
        if k == 0 and not market.endless:
            w, positions = np.zeros(n_paths), np.tile(start[:, None], n_paths)
        if place == 0:
            draws = normals(seed, first_path, n_paths, step, min(_BLOCK, n_steps + burn_in + 1 - step), 1)
        increment = draws[place, 0] * root
        rates, drift = trade(k)
        volatility = float(sigma[k])
        change = drift * delta + volatility * increment
        price = price * np.exp(change / market.initial_price) if market.changes == "relative" else price + change
        positions, w = positions + rates * delta, w + increment
        volume = np.abs(rates).sum(axis=0) * (delta / 2)
        failed = np.where((failed == 0) & ~((price > 0) & np.isfinite(price)), step, failed)
        if step >= burn_in and (step - burn_in) % every == 0:
            store((step - burn_in) // every)
    return {**saved, "failed_step": failed}
