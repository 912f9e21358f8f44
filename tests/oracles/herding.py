"""The herding market in plain NumPy, written by hand: what is made from its definition must reproduce it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simcal import HerdingMarket

STREAM_FUNDAMENTAL, STREAM_CHARTIST, STREAM_VALUE, STREAM_VARIANCE = 0, 1, 2, 3


def shaped(z, tail, skew):
    """A draw with Tukey's h tails and a skew, from a standard normal; mean 0 and variance 1."""
    rest, center = 1 - 2 * tail, 1 / (1 - tail)
    square = 3 * rest**-2.5 - 2 * center * rest**-1.5 + center**2 * rest**-0.5
    return (z + skew * (z**2 - center)) * np.exp(tail * z**2 / 2) / np.sqrt(rest**-1.5 + skew**2 * square)


def simulate(
    market: HerdingMarket, noise: np.ndarray, save: Sequence[str] = HerdingMarket.OUTPUTS
) -> dict[str, np.ndarray]:
    """Run the market on given noise.

    Parameters
    ----------
    market
        The description.
    noise
        Standard normals, shape (n_steps, market.draws_per_step, n_paths), in float64 or float32.
    save
        Names among ``HerdingMarket.OUTPUTS``; all of them unless told otherwise.

    Returns
    -------
    ``prices`` and every name in `save`, each of shape (n_steps + 1, n_paths). Demands, volume and share are those of
    the orders that made the price at that time; at time 0 the first two are zero and the last is that of the start.
    """
    m, (n_steps, _, n_paths) = market, noise.shape
    out = {name: np.zeros((n_steps + 1, n_paths), noise.dtype) for name in save}
    logs, (change, trend) = np.zeros((n_steps + 1, n_paths), noise.dtype), np.zeros((2, n_paths), noise.dtype)
    balance = np.full(n_paths, 2 * m.share_start - 1, noise.dtype)
    value = np.full(n_paths, np.log(m.starting("fundamental_start") / m.initial_price), noise.dtype)
    variance = np.full(n_paths, m.starting("variance_start"), noise.dtype)
    mean = float(np.log(m.fundamental_mean / m.initial_price))
    orthogonal = float(np.sqrt(1 - m.leverage_correlation**2))

    def keep(t: int, **rows: np.ndarray) -> None:
        for name in out.keys() & rows.keys():
            out[name][t] = rows[name]

    def own(normal: np.ndarray, tail: float, skew: float) -> np.ndarray:
        return shaped(normal, tail, skew) if tail or skew else normal

    keep(0, share_fundamental=(1 + balance) / 2, fundamental_variance=variance)
    keep(0, fundamental_value=m.initial_price * np.exp(value))
    for t in range(1, n_steps + 1):
        normals = noise[t - 1]
        if m.moving:
            shock = m.leverage_correlation * normals[STREAM_VARIANCE] + orthogonal * normals[STREAM_VALUE]
            root = np.sqrt(np.maximum(variance, 0))
            variance = variance + m.variance_reversion * (m.variance_mean - variance)
            variance = variance + m.vol_of_vol * root * normals[STREAM_VARIANCE]
            value = value + m.fundamental_reversion * (mean - value) + np.sqrt(np.maximum(variance, 0)) * shock
        gap = logs[t - 1] - value
        draw = own(normals[STREAM_FUNDAMENTAL], m.fundamental_tail, 0)
        other_draw = own(normals[STREAM_CHARTIST], m.chartist_tail, m.chartist_skew)
        calm = np.tanh(m.fall_response * trend / 2)
        share = (1 + balance) / 2
        demand = share * (m.fundamental_sd * draw - m.value_sensitivity * gap)
        others = (1 - share) * (m.trend_sensitivity * change + m.chartist_sd * (1 - calm) * other_draw)
        attractive = m.predisposition + m.herding * balance + m.misalignment * gap**2
        attractive = attractive + m.misalignment_tilt * gap + m.trend_attraction * trend
        balance = np.tanh(m.choice_intensity * attractive / 2)
        change = m.impact * (demand + others)
        trend = m.trend_memory * trend + (1 - m.trend_memory) * change
        logs[t] = logs[t - 1] + change
        keep(t, demand_fundamental=demand, demand_chartist=others, share_fundamental=share)
        keep(t, fundamental_variance=variance)
        if "volume" in out:
            keep(t, volume=np.abs(demand) + np.abs(others))
        if "fundamental_value" in out:
            keep(t, fundamental_value=m.initial_price * np.exp(value + m.growth * t))
    grown = m.growth * np.arange(n_steps + 1, dtype=noise.dtype)[:, None]
    return {"prices": m.initial_price * np.exp(logs + grown), **out}
