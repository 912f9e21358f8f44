"""Asymmetries in time: leverage (fact 7) and coarse-fine volatility (fact 8)."""

import math

from simcal.facts.arrays import (
    Array,
    Lags,
    as_array,
    at_least,
    centred,
    check_lags,
    constant,
    dot,
    lag_list,
    of_order_one,
    ratio,
)

_FIT_GRID = 1000


def leverage(r: Array, lags: Lags) -> Array:
    """L(l) = [mean(r_t r_{t+l}^2) - m mean(r^2)] / mean(r^2)^2; negative when falls raise volatility.

    Takes returns (..., n), with gradients on tensors; one lag gives (...,), several give (..., number of lags).
    A negative lag asks whether volatility foretells returns: L(l < 0) is near 0 in markets.

    References
    ----------
    Bouchaud, Matacz and Potters, Physical Review Letters 87 (2001) 228701.
    """
    r, xp = as_array(r)
    n = r.shape[-1]
    chosen, single = lag_list(lags)
    check_lags([abs(lag) for lag in chosen], n)
    square = r * r
    power = xp.mean(square, axis=-1)
    drift = xp.mean(r, axis=-1)
    values = []
    for lag in chosen:
        early, late = (r, square) if lag > 0 else (square, r)
        shift = abs(lag)
        product = dot(early[..., :-shift], late[..., shift:], xp) / (n - shift)
        values.append(ratio(ratio(product, power) - drift, power))
    return values[0] if single else xp.stack(values, axis=-1)


def leverage_correlation(r: Array, lags: Lags) -> Array:
    """corr(r_t, r_{t+l}^2): leverage without a unit. Shapes and gradients as `leverage`, lags from 1."""
    r, xp = as_array(r)
    chosen, single = lag_list(lags)
    check_lags(chosen, r.shape[-1] - 1)
    square = of_order_one(r, xp) ** 2
    values = [_correlation(r[..., :-lag], square[..., lag:], xp) for lag in chosen]
    return values[0] if single else xp.stack(values, axis=-1)


def leverage_fit(r: Array, lags: range = range(1, 51)) -> tuple[Array, Array]:
    """Amplitude A and time T of the least-squares fit L(l) = -A exp(-l / T), each (...,). Batched, no gradient.

    For each T the best A is known in closed form; T is sought on a fine logarithmic grid from 0.2 to 2000 steps
    and refined with a parabola. A time at an end of the grid says that the fit does not find one.
    """
    r, xp = as_array(r)
    values = leverage(r, lags)
    steps = constant(lags, r, xp)
    spacing = math.log(2000.0 / 0.2) / (_FIT_GRID - 1)
    grid = constant([math.log(0.2) + i * spacing for i in range(_FIT_GRID)], r, xp)

    def shape(log_time: Array) -> Array:
        curve = xp.exp(-steps / xp.exp(log_time)[..., None])
        return curve / xp.sqrt(xp.sum(curve * curve, axis=-1, keepdims=True))

    gain = (values @ shape(grid).T) ** 2  # what the fit takes off the sum of squares
    best = xp.clip(xp.argmax(gain, axis=-1), 1, _FIT_GRID - 2)[..., None]
    below, middle, above = (xp.take_along_axis(gain, best + i, axis=-1)[..., 0] for i in (-1, 0, 1))
    offset = xp.clip(ratio(0.5 * (below - above), below - 2 * middle + above), -1.0, 1.0)
    time = xp.exp(math.log(0.2) + (xp.astype(best[..., 0], r.dtype) + offset) * spacing)
    curve = xp.exp(-steps / time[..., None])
    amplitude = -xp.sum(values * curve, axis=-1) / xp.sum(curve * curve, axis=-1)
    return amplitude, time


def coarse_fine(r: Array, lags: Lags, width: int = 5) -> Array:
    """rho(k) = corr(v_f(t + width k), v_c(t)): fine volatility against coarse volatility k coarse steps before.

    v_f(t) is the sum of the last `width` |r|, v_c(t) the absolute value of the sum of the last `width` r, at
    every t. Takes returns (..., n), with gradients on tensors; shapes as `leverage`, lags of either sign or 0.

    References
    ----------
    Mueller et al., Journal of Empirical Finance 4 (1997) 213-239.
    """
    r, xp = as_array(r)
    chosen, single = lag_list(lags)
    at_least(r.shape[-1], width * (max(abs(lag) for lag in chosen) + 2), "coarse-fine correlation at these lags")
    fine = _moving_sum(xp.abs(r), width, xp)
    coarse = xp.abs(_moving_sum(r, width, xp))
    values = []
    for lag in chosen:
        shift = width * abs(lag)
        early, late = (coarse, fine) if lag >= 0 else (fine, coarse)
        end = early.shape[-1] - shift
        values.append(_correlation(early[..., :end], late[..., shift:], xp))
    return values[0] if single else xp.stack(values, axis=-1)


def coarse_fine_asymmetry(r: Array, largest: int = 1, width: int = 5) -> Array:
    """sum_{k=1..largest} rho(k) - rho(-k); D(1) > 0 says that coarse volatility foretells fine volatility."""
    r, xp = as_array(r)
    steps = range(1, largest + 1)
    ahead = coarse_fine(r, list(steps), width)
    behind = coarse_fine(r, [-k for k in steps], width)
    return xp.sum(ahead - behind, axis=-1)


def _moving_sum(x: Array, width: int, xp) -> Array:
    end = x.shape[-1] - width + 1
    total = x[..., :end]
    for i in range(1, width):
        total = total + x[..., i : end + i]
    return total


def _correlation(x: Array, y: Array, xp) -> Array:
    x, y = centred(x, xp), centred(y, xp)
    return ratio(dot(x, y, xp), xp.sqrt(dot(x, x, xp)) * xp.sqrt(dot(y, y, xp)))
