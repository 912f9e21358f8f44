"""Volume-volatility correlation (fact 10): large price changes come with large volume.

It holds in clock time, not in event time (Ratliff-Crain et al., Quantitative Finance 25(9), 2025). NumPy arrays
only; no gradients.
"""

import numpy as np

from simcal.errors import ParameterError
from simcal.facts.arrays import Array


def detrended_log_volume(volume: Array, width: int = 63) -> np.ndarray:
    """ln V_t minus its centred moving mean over `width` steps, (..., n); the window shrinks at the ends.

    Steps without volume (zero, negative or missing) are nan and do not enter the mean.
    """
    if width < 1 or width % 2 == 0:
        raise ParameterError(f"The width of the volume's moving mean is {width}; give an odd number, such as 63.")
    v = np.asarray(volume, dtype=float)
    known = v > 0
    logs = np.log(np.where(known, v, 1.0))
    n, half = v.shape[-1], width // 2
    first = np.maximum(np.arange(n) - half, 0)
    last = np.minimum(np.arange(n) + half + 1, n)

    def window_sum(x: np.ndarray) -> np.ndarray:
        total = np.concatenate([np.zeros_like(x[..., :1]), np.cumsum(x, axis=-1)], axis=-1)
        return total[..., last] - total[..., first]

    counts = np.maximum(window_sum(known.astype(float)), 1.0)
    return np.where(known, logs - window_sum(np.where(known, logs, 0.0)) / counts, np.nan)


def volume_correlation(r: Array, log_volume: Array) -> np.ndarray:
    """Correlation (...,) of |r_t| with the detrended log volume, both (..., n); steps without volume left out."""
    return _pairwise(r, log_volume, ranks=False)


def volume_rank_correlation(r: Array, log_volume: Array) -> np.ndarray:
    """Spearman's rank correlation (...,) of |r_t| with the detrended log volume, as `volume_correlation`."""
    return _pairwise(r, log_volume, ranks=True)


def _pairwise(r: Array, log_volume: Array, *, ranks: bool) -> np.ndarray:
    from scipy.stats import rankdata

    r, v = np.asarray(r, dtype=float), np.asarray(log_volume, dtype=float)
    if r.shape != v.shape:
        raise ParameterError(
            f"Returns have shape {r.shape} and volume {v.shape}; give one volume for each return (a price series "
            "has one row more than it has returns: leave out its first volume)."
        )
    result = np.full(r.shape[:-1], np.nan)
    for index in np.ndindex(r.shape[:-1]):
        known = np.isfinite(v[index])
        x, y = np.abs(r[index][known]), v[index][known]
        if len(x) > 2 and np.ptp(x) > 0 and np.ptp(y) > 0:
            result[index] = np.corrcoef(rankdata(x), rankdata(y))[0, 1] if ranks else np.corrcoef(x, y)[0, 1]
    return result
