"""The report of a run: `report.html`, made of what lies in the run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simcal.calibration.certificate import MARKET, Validation
from simcal.calibration.report_realism import realism_sections
from simcal.calibration.report_training import overview_section, parameter_section, training_section
from simcal.calibration.result import Run, read_run, write_validation
from simcal.calibration.verdict import YARDSTICK, percent
from simcal.data import PriceSeries
from simcal.report import Section, write_report


def write_run_report(
    folder: str | Path, validation: Validation | None = None, *, series: PriceSeries | None = None
) -> Path:
    """Write ``report.html`` (and ``validation.json``, where a validation is given) into a run folder.

    Everything comes from the folder; nothing is trained again, and the samples in the figures are those that were
    judged, simulated once more. Without a validation, given or in the folder, the report has no certificate.

    Parameters
    ----------
    folder
        Of a finished run.
    validation
        The certificate of its market.
    series
        The data, where they have no name or have moved.

    Raises
    ------
    DataError
        The folder is not that of a finished run, or its data have changed.
    """
    if validation is not None:
        write_validation(folder, validation)
    run = read_run(folder, series)
    pictures, *realism = realism_sections(run)
    sections = [_verdict_section(run), overview_section(run), pictures, parameter_section(run)]
    sections += [*realism, training_section(run)]
    return write_report(
        Path(folder) / "report.html",
        f"A market calibrated to {run.series.name}",
        sections,
        subtitle=f"Recipe {run.recipe.name}: {run.recipe.description}" if run.recipe.description else "",
        key_numbers=_key_numbers(run),
        provenance=_provenance(run),
    )


def _verdict_section(run: Run) -> Section:
    if run.validation is None:
        said = [f"The market has not been judged. `simcal validate {run.folder}` does that and writes it here."]
    else:
        said = run.validation.verdict
    if run.skipped_steps:
        said = [
            *said,
            f"{run.skipped_steps} training steps gave numbers that are not finite and were skipped; the table of the "
            "starts says where.",
        ]
    return Section("What came out", said)


def _key_numbers(run: Run) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    if run.validation is not None:
        part, held = run.validation.all_data, run.validation.held_out
        numbers["facts inside their 95 % bands"] = "{} of {}".format(*part.passed())
        if held is not None:
            numbers["the same on the held-out part"] = "{} of {}".format(*held.passed())
        for model, label in ((MARKET, "AUC of both classifiers"), (YARDSTICK, "the same for GJR-GARCH-t")):
            auc = part.auc(model)
            if auc is not None:
                numbers[label] = f"{auc[0]:.2f} / {auc[1]:.2f}"
        numbers["all nine moments inside"] = f"{percent(part.coverage[MARKET].joint)} of samples"
        for name, met in run.validation.targets.items():
            if met is not None:
                numbers[f"target: {name}"] = met
    numbers["trained parameters"] = len(run.parameters())
    numbers["training time"] = f"{run.manifest['seconds']:.0f} s"
    return numbers


def _provenance(run: Run) -> dict[str, Any]:
    lines = {
        "data": f"{run.series.name}, {run.series.n} prices, sha256 {run.manifest['data']['sha256']}",
        "seed of the training": run.manifest["seed"],
    }
    if run.validation is not None:
        s = run.validation.settings
        lines["validation"] = (
            f"{s['n_samples']} samples after {s['burn_in']} steps, bands from {s['n_resamples']} resamples, windows of "
            f"{s['window']}, seed {s['seed']}, {run.validation.seconds:.0f} s"
        )
    versions = run.manifest["versions"]
    return lines | {"versions": ", ".join(f"{name} {number}" for name, number in versions.items())}
