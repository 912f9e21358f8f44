"""The realism certificate: what `validate` found, as tables, sentences and plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from simcal.calibration.conditional import forecast_sentence
from simcal.calibration.judged_part import LABELS, MARKET, PartValidation, frame_of, records
from simcal.facts import FLOOR
from simcal.facts.copies import WINDOW

FACT_SHARE = 2 / 3  # of the facts should lie inside their bands
YARDSTICK = "gjr-garch-t"  # whose AUC should not be exceeded
MANY_WINDOWS = 50  # below, the intervals are too wide to tell models apart


@dataclass(frozen=True, eq=False)
class Validation:
    """How like the real series a market is: the realism certificate (a result of `simcal.validate`).

    Attributes
    ----------
    all_data, held_out
        The judgement on all the data, and on what the training did not see (None where that is too short or nothing was
        held out).
    data
        Name, n (prices) and sha256 of the series.
    settings
        The arguments that fix the result: train_share, n_samples, window, burn_in, seed, n_resamples, level.
    market
        The market as plain values.
    fits
        How the fit of each baseline ended.
    n_failed
        Samples of the market that hold numbers that are not usable; they count as outside.
    seconds
        Wall time.
    forecasts
        One-day forecasts of the held-out part, beside GARCH models, as `forecast_table` gives them; None where nothing
        was held out or the market has no exact likelihood.
    """

    all_data: PartValidation
    held_out: PartValidation | None
    data: Mapping[str, Any]
    settings: Mapping[str, Any]
    market: Mapping[str, Any] = field(repr=False)
    fits: Mapping[str, str] = field(repr=False)
    n_failed: int
    seconds: float
    forecasts: pd.DataFrame | None = field(default=None, repr=False)

    @property
    def parts(self) -> tuple[PartValidation, ...]:
        """All the data and, where there is one, the held-out part."""
        return (self.all_data,) if self.held_out is None else (self.all_data, self.held_out)

    def summary(self) -> pd.DataFrame:
        """A row per part of the data and model: facts inside, moment coverage, AUC."""
        frames = [part.summary().assign(data=part.name) for part in self.parts]
        whole = pd.concat(frames, ignore_index=True)
        return whole.reindex(columns=["data", *whole.columns.drop("data")])

    def tables(self, market: str = "the market") -> dict[str, pd.DataFrame]:
        """What a command prints, by title."""
        columns = ["label", "unit", "data", "low", "high", "simulated", "passes"]
        facts = self.all_data.fact_table().reindex(columns=columns)
        tables = {
            f"Facts of {market} beside {self.data['name']}, all data": facts,
            "How like the real series": self.summary(),
        }
        return tables if self.forecasts is None else tables | {"Forecasts of the next day, held-out": self.forecasts}

    @property
    def verdict(self) -> list[str]:
        """What the numbers say, good and bad, a sentence or two each."""
        return _sentences(self)

    @property
    def targets(self) -> dict[str, bool | None]:
        """Whether each target is met on all the data; None where it could not be measured."""
        return _targets(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``--json`` prints them and ``validation.json`` holds them."""
        return {
            "data": dict(self.data),
            "settings": dict(self.settings),
            "targets": self.targets,
            "verdict": self.verdict,
            "summary": self.summary().to_dict(orient="records"),
            "n_failed": self.n_failed,
            "fits": dict(self.fits),
            "all_data": self.all_data.to_dict(),
            "held_out": None if self.held_out is None else self.held_out.to_dict(),
            "forecasts": None if self.forecasts is None else records(self.forecasts.set_index("forecaster")),
            "market": dict(self.market),
            "seconds": self.seconds,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Validation:
        """What `to_dict` gave, also after a way through JSON."""
        held_out = values["held_out"]
        plain = {name: values[name] for name in ("data", "settings", "market", "fits", "n_failed", "seconds")}
        return cls(
            PartValidation.from_dict(values["all_data"]),
            None if held_out is None else PartValidation.from_dict(held_out),
            **plain,
            forecasts=None if (rows := values.get("forecasts")) is None else frame_of(rows, "forecaster").reset_index(),
        )


def _targets(validation: Validation) -> dict[str, bool | None]:
    """Whether each target is met on all the data; None where it could not be measured."""
    part = validation.all_data
    inside, banded = part.passed()
    ours, theirs = part.auc(MARKET), part.auc(YARDSTICK)
    no_worse = None
    if ours is not None and theirs is not None:
        no_worse = all(a <= b for a, b in zip(ours, theirs, strict=True))
    return {
        "two thirds of the facts inside their bands": inside >= FACT_SHARE * banded if banded else None,
        "AUC no worse than GJR-GARCH-t": no_worse,
    }


def _sentences(validation: Validation) -> list[str]:
    """Facts, ladder and moments on all the data and on the held-out part, as they came out."""
    part, held = validation.all_data, validation.held_out
    met = _targets(validation)
    said = [_facts(part, met["two thirds of the facts inside their bands"])]
    if held is not None:
        said.append(_facts(held, None))
    said.extend(_outside(part))
    said.extend(_ladder(part, met["AUC no worse than GJR-GARCH-t"]))
    if held is not None:
        said.extend(_ladder(held, None))
    if validation.forecasts is not None:
        said.append(forecast_sentence(validation.forecasts))
    said.extend(_copies(part))
    said.append(_moments(part))
    failed, n = validation.n_failed, validation.settings["n_samples"]
    said.append(
        f"All {n} simulated samples are finite and positive."
        if failed == 0
        else f"{failed} of {n} simulated samples hold numbers that are not usable; they were left out of medians and "
        "classifiers, and count as outside in the moment coverage."
    )
    troubled = {n: s for n, s in validation.fits.items() if s.startswith("not converged") or "none of its" in s}
    said.extend(f"The fit of {LABELS.get(n, n)}: {s}." for n, s in troubled.items())
    said.extend(note for p in validation.parts for note in p.notes)
    return said


def _facts(part: PartValidation, met: bool | None) -> str:
    inside, banded = part.passed()
    text = (
        f"On {_on(part)}, {inside} of {banded} facts ({percent(inside / max(banded, 1))}) lie inside their 95 % bands"
        + ("" if met is None else f"; the target of two thirds is {'met' if met else 'missed'}")
        + "."
    )
    others = [f"{LABELS.get(m, m)} {part.passed(m)[0]}" for m in part.facts if m != MARKET]
    return text + (f" For comparison: {', '.join(others)}." if others else "")


def _outside(part: PartValidation) -> list[str]:
    rows = part.fact_table().to_dict(orient="records")
    high = [str(row["label"]) for row in rows if row["simulated"] > row["high"]]
    low = [str(row["label"]) for row in rows if row["simulated"] < row["low"]]
    return [
        f"Too {word} on {_on(part)}: {'; '.join(names)}." for word, names in (("high", high), ("low", low)) if names
    ]


def _ladder(part: PartValidation, met: bool | None) -> list[str]:
    ours, theirs, floor = part.auc(MARKET), part.auc(YARDSTICK), part.auc(FLOOR)
    if ours is None or part.ladder is None:
        return []
    row = part.ladder.loc[MARKET]
    text = (
        f"On {_on(part)}, classifiers tell its windows from the {part.n_windows} real ones with an AUC of "
        f"{ours[0]:.2f} [{row['logistic_low']:.2f}, {row['logistic_high']:.2f}] (logistic regression) and "
        f"{ours[1]:.2f} [{row['forest_low']:.2f}, {row['forest_high']:.2f}] (random forest)"
    )
    if theirs is not None:
        text += f"; GJR-GARCH-t has {theirs[0]:.2f} and {theirs[1]:.2f} on the same windows"
    if met is not None:
        text += f": the target, no worse in both, is {'met' if met else 'missed'}"
    text += "."
    if floor is not None:
        text += f" Real windows against real ones give {floor[0]:.2f} and {floor[1]:.2f}."
    if part.n_windows < MANY_WINDOWS:
        half = (row["logistic_high"] - row["logistic_low"] + row["forest_high"] - row["forest_low"]) / 4
        text += (
            f" {part.n_windows} real windows are few: the intervals reach about {half:.2f} to either side, and smaller "
            "differences between models say little."
        )
    return [text]


def _copies(part: PartValidation) -> list[str]:
    share = part.copied.get(MARKET, float("nan"))
    if math.isnan(share):
        return []
    others = [f"{LABELS.get(m, m)} {percent(s)}" for m, s in part.copied.items() if m != MARKET]
    beside = f" ({', '.join(others)})" if others else ""
    return [f"{percent(share)} of its windows of {WINDOW} returns copy real ones{beside}; by chance 1 % do."]


def _moments(part: PartValidation) -> str:
    shares = {m: c.joint for m, c in part.coverage.items()}
    text = f"{percent(shares[MARKET])} of its samples have all nine Franke-Westerhoff moments inside the bands at once"
    others = [f"{LABELS.get(m, m)} {percent(share)}" for m, share in shares.items() if m != MARKET]
    return text + (f" ({', '.join(others)})." if others else ".")


def _on(part: PartValidation) -> str:
    return f"{spoken(part)} ({part.n_returns} returns)"


def spoken(part: PartValidation) -> str:
    """The part's name in a sentence."""
    return "the held-out part" if part.name == "held-out" else "all the data"


def percent(share: float) -> str:
    """A share in percent."""
    return f"{100 * share:.0f} %"
