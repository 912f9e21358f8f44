"""The report of an experiment with requests: `report.html`, made of what lies in its folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from simcal.calibration.requests.experiment_result import RequestExperimentResult, load_request_experiment
from simcal.calibration.requests.report import METHODS, identification_section
from simcal.calibration.requests.result import true_values
from simcal.calibration.runs import read_manifest
from simcal.report import Picture, Section, Table, plot_losses, plot_parameters, write_report
from simcal.report.request_fit import plot_estimates


def write_request_experiment_report(folder: str | Path, result: RequestExperimentResult | None = None) -> Path:
    """Write ``report.html`` into the folder of an experiment with requests; nothing is estimated again.

    Raises
    ------
    DataError
        The folder is not that of a finished experiment.
    """
    manifest = read_manifest(folder)
    result = load_request_experiment(folder) if result is None else result
    settings = result.recipe.requests
    assert settings is not None
    assert settings.experiment is not None
    sections = [Section("What came out", [result.status]), _setting(result), _errors(result)]
    if result.identification is not None:
        sections.append(identification_section(result.identification, settings.experiment.n_requests))
    if len(result.history):
        sections.append(_training(result))
    sections.append(_replications(result))
    versions = ", ".join(f"{name} {number}" for name, number in manifest["versions"].items())
    return write_report(
        Path(folder) / "report.html",
        "A dealer market found again from its own requests",
        sections,
        subtitle=f"Recipe {result.recipe.name}: {result.recipe.description}",
        key_numbers={
            f"{method}: largest RMSE / s.e.; seconds a table": f"{rows['RMSE / s.e.'].max():.2f}; "
            f"{rows['seconds'].iloc[0]:.1f}"
            for method, rows in result.summary.groupby("method", sort=False)
        },
        provenance={"seed": result.recipe.seed, "versions": versions},
    )


def _truth(result: RequestExperimentResult) -> dict[str, float]:
    names = result.recipe.trainable
    return dict(zip(names, map(float, true_values(result.truth, names)), strict=True))


def _setting(result: RequestExperimentResult) -> Section:
    settings = result.recipe.requests
    assert settings is not None
    assert settings.experiment is not None
    values = ", ".join(f"{name} = {value:g}" for name, value in _truth(result).items())
    seen = "all quotes" if settings.view == "platform" else "one dealer's own history: " + ", ".join(settings.told)
    methods = pd.DataFrame([(m, METHODS[m]) for m in result.methods], columns=["method", "what it does"])
    prose = [
        f"The true market has {values}. In each of {len(result.fits)} replications it makes "
        f"{settings.experiment.n_requests} requests; seen is {seen}.",
        "All methods begin where the own quotes lie, with normal shapes, and know nothing of the truth.",
    ]
    return Section("The experiment", prose, [Table(methods)])


def _errors(result: RequestExperimentResult) -> Section:
    prose = [
        "RMSE is the root mean square error over the replications, s.e. the method's own standard error (mean over the "
        f"replications); their ratio is one for an honest method, but over {len(result.fits)} replications it is "
        "measured only roughly.",
    ]
    if result.identification is not None:
        prose.append(
            "RMSE / own view divides by the smallest standard error that one dealer's statuses and covers allow."
        )
    names = {"mean estimate": "mean", "standard error": "s.e.", "largest error (s.e.)": "largest / s.e."}
    shown = result.summary.drop(columns="seconds").rename(columns=names)
    figure = plot_estimates(result.estimates, truth=_truth(result), title="Every estimate with its 95 % interval")
    return Section(
        "Errors", prose, [Table(shown, "A row per method and parameter; the largest error in standard errors.")],
        [Picture(figure, "A point per replication.")],
    )  # fmt: skip


def _training(result: RequestExperimentResult) -> Section:
    history = result.history.rename(columns={"replication": "start"})
    figures = [
        Picture(
            plot_parameters(history, list(result.recipe.trainable), truth=_truth(result)),
            "A line per replication (there called start).",
        ),
        Picture(plot_losses(history, unit="units of the critic"), "Means over the replications with their range."),
    ]
    return Section("Training of the adversarial method", [], [], figures)


def _replications(result: RequestExperimentResult) -> Section:
    table = result.estimates.loc[
        :, ["replication", "method", "parameter", "estimate", "standard error", "truth", "error", "seconds"]
    ]
    return Section("Every estimate", ["Errors are in standard errors."], [Table(table)])
