"""Confidence intervals of shares, weighted shares and means."""

from statistics import NormalDist
from typing import Any

import numpy as np

from simcal.errors import ParameterError


def critical_value(level: float) -> float:
    """How many standard errors an interval of that level reaches to each side."""
    if not 0.0 < level < 1.0:
        raise ParameterError(f"The level of the intervals is {level}; it must lie strictly between 0 and 1: 0.95.")
    return NormalDist().inv_cdf(0.5 + level / 2)


def share_interval(count: Any, n: Any, level: float) -> tuple[Any, Any]:
    """Wilson's score interval of a share, for numbers or arrays; it holds the share."""
    from statsmodels.stats.proportion import proportion_confint

    critical_value(level)
    low, high = proportion_confint(count, n, alpha=1 - level, method="wilson")
    share = np.asarray(count) / np.asarray(n)
    return np.minimum(low, share), np.maximum(high, share)  # at 0 and 1 rounding puts an end on the wrong side


def weighted_share_interval(happened: np.ndarray, weights: np.ndarray, level: float) -> tuple[float, float, float]:
    """The weighted share of what happened, and its interval by linearisation: sum w d / sum w.

    The variance is sum w^2 (d - share)^2 / (sum w)^2, as for any ratio of two sums over independent requests.
    """
    total = float(np.sum(weights))
    share = float(np.sum(weights * happened)) / total
    reach = critical_value(level) * float(np.sqrt(np.sum((weights * (happened - share)) ** 2))) / total
    return share, max(share - reach, 0.0), min(share + reach, 1.0)


def mean_interval(values: np.ndarray, level: float) -> tuple[float, float, float]:
    """The mean of independent values and its interval; NaN ends where there are fewer than two."""
    mean = float(np.mean(values)) if values.size else float("nan")
    if values.size < 2:
        return mean, float("nan"), float("nan")
    reach = critical_value(level) * float(np.std(values, ddof=1)) / np.sqrt(values.size)
    return mean, mean - reach, mean + reach
