"""Facts of one path after the other: gain/loss asymmetry (fact 9) and the correlation with volume (fact 10).

Passages end at different steps and volumes have gaps, so nothing is batched: NumPy arrays only, without gradients.
"""

from dataclasses import dataclass

import numpy as np

from simcal.errors import ParameterError
from simcal.facts.arrays import Array, as_array

LONGEST = 2000
_N_EDGES = 24


@dataclass(frozen=True)
class PassageTimes:
    """First-passage statistics, each an array (...,) in steps; nan where the level was never reached.

    `ratio` is the geometric mean of the gain times over that of the loss times.
    """

    gain_mode: np.ndarray
    loss_mode: np.ndarray
    gain_median: np.ndarray
    loss_median: np.ndarray
    ratio: np.ndarray


def gain_loss(
    r: Array, *, deviations: float | None = 5.0, level: float | None = None, longest: int = LONGEST
) -> PassageTimes:
    """Times to gain, and to lose, a given log return for the first time, from every start (fact 9).

    A fact of indices, absent in single stocks (Jensen, Johansen and Simonsen, Physica A 324, 2003, 338-343).
    The price has its mean drift taken off. Losses of an index come sooner than gains: the mode says so, the
    median hardly does. The mode is that of the density in about 23 geometric bins, smoothed with weights
    1/4, 1/2, 1/4, at the geometric mean of the bin's first and last step.

    Parameters
    ----------
    r
        Returns (..., n), an array.
    deviations
        The level in standard deviations of one return.
    level
        The level as a log return, such as 0.05; used instead of `deviations` when given.
    longest
        Passages that take more steps are left out.

    Raises
    ------
    ParameterError
        Neither `deviations` nor `level` is given.
    """
    r = np.asarray(as_array(r)[0], dtype=float)
    if level is None and deviations is None:
        raise ParameterError("A passage time needs a level: give `deviations` or `level`.")
    rows = r.reshape(-1, r.shape[-1])
    found = np.array([_one(row, deviations, level, longest) for row in rows])
    return PassageTimes(*found.reshape(*r.shape[:-1], 5).transpose(-1, *range(r.ndim - 1)))


def passage_times(path: Array, level: float, longest: int = LONGEST) -> np.ndarray:
    """First step at which path[t + step] - path[t] >= level, for the starts t that get there within `longest`."""
    alive = np.arange(len(path))
    times = []
    for step in range(1, min(longest, len(path) - 1) + 1):
        alive = alive[: np.searchsorted(alive, len(path) - step)]
        if not len(alive):
            break
        reached = path[alive + step] - path[alive] >= level
        times.append(np.full(np.count_nonzero(reached), step))
        alive = alive[~reached]
    return np.concatenate(times) if times else np.zeros(0, dtype=int)


def _one(r: np.ndarray, deviations: float | None, level: float | None, longest: int) -> list[float]:
    path = np.concatenate([[0.0], np.cumsum(r - r.mean())])
    theta = float(deviations or 0.0) * r.std() if level is None else level
    gains, losses = passage_times(path, theta, longest), passage_times(-path, theta, longest)
    if theta <= 0 or not len(gains) or not len(losses):
        return [np.nan] * 5
    geometric = np.exp(np.log(gains).mean() - np.log(losses).mean())
    return [_mode(gains), _mode(losses), float(np.median(gains)), float(np.median(losses)), float(geometric)]


def _mode(times: np.ndarray) -> float:
    last = int(times.max())
    edges = np.unique(np.round(np.geomspace(1, last + 1, _N_EDGES)).astype(int))
    counts, _ = np.histogram(times, edges)
    best = int(np.argmax(np.convolve(counts / np.diff(edges), [0.25, 0.5, 0.25], "same")))
    return float(np.sqrt(edges[best] * (edges[best + 1] - 1)))


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
    """Correlation (...,) of |r_t| with the detrended log volume, both (..., n); steps without volume left out.

    It holds in clock time, not in event time (Ratliff-Crain et al., Quantitative Finance 25(9), 2025).
    """
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
