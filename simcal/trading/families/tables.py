"""The tables of a family: a row per strategy, a row per place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from simcal.intervals import share_interval
from simcal.trading.bands import half_width
from simcal.trading.families.places import Place
from simcal.trading.families.ranking import results_of
from simcal.trading.records import distribution, over_markets

MEASURES = (
    "annualised_return", "volatility", "sharpe", "sortino", "max_drawdown_share", "longest_underwater", "calmar",
    "turnover", "deflated",
)  # fmt: skip
SURE = 0.95  # deflated Sharpe ratio above which selection alone hardly explains the best


def measures_of(places: Sequence[Place], names: Sequence[str], level: float) -> pd.DataFrame:
    """The columns of `over_markets`, a row per strategy and measure; each place is a market.

    With one market ``low`` and ``high`` are the normal band of its mean over paths and ``standard_error`` that of it.
    """
    frames = {}
    for j, name in enumerate(names):
        tables = {place.name: place.tables[j].loc[:, list(MEASURES)] for place in places}
        frame = over_markets(tables, level=level)
        if len(places) == 1:
            one = distribution(places[0].tables[j].loc[:, list(MEASURES)], level=level)
            frame[["standard_error", "low", "high"]] = one[["standard_error", "low", "high"]]
        frames[name] = frame
    return pd.concat(frames, names=["strategy", "measure"])


def places_table(
    places: Mapping[str, Sequence[Place]], names: Sequence[str], level: float, seed: int
) -> pd.DataFrame:  # fmt: skip
    """Mean Sharpe ratio a year and its band, a row per place and strategy: over paths, of a single path over time."""
    rows = {}
    for place, parts in places.items():
        sharpe = np.concatenate([part.sharpe for part in parts], axis=1)
        value = sharpe.mean(axis=1)
        if sharpe.shape[1] > 1:
            error = sharpe.std(axis=1, ddof=1) / np.sqrt(sharpe.shape[1])
        else:  # the resamples are of a step's ratio
            results = results_of(parts, names, seed)
            known = results.values != 0
            per_year = np.where(known, value / np.where(known, results.values, 1.0), 0.0)
            error = results.resamples.std(axis=0, ddof=1) * per_year
        half = half_width(error, level)
        frame = {"sharpe": value, "low": value - half, "high": value + half}
        rows[place] = pd.DataFrame(frame, index=pd.Index(names, name="strategy"))
    return pd.concat(rows, names=["place", "strategy"])


def strategies_table(
    measures: pd.DataFrame, names: Sequence[str], places: pd.DataFrame, single: Mapping[str, Place]
) -> pd.DataFrame:  # fmt: skip
    """A row per strategy, the best in the market first.

    Parameters
    ----------
    measures
        Of `measures_of`.
    places
        Of `places_table`.
    single
        Places of a single path, by column: ``held_out`` and the like; each adds its Sharpe ratio a year and its band
        over time, and ``held_out_deflated``.
    """
    rows = {}
    for j, name in enumerate(names):
        of = measures.loc[name]
        sharpe, fall = of.loc["sharpe"], of.loc["max_drawdown_share"]
        row: dict[str, Any] = {
            "sharpe": sharpe["mean"], "low": sharpe["low"], "high": sharpe["high"],
            "path_low": sharpe["q0.025"], "path_high": sharpe["q0.975"],
            "within": sharpe["within"], "between": sharpe["between"], "below_zero": sharpe["below_zero"],
            "max_drawdown": fall["mean"], "max_drawdown_high": fall["q0.975"],
            "turnover": of.at["turnover", "mean"], "deflated": of.at["deflated", "mean"],
        }  # fmt: skip
        for column, place in single.items():
            seen = places.loc[(place.name, name)]
            row |= {column: seen["sharpe"], f"{column}_low": seen["low"], f"{column}_high": seen["high"]}
            row[f"{column}_deflated"] = place.tables[j].at[0, "deflated"]
            row[f"{column}_max_drawdown"] = place.tables[j].at[0, "max_drawdown_share"]
        rows[name] = row
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("strategy")
    return table.sort_values("sharpe", ascending=False, kind="stable")


def selection_table(
    places: Mapping[str, Sequence[Place]], names: Sequence[str], held_out: Place | None, level: float
) -> pd.DataFrame:
    """What the choice of the best strategy is worth, a row per place.

    Columns
    -------
    pbo, pbo_low, pbo_high
        Probability of backtest overfitting, the mean over paths, with its normal band (NaN for a single path).
    best
        The strategy with the highest mean Sharpe ratio.
    best_sharpe, best_held_out
        Its mean Sharpe ratio a year here, and its Sharpe ratio on held-out prices.
    deflated, sure, sure_low, sure_high
        Mean over paths of the deflated Sharpe ratio of each path's best strategy, and the share of paths on which it is
        above 0.95, with its band.
    n_paths
        Paths.
    """
    rows = {}
    for name, parts in places.items():
        luck = pd.concat([part.luck for part in parts], ignore_index=True)
        mean = np.concatenate([part.sharpe for part in parts], axis=1).mean(axis=1)
        best, n = int(mean.argmax()), len(luck)
        pbo = luck["pbo"].to_numpy(float)
        half = half_width(pbo.std(ddof=1) / np.sqrt(n), level) if n > 1 else np.nan
        sure = int(np.sum(luck["deflated"].to_numpy(float) > SURE))
        ends = share_interval(sure, n, level) if n > 1 else (np.nan, np.nan)
        rows[name] = {
            "pbo": float(pbo.mean()), "pbo_low": float(pbo.mean() - half), "pbo_high": float(pbo.mean() + half),
            "best": names[best], "best_sharpe": float(mean[best]),
            "best_held_out": np.nan if held_out is None else float(held_out.sharpe[best, 0]),
            "deflated": float(np.mean(luck["deflated"].to_numpy(float))), "sure": sure / n, "sure_low": float(ends[0]),
            "sure_high": float(ends[1]), "n_paths": n,
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("place")
