r"""Scores of forecasts and tests of their risk figures.

CRPS is that of an ensemble, the score of value at risk and expected shortfall together that of Fissler and Ziegel in
the form of Patton, Ziegel and Chen, "Dynamic semiparametric models for expected shortfall", Journal of Econometrics 211
(2019): with v and e the quantile and the mean below it, both negative,

.. math:: L(v, e; y) = -\frac{1\{y \le v\}\,(v - y)}{\alpha e} + \frac{v}{e} + \log(-e) - 1.

Tests: Kupiec, Journal of Derivatives 3 (1995), that losses exceed value at risk as often as they should;
Christoffersen, International Economic Review 39 (1998), that they do so and independently of the day before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats
from scipy.special import xlogy

from simcal.facts.bootstrap import block_indices


def tail(samples: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Quantile of that level and mean at or below it, over the last axis."""
    ordered = np.sort(samples, axis=-1)
    count = max(int(np.ceil(level * samples.shape[-1])), 1)
    return ordered[..., count - 1], ordered[..., :count].mean(axis=-1)


def fissler_ziegel(quantile: np.ndarray, shortfall: np.ndarray, observed: np.ndarray, level: float) -> np.ndarray:
    """The score above of each observation, smaller is better; NaN where a shortfall is not a loss."""
    e = np.where(shortfall < 0, shortfall, np.nan)
    return -np.maximum(quantile - observed, 0.0) / (level * e) + quantile / e + np.log(-e) - 1


def crps(samples: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score of ensembles (n, samples) and observations (n,), without bias."""
    import scoringrules

    return np.asarray(scoringrules.crps_ensemble(observed, samples, m_axis=-1, estimator="pwm"))


def kupiec(hits: np.ndarray, level: float) -> float:
    """p-value that hits (n,) of true and false are as frequent as `level`.

    Examples
    --------
    >>> round(kupiec(np.arange(250) < 4, 0.01), 3)
    0.38
    """
    n, x = len(hits), int(np.sum(hits))
    ratio = _log_likelihood(x, n, x / n) - _log_likelihood(x, n, level)
    return float(stats.chi2.sf(2 * ratio, 1))


def christoffersen(hits: np.ndarray, level: float) -> float:
    """p-value that hits are as frequent as `level`, whatever happened the day before."""
    before, after = np.asarray(hits[:-1], bool), np.asarray(hits[1:], bool)
    ratio = -_log_likelihood(int(after.sum()), len(after), level)
    for state in (False, True):
        n, x = int((before == state).sum()), int((after & (before == state)).sum())
        ratio += _log_likelihood(x, n, x / n if n else 0.0)
    return float(stats.chi2.sf(2 * ratio, 2))


def _log_likelihood(x: int, n: int, share: float) -> float:
    return float(xlogy(x, share) + xlogy(n - x, 1 - share))


def share_band(hits: np.ndarray, block: int, rng: Any, resamples: int = 2000) -> tuple[float, float]:
    """A 95 % band of the share of hits that depend on each other over `block` observations, by blocks drawn anew.

    Where there is no hit, or nothing else, blocks tell nothing: the exact bound of so many independent blocks instead.
    """
    if np.all(hits == hits[0]):
        reach = 1 - 0.025 ** (block / len(hits))
        return (1 - reach, 1.0) if hits[0] else (0.0, reach)
    drawn = hits[block_indices(len(hits), min(block, len(hits)), resamples, rng, length=len(hits))].mean(axis=1)
    return float(np.quantile(drawn, 0.025)), float(np.quantile(drawn, 0.975))
