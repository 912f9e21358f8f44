"""Are simulated windows copies of real ones? A block bootstrap wins every table of facts, by repeating the data."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from simcal.errors import DataError

WINDOW = 20  # returns: long enough that two windows are never alike by chance, shorter than the blocks of a bootstrap
LEVEL = 0.01  # of real windows that are by chance as near to another one as what counts as a copy
_MOST = 1000  # windows of each side that are looked at


def copied_share(real: np.ndarray, fake: np.ndarray, *, window: int = WINDOW, level: float = LEVEL) -> float:
    """The share of simulated windows that lie nearer to a real one than real windows lie to each other.

    A window's shape is compared, its returns divided by their root mean square, so that calm windows are no nearer than
    stormy ones. Near is what only `level` of the real windows are to a real one that does not overlap them: a model
    that makes returns of its own has about that share of copies, one that repeats the data nearly all.

    Parameters
    ----------
    real
        Real returns, (n,).
    fake
        Simulated returns, (n_paths, n_steps).
    window
        Returns in a window.
    level
        The share of real windows that count as near.

    Raises
    ------
    DataError
        The real returns hold fewer than ten windows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real = rng.standard_normal(1000)
    >>> copied_share(real, real[None, 300:900]), copied_share(real, rng.standard_normal((5, 1000))) < 0.05
    (1.0, True)
    """
    if len(real) < 10 * window:
        raise DataError(f"There are {len(real)} real returns, but a search for copies needs {10 * window}.")
    every = _shapes(np.lib.stride_tricks.sliding_window_view(real, window))
    at = np.unique(np.linspace(0, len(every) - 1, _MOST).round().astype(int))
    apart = cdist(every[at], every)
    apart[np.abs(at[:, None] - np.arange(len(every))) < window] = np.inf
    near = np.quantile(apart.min(axis=1), level)
    cut = fake[:, : fake.shape[1] // window * window].reshape(-1, window)
    cut = cut[np.isfinite(cut).all(axis=1)]
    if not len(cut):
        return float("nan")
    some = cut[np.unique(np.linspace(0, len(cut) - 1, _MOST).round().astype(int))]
    return float(np.mean(cdist(_shapes(some), every).min(axis=1) <= near))


def _shapes(windows: np.ndarray) -> np.ndarray:
    size = np.sqrt(np.square(windows).mean(axis=1, keepdims=True))
    return windows / np.where(size > 0, size, 1.0)
