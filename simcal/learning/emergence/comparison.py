"""Two arms set beside each other over their seeds: effect size, a rank test, and a correction for many of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu, t


def cliffs_delta(first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray) -> float:
    """P(x > y) - P(x < y) for x of the first and y of the second sample; from -1 to 1, NaN where one is empty.

    Source: Cliff, "Dominance statistics", Psychological Bulletin 114 (1993) 494-509.
    """
    x, y = np.asarray(first, float)[:, None], np.asarray(second, float)[None, :]
    return float(np.mean(np.sign(x - y))) if x.size and y.size else float("nan")


def rank_test(first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray) -> float:
    """Two-sided p-value of Mann and Whitney's test, exact without ties; NaN where a sample is empty."""
    if not len(first) or not len(second):
        return float("nan")
    return float(mannwhitneyu(first, second, alternative="two-sided").pvalue)


def holm(p: Sequence[float] | np.ndarray) -> np.ndarray:
    """p-values that keep the chance of any false finding among them; NaN are no tests, and stay.

    Source: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
    (1979) 65-70.
    """
    p = np.asarray(p, float)
    found, known = np.full(p.shape, np.nan), np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    found[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1.0)
    return found


def smallest_p(n: int, m: int) -> float:
    """The smallest p-value that the rank test of samples of n and m can give."""
    return 2.0 / comb(n + m, n)


def band(values: Sequence[float] | np.ndarray, level: float = 0.95) -> tuple[float, float, float]:
    """Mean over seeds with its interval by Student's t; the interval is NaN below two values."""
    x = np.asarray(values, float)
    x = x[np.isfinite(x)]
    if not len(x):
        return float("nan"), float("nan"), float("nan")
    half = t.ppf(0.5 + level / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x)) if len(x) > 1 else float("nan")
    return float(x.mean()), float(x.mean() - half), float(x.mean() + half)


def compare_arms(runs: pd.DataFrame, first: str, others: Sequence[str], statistics: Sequence[str]) -> pd.DataFrame:
    """One arm against others: a row per statistic and other arm.

    Parameters
    ----------
    runs
        A row per run, columns ``arm`` and the statistics; values that are missing do not count.

    Returns
    -------
    Columns: statistic, against, n, m, mean, other mean, delta (Cliff's), p (of the rank test) and p_holm (corrected for
    all the rows).
    """
    rows = []
    for name in statistics:
        values = {arm: runs.loc[runs["arm"] == arm, name].dropna().to_numpy(float) for arm in (first, *others)}
        x = values[first]
        for other in others:
            y = values[other]
            rows.append({
                "statistic": name, "against": other, "n": len(x), "m": len(y),
                "mean": x.mean() if len(x) else np.nan, "other mean": y.mean() if len(y) else np.nan,
                "delta": cliffs_delta(x, y), "p": rank_test(x, y),
            })  # fmt: skip
    found = pd.DataFrame(rows)
    found["p_holm"] = holm(found["p"].to_numpy(float))
    return found
