"""Moments of returns: mean, deviation, skewness, kurtosis at several horizons, drawdown.

Facts 1, 3, 4 and 12 of Cont, "Empirical properties of asset returns", Quantitative Finance 1 (2001) 223-236.
Every function takes returns (..., n), as array or tensor, and gives (...,); all have gradients on tensors.
"""

from simcal.facts.arrays import Array, as_array, at_least, centred, dot, ratio, standardised


def mean(r: Array) -> Array:
    """Mean return."""
    r, xp = as_array(r)
    return xp.mean(r, axis=-1)


def mean_t(r: Array, lags: int = 20) -> Array:
    """t statistic of the mean, m / sqrt(V/n); V is the long-run variance with Bartlett weights.

    V = g_0 + 2 sum_{l=1..lags} (1 - l / (lags + 1)) g_l, with autocovariances g_l of divisor n
    (Newey and West, Econometrica 55, 1987).
    """
    r, xp = as_array(r)
    n = r.shape[-1]
    at_least(n, lags + 1, f"a long-run variance of {lags} lags")
    c = centred(r, xp)
    variance = dot(c, c, xp) / n
    for lag in range(1, lags + 1):
        variance = variance + 2 * (1 - lag / (lags + 1)) * dot(c[..., lag:], c[..., :-lag], xp) / n
    return ratio(xp.mean(r, axis=-1), xp.sqrt(variance / n))


def standard_deviation(r: Array) -> Array:
    """Standard deviation with divisor n."""
    r, xp = as_array(r)
    c = centred(r, xp)
    return xp.sqrt(xp.mean(c * c, axis=-1))


def mean_absolute(r: Array) -> Array:
    """Mean absolute return: the first Franke-Westerhoff moment."""
    r, xp = as_array(r)
    return xp.mean(xp.abs(r), axis=-1)


def skewness(r: Array) -> Array:
    """Mean of z^3, z the standardised return."""
    r, xp = as_array(r)
    c = centred(r, xp)
    square = c * c
    variance = xp.mean(square, axis=-1)
    return ratio(xp.mean(square * c, axis=-1), variance**1.5)


def excess_kurtosis(r: Array, horizon: int = 1) -> Array:
    """Mean of z^4 minus 3, for non-overlapping sums over `horizon` steps averaged over the `horizon` phases.

    That it falls with the horizon is aggregational Gaussianity.
    """
    r, xp = as_array(r)
    n = r.shape[-1]
    at_least(n, 2 * horizon, f"kurtosis at horizon {horizon}")
    if horizon == 1:
        return _kurtosis(r, xp) - 3
    batch = r.shape[:-1]
    total = 0.0
    for phase in range(horizon):
        blocks = (n - phase) // horizon
        part = r[..., phase : phase + blocks * horizon]
        total = total + _kurtosis(xp.sum(xp.reshape(part, (*batch, blocks, horizon)), axis=-1), xp)
    return total / horizon - 3


def _kurtosis(r: Array, xp) -> Array:
    c = centred(r, xp)
    square = c * c
    variance = xp.mean(square, axis=-1)
    return ratio(dot(square, square, xp) / r.shape[-1], variance * variance)


def tail_probability(r: Array, threshold: float = 3.0) -> Array:
    """Share of returns with |z| above the threshold. A count: its gradient on tensors is zero."""
    r, xp = as_array(r)
    return xp.mean(xp.astype(xp.abs(standardised(r, xp)) > threshold, r.dtype), axis=-1)


def exceedance_fano(r: Array, threshold: float = 3.0, block: int = 63) -> Array:
    """Fano factor (variance over mean) of the number of |z| > threshold in blocks of `block` steps.

    Independent returns give 1, clustered shocks more; nan where no return exceeds the threshold. A count:
    no gradient.
    """
    r, xp = as_array(r)
    at_least(r.shape[-1], 2 * block, f"a Fano factor over blocks of {block} steps")
    hits = xp.astype(xp.abs(standardised(r, xp)) > threshold, r.dtype)
    blocks = r.shape[-1] // block
    counts = xp.sum(xp.reshape(hits[..., : blocks * block], (*r.shape[:-1], blocks, block)), axis=-1)
    c = centred(counts, xp)
    return ratio(xp.mean(c * c, axis=-1), xp.mean(counts, axis=-1))


def max_drawdown(r: Array) -> Array:
    """Largest fall of the price from an earlier peak, as a share of the peak. Array or tensor, with gradients."""
    r, xp = as_array(r)
    path = xp.cumulative_sum(r, axis=-1, include_initial=True)
    return 1 - xp.exp(-xp.max(_running_maximum(path, xp) - path, axis=-1))


def _running_maximum(x: Array, xp) -> Array:
    """Running maximum over time by doubling: the array API has no cumulative maximum."""
    step = 1
    while step < x.shape[-1]:
        x = xp.concat([x[..., :step], xp.maximum(x[..., step:], x[..., :-step])], axis=-1)
        step *= 2
    return x
