"""A market and its baselines against one part of a series: facts, classifiers, moments, copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from simcal.facts import FLOOR, MomentCoverage

MARKET = "market"

#: how models are called in tables and figures
LABELS = {
    MARKET: "this market",
    "gjr-garch-t": "GJR-GARCH-t",
    "garch-t": "GARCH-t",
    "block-bootstrap": "block bootstrap",
    "iid-bootstrap": "iid bootstrap",
    "gaussian": "iid Gaussian",
    FLOOR: FLOOR,
}


@dataclass(frozen=True, eq=False)
class PartValidation:
    """The market and the baselines against one part of the data.

    Attributes
    ----------
    name
        "all data" or "held-out".
    first, last
        First and last date (or position) of the part, as text.
    n_returns, n_windows
        Its size, and the windows that the classifiers saw.
    bands
        Indexed by fact: label, number, unit, data, low, high.
    facts
        For each model, indexed by fact: simulated (median over samples), simulated_low, simulated_high (5 and 95 %
        quantiles), passes (missing where the data have no band), undefined.
    coverage
        For each model, the share of its samples whose nine Franke-Westerhoff moments lie in the bands.
    ladder
        As `facts.ladder`, indexed by model, the floor first where there are windows enough; None without any.
    notes
        Sentences on what could not be done.
    copied
        For each model, the share of its windows that are copies of real ones, see `facts.copied_share`.
    """

    name: str
    first: str
    last: str
    n_returns: int
    n_windows: int
    bands: pd.DataFrame = field(repr=False)
    facts: Mapping[str, pd.DataFrame] = field(repr=False)
    coverage: Mapping[str, MomentCoverage] = field(repr=False)
    ladder: pd.DataFrame | None = field(repr=False)
    notes: tuple[str, ...] = ()
    copied: Mapping[str, float] = field(default_factory=dict, repr=False)

    def fact_table(self, model: str = MARKET) -> pd.DataFrame:
        """Every fact of a model beside the data's, as `facts.compare` gives it."""
        return self.bands.join(self.facts[model])

    def passed(self, model: str = MARKET) -> tuple[int, int]:
        """How many facts lie inside their band, and how many have one."""
        known = [bool(p) for p in self.facts[model]["passes"] if not pd.isna(p)]
        return sum(known), len(known)

    def auc(self, model: str) -> tuple[float, float] | None:
        """AUC of the logistic regression and of the forest; None where no classifier was trained."""
        if self.ladder is None or model not in self.ladder.index:
            return None
        row = self.ladder.loc[model]
        both = float(row["logistic_auc"]), float(row["forest_auc"])
        return both if both == both else None

    def summary(self) -> pd.DataFrame:
        """A row per model: facts inside their bands, moment coverage, AUC of both classifiers, windows copied."""
        rows = []
        for model in self.facts:
            inside, banded = self.passed(model)
            logistic, forest = self.auc(model) or (float("nan"), float("nan"))
            joint = self.coverage[model].joint
            copied = self.copied.get(model, float("nan"))
            rows.append((LABELS.get(model, model), f"{inside} of {banded}", joint, logistic, forest, copied))
        columns = ["model", "facts inside", "moment coverage", "AUC, logistic regression", "AUC, random forest",
                   "windows copied"]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; `from_dict` takes them back."""
        return {
            **{name: getattr(self, name) for name in ("name", "first", "last", "n_returns", "n_windows")},
            "passed": {model: list(self.passed(model)) for model in self.facts},
            "bands": records(self.bands),
            "facts": {model: records(frame) for model, frame in self.facts.items()},
            "coverage": {model: coverage.to_dict() for model, coverage in self.coverage.items()},
            "ladder": None if self.ladder is None else records(self.ladder),
            "notes": list(self.notes),
            "copied": dict(self.copied),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PartValidation:
        """What `to_dict` gave; null becomes missing."""
        facts = {}
        for model, rows in values["facts"].items():
            frame = frame_of(rows, "fact")
            frame["passes"] = frame["passes"].astype("boolean")
            facts[model] = frame
        coverage = {
            model: MomentCoverage(c["joint"], pd.Series(c["each"], name="coverage"), c["n_paths"], c["n_skipped"])
            for model, c in values["coverage"].items()
        }
        ladder = None if values["ladder"] is None else frame_of(values["ladder"], "series")
        plain = {name: values[name] for name in ("name", "first", "last", "n_returns", "n_windows")}
        return cls(
            **plain, bands=frame_of(values["bands"], "fact"), facts=facts, coverage=coverage, ladder=ladder,
            notes=tuple(values["notes"]), copied=values.get("copied", {}),
        )  # fmt: skip


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Plain rows of a table, its index among them; what is missing is None."""
    rows = frame.reset_index().astype(object)
    return rows.where(rows.notna(), None).to_dict(orient="records")


def frame_of(rows: list[dict[str, Any]], index: str) -> pd.DataFrame:
    """The table that `records` made plain."""
    frame = pd.DataFrame(rows).set_index(index)
    numbers = frame.columns.difference(["label", "unit", "passes"])
    frame[numbers] = frame[numbers].apply(pd.to_numeric)
    return frame
