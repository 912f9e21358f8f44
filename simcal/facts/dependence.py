"""Linear dependence (fact 2) and volatility clustering (fact 5): autocorrelations, portmanteau, variance ratio."""

from simcal.facts.arrays import (
    Array,
    Lags,
    as_array,
    at_least,
    centred,
    check_lags,
    constant,
    dot,
    fast_length,
    lag_list,
    ratio,
    standardised,
)

_FFT_FROM = 32  # lags; from here on an FFT is faster than as many products


def autocorrelation(x: Array, lags: Lags) -> Array:
    """C_x(l) = sum_t (x_t - m)(x_{t+l} - m) / sum_t (x_t - m)^2, the positive semi-definite estimator.

    Takes any series (..., n), such as returns, `abs(r)` or `r * r`, with gradients on tensors. One lag gives
    (...,), several give (..., number of lags). nan for a constant series.
    """
    x, xp = as_array(x)
    n = x.shape[-1]
    chosen, single = lag_list(lags)
    check_lags(chosen, n)
    c = centred(x, xp)
    scale = dot(c, c, xp)
    if len(chosen) < _FFT_FROM:
        products = xp.stack([dot(c[..., lag:], c[..., :-lag], xp) for lag in chosen], axis=-1)
    else:
        length = fast_length(n + max(chosen))
        spectrum = xp.fft.rfft(c, n=length)
        power = xp.real(spectrum) ** 2 + xp.imag(spectrum) ** 2
        covariances = xp.fft.irfft(power + 0j, n=length)
        products = xp.stack([covariances[..., lag] for lag in chosen], axis=-1)
    result = ratio(products, scale[..., None])
    return result[..., 0] if single else result


def smoothed_autocorrelation(x: Array, lags: Lags) -> Array:
    """Mean of the autocorrelations at l - 1, l and l + 1; at lag 1 the plain one.

    The smoothing of Franke and Westerhoff, Journal of Economic Dynamics and Control 36 (2012) 1193-1211.
    Shapes and gradients as `autocorrelation`.
    """
    x, xp = as_array(x)
    chosen, single = lag_list(lags)
    check_lags(chosen, x.shape[-1] - 1)
    around = {lag: [1] if lag == 1 else [lag - 1, lag, lag + 1] for lag in chosen}
    needed = sorted({lag for group in around.values() for lag in group})
    plain = autocorrelation(x, needed)
    means = []
    for lag in chosen:
        parts = [plain[..., needed.index(near)] for near in around[lag]]
        means.append(sum(parts[1:], start=parts[0]) / len(parts))
    return means[0] if single else xp.stack(means, axis=-1)


def largest_autocorrelation(r: Array, lags: range = range(2, 21)) -> Array:
    """Largest |C_r(l)| over the lags; (..., n) to (...,), with gradients on tensors."""
    r, xp = as_array(r)
    return xp.max(xp.abs(autocorrelation(r, lags)), axis=-1)


def ljung_box(r: Array, lags: int = 20) -> Array:
    """Q = n (n + 2) sum_l C(l)^2 / (n - l): chi-squared with `lags` degrees of freedom for independent returns.

    Volatility clustering inflates it; `robust_box` does not have that fault.
    """
    r, xp = as_array(r)
    n = r.shape[-1]
    at_least(n, lags + 1, f"a Ljung-Box statistic of {lags} lags")
    c = autocorrelation(r, range(1, lags + 1))
    weights = constant([n * (n + 2) / (n - lag) for lag in range(1, lags + 1)], r, xp)
    return xp.sum(c * c * weights, axis=-1)


def robust_box(r: Array, lags: int = 20) -> Array:
    """Q* = n sum_l g_l^2 / v_l, with g_l = (1/n) sum e_t e_{t-l} and v_l = (1/n) sum e_t^2 e_{t-l}^2.

    Chi-squared with `lags` degrees of freedom for uncorrelated returns, also when volatility clusters (Diebold
    1986; Lobato, Nankervis and Savin, International Economic Review 42, 2001).
    """
    r, xp = as_array(r)
    n = r.shape[-1]
    at_least(n, lags + 1, f"a portmanteau statistic of {lags} lags")
    e = standardised(r, xp)
    square = e * e
    total = 0.0
    for lag in range(1, lags + 1):
        g = dot(e[..., lag:], e[..., :-lag], xp)
        total = total + ratio(g * g, dot(square[..., lag:], square[..., :-lag], xp))
    return total


def variance_ratio(r: Array, horizon: int) -> Array:
    """VR(q) = Var(r_q) / (q Var r) with overlapping sums r_q over `horizon` steps; 1 for uncorrelated returns.

    Lo and MacKinlay, Review of Financial Studies 1 (1988) 41-66, with their correction for bias.
    """
    r, xp = as_array(r)
    n, q = r.shape[-1], horizon
    at_least(n, 2 * q, f"a variance ratio at horizon {q}")
    c = centred(r, xp)
    walk = xp.cumulative_sum(c, axis=-1, include_initial=True)
    sums = walk[..., q:] - walk[..., :-q]
    one = dot(c, c, xp) / (n - 1)
    many = dot(sums, sums, xp) / (q * (n - q + 1) * (1 - q / n))
    return ratio(many, one)
