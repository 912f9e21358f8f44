"""The stock market in plain NumPy, one step at a time over all paths: what the kernel and the twin must reproduce."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simcal.models.stock import rules
from simcal.models.stock.market import StockMarket
from simcal.models.stock.specs import STREAM_PUBLIC, STREAM_TRADERS, STREAM_VALUE, STREAM_VARIANCE


def simulate(
    market: StockMarket, noise: np.ndarray, save: Sequence[str] = StockMarket.OUTPUTS
) -> dict[str, np.ndarray]:
    """Run the market on given noise.

    Parameters
    ----------
    market
        The description.
    noise
        Standard normals, shape (n_steps, market.draws_per_step, n_paths), in float64 or float32.
    save
        Names among ``StockMarket.OUTPUTS``; all of them unless told otherwise.

    Returns
    -------
    ``prices`` and every name in `save`, each of shape (n_steps + 1, n_paths). Demand and volume are
    those of the orders that made the price at that time, so they are zero at time 0.
    """
    n_steps, _, n_paths = noise.shape
    out = {name: np.zeros((n_steps + 1, n_paths), noise.dtype) for name in save}
    # Row `memory + t` is the price at t; before time 0 the price counts as the initial one.
    memory = market.longest_window
    prices = np.full((memory + n_steps + 1, n_paths), market.initial_price, noise.dtype)
    value = np.full(n_paths, market.fundamental_start, noise.dtype)
    variance = np.full(n_paths, market.starting_variance, noise.dtype)

    balance = np.zeros(n_paths, noise.dtype)
    if "share_fundamental" in out:
        out["share_fundamental"][0] = 0.5

    def keep_values(t: int) -> None:
        for name, numbers in (("fundamental_value", value), ("fundamental_variance", variance)):
            if name in out:
                out[name][t] = numbers

    keep_values(0)
    hard = market.rule == "hard"
    column = {name: market.vector(name)[:, None].astype(noise.dtype) for name, p in market.SPECS.items() if p.group}
    short, long = market.vector("short_window").astype(int), market.vector("long_window").astype(int)
    impact = market.impact / market.n_traders
    correlation = market.leverage_correlation
    orthogonal = float(np.sqrt(1 - correlation**2))
    first_fundamental = STREAM_TRADERS + market.n_noise

    def order(signal: np.ndarray, sensitivity: np.ndarray | float, threshold: np.ndarray | float = 0.0) -> np.ndarray:
        return rules.hard_order(signal, threshold) if hard else rules.smoothed_order(sensitivity * signal)

    for t in range(1, n_steps + 1):
        normals = noise[t - 1]
        price = prices[memory + t - 1]
        shock = rules.correlated(normals[STREAM_VALUE], normals[STREAM_VARIANCE], correlation, orthogonal)
        variance = rules.next_variance(
            variance, market.variance_mean, market.variance_reversion, market.vol_of_vol, normals[STREAM_VARIANCE]
        )
        value = rules.next_value(value, market.fundamental_mean, market.fundamental_reversion, variance, shock)

        public = market.public_sd * normals[STREAM_PUBLIC]
        private = market.private_sd * normals[STREAM_TRADERS:first_fundamental]
        eta = rules.noise_signal(column["public_weight"], public, column["private_weight"], private)
        # Sums over the last 1, 2, ... prices, of their distances to the last one: equal prices give exactly no trend.
        sums = prices[t + memory - 1 : t - 1 : -1] - price
        for j in range(1, memory):  # a cumulative sum over rows, five times as fast as np.cumsum
            sums[j] += sums[j - 1]
        trend = rules.trend_signal(sums[short - 1], short[:, None], sums[long - 1], long[:, None])
        error = column["observation_sd"] * normals[first_fundamental : market.draws_per_step]
        gap = rules.value_signal(value, error, price)

        orders = {
            "noise": order(eta, 1.0),
            "technical": order(trend, column["trend_sensitivity"], column["trend_threshold"])[long <= t],
            "fundamental": order(gap, column["value_sensitivity"]),
        }
        if "share_fundamental" in out:
            out["share_fundamental"][t] = (1 + balance) / 2
        if market.switching:
            orders["technical"] = rules.technical_weight(balance) * orders["technical"]
            orders["fundamental"] = rules.fundamental_weight(balance) * orders["fundamental"]
            attractive = rules.attractiveness(
                balance, rules.mispricing(price, value), 0, market.predisposition, market.herding, market.misalignment,
                market.misalignment_tilt, 0,
            )  # fmt: skip
            balance = rules.next_balance(1, attractive)
        demand = np.zeros(n_paths, noise.dtype)
        for group, each in orders.items():
            total = each.sum(axis=0)
            demand += total
            if f"demand_{group}" in out:
                out[f"demand_{group}"][t] = total
            if f"volume_{group}" in out:
                out[f"volume_{group}"][t] = np.abs(each).sum(axis=0)
        prices[memory + t] = rules.next_price(price, impact, demand)
        keep_values(t)
    return {"prices": prices[memory:], **out}
