"""What the experiment found: runs, bands over seeds, comparisons of arms, specialisation, and the verdict by a rule."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal.learning.emergence.days import CLOCKS
from simcal.learning.emergence.measures import BEHAVIOURS, STATISTICS, THIRDS, TRAITS, band, compare_arms, smallest_p
from simcal.learning.emergence.settings import ACTINGS, ARMS, EmergenceSettings
from simcal.learning.emergence.transport import Distances
from simcal.report.tables import format_number

CLAIM = (
    "The claim of arXiv 2511.05207: traders who are heterogeneous and learn make fat tails and a slowly decaying "
    "autocorrelation of absolute returns, more like real prices than those who only learn, and than those who are only "
    "heterogeneous."
)
RIVALS = ("learning-only", "heterogeneity-only")
PARTS = {"hill": (-1, "fatter tails"), "acf_10": (1, "slower decay of volatility")}
"""Statistic, the sign of the difference that the claim means, and words: tail index lower, autocorrelation higher."""
CLOSENESS = {"distance": (-1, "prices nearer to the real ones")}
"""Tested too where there is a real series."""
LARGE_ENOUGH = 0.33
"""The smallest size of Cliff's delta that counts, a medium effect in the usual reading (0.15, 0.33, 0.47)."""


def judge(runs: pd.DataFrame, level: float = 0.05) -> pd.DataFrame:
    """The claim part by part: a row per part and rival, with a finding.

    A part is "confirmed" against a rival where the difference has the claimed sign, the p-value is below `level` after
    Holm's correction for all rows, and Cliff's delta is at least `LARGE_ENOUGH` in size; "contradicted" where that
    holds for the other sign; else "not established".

    Parameters
    ----------
    runs
        A row per run of one view: arm, the statistics of `PARTS`, and ``distance`` where there is a real series.

    Returns
    -------
    The columns of `compare_arms`, with part (in words) and finding.
    """
    parts = {**PARTS, **(CLOSENESS if "distance" in runs else {})}
    table = compare_arms(runs, "both", RIVALS, list(parts))
    claimed = np.array([parts[name][0] for name in table["statistic"]])
    clear = (table["p_holm"] < level).to_numpy() & (table["delta"].abs() >= LARGE_ENOUGH).to_numpy()
    sign = np.sign(table["delta"].to_numpy()) * claimed
    table["finding"] = np.where(
        clear & (sign > 0), "confirmed", np.where(clear & (sign < 0), "contradicted", "not established")
    )
    table.insert(0, "part", [parts[name][1] for name in table["statistic"]])
    return table


def sentences(table: pd.DataFrame, level: float = 0.05) -> list[str]:
    """The verdict first, then a sentence per row of `judge`, then what the number of seeds allows."""
    found = list(table["finding"])
    if found.count("confirmed") == len(found):
        first = f"The claim is confirmed by these runs: all {len(table)} of its comparisons hold."
    else:
        counts = [f"{n} of {len(table)} {words}" for words in ("confirmed", "contradicted", "not established")
                  if (n := found.count(words))]  # fmt: skip
        word = "not confirmed"
        if "contradicted" in found:
            word = "not confirmed, and in part contradicted," if "confirmed" in found else "contradicted"
        first = f"The claim is {word} by these runs: of its comparisons {', '.join(counts)}."
    told = [first, *(_sentence(row) for row in table.to_dict("records"))]
    pairs = [(int(n), int(m)) for n, m in zip(table["n"], table["m"], strict=True) if n and m]
    if pairs:
        least = min(smallest_p(n, m) for n, m in pairs)
        if least * len(table) >= level:
            told.append(
                f"With so few runs no comparison could have been clear: the smallest p-value that the test can give is "
                f"{least:.2g}, before the correction for {len(table)} comparisons."
            )
    return told


_SHORT = {"hill": "tail index", "acf_10": "autocorrelation of |returns| at lag 10", "distance": "distance"}


def _sentence(row: dict[str, Any]) -> str:
    said = f"{row['part'][0].upper()}{row['part'][1:]} than {row['against']}: {row['finding']}"
    if not row["n"] or not row["m"]:
        return f"{said}, since one of the arms has no market to measure."
    return (
        f"{said} ({_SHORT[row['statistic']]} {row['mean']:.3g} against {row['other mean']:.3g}; Cliff's delta "
        f"{row['delta']:+.2f}, p = {row['p']:.2g}, corrected {row['p_holm']:.2g}; {row['n']} and {row['m']} runs)."
    )


@dataclass(frozen=True, eq=False)
class EmergenceResult:
    """The experiment as far as it has come.

    Attributes
    ----------
    settings
        What was asked for.
    records, folders
        One per run that is done, as its folder holds it.
    missing
        Runs that are not done, because the time budget ended.
    distances
        To the real series of the settings; None without one.
    """

    settings: EmergenceSettings
    records: Sequence[Mapping[str, Any]]
    folders: Sequence[Path]
    missing: int = 0
    distances: Distances | None = field(default=None, repr=False)

    def runs(self, clock: str = CLOCKS[0], acting: str | None = None) -> pd.DataFrame:
        """A row per run, of one view; runs without a market, and those collapsed, have no statistics.

        Parameters
        ----------
        clock
            "trade time" or "resampled day".
        acting
            Of traders who learned, "means" or "noise"; that of the settings when absent. Those who did not are what
            they are.
        """
        acting = self.settings.acting if acting is None else acting
        rows = []
        for record in self.records:
            shown = acting if acting in record["collapsed"] else next(iter(record["collapsed"]))
            view = next(v for v in record["views"] if v["acting"] == shown and v["clock"] == clock)
            why, steps = record["collapsed"][shown], record["trading_steps"][shown]
            row = {"arm": record["arm"], "seed": record["seed"], "acting": shown, "collapsed": why,
                   "trading steps": steps}  # fmt: skip
            row |= {name: np.nan if why or view[name] is None else view[name] for name in STATISTICS}
            if self.distances is not None:
                found = self.distances.runs.get((record["arm"], record["seed"], shown, clock), np.nan)
                row["distance"] = np.nan if why else found
            rows.append(row)
        return pd.DataFrame(rows)

    def bands(self, clock: str = CLOCKS[0], acting: str | None = None) -> pd.DataFrame:
        """A row per statistic and arm: mean over seeds, its 95 % interval, deviation, and the number of runs."""
        runs, rows = self.runs(clock, acting), []
        names = [name for name in (*STATISTICS, "distance") if name in runs]
        for name, arm in itertools.product(names, ARMS):
            x = runs.loc[runs["arm"] == arm, name].dropna().to_numpy(float)
            mean, low, high = band(x)
            rows.append({"statistic": name, "arm": arm, "mean": mean, "low": low, "high": high,
                         "sd": float(x.std(ddof=1)) if len(x) > 1 else np.nan, "runs": len(x)})  # fmt: skip
        return pd.DataFrame(rows)

    def table(self, clock: str = CLOCKS[0], acting: str | None = None) -> pd.DataFrame:
        """The bands as people read them: a row per statistic, a column per arm, "mean [low, high]"."""
        bands, rows = self.bands(clock, acting), []
        for name, part in bands.groupby("statistic", sort=False):
            words = STATISTICS.get(str(name), "distance to the real series")
            cells = {str(row["arm"]): _cell(row) for row in part.to_dict("records")}
            rows.append({"statistic": words, **cells})
        return pd.DataFrame(rows)

    def comparisons(self, clock: str = CLOCKS[0], acting: str | None = None) -> pd.DataFrame:
        """The arm "both" against each other arm in every statistic, see `compare_arms`."""
        return compare_arms(self.runs(clock, acting), "both", ARMS[1:], list(STATISTICS))

    def claim(self, clock: str = CLOCKS[0], acting: str | None = None) -> pd.DataFrame:
        """The claim part by part, see `simcal.learning.emergence.result.judge`."""
        return judge(self.runs(clock, acting), self.settings.level)

    @cached_property
    def verdict(self) -> list[str]:
        """Sentences: the claim, what the view of the settings says, and whether the other views say the same."""
        level = self.settings.level
        said = [CLAIM, *sentences(self.claim(), level)]
        main = said[1].partition(":")[0]
        if self.distances is None:
            said.append("Whether prices are nearer to real ones was not tested: no real series was given (--data).")
        for clock, acting in itertools.product(CLOCKS, ACTINGS):
            if (clock, acting) != (CLOCKS[0], self.settings.acting):
                other = sentences(self.claim(clock, acting), level)[0]
                same = "the same" if other.partition(":")[0] == main else "another verdict"
                who = "do what the policy means" if acting == "means" else "act with noise"
                said.append(f"In {clock} with traders who {who}, {same}. {other}")
        return said

    @property
    def status(self) -> str:
        """How far it has come, and which runs have no market."""
        done, lost = len(self.records), self.collapsed
        said = f"{done} of {done + self.missing} runs are done."
        if self.missing:
            said += " The time budget ended; the same command goes on."
        return f"{said} {lost} of them have no market and are left out of the statistics." if lost else said

    @property
    def collapsed(self) -> int:
        """Runs without a market, in the view of the settings."""
        return sum(why != "" for why in self.runs()["collapsed"]) if self.records else 0

    @cached_property
    def specialisation(self) -> pd.DataFrame:
        """A row per trait and behaviour of the arm "both": rank correlation with its interval over seeds, thirds."""
        rows = [
            row
            for record in self.records
            for row in record["specialisation"]
            if row["acting"] == self.settings.acting and not record["collapsed"][self.settings.acting]
        ]
        found = []
        for trait, what in itertools.product(TRAITS, BEHAVIOURS):
            part = pd.DataFrame([row for row in rows if (row["trait"], row["behaviour"]) == (trait, what)])
            if len(part):
                values = part["correlation"].to_numpy(float)
                mean, low, high = band(values)
                found.append({
                    "trait": trait, "behaviour": what, "correlation": mean, "low": low, "high": high,
                    "runs of one sign": int(max((values > 0).sum(), (values < 0).sum())), "runs": len(values),
                    **{third: float(np.mean(part[third].to_numpy())) for third in THIRDS},
                })  # fmt: skip
        return pd.DataFrame(found)

    def to_dict(self) -> dict[str, Any]:
        """Plain values: everything but the records."""
        views = list(itertools.product(CLOCKS, ACTINGS))
        tables = {"bands": self.bands, "comparisons": self.comparisons, "claim": self.claim}
        return {
            "settings": self.settings.to_dict(),
            "status": self.status,
            "verdict": self.verdict,
            "runs": [{"clock": c, **row} for c, a in views for row in self.runs(c, a).to_dict("records")],
            **{name: [{"clock": c, "view": a, **row} for c, a in views for row in table(c, a).to_dict("records")]
               for name, table in tables.items()},
            "specialisation": self.specialisation.to_dict("records"),
        }  # fmt: skip


def _cell(row: Mapping[str, Any]) -> str:
    if not row["runs"]:
        return "no market"
    if row["runs"] == 1:
        return format_number(row["mean"])
    return f"{format_number(row['mean'])} [{format_number(row['low'])}, {format_number(row['high'])}]"
