"""Slow decay and long memory (fact 6): power-law exponent, log-periodogram, local Whittle, DFA.

Takes any series (..., n), usually absolute returns, and gives (...,); all batched, all with gradients on tensors.
"""

import math

from simcal.facts.arrays import Array, as_array, at_least, centred, constant, dot, log, ratio, slope
from simcal.facts.dependence import autocorrelation

_NEWTON_STEPS = 30
_MEMORY_BOUNDS = (-1.0, 1.5)


def decay_exponent(x: Array, lags: range = range(1, 101)) -> Array:
    """beta of C_x(l) ~ l^-beta: least squares of ln C on ln l over the lags where C is positive.

    nan where fewer than two of them are.
    """
    x, xp = as_array(x)
    c = autocorrelation(x, lags)
    positive = c > 0
    safe = xp.where(positive, c, xp.ones_like(c))
    points = constant([math.log(lag) for lag in lags], x, xp)
    return -slope(points, xp.log(safe), xp, weights=xp.astype(positive, x.dtype))


def last_significant_lag(x: Array, max_lag: int = 260) -> Array:
    """Number of first lags whose autocorrelation all exceed 1.96 / sqrt(n), at most `max_lag`. No gradient."""
    x, xp = as_array(x)
    max_lag = min(max_lag, x.shape[-1] - 1)
    c = autocorrelation(x, range(1, max_lag + 1))
    above = xp.astype(c > 1.96 / math.sqrt(x.shape[-1]), x.dtype)
    return xp.sum(xp.cumulative_prod(above, axis=-1), axis=-1)


def gph(x: Array, power: float = 0.5) -> Array:
    """Memory parameter d by log-periodogram regression on the first floor(n^power) frequencies.

    Regresses ln I(w_j) on -2 ln(2 sin(w_j / 2)) (Geweke and Porter-Hudak, Journal of Time Series Analysis 4,
    1983). Asymptotic standard error: pi / sqrt(24 m).
    """
    x, xp = as_array(x)
    periodogram, frequencies = _periodogram(x, xp, power)
    points = constant([-2 * math.log(2 * math.sin(w / 2)) for w in frequencies], x, xp)
    return slope(points, log(periodogram, xp), xp)


def local_whittle(x: Array, power: float = 0.65) -> Array:
    """Memory parameter d by local Whittle on the first m = floor(n^power) frequencies, between -1 and 1.5.

    Minimises ln mean_j(w_j^{2d} I_j) - 2 d mean_j ln w_j, convex in d, by Newton's method (Robinson, Annals of
    Statistics 23, 1995). Asymptotic standard error: 1 / (2 sqrt(m)).
    """
    x, xp = as_array(x)
    periodogram, frequencies = _periodogram(x, xp, power)
    logs = [math.log(w) for w in frequencies]
    middle = sum(logs) / len(logs)
    # relative to its mean, ln w is of order one and the minimum unchanged
    centred_logs = constant([value - middle for value in logs], x, xp)
    periodogram = ratio(periodogram, xp.mean(periodogram, axis=-1, keepdims=True))
    d = 0.25 * xp.ones_like(x[..., 0])
    for _ in range(_NEWTON_STEPS):
        weights = xp.exp(2 * d[..., None] * centred_logs) * periodogram
        total = xp.sum(weights, axis=-1)
        first = ratio(xp.sum(weights * centred_logs, axis=-1), total)
        second = ratio(xp.sum(weights * centred_logs**2, axis=-1), total) - first * first
        d = xp.clip(d - ratio(first, 2 * second), *_MEMORY_BOUNDS)
    return d


def dfa(x: Array, n_sizes: int = 16, smallest: int = 10) -> Array:
    """Slope H of ln F(s) on ln s, F the root mean square around a line in boxes of s values of the profile.

    First-order detrended fluctuation analysis, with about `n_sizes` box sizes spaced geometrically from
    `smallest` to n / 4 (Peng et al., Physical Review E 49, 1994). 0.5 without memory, d + 0.5 with it.
    """
    x, xp = as_array(x)
    n = x.shape[-1]
    at_least(n, 8 * smallest, f"DFA with boxes from {smallest} to n / 4")
    growth = (n // 4 / smallest) ** (1 / (n_sizes - 1))
    sizes = sorted({int(smallest * growth**i + 1e-9) for i in range(n_sizes)})
    profile = xp.cumulative_sum(centred(x, xp), axis=-1)
    logs = [0.5 * log(_box_variance(profile, size, xp), xp) for size in sizes]
    points = constant([math.log(size) for size in sizes], x, xp)
    return slope(points, xp.stack(logs, axis=-1), xp)


def _box_variance(profile: Array, size: int, xp) -> Array:
    """Mean squared deviation from a least-squares line, over all whole boxes from the start."""
    boxes = profile.shape[-1] // size
    y = xp.reshape(profile[..., : boxes * size], (*profile.shape[:-1], boxes, size))
    y = centred(y, xp)
    t = constant([i - (size - 1) / 2 for i in range(size)], profile, xp)
    along = dot(y, t, xp)
    return xp.mean(dot(y, y, xp) / size - along * along / (size * xp.sum(t * t)), axis=-1)


def _periodogram(x: Array, xp, power: float) -> tuple[Array, list[float]]:
    n = x.shape[-1]
    at_least(n, 16, "a periodogram")
    m = min(int(n**power), (n - 1) // 2)
    transform = xp.fft.rfft(centred(x, xp))[..., 1 : m + 1]
    periodogram = (xp.real(transform) ** 2 + xp.imag(transform) ** 2) / (2 * math.pi * n)
    return periodogram, [2 * math.pi * j / n for j in range(1, m + 1)]
