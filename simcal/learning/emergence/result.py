"""What the experiment found: runs, bands over seeds, comparisons of arms, specialisation, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal.learning.emergence.bars import CLOCKS
from simcal.learning.emergence.comparison import band, compare_arms
from simcal.learning.emergence.distances import Distances
from simcal.learning.emergence.settings import ACTINGS, ARMS, EmergenceSettings
from simcal.learning.emergence.specialisation import BEHAVIOURS, THIRDS, TRAITS
from simcal.learning.emergence.statistics import STATISTICS
from simcal.learning.emergence.verdict import CLAIM, judge, sentences
from simcal.report.tables import format_number


@dataclass(frozen=True, eq=False)
class EmergenceResult:
    """The experiment as far as it has come.

    Main attributes
    ---------------
    settings : what was asked for.
    records : one per run that is done, as its folder holds it.
    folders : of those runs.
    missing : runs that are not done, because the time budget ended.

    Other attributes
    ----------------
    distances : to the real series of the settings; None without one.
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
            shown = (
                acting if any(view["acting"] == acting for view in record["views"]) else record["views"][0]["acting"]
            )
            view = next(v for v in record["views"] if v["acting"] == shown and v["clock"] == clock)
            why = record["collapsed"][shown]
            row = {"arm": record["arm"], "seed": record["seed"], "acting": shown, "collapsed": why}
            row["trading steps"] = record["trading_steps"][shown]
            row |= {name: np.nan if why or view[name] is None else view[name] for name in STATISTICS}
            if self.distances is not None:
                found = self.distances.runs.get((record["arm"], record["seed"], shown, clock), np.nan)
                row["distance"] = np.nan if why else found
            rows.append(row)
        return pd.DataFrame(rows)

    def bands(self, clock: str = CLOCKS[0], acting: str | None = None) -> pd.DataFrame:
        """A row per statistic and arm: mean over seeds, its 95 % interval, deviation, and the number of runs."""
        runs, rows = self.runs(clock, acting), []
        names = {**STATISTICS, **({"distance": "distance to the real series"} if "distance" in runs else {})}
        for name in names:
            for arm in ARMS:
                x = runs.loc[runs["arm"] == arm, name].dropna().to_numpy(float)
                mean, low, high = band(x)
                sd = float(x.std(ddof=1)) if len(x) > 1 else np.nan
                rows.append({"statistic": name, "arm": arm, "mean": mean, "low": low, "high": high, "sd": sd,
                             "runs": len(x)})  # fmt: skip
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
        """The claim part by part, see `simcal.learning.emergence.verdict.judge`."""
        return judge(self.runs(clock, acting), self.settings.level)

    @cached_property
    def verdict(self) -> list[str]:
        """Sentences: the claim, what the view of the settings says, and whether the other views say the same."""
        level = self.settings.level
        said = [CLAIM, *sentences(self.claim(), level)]
        main = said[1].partition(":")[0]
        if self.distances is None:
            said.append("Whether prices are nearer to real ones was not tested: no real series was given (--data).")
        for clock in CLOCKS:
            for acting in ACTINGS:
                if (clock, acting) != (CLOCKS[0], self.settings.acting):
                    other = sentences(self.claim(clock, acting), level)[0]
                    same = "the same" if other.partition(":")[0] == main else "another verdict"
                    said.append(f"In {_view(clock, acting)}, {same}. {other}")
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
            {"seed": record["seed"], **row}
            for record in self.records
            for row in record["specialisation"]
            if row["acting"] == self.settings.acting and not record["collapsed"][self.settings.acting]
        ]
        found = []
        for trait in TRAITS:
            for what in BEHAVIOURS:
                part = [row for row in rows if row["trait"] == trait and row["behaviour"] == what]
                if part:
                    values = np.array([row["correlation"] for row in part], float)
                    mean, low, high = band(values)
                    found.append({
                        "trait": trait, "behaviour": what, "correlation": mean, "low": low, "high": high,
                        "runs of one sign": int(max((values > 0).sum(), (values < 0).sum())), "runs": len(values),
                        **{third: float(np.mean([row[third] for row in part])) for third in THIRDS},
                    })  # fmt: skip
        return pd.DataFrame(found)

    def to_dict(self) -> dict[str, Any]:
        """Plain values: everything but the records."""
        views = [(clock, acting) for clock in CLOCKS for acting in ACTINGS]
        return {
            "settings": self.settings.to_dict(),
            "status": self.status,
            "verdict": self.verdict,
            "runs": [{"clock": c, **row} for c, a in views for row in self.runs(c, a).to_dict("records")],
            "bands": [{"clock": c, "view": a, **row} for c, a in views for row in self.bands(c, a).to_dict("records")],
            "comparisons": [
                {"clock": c, "view": a, **row} for c, a in views for row in self.comparisons(c, a).to_dict("records")
            ],
            "claim": [{"clock": c, "view": a, **row} for c, a in views for row in self.claim(c, a).to_dict("records")],
            "specialisation": self.specialisation.to_dict("records"),
        }


def _cell(row: Mapping[str, Any]) -> str:
    if not row["runs"]:
        return "no market"
    if row["runs"] == 1:
        return format_number(row["mean"])
    return f"{format_number(row['mean'])} [{format_number(row['low'])}, {format_number(row['high'])}]"


def _view(clock: str, acting: str) -> str:
    return f"{clock} with traders who {'do what the policy means' if acting == 'means' else 'act with noise'}"
