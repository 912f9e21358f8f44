"""Rank correlations of many pairs of samples at once."""

from __future__ import annotations

import numpy as np

_CHUNK = 1 << 22  # pairs of pairs at a time, which bounds the memory


def spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Correlation of the ranks of x and y, (..., n) each, that broadcast; equals share their mean rank.

    NaN where one of the two has a single value only, or holds NaN.

    C. Spearman, "The proof and measurement of association between two things", American Journal of Psychology 15, 1904.
    """
    from scipy.stats import rankdata

    middle = (np.shape(x)[-1] + 1) / 2
    first, second = rankdata(x, axis=-1) - middle, rankdata(y, axis=-1) - middle
    return _ratio((first * second).sum(-1), (first**2).sum(-1) * (second**2).sum(-1))


def kendall(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Kendall's tau-b of x and y, (..., n) each, that broadcast.

    sum over pairs of sgn(x_i - x_j) sgn(y_i - y_j) / sqrt(pairs that differ in x * pairs that differ in y); NaN as in
    `spearman`. M. G. Kendall, "The treatment of ties in ranking problems", Biometrika 33, 1945.
    """
    x, y = np.broadcast_arrays(x, y)
    n = x.shape[-1]
    flat_x, flat_y = x.reshape(-1, n), y.reshape(-1, n)
    step = max(1, _CHUNK // n**2)
    parts = [_tau(flat_x[i : i + step], flat_y[i : i + step]) for i in range(0, len(flat_x), step)]
    return np.concatenate(parts).reshape(x.shape[:-1])[()]


def _tau(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    low, high = np.tril_indices(x.shape[-1], -1)
    first, second = np.sign(x[:, low] - x[:, high]), np.sign(y[:, low] - y[:, high])
    return _ratio((first * second).sum(-1), (first**2).sum(-1) * (second**2).sum(-1))


def _ratio(covariance: np.ndarray, square: np.ndarray) -> np.ndarray:
    known = square > 0  # false for NaN
    return np.where(known, covariance / np.sqrt(np.where(known, square, 1.0)), np.nan)[()]
