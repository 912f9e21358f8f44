"""The herding market in plain NumPy, one step at a time over all paths: what the kernel and the twin must reproduce."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simcal.models.fundamental import rules as fundamental
from simcal.models.herding import rules
from simcal.models.herding.market import HerdingMarket
from simcal.models.herding.shapes import shape
from simcal.models.herding.specs import STREAM_CHARTIST, STREAM_FUNDAMENTAL, STREAM_VALUE, STREAM_VARIANCE


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
        return rules.shaped(normal, *shape(tail, skew)) if tail or skew else normal

    keep(0, share_fundamental=rules.fundamental_share(balance, 0.5), fundamental_variance=variance)
    keep(0, fundamental_value=rules.price(m.initial_price, value, 0))
    for t in range(1, n_steps + 1):
        normals = noise[t - 1]
        if m.moving:
            shock = fundamental.correlated(
                normals[STREAM_VALUE], normals[STREAM_VARIANCE], m.leverage_correlation, orthogonal
            )
            variance = fundamental.next_variance(
                variance, m.variance_mean, m.variance_reversion, m.vol_of_vol, normals[STREAM_VARIANCE]
            )
            value = fundamental.next_value(value, mean, m.fundamental_reversion, variance, shock)
        gap = rules.mispricing(logs[t - 1], value)
        draw = own(normals[STREAM_FUNDAMENTAL], m.fundamental_tail, 0)
        other_draw = own(normals[STREAM_CHARTIST], m.chartist_tail, m.chartist_skew)
        calm = rules.calm(m.fall_response, trend) if m.fall_response else 0
        share = rules.fundamental_share(balance, 0.5)
        demand = share * rules.fundamental_demand(m.value_sensitivity, gap, m.fundamental_sd, draw)
        others = rules.chartist_share(balance, 0.5) * rules.chartist_demand(
            m.trend_sensitivity, change, m.chartist_sd, calm, other_draw
        )
        attractiveness = rules.attractiveness(
            balance, gap, trend, m.predisposition, m.herding, m.misalignment, m.misalignment_tilt, m.trend_attraction
        )
        balance = rules.next_balance(m.choice_intensity, attractiveness)
        change = rules.change(m.impact, demand + others)
        trend = rules.next_trend(trend, m.trend_memory, 1 - m.trend_memory, change)
        logs[t] = logs[t - 1] + change
        keep(t, demand_fundamental=demand, demand_chartist=others, share_fundamental=share)
        keep(t, fundamental_variance=variance)
        if "volume" in out:
            keep(t, volume=np.abs(demand) + np.abs(others))
        if "fundamental_value" in out:
            keep(t, fundamental_value=rules.price(m.initial_price, value, m.growth * t))
    grown = m.growth * np.arange(n_steps + 1, dtype=noise.dtype)[:, None]
    return {"prices": rules.price(m.initial_price, logs, grown), **out}
