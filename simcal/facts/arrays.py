"""What every fact needs: the namespace of arrays and tensors, guarded ratios, checked lags, returns that are whole.

The facts are written once against the array API; `array_api_compat` maps it to NumPy or PyTorch. Time is the
last axis; all other axes are paths.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_array_api_obj

from simcal.errors import DataError, NumericalWarning, ParameterError

Array = Any  # numpy.ndarray or torch.Tensor: torch must not be imported here


def still(dtype: Any, xp: Any = np) -> float:
    """The largest spread, relative to the values, that counts as none.

    Prices that grow at a constant rate have log returns that differ by the rounding of their logarithms, a few
    thousand units in the last place, and such noise has a kurtosis, a tail index and an autocorrelation.
    """
    return float(xp.finfo(dtype).eps) ** (2 / 3)


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
    """x minus its mean over time; exactly zero where it does not move, see `still`."""
    mean = xp.mean(x, axis=-1, keepdims=True)
    c = x - mean
    farthest = xp.maximum(xp.max(c, axis=-1, keepdims=True), -xp.min(c, axis=-1, keepdims=True))
    moves = farthest > still(x.dtype, xp) * xp.abs(mean)
    if isinstance(c, np.ndarray) and moves.all():  # a tensor would have to come from its device to tell
        return c
    return c * xp.astype(moves, x.dtype)


def standardised(x: Array, xp: Any) -> Array:
    """x minus its mean, divided by its standard deviation (1/n); nan where that is zero."""
    c = centred(x, xp)
    return ratio(c, xp.sqrt(xp.mean(c * c, axis=-1, keepdims=True)))


def of_order_one(x: Array, xp: Any) -> Array:
    """x over its root mean square, so that higher powers of small numbers are not zero in single precision."""
    return ratio(x, xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True)))


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
    with np.errstate(invalid="ignore"):  # logarithms of zero
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


def series(returns: Any, what: str = "returns") -> np.ndarray:
    """One series as a float64 array (n,); DataError when it is not a series, has gaps or never moves."""
    r = np.asarray(returns, dtype=float)
    if r.ndim == 2 and 1 in r.shape:
        r = r.reshape(-1)
    if r.ndim != 1 or r.size < 2:
        raise DataError(f"The {what} have shape {r.shape}; give one series, an array of shape (n,) with n > 1.")
    bad = np.flatnonzero(~np.isfinite(r))
    if len(bad):
        raise DataError(
            f"Of the {len(r)} {what}, {len(bad)} are not finite, first at position {bad[0]}; fill or drop them."
        )
    if not usable(r):
        raise DataError(f"All {len(r)} {what} equal {r[0]:g}; facts need a series that moves.")
    return r


def usable(paths: np.ndarray) -> np.ndarray:
    """Which paths (..., n) are finite and move, (...,)."""
    with np.errstate(invalid="ignore"):
        spread = paths.max(axis=-1) - paths.min(axis=-1)
        return np.isfinite(paths).all(axis=-1) & (spread > still(paths.dtype) * np.abs(paths).max(axis=-1))


def usable_paths(returns: Any, what: str = "simulated paths") -> tuple[np.ndarray, int]:
    """The usable rows of paths (n_paths, n), and how many were not; DataError when none is."""
    paths = np.asarray(returns, dtype=float)
    if paths.ndim == 1:
        paths = paths[None, :]
    if paths.ndim != 2 or paths.shape[-1] < 2:
        raise DataError(f"The {what} have shape {paths.shape}; give returns of shape (n_paths, n) with n > 1.")
    good = usable(paths)
    skipped = int(np.count_nonzero(~good))
    if skipped == len(paths):
        raise DataError(f"None of the {len(paths)} {what} is finite and moves; nothing can be compared.")
    if skipped:
        warnings.warn(
            f"{skipped} of {len(paths)} {what} are not finite or never move; they were left out.",
            NumericalWarning,
            stacklevel=3,
        )
    return (paths[good] if skipped else paths), skipped
