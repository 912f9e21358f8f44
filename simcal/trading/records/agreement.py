"""Whether two places, such as a calibrated market and held-out prices, rank a family of strategies alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Literal

import numpy as np
import pandas as pd

from simcal.errors import ParameterError
from simcal.facts import block_indices
from simcal.trading.bands import check_level

EXACT = 7  # strategies up to which all orders are gone through: 5040
_CHUNK = 1 << 22  # pairs of pairs at a time, which bounds the memory

Statistic = Callable[[np.ndarray], np.ndarray]


def spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Correlation of the ranks of x and y, (..., n) each, that broadcast; equals share their mean rank.

    NaN where one of the two has a single value only, or holds NaN.

    C. Spearman, "The proof and measurement of association between two things", American Journal of Psychology 15, 1904.
    """
    from scipy.stats import rankdata

    middle = (np.shape(x)[-1] + 1) / 2
    first, second = rankdata(x, axis=-1) - middle, rankdata(y, axis=-1) - middle
    return _correlation((first * second).sum(-1), (first**2).sum(-1) * (second**2).sum(-1))


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
    return _correlation((first * second).sum(-1), (first**2).sum(-1) * (second**2).sum(-1))


def _correlation(covariance: np.ndarray, square: np.ndarray) -> np.ndarray:
    known = square > 0  # false for NaN
    return np.where(known, covariance / np.sqrt(np.where(known, square, 1.0)), np.nan)[()]


STATISTICS = {"spearman": spearman, "kendall": kendall}
"""Rank correlations by name."""


@dataclass(frozen=True, eq=False)
class Results:
    """What each strategy of a family reached in one place, and what it would have in resamples of that place.

    Parameters
    ----------
    values
        (n_strategies,)
    resamples
        (n_resamples, n_strategies); a resample is of the same steps, or paths, for all strategies.
    names
        Of the strategies.
    """

    values: np.ndarray
    resamples: np.ndarray
    names: tuple[str, ...]


def family_results(
    values: Any,
    statistic: Statistic,
    *,
    over: Literal["paths", "time"],
    names: Sequence[str] | None = None,
    block: int | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
) -> Results:
    """Results of a family of strategies in one place, with resamples of its paths or of its time.

    Parameters
    ----------
    values
        Over "paths": a number per path, (n_strategies, n_paths), such as the P&L of each path. Over "time": a number
        per step of one path, (n_strategies, n_steps), such as its returns. All strategies on the same paths or steps.
    statistic
        From (..., n) to (...,): the result of a strategy, such as the mean, or a `sharpe_ratio` over time.
    over
        Paths are resampled one by one (they are independent), time by circular blocks.
    names
        Of the strategies; numbers by default.
    block
        Steps in a block; the cube root of the steps times two by default. Longer than the memory of the P&L.
    n_resamples, seed
        Of the bootstrap.

    Raises
    ------
    ParameterError
        For values that are not finite, fewer than 3 strategies, fewer than 2 paths or steps, names that do not fit.
    """
    array = np.asarray(values, float)
    if array.ndim != 2 or len(array) < 3 or array.shape[1] < 2 or not np.isfinite(array).all():
        raise ParameterError(
            f"The values have shape {array.shape}, but must be finite numbers, (n_strategies, n_{over}), of at least 3 "
            "strategies and 2 numbers each."
        )
    if over not in ("paths", "time") or (over == "paths" and block is not None):
        raise ParameterError(f"over is {over!r}, but must be 'paths', without a block, or 'time'.")
    n = array.shape[1]
    length = 1 if over == "paths" else min(round(2 * n ** (1 / 3)), n) if block is None else block
    labels = tuple(str(name) for name in (range(len(array)) if names is None else names))
    if len(set(labels)) != len(array):
        raise ParameterError(f"{len(set(labels))} different names were given for {len(array)} strategies.")
    generator = np.random.default_rng(seed)
    # One resample at a time: all of them would be n_resamples times the values.
    drawn = (block_indices(n, length, 1, generator)[0] for _ in range(n_resamples))
    resamples = np.array([statistic(array[:, indices]) for indices in drawn], float)
    return Results(np.asarray(statistic(array), float), resamples.reshape(-1, len(array)), labels)


def agreement(
    first: Results,
    second: Results,
    *,
    level: float = 0.95,
    n_permutations: int = 9999,
    seed: int = 0,
) -> pd.DataFrame:
    """Rank correlations of the results of a family in two places, with interval and p-value.

    Parameters
    ----------
    first, second
        By `family_results`; the same strategies in the same order, as many resamples.
    level
        Of the interval.
    n_permutations, seed
        Of the p-value; up to 7 strategies all orders are gone through instead.

    Returns
    -------
    A row for ``spearman`` and one for ``kendall`` (tau-b), with the columns

    ``value``
        Of the results; NaN where one place gives all strategies the same.
    ``standard_error``, ``low``, ``high``
        Of the bootstrap, both places resampled. The interval spans that of the quantiles and their reflection at the
        value (the percentile and the basic interval), since noise weakens rank correlations.
    ``attenuation``
        Value less the bootstrap's mean: by about as much the value itself lies below the rank correlation of results
        without noise. Where the noise of a result is as large as the differences between strategies it lies lower
        still, and so does the interval: take more paths, or more time.
    ``p_value``
        Of a value at least as high if each order of the second place's results were as likely: the strategies are
        exchangeable. Strategies that are near copies of each other are not, and it is too small for them.
    ``n_strategies``, ``undefined``
        Number of strategies; resamples without a rank correlation, which are left out.

    Raises
    ------
    ParameterError
        For other strategies in the second place than in the first.
    """
    check_level("level", level)
    if first.names != second.names:
        raise ParameterError(
            f"The first place has the strategies {', '.join(first.names)}, the second {', '.join(second.names)}; give "
            "the same in the same order."
        )
    if len(first.resamples) != len(second.resamples):
        raise ParameterError(
            f"The places have {len(first.resamples)} and {len(second.resamples)} resamples; give as many of both."
        )
    rows = {}
    for name, statistic in STATISTICS.items():
        value = float(statistic(first.values, second.values))
        sample = statistic(first.resamples, second.resamples)
        known = sample[np.isfinite(sample)]
        enough = known.size > 1
        low, high = _interval(value, known, level) if enough else (np.nan, np.nan)
        rows[name] = {
            "value": value, "standard_error": known.std(ddof=1) if enough else np.nan, "low": low, "high": high,
            "attenuation": value - known.mean() if enough else np.nan,
            "p_value": _p_value(statistic, first.values, second.values, n_permutations, seed),
            "n_strategies": len(first.values), "undefined": sample.size - known.size,
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("name")


def _interval(value: float, sample: np.ndarray, level: float) -> tuple[float, float]:
    low, high = np.quantile(sample, [(1 - level) / 2, (1 + level) / 2])
    return max(min(low, 2 * value - high), -1.0), min(max(high, 2 * value - low), 1.0)


def _p_value(
    statistic: Callable[[np.ndarray, np.ndarray], np.ndarray], x: np.ndarray, y: np.ndarray, n: int, seed: int
) -> float:
    """Share of the orders of y with at least the value seen; of drawn ones, the order seen counts as one of them."""
    value = float(statistic(x, y))
    if not np.isfinite(value):
        return float("nan")
    bar = value - 1e-12  # equal values differ by rounding
    if len(y) <= EXACT:
        orders = np.array(list(permutations(range(len(y)))))
        return float((statistic(x, y[orders]) >= bar).mean())
    orders = np.random.default_rng(seed).permuted(np.tile(np.arange(len(y)), (n, 1)), axis=1)
    return float((1 + (statistic(x, y[orders]) >= bar).sum()) / (1 + n))
