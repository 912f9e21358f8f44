"""The report of the experiment: ``report.html`` in its folder."""

from __future__ import annotations

import itertools
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal.book import size_autocorrelation
from simcal.learning.emergence.days import CLOCKS
from simcal.learning.emergence.experiment import load_result, returns_of, training_folder
from simcal.learning.emergence.figures import (
    plot_arms,
    plot_clustering,
    plot_policy,
    plot_specialisation,
    plot_tails_of_arms,
    policy_maps,
)
from simcal.learning.emergence.measures import BEHAVIOURS, STATISTICS, THIRDS, TRAITS
from simcal.learning.emergence.result import EmergenceResult
from simcal.learning.emergence.settings import ACTINGS, ARMS
from simcal.learning.trained import load_trained
from simcal.report import Picture, Section, Table, write_report

# Columns of comparisons, in words.
_NAMES = {"against": "against", "mean": "both", "other mean": "other", "delta": "Cliff's delta", "p": "p",
          "p_holm": "p, corrected"}  # fmt: skip
_WORDS = {"means": "do what the policy means", "noise": "act with noise"}


def write_emergence_report(folder: str | Path, result: EmergenceResult | None = None) -> Path:
    """Write ``report.html`` into the folder of an experiment; nothing is trained again.

    Raises
    ------
    ParameterError
        The folder is not that of an experiment with a run that is done.
    DataError
        A file of it cannot be read, or the report not written.
    """
    folder = Path(folder)
    result = load_result(folder) if result is None else result
    sections = [_verdict(result), _arms(result), *_statistics(result), _comparisons(result)]
    sections += _distances(result)
    sections += [_specialisation(result), *_policy(result), _runs(result), _method(result)]
    versions = ", ".join(f"{name} {version(name)}" for name in ("simcal", "numpy", "torch", "scipy"))
    return write_report(
        folder / "report.html",
        "Do realistic prices emerge from traders who learn?",
        sections,
        subtitle=result.settings.description,
        key_numbers=_key_numbers(result),
        provenance={"seeds": f"0 to {result.settings.seeds - 1}", "versions": versions},
    )


def _key_numbers(result: EmergenceResult) -> dict[str, Any]:
    claim = result.claim()
    found = claim["finding"]
    return {
        "claim": result.verdict[1].partition(" by these")[0].removeprefix("The claim is ").removesuffix(","),
        "comparisons confirmed": f"{list(found).count('confirmed')} of {len(found)}",
        "runs": f"{len(result.records)} of {len(result.records) + result.missing}",
        "runs without a market": result.collapsed,
        "decisions per training": f"{result.settings.ppo.iterations * result.settings.steps_per_update:,}",
    }


def _verdict(result: EmergenceResult) -> Section:
    claim = result.claim()
    names = {"part": "part", **_NAMES, "n": "runs", "m": "other runs", "finding": "finding"}
    shown = claim.loc[:, list(names)].rename(columns=names)
    caption = (
        f"In {CLOCKS[0]}, traders who learned {_WORDS[result.settings.acting]}. Confirmed: the claimed sign, Cliff's "
        f"delta of at least 0.33 in size, and p below {result.settings.level:g} after Holm's correction for these rows."
    )
    return Section("The claim", result.verdict, [Table(shown, caption)])


def _arms(result: EmergenceResult) -> Section:
    n = result.settings.learning_market.n_traders
    return Section("The arms", [
        f"both: {n} traders with risk aversion, noise and discount of their own learn one shared policy, which sees "
        "their traits. learning-only: the same, but all have the same traits. heterogeneity-only: traders by rule with "
        "constant absolute risk aversion, whose weights of value, trend and noise differ (the CARA-FCN traders of the "
        "source). neither: traders who are all alike and have not learned, with the weights that learning begins with.",
        "All arms trade in one exchange: the same sessions, tick, matching rule, and law of the fundamental value. The "
        "traders by rule have the endowments of their source, and choose volumes freely.",
        result.status,
    ])  # fmt: skip


def _statistics(result: EmergenceResult) -> list[Section]:
    acting = result.settings.acting
    prose = [
        "Returns are those of bars, z-scored day by day: each day's returns less their mean, over their deviation. "
        "This removes that days differ in volatility, so tails are those within days.",
        "In trade time every bar holds the same number of trades. The resampled day deals trades out along a U-shaped "
        f"curve of our own making ({result.settings.busyness:g} times as many in the first and last minute as at noon; "
        "no data stand behind it). The curve alone raises kurtosis and clustering, whatever the traders do; trade time "
        "says more about them.",
    ]
    tables = [
        Table(result.table(clock, a), f"{clock}, traders who learned {_WORDS[a]}: mean over seeds [95 % interval].")
        for clock in CLOCKS
        for a in sorted(ACTINGS, key=lambda a: a != acting)
    ]
    clustering: dict[str, dict[str, np.ndarray]] = {clock: {} for clock in CLOCKS}
    pooled: dict[str, dict[str, np.ndarray]] = {clock: {} for clock in CLOCKS}
    for clock, arm in itertools.product(CLOCKS, ARMS):
        z = _returns(result, arm, clock)
        clustering[clock][arm] = np.array([size_autocorrelation(x) for x in z])
        pooled[clock][arm] = np.concatenate([np.empty(0), *(x.ravel() for x in z)])
    figures = [
        Picture(plot_arms({clock: result.runs(clock) for clock in CLOCKS}), "A point is a run. Axes show the runs; "
                "intervals of few runs may reach beyond them."),
        Picture(plot_clustering(clustering), "Mean over runs; the band, from three runs on, is its 95 % interval."),
        Picture(plot_tails_of_arms(pooled), "All days of all runs of an arm together."),
    ]  # fmt: skip
    return [Section("Statistics on both clocks", prose, tables, figures)]


def _returns(result: EmergenceResult, arm: str, clock: str) -> list[np.ndarray]:
    runs = result.runs(clock)
    return [
        returns_of(folder, str(acting), clock)
        for folder, one, acting, why in zip(result.folders, runs["arm"], runs["acting"], runs["collapsed"], strict=True)
        if one == arm and not why
    ]


def _comparisons(result: EmergenceResult) -> Section:
    tables = []
    for clock in CLOCKS:
        found = result.comparisons(clock).replace({"statistic": STATISTICS}).loc[:, ["statistic", *_NAMES]]
        tables.append(Table(found.rename(columns=_NAMES), f"{clock}: the arm both against each other arm."))
    n_tests = len(STATISTICS) * (len(ARMS) - 1)
    prose = [
        "Mann and Whitney's two-sided test over seeds, exact where no values tie; Cliff's delta is the chance that a "
        "run of the arm both is above one of the other arm, less the chance that it is below. The last column is "
        f"corrected by Holm's method for the {n_tests} rows of its table; the two clocks look at the same runs and are "
        "not two pieces of evidence.",
    ]
    return Section("The arm both against the others", prose, tables)


def _distances(result: EmergenceResult) -> list[Section]:
    found = result.distances
    if found is None:
        return []
    prose = [
        f"Real prices: {found.name}, {found.n_days} {found.kind}, z-scored one by one. The distance is the sum, over "
        "three clouds of points (returns, the tail of their sizes, sizes now and later), of the squared 2-Wasserstein "
        "distance per dimension, between at most 1500 points of both. Two samples of one law are not at distance 0: "
        "the floor is the distance of real days from other real days at the same number of points.",
    ]
    if found.kind != "intraday days":
        prose.append("These are not intraday prices: a window of them stands for a day, and shapes are compared.")
    tables = [Table(pd.DataFrame(found.table(clock)), f"{clock}: medians over the runs of an arm.") for clock in CLOCKS]
    return [Section("Distance to real prices", prose, tables)]


def _specialisation(result: EmergenceResult) -> Section:
    table = result.specialisation
    if not len(table):
        return Section("Specialisation by trait", ["No run of the arm both has a market to measure."])
    named = {"trait": [TRAITS[x] for x in table["trait"]], "behaviour": [BEHAVIOURS[x] for x in table["behaviour"]]}
    shown = table.assign(**named)
    prose = [
        "Over traders and days of the arm both, with trade on: Spearman's rank correlation of a trait with a behaviour "
        "in each run, then mean and 95 % interval over seeds (Student's t). Thirds are medians over traders by the "
        "trait. Accuracy is the share of orders that buy below the fundamental value or sell above it.",
    ]
    tables = [
        Table(
            pd.DataFrame(shown[["trait", "behaviour", "correlation", "low", "high", "runs of one sign", "runs"]]),
            "Aggressiveness is minus the price action, from -1 (patient) to 1; size is the absolute volume action.",
        ),
        Table(
            pd.DataFrame(shown[["trait", "behaviour", *THIRDS]]),
            "Medians over thirds of the traders by the trait, mean over seeds.",
        ),
    ]
    return Section("Specialisation by trait", prose, tables, [Picture(plot_specialisation(table), "Arm both.")])


def _policy(result: EmergenceResult) -> list[Section]:
    for record, folder in zip(result.records, result.folders, strict=True):
        if record["arm"] == "both" and not record["collapsed"][result.settings.acting]:
            maps = policy_maps(load_trained(training_folder(folder)))
            caption = (
                f"Arm both, seed {record['seed']}. Features run from -1 to 1; of traits these are the 0.1 % and 99.9 % "
                "quantiles. The base state: mean traits, half invested, few shares, no return, a price at the value."
            )
            return [Section("The policy", [], [], [Picture(plot_policy(maps), caption)])]
    return []


def _runs(result: EmergenceResult) -> Section:
    rows = []
    for record in result.records:
        for acting, why in record["collapsed"].items():
            share = record["one_sided"].get(acting)
            rows.append({
                "arm": record["arm"], "seed": record["seed"], "acting": acting,
                "trading steps a day": record["trading_steps"][acting], "no market because": why or "-",
                "steps with an empty side": "n/a" if share is None else f"{share:.1%}",
                "training (s)": record["training_seconds"],
            })  # fmt: skip
    prose = ["Runs without a market count nowhere in the statistics; they are found by rule: more than 95 % of the "
             "orders on one side, or trade in less than 2.5 % of the steps."]  # fmt: skip
    return Section("Every run", prose, [Table(pd.DataFrame(rows))])


def _method(result: EmergenceResult) -> Section:
    s = result.settings
    return Section("How it was done", [
        f"Market {s.market}, traders by rule {s.rules}; {s.seeds} seeds; {s.ppo.iterations} updates of "
        f"{s.ppo.episodes} episodes each; {s.days} days measured per run, of episodes that no training has seen; "
        f"{sum(s.bars)} bars a day.",
        "A day has volatility of the fundamental value drawn anew, from 0 to its highest. Traders act by what the "
        "policy means or with the noise that they learned with; before the first session always with noise. Where a "
        "side of the book is empty the last trade's price stands for the mid.",
    ])  # fmt: skip
