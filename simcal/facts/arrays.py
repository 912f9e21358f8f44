"""What every fact needs from arrays and tensors: the namespace, guarded ratios, checked lags.

The facts are written once against the array API; `array_api_compat` maps it to NumPy or PyTorch. Time is the
last axis; all other axes are paths.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_array_api_obj

from simcal.errors import ParameterError

Array = Any  # numpy.ndarray or torch.Tensor: torch must not be imported here


def as_array(x: Any) -> tuple[Array, Any]:
    """The array or tensor itself (lists and pandas objects become float64 arrays) and its namespace."""
    array: Any = x if is_array_api_obj(x) else np.asarray(x, dtype=float)
    xp = array_namespace(array)
    if not xp.isdtype(array.dtype, "real floating"):
        array = xp.astype(array, xp.float64)
    if array.ndim == 0:
        raise ParameterError("Returns are a single number here; give an array whose last axis is time.")
    return array, xp


def centred(x: Array, xp: Any) -> Array:
    """x minus its mean over time."""
    return x - xp.mean(x, axis=-1, keepdims=True)


def standardised(x: Array, xp: Any) -> Array:
    """x minus its mean, divided by its standard deviation (1/n); nan where that is zero."""
    c = centred(x, xp)
    return ratio(c, xp.sqrt(xp.mean(c * c, axis=-1, keepdims=True)))


def dot(x: Array, y: Array, xp: Any) -> Array:
    """Sum of x y over time.

    Not `vecdot`: BLAS would start threads on long series, slower by far on a busy machine, and its rounding would
    depend on their number.
    """
    return xp.sum(x * y, axis=-1)


def ratio(numerator: Array, denominator: Array) -> Array:
    """numerator / denominator; nan or inf for a zero denominator, without NumPy's warning.

    The tables count such values; a warning for each path of thousands would say less.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return numerator / denominator


def log(x: Array, xp: Any) -> Array:
    """log(x), with -inf and nan instead of NumPy's warning for zero and negative values."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return xp.log(x)


def constant(values: Sequence[float] | range, like: Array, xp: Any) -> Array:
    """Numbers as an array of the type, and on the device, of another one."""
    return xp.asarray([float(value) for value in values], dtype=like.dtype, device=device(like))


Lags = int | Sequence[int] | range


def lag_list(lags: Lags) -> tuple[list[int], bool]:
    """The lags as a list, and whether there was only a number."""
    if isinstance(lags, (int, np.integer)):
        return [int(lags)], True
    return [int(lag) for lag in lags], False


def check_lags(lags: Sequence[int], n: int) -> None:
    """Refuse lags that are not between 1 and n - 1."""
    for lag in lags:
        if not 1 <= lag < n:
            raise ParameterError(
                f"Lag {lag} was asked of a series of {n} values; lags lie between 1 and {n - 1}. "
                "Give a longer series or a smaller lag."
            )


def at_least(n: int, needed: int, what: str) -> None:
    """Refuse a series too short for a fact."""
    if n < needed:
        raise ParameterError(f"The series has {n} values, but {what} needs at least {needed}; give a longer one.")


def fast_length(n: int) -> int:
    """The smallest 2^k, 3 2^k or 5 2^k that is not below n: lengths at which an FFT is fast."""
    power = 1 << max(n - 1, 1).bit_length()
    return min(m for m in (power, power * 3 // 4, power * 5 // 8) if m >= n)


def slope(x: Array, y: Array, xp: Any, weights: Array | None = None) -> Array:
    """Least-squares slope of y (..., k) on x (k,); points with weight zero do not count."""
    w = xp.ones_like(y) if weights is None else weights
    total = xp.sum(w, axis=-1)
    mean_x = ratio(xp.sum(w * x, axis=-1), total)
    mean_y = ratio(xp.sum(w * y, axis=-1), total)
    dx = x - mean_x[..., None]
    return ratio(xp.sum(w * dx * (y - mean_y[..., None]), axis=-1), xp.sum(w * dx * dx, axis=-1))


def windows(r: Array, length: int, stride: int | None = None) -> Array:
    """Windows of `length` steps, `stride` apart (by default not overlapping): (..., n) to (..., windows, length).

    They start at the first step; what is left over at the end is not used. Arrays and tensors.
    """
    r, xp = as_array(r)
    stride = length if stride is None else stride
    if not 1 <= length <= r.shape[-1] or stride < 1:
        raise ParameterError(
            f"Windows of {length} steps, {stride} apart, were asked of a series of {r.shape[-1]}; the length lies "
            "between 1 and that number and the stride is at least 1."
        )
    starts = range(0, r.shape[-1] - length + 1, stride)
    return xp.stack([r[..., start : start + length] for start in starts], axis=-2)
