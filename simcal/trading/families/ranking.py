"""Whether places rank a family as held-out prices do, beside what time as short as theirs lets anybody see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from simcal.trading.bands import half_width
from simcal.trading.families.places import Place
from simcal.trading.records import Results, agreement, family_results, kendall, sharpe_ratio, spearman

RESAMPLES = 1000
STATISTICS = {"spearman": spearman, "kendall": kendall}


def results_of(places: Sequence[Place], names: Sequence[str], seed: int) -> Results:
    """Mean Sharpe ratios over the paths of all places together; of a single path its own, resampled in time."""
    sharpe = np.concatenate([place.sharpe for place in places], axis=1)
    if sharpe.shape[1] > 1:
        return family_results(
            sharpe, lambda x: x.mean(axis=-1), over="paths", names=names, n_resamples=RESAMPLES, seed=seed
        )
    return family_results(
        places[0].excess, lambda x: np.nan_to_num(sharpe_ratio(x, 1.0), nan=0.0), over="time", names=names,
        n_resamples=RESAMPLES, seed=seed,
    )  # fmt: skip


def agreement_table(
    places: Mapping[str, Sequence[Place]],
    held_out: Place,
    no_skill: Place,
    names: Sequence[str],
    *,
    level: float,
    seed: int,
) -> pd.DataFrame:
    """Rank correlations of each place with held-out prices.

    Parameters
    ----------
    places
        By name; several `Place` are taken as one. The first is what the others are compared with.
    held_out
        The family on the held-out prices, a single path.
    no_skill
        The family on paths without skill, see `without_skill`.

    Returns
    -------
    A row per place and statistic (``spearman``, ``kendall``) with the columns of `agreement` but ``n_strategies`` and

    ``p_no_skill``
        Of a value at least as high with prices on which no strategy earns anything. Unlike ``p_value`` it knows that
        some strategies are near copies.
    ``ceiling``, ``ceiling_low``, ``ceiling_high``
        Mean and quantiles over the place's own paths of the rank correlation of one path with all others: what the
        place would reach if held-out prices were a path of it. NaN for a single path.
    ``first_less_this``, ``first_less_this_low``, ``first_less_this_high``
        The first place's value less this one's, with a normal band of the bootstrap, both on the same resamples of the
        held-out time; NaN for the first itself.
    """
    theirs = results_of([held_out], names, seed)
    all_results = {name: results_of(parts, names, seed + 1 + i) for i, (name, parts) in enumerate(places.items())}
    first = next(iter(all_results.values()))
    rows = []
    for name, results in all_results.items():
        table = agreement(results, theirs, level=level, seed=seed)
        sharpe = np.concatenate([part.sharpe for part in places[name]], axis=1)
        for kind, statistic in STATISTICS.items():
            row = {"place": name, "statistic": kind, **table.loc[kind].drop("n_strategies")}
            lucky = statistic(results.values, no_skill.sharpe.T)
            known = lucky[np.isfinite(lucky)]
            above = (known >= row["value"] - 1e-12).sum()
            row["p_no_skill"] = (1 + above) / (1 + known.size) if np.isfinite(row["value"]) else np.nan
            row |= _ceiling(statistic, sharpe, level)
            own, others = statistic(first.values, theirs.values), statistic(results.values, theirs.values)
            sample = statistic(first.resamples, theirs.resamples) - statistic(results.resamples, theirs.resamples)
            half = half_width(float(np.nanstd(sample, ddof=1)), level)
            ahead = float(own - others) if results is not first else np.nan
            row |= {
                "first_less_this": ahead, "first_less_this_low": ahead - half, "first_less_this_high": ahead + half,
            }  # fmt: skip
            rows.append(row)
    return pd.DataFrame(rows).set_index(["place", "statistic"])


def _ceiling(statistic: Callable[..., np.ndarray], sharpe: np.ndarray, level: float) -> dict[str, float]:
    names = ("ceiling", "ceiling_low", "ceiling_high")
    n = sharpe.shape[1]
    if n < 3:
        return dict.fromkeys(names, np.nan)
    others = (sharpe.sum(axis=1, keepdims=True) - sharpe) / (n - 1)
    values = statistic(sharpe.T, others.T)
    known = values[np.isfinite(values)]
    if not known.size:
        return dict.fromkeys(names, np.nan)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return dict(zip(names, (float(known.mean()), float(low), float(high)), strict=True))
