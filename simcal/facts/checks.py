"""Returns at the door: one series must be whole, of many paths the unusable ones are counted and left out."""

import warnings
from typing import Any

import numpy as np

from simcal.errors import DataError, NumericalWarning


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
    if r.min() == r.max():
        raise DataError(f"All {len(r)} {what} equal {r[0]:g}; facts need a series that moves.")
    return r


def usable(paths: np.ndarray) -> np.ndarray:
    """Which paths (..., n) are finite and move, (...,)."""
    with np.errstate(invalid="ignore"):
        return np.isfinite(paths).all(axis=-1) & (paths.max(axis=-1) > paths.min(axis=-1))


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
