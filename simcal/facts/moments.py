"""Moments and tails of returns: mean, deviation, skewness, kurtosis at several horizons, tail index, drawdown.

Facts 1, 3, 4 and 12 of Cont, "Empirical properties of asset returns", Quantitative Finance 1 (2001) 223-236.
Every function takes returns (..., n), as array or tensor, and gives (...,); all have gradients on tensors.
"""

from typing import Literal

from simcal.errors import ParameterError
from simcal.facts.arrays import Array, as_array, at_least, centred, constant, dot, ratio, standardised, still

Tail = Literal["both", "left", "right"]


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
    z = standardised(r, xp)
    return xp.mean(z * z * z, axis=-1)


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
    z = standardised(r, xp)  # first, as the fourth power of small returns is zero in single precision
    square = z * z
    return dot(square, square, xp) / r.shape[-1]


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


def hill(r: Array, fraction: float = 0.05, tail: Tail = "both") -> Array:
    """Tail index [ (1/k) sum_{i<=k} ln(X_(i) / X_(k+1)) ]^-1 of the k largest values X_(1) >= X_(2) >= ...

    Takes returns (..., n), gives (...,), with gradients on tensors; nan where X_(k+1) is not positive or no
    value of the tail lies above it.

    Parameters
    ----------
    r
        Returns, array or tensor (..., n).
    fraction
        Share of the values that counts as the tail; Franke and Westerhoff (2012) take 0.05.
    tail
        "both" takes X = |r| and k = floor(fraction n); "left" and "right" take the returns below and above the mean,
        X = their distance from it, and k = floor(fraction times their number).

    References
    ----------
    Hill, Annals of Statistics 3 (1975) 1163-1174.
    """
    r, xp = as_array(r)
    n = r.shape[-1]
    if not 0 < fraction < 1:
        raise ParameterError(f"The tail fraction is {fraction}; it must lie between 0 and 1, as 0.05 does.")
    if tail not in ("both", "left", "right"):
        raise ParameterError(f"The tail is {tail!r}; choose 'both', 'left' or 'right'.")
    k = int(fraction * n)
    at_least(n, int(2 / fraction) + 1, f"a Hill estimate on a share of {fraction}")
    if tail == "both":
        x = xp.abs(r)
        count = k * xp.ones_like(x[..., :1])
    else:
        x = centred(r, xp) if tail == "right" else -centred(r, xp)
        count = xp.floor(fraction * xp.sum(xp.astype(x > 0, x.dtype), axis=-1, keepdims=True))
    largest = xp.flip(xp.sort(x, axis=-1)[..., -(k + 1) :], axis=-1)
    rank = constant(range(k + 1), x, xp)
    in_tail = xp.astype(rank < count, x.dtype)
    at_edge = xp.astype(rank == count, x.dtype)
    # non-positive values are put aside before the logarithm, lest they poison the gradient
    logs = xp.log(xp.where(largest > 0, largest, xp.ones_like(largest)))
    edge = xp.sum(at_edge * logs, axis=-1)
    in_number = count[..., 0]
    defined = (xp.sum(at_edge * largest, axis=-1) > 0) & (in_number > 0)
    excess = xp.sum(in_tail * logs, axis=-1) / xp.where(in_number > 0, in_number, xp.ones_like(in_number)) - edge
    defined = defined & (excess > still(r.dtype, xp))  # a tail of equal values has no index
    return ratio(1.0, xp.where(defined, excess, xp.nan * xp.ones_like(excess)))


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
