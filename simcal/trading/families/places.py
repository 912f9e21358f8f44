"""What a family reached in a place, path by path; its tables; and whether places rank it as held-out prices do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import NumericalError
from simcal.trading.bands import Noise, half_width, share_interval
from simcal.trading.orders import Strategy, Terms, play
from simcal.trading.orders.bench import record_of
from simcal.trading.records import (
    Results,
    agreement,
    deflate,
    distribution,
    family_results,
    over_markets,
    overfitting,
    path_measures,
    sharpe_ratio,
)
from simcal.trading.records.agreement import STATISTICS

BLOCKS = 10  # of the cross-validation: 252 splits
RESAMPLES = 1000
CHUNK = 32_000_000  # strategies x paths x steps in memory at a time
MEASURES = (
    "annualised_return", "volatility", "sharpe", "sortino", "max_drawdown_share", "longest_underwater", "calmar",
    "turnover", "deflated",
)  # fmt: skip
SURE = 0.95  # deflated Sharpe ratio above which selection alone hardly explains the best


@dataclass(frozen=True, eq=False)
class FamilyPlace:
    """What a family reached in one place.

    Parameters
    ----------
    name
        Of the place.
    tables
        A frame of `path_measures` per strategy, with the columns ``path`` and ``deflated`` (its deflated Sharpe ratio
        among the family's on that path).
    sharpe
        (n_strategies, n_paths) a year; 0 for a strategy that does not trade.
    luck
        A row per path: ``path``, the columns of `overfitting`, ``best`` (row of the strategy with the highest Sharpe
        ratio), its ``sharpe`` and its ``deflated`` Sharpe ratio.
    excess
        (n_strategies, n_steps) returns of the first path, for bootstraps over time.
    n_failed
        Paths left out.
    """

    name: str
    tables: list[pd.DataFrame]
    sharpe: np.ndarray
    luck: pd.DataFrame
    excess: np.ndarray
    n_failed: int = 0


def place_of(
    name: str,
    strategies: Sequence[Strategy],
    market: Any,
    noise: Noise,
    terms: Terms,
    *,
    frozen: bool,
    periods_per_year: float,
    risk_level: float,
) -> FamilyPlace:
    """Play each strategy alone on the same paths, on the terms of one, and measure.

    `NumericalError` where no path is usable with all of them. Frozen prices do not notice the strategy.
    """
    n = len(strategies)
    tables: list[list[pd.DataFrame]] = [[] for _ in strategies]
    luck, first, n_failed = [], None, 0
    for part in noise.chunks(max(CHUNK // (n * noise.n_steps), 1)):
        excess, good = np.empty((n, part.n_paths, noise.n_steps)), np.ones(part.n_paths, bool)
        frames = []
        for j, strategy in enumerate(strategies):
            played = play([strategy], market, part, terms, frozen=frozen)
            record = record_of(played, 0, periods_per_year)
            excess[j], good = record.excess, good & (played.failed == 0)
            frames.append(path_measures(record, risk_level).assign(path=played.numbers))
        n_failed += int((~good).sum())
        numbers = frames[0]["path"].to_numpy()[good]
        rows, deflated = _luck(excess[:, good], numbers)
        luck.append(rows)
        for j, frame in enumerate(frames):
            tables[j].append(frame[good].assign(deflated=deflated[j]))
        if first is None and good.any():
            first = excess[:, good][:, 0].copy()
    if first is None:
        raise NumericalError(f"No path of {name} has a usable price to its end; give a smaller size, or fewer steps.")
    joined = [pd.concat(parts, ignore_index=True) for parts in tables]
    sharpe = np.nan_to_num(np.stack([t["sharpe"].to_numpy(float) for t in joined]), nan=0.0)
    return FamilyPlace(name, joined, sharpe, pd.concat(luck, ignore_index=True), first, n_failed)


def _luck(excess: np.ndarray, numbers: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """A row per path on the choice of the best strategy, and deflated Sharpe ratios (n_strategies, n_paths)."""
    n, n_paths, n_steps = excess.shape
    columns = ["path", "pbo", "loss", "slope", "mean_rank", "best", "sharpe", "deflated"]
    if not n_paths:
        return pd.DataFrame(columns=columns, dtype=float), np.empty((n, 0))
    tried = [deflate(excess[:, k]) for k in range(n_paths)]
    steps = np.stack([t["sharpe"].to_numpy(float) for t in tried], axis=1)
    deflated = np.stack([t["deflated"].to_numpy(float) for t in tried], axis=1)
    rows = pd.DataFrame({"path": numbers})
    blocks = min(BLOCKS, n_steps // 4 * 2)
    if blocks >= 2:
        rows = rows.assign(**overfitting(excess.transpose(1, 0, 2), n_blocks=blocks))
    best = np.where(np.isnan(steps), -np.inf, steps).argmax(axis=0)
    at = (best, np.arange(n_paths))
    return rows.assign(best=best, sharpe=steps[at], deflated=deflated[at]).reindex(columns=columns), deflated


def results_of(places: Sequence[FamilyPlace], names: Sequence[str], seed: int) -> Results:
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
    places: Mapping[str, Sequence[FamilyPlace]],
    held_out: FamilyPlace,
    no_skill: FamilyPlace,
    names: Sequence[str],
    *,
    level: float,
    seed: int,
) -> pd.DataFrame:
    """Rank correlations of each place with held-out prices.

    Parameters
    ----------
    places
        By name; several places are taken as one. The first is what the others are compared with.
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


def measures_of(places: Sequence[FamilyPlace], names: Sequence[str], level: float) -> pd.DataFrame:
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
    places: Mapping[str, Sequence[FamilyPlace]], names: Sequence[str], level: float, seed: int
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
    measures: pd.DataFrame, names: Sequence[str], places: pd.DataFrame, single: Mapping[str, FamilyPlace]
) -> pd.DataFrame:  # fmt: skip
    """A row per strategy, the best in the market first, from the tables of `measures_of` and `places_table`.

    Each place of a single path, by column (``held_out`` and the like), adds its Sharpe ratio a year and its band over
    time, and ``held_out_deflated``.
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
    places: Mapping[str, Sequence[FamilyPlace]], names: Sequence[str], held_out: FamilyPlace | None, level: float
) -> pd.DataFrame:
    """What the choice of the best strategy is worth, a row per place.

    Columns: ``pbo`` with its normal band ``pbo_low``, ``pbo_high``, the mean over paths of the probability of backtest
    overfitting; ``best``, the strategy with the highest mean Sharpe ratio, ``best_sharpe`` (a year, here) and
    ``best_held_out``; ``deflated``, the mean over paths of the deflated Sharpe ratio of each path's best strategy, and
    ``sure`` with ``sure_low``, ``sure_high``, the share of paths on which it is above 0.95; ``n_paths``. Bands are NaN
    for a single path.
    """
    rows = {}
    for name, parts in places.items():
        luck = pd.concat([part.luck for part in parts], ignore_index=True)
        mean = np.concatenate([part.sharpe for part in parts], axis=1).mean(axis=1)
        best, n = int(mean.argmax()), len(luck)
        pbo = luck["pbo"].to_numpy(float)
        half = half_width(pbo.std(ddof=1) / np.sqrt(n), level) if n > 1 else np.nan
        sure = int(np.sum(luck["deflated"].to_numpy(float) > SURE))
        ends = share_interval(sure, n if n > 1 else 0, level)
        rows[name] = {
            "pbo": float(pbo.mean()), "pbo_low": float(pbo.mean() - half), "pbo_high": float(pbo.mean() + half),
            "best": names[best], "best_sharpe": float(mean[best]),
            "best_held_out": np.nan if held_out is None else float(held_out.sharpe[best, 0]),
            "deflated": float(np.mean(luck["deflated"].to_numpy(float))), "sure": sure / n, "sure_low": ends[0],
            "sure_high": ends[1], "n_paths": n,
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("place")
