"""The Hill estimator of the tail index (fact 3)."""

from typing import Literal

from simcal.errors import ParameterError
from simcal.facts.arrays import Array, as_array, at_least, centred, constant, ratio

Tail = Literal["both", "left", "right"]


def hill(r: Array, fraction: float = 0.05, tail: Tail = "both") -> Array:
    """Tail index [ (1/k) sum_{i<=k} ln(X_(i) / X_(k+1)) ]^-1 of the k largest values X_(1) >= X_(2) >= ...

    Takes returns (..., n), gives (...,), with gradients on tensors; nan where X_(k+1) is not positive.

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
    return ratio(1.0, xp.where(defined, excess, xp.nan * xp.ones_like(excess)))
