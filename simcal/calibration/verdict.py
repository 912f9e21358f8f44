"""The certificate in words: which targets are met, and what else a reader should know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simcal.calibration.certificate import LABELS, MARKET
from simcal.facts import FLOOR

if TYPE_CHECKING:
    from simcal.calibration.certificate import PartValidation, Validation

FACT_SHARE = 2 / 3  # of the facts should lie inside their bands
YARDSTICK = "gjr-garch-t"  # whose AUC should not be exceeded
MANY_WINDOWS = 50  # below, the intervals are too wide to tell models apart


def targets(validation: Validation) -> dict[str, bool | None]:
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


def sentences(validation: Validation) -> list[str]:
    """Facts, ladder and moments on all the data and on the held-out part, as they came out."""
    part, held = validation.all_data, validation.held_out
    met = targets(validation)
    said = [_facts(part, met["two thirds of the facts inside their bands"])]
    if held is not None:
        said.append(_facts(held, None))
    said.extend(_outside(part))
    said.extend(_ladder(part, met["AUC no worse than GJR-GARCH-t"]))
    if held is not None:
        said.extend(_ladder(held, None))
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
