"""The statistics of a run's days: tails, clustering, volume, mispricing. Returns are z-scored day by day.

Z-scoring a day removes that days differ in volatility, which in real pooled returns is part of the fat tails: what is
left is what happens within a day.
"""

from __future__ import annotations

import warnings

import numpy as np

from simcal.facts import autocorrelation, hill, volume_correlation
from simcal.learning.emergence.bars import Bars
from simcal.models.book.episodes import LAGS, episode_statistics

STATISTICS = {
    "hill": "tail index (Hill, 5 %)",
    "hill_left": "tail index, losses",
    "hill_right": "tail index, gains",
    "kurtosis": "excess kurtosis",
    "acf_return": "autocorrelation of returns, lag 1",
    "acf_1": "autocorrelation of |returns|, lag 1",
    "acf_10": "autocorrelation of |returns|, lag 10",
    "acf_30": "autocorrelation of |returns|, lag 30",
    "decay": "decay exponent of that autocorrelation",
    "volume": "correlation of |returns| and log volume",
    "mispricing": "mean |log(mid / value)|",
}
"""Names and words; the last one is of all steps, not of bars."""


def z_scores(closes: np.ndarray) -> np.ndarray:
    """(n, n_bars - 1) log returns, of every day with returns less their mean, over their deviation."""
    returns = np.diff(np.log(closes), axis=1)
    returns = returns[returns.std(axis=1) > 0]
    return (returns - returns.mean(axis=1, keepdims=True)) / returns.std(axis=1, keepdims=True)


def statistics(bars: Bars, mispricing: float) -> dict[str, float]:
    """The numbers of `STATISTICS`; all but the mispricing are NaN where no day has returns.

    Tail indices are of the returns of all days together, of losses and gains each of the largest 5 % of its side. The
    autocorrelation of absolute returns has mean and variance of all days and products inside one; that of returns, and
    the correlation with volume, are means over days.
    """
    z = z_scores(bars.closes)
    if not len(z):
        return {name: float("nan") for name in STATISTICS} | {"mispricing": mispricing}
    found = episode_statistics(bars.closes)
    traded = np.diff(np.log(bars.closes), axis=1).std(axis=1) > 0
    volumes = bars.volumes[traded, 1:]
    log_volumes = np.log(volumes, out=np.full_like(volumes, np.nan), where=volumes > 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # days whose bars all have one volume: a mean of nothing
        volume = float(np.nanmean(volume_correlation(z, log_volumes)))
    return {
        "hill": found["hill"],
        "hill_left": float(hill(z.ravel(), tail="left")),
        "hill_right": float(hill(z.ravel(), tail="right")),
        "kurtosis": found["kurtosis"],
        "acf_return": float(np.mean(autocorrelation(z, 1))),
        **{name: found[name] for name in ("acf_1", "acf_10", "acf_30", "decay")},
        "volume": volume,
        "mispricing": mispricing,
    }


def size_autocorrelation(z: np.ndarray, n_lags: int = LAGS) -> np.ndarray:
    """(n_lags,) autocorrelation of |z|, (n_days, n): mean and variance of all days, products inside one."""
    centred = np.abs(z) - np.abs(z).mean()
    products = [(centred[:, lag:] * centred[:, :-lag]).mean() for lag in range(1, min(n_lags, z.shape[1] - 1) + 1)]
    return np.array(products) / centred.var()
