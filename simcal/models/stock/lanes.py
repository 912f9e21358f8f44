"""The parts of the stock market's kernel: loops over the lanes of a block, one path per lane.

Such loops become vector instructions. The rules are those of `simcal.models.stock.rules`, compiled; the three with a
choice or a tanh are restated here for one number.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import overload

from simcal.models.elementary import tanh_half
from simcal.models.stock import rules
from simcal.models.stock.market import StockMarket
from simcal.noise.compiled import normal_pair, philox

LANES = 512
OPTIONS: Any = {"error_model": "numpy", "nogil": True}
U32, U64 = np.uint32, np.uint64


class Coefficients(NamedTuple):
    """The market's numbers as the kernel uses them: arrays and scalars of one floating type, windows int64."""

    public: np.ndarray  # b sigma_f, (N1,)
    private: np.ndarray  # c sigma_p, (N1,)
    short: np.ndarray  # l1, (N2,)
    long: np.ndarray  # l2, (N2,)
    trend: np.ndarray  # d, (N2,); 1 for the hard rule
    threshold: np.ndarray  # gamma, (N2,)
    value: np.ndarray  # k, (N3,); 1 for the hard rule
    observation_sd: np.ndarray  # sigma_F, (N3,)
    impact: np.floating  # rho / N
    initial_price: np.floating
    mean: np.floating  # mu1
    reversion: np.floating  # v1
    start: np.floating  # P*(0)
    variance_mean: np.floating  # mu2
    variance_reversion: np.floating  # v2
    variance_start: np.floating  # sigma(0)
    vol_of_vol: np.floating  # xi
    correlation: np.floating
    orthogonal: np.floating  # sqrt(1 - correlation^2)


def coefficients(market: StockMarket, dtype: str) -> Coefficients:
    """The market's numbers in float64 or float32."""
    real = np.dtype(dtype).type
    hard = market.rule == "hard"

    def each(name: str, factor: float = 1.0) -> np.ndarray:
        return (market.vector(name) * factor).astype(dtype)

    return Coefficients(
        public=each("public_weight", market.public_sd),
        private=each("private_weight", market.private_sd),
        short=market.vector("short_window").astype(np.int64),
        long=market.vector("long_window").astype(np.int64),
        trend=np.ones(market.n_technical, dtype) if hard else each("trend_sensitivity"),
        threshold=each("trend_threshold"),
        value=np.ones(market.n_fundamental, dtype) if hard else each("value_sensitivity"),
        observation_sd=each("observation_sd"),
        impact=real(market.impact / market.n_traders),
        initial_price=real(market.initial_price),
        mean=real(market.fundamental_mean),
        reversion=real(market.fundamental_reversion),
        start=real(market.fundamental_start),
        variance_mean=real(market.variance_mean),
        variance_reversion=real(market.variance_reversion),
        variance_start=real(market.starting_variance),
        vol_of_vol=real(market.vol_of_vol),
        correlation=real(market.leverage_correlation),
        orthogonal=real(np.sqrt(1 - market.leverage_correlation**2)),
    )


@overload(rules.positive_part, jit_options=OPTIONS)
def _positive_part(x):  # type: ignore[no-untyped-def]
    zero = (np.float32 if x == types.float32 else np.float64)(0)
    return lambda x: zero if x < zero else x


@overload(rules.hard_order, jit_options=OPTIONS)
def _hard_order(signal, threshold):  # type: ignore[no-untyped-def]
    real = np.float32 if signal == types.float32 else np.float64
    one, zero = real(1), real(0)
    return lambda signal, threshold: one if signal >= threshold else (-one if signal <= -threshold else zero)


@overload(rules.smoothed_order, jit_options=OPTIONS)
def _smoothed_order(signal):  # type: ignore[no-untyped-def]
    return lambda signal: tanh_half(signal)


noise_signal, value_signal = njit(**OPTIONS)(rules.noise_signal), njit(**OPTIONS)(rules.value_signal)
trend_signal = njit(**OPTIONS)(rules.trend_signal)
correlated, next_price = njit(**OPTIONS)(rules.correlated), njit(**OPTIONS)(rules.next_price)
next_variance, next_value = njit(**OPTIONS)(rules.next_variance), njit(**OPTIONS)(rules.next_value)
smoothed_order, hard_order = rules.smoothed_order, rules.hard_order


@njit(**OPTIONS)
def draw(normals, draws, k0, k1, first_path, step):
    """Fill the rows of `normals` with the streams 0 to `draws` - 1 (and up to three more) of one step."""
    like = normals.dtype.type(0)
    for block in range((draws + 3) // 4):
        s = 4 * block
        a, b, c, d = normals[s], normals[s + 1], normals[s + 2], normals[s + 3]
        if s + 2 < draws:
            for lane in range(LANES):
                path = U64(first_path + U64(lane))
                w0, w1, w2, w3 = philox(k0, k1, U32(path), U32(path >> U64(32)), U32(step), U32(block))
                a[lane], b[lane] = normal_pair(w0, w1, like)
                c[lane], d[lane] = normal_pair(w2, w3, like)
        else:
            for lane in range(LANES):
                path = U64(first_path + U64(lane))
                w0, w1, _, _ = philox(k0, k1, U32(path), U32(path >> U64(32)), U32(step), U32(block))
                a[lane], b[lane] = normal_pair(w0, w1, like)


@njit(**OPTIONS)
def fundamental(p, value, variance, value_normals, variance_normals):
    """Equations (8) and (7)."""
    for lane in range(LANES):
        shock = correlated(value_normals[lane], variance_normals[lane], p.correlation, p.orthogonal)
        variance[lane] = next_variance(
            variance[lane], p.variance_mean, p.variance_reversion, p.vol_of_vol, variance_normals[lane]
        )
        value[lane] = next_value(value[lane], p.mean, p.reversion, variance[lane], shock)


@njit(**OPTIONS)
def _sum_recent(total, recent, t, window):
    """Sum the last `window` prices before t, as distances to the last one."""
    size = recent.shape[0]
    last = recent[(t - 1) % size]
    total[:] = 0
    for j in range(2, window + 1):
        row = recent[(t - j + size) % size]
        for lane in range(LANES):
            total[lane] += row[lane] - last[lane]


@njit(**OPTIONS)
def trend(trend, recent, t, short, long, refresh, short_sum, long_sum):
    """M(t) of one trader, summed anew or rolled; row ``t % size`` of the ring `recent` is the price at t."""
    size, real = recent.shape[0], trend.dtype.type
    if refresh:
        _sum_recent(short_sum, recent, t, short)
        _sum_recent(long_sum, recent, t, long)
        for lane in range(LANES):
            trend[lane] = trend_signal(short_sum[lane], real(short), long_sum[lane], real(long))
    else:
        last = recent[(t - 1) % size]
        leaves_short, leaves_long = recent[(t - 1 - short + size) % size], recent[(t - 1 - long + size) % size]
        per_short, per_long = real(1) / real(short), real(1) / real(long)
        for lane in range(LANES):
            trend[lane] += (last[lane] - leaves_short[lane]) * per_short - (last[lane] - leaves_long[lane]) * per_long


@njit(**OPTIONS)
def act(signal, sensitivity, threshold, hard, order, demand, volume, with_volume):
    """Add the orders on `signal` to the demand of the group, and their sizes to its volume."""
    if hard:
        for lane in range(LANES):
            order[lane] = hard_order(signal[lane], threshold)
            demand[lane] += order[lane]
    else:
        for lane in range(LANES):
            order[lane] = smoothed_order(sensitivity * signal[lane])
            demand[lane] += order[lane]
    if with_volume:
        for lane in range(LANES):
            volume[lane] += abs(order[lane])
