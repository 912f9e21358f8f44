"""What is measured of a run's days, whether traders specialise by trait, and arms set beside each other over seeds.

Returns are z-scored day by day, which removes that days differ in volatility, in real pooled returns a part of the fat
tails: what is left is what happens within a day.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import comb

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu, rankdata, t

from simcal.book import episode_statistics, z_scores
from simcal.facts import autocorrelation, hill, volume_correlation
from simcal.learning.emergence.days import Bars
from simcal.learning.evaluate import Episodes

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


TRAITS = {"risk_aversion": "risk aversion", "discount": "discount", "noise": "noise in the value"}
BEHAVIOURS = {
    "invested": "invested share",
    "aggressiveness": "aggressiveness of prices",
    "size": "size of orders",
    "accuracy": "share of orders on the right side of the value",
    "profit": "change of wealth over the day",
}
THIRDS = ("lowest third", "middle third", "highest third")


def behaviour(episodes: Episodes) -> pd.DataFrame:
    """A row per trader and day who decided with trade on: traits, and means over those decisions.

    Aggressiveness is minus the price that she chose, from -1 (patient) to 1 (through the mid); size is the absolute
    volume, from 0 to 1; an order is on the right side where it buys below the fundamental value or sells above it; the
    change of wealth is relative to that at the start, shares at the close at the fundamental value.
    """
    seen = episodes.decisions["step"].to_numpy() >= episodes.market.first_trade
    decisions = {str(name): column.to_numpy()[seen] for name, column in episodes.decisions.items()}
    day, step, volume = decisions["episode"], decisions["step"], decisions["volume"]
    gap = np.log(episodes.values[day, step] / episodes.mids[day, step])
    rows = pd.DataFrame({
        "episode": day,
        "trader": decisions["trader"],
        "invested": decisions["invested"],
        "aggressiveness": -decisions["price"],
        "size": np.abs(volume),
        "accuracy": (np.sign(volume) == np.sign(gap)).astype(float),
    })  # fmt: skip
    accounts = episodes.accounts
    accounts = pd.DataFrame({name: accounts[name] for name in ("episode", "trader", *TRAITS, "start", "end")})
    means = pd.DataFrame(rows.groupby(["episode", "trader"], as_index=False).mean())
    found = means.merge(accounts[accounts["start"] > 0], on=["episode", "trader"])
    found["profit"] = found["end"] / found["start"] - 1.0
    return found.drop(columns=["start", "end"])


def specialisation(table: pd.DataFrame) -> pd.DataFrame:
    """A row per trait and behaviour: Spearman's rank correlation, and medians over thirds of the traders by the trait.

    Parameters
    ----------
    table
        See `behaviour`. Traits in which all traders are alike are left out.
    """
    rows = []
    for trait in TRAITS:
        x = table[trait].to_numpy()
        if np.ptp(x) == 0:
            continue
        ranks = rankdata(x)
        third = np.minimum((3 * (ranks - 0.5) / len(x)).astype(int), 2)
        for what in BEHAVIOURS:
            y = table[what].to_numpy()
            correlation = np.corrcoef(ranks, rankdata(y))[0, 1] if np.ptp(y) > 0 else np.nan
            # Medians, since the invested share of somebody with hardly any wealth can be any number.
            middles = [float(np.median(y[third == k])) for k in range(3)]
            rows.append({"trait": trait, "behaviour": what, "correlation": float(correlation),
                         **dict(zip(THIRDS, middles, strict=True))})  # fmt: skip
    return pd.DataFrame(rows, columns=["trait", "behaviour", "correlation", *THIRDS])


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
    found, known = np.full(p.shape, np.nan), np.isfinite(p)
    order = np.argsort(p[known], kind="stable")
    steps = np.maximum.accumulate(p[known][order] * np.arange(known.sum(), 0, -1))
    # Not that of statsmodels, which collects garbage at every call: seconds in a large process.
    found[np.flatnonzero(known)[order]] = np.minimum(steps, 1.0)
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
