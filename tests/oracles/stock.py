"""The stock market in plain NumPy, written by hand: what everything that is made from its definition must reproduce.

Equation numbers as in `simcal.StockMarket`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simcal import StockMarket

STREAM_VALUE, STREAM_VARIANCE, STREAM_PUBLIC, STREAM_TRADERS = 0, 1, 2, 3


def smoothed_order(signal):
    """2 e^x / (1 + e^x) - 1, the smoothed order of every group (section 4)."""
    return np.tanh(signal / 2)


def hard_order(signal, threshold):
    """+1 where x >= gamma, else -1 where x <= -gamma, else 0: eq. (4), (6), (9)."""
    return np.where(signal >= threshold, 1.0, np.where(signal <= -threshold, -1.0, 0.0))


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
    memory = int(max(market.vector("long_window"), default=1))
    prices = np.full((memory + n_steps + 1, n_paths), market.initial_price, noise.dtype)
    value = np.full(n_paths, market.fundamental_start, noise.dtype)
    variance = np.full(n_paths, market.starting("variance_start"), noise.dtype)

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
        return hard_order(signal, threshold) if hard else smoothed_order(sensitivity * signal)

    for t in range(1, n_steps + 1):
        normals = noise[t - 1]
        price = prices[memory + t - 1]
        shock = correlation * normals[STREAM_VARIANCE] + orthogonal * normals[STREAM_VALUE]
        variance = (
            variance
            + market.variance_reversion * (market.variance_mean - variance)
            + market.vol_of_vol * np.sqrt(np.maximum(variance, 0)) * normals[STREAM_VARIANCE]
        )
        value = (
            value
            + market.fundamental_reversion * (market.fundamental_mean - value)
            + np.sqrt(np.maximum(variance, 0)) * shock
        )

        public = market.public_sd * normals[STREAM_PUBLIC]
        private = market.private_sd * normals[STREAM_TRADERS:first_fundamental]
        eta = column["public_weight"] * public + column["private_weight"] * private
        # Sums over the last 1, 2, ... prices, of their distances to the last one: equal prices give exactly no trend.
        sums = prices[t + memory - 1 : t - 1 : -1] - price
        for j in range(1, memory):  # a cumulative sum over rows, five times as fast as np.cumsum
            sums[j] += sums[j - 1]
        trend = sums[short - 1] / short[:, None] - sums[long - 1] / long[:, None]
        error = column["observation_sd"] * normals[first_fundamental : market.draws_per_step]
        gap = value + error - price

        orders = {
            "noise": order(eta, 1.0),
            "technical": order(trend, column["trend_sensitivity"], column["trend_threshold"])[long <= t],
            "fundamental": order(gap, column["value_sensitivity"]),
        }
        if "share_fundamental" in out:
            out["share_fundamental"][t] = (1 + balance) / 2
        if market.switching:
            orders["technical"] = (1 - balance) * orders["technical"]
            orders["fundamental"] = (1 + balance) * orders["fundamental"]
            g = (price - value) / value
            pull = market.misalignment * g**2 + market.misalignment_tilt * g
            balance = np.tanh((market.predisposition + market.herding * balance + pull) / 2)
        demand = np.zeros(n_paths, noise.dtype)
        for group, each in orders.items():
            total = each.sum(axis=0)
            demand += total
            if f"demand_{group}" in out:
                out[f"demand_{group}"][t] = total
            if f"volume_{group}" in out:
                out[f"volume_{group}"][t] = np.abs(each).sum(axis=0)
        prices[memory + t] = price + price * (impact * demand)
        keep_values(t)
    return {"prices": prices[memory:], **out}
