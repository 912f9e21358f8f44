"""Reports of calibrations to requests, and of experiments with them: one HTML file, nothing is estimated again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal.calibration.runs import read_manifest
from simcal.calibration.statistics import statistics
from simcal.report import Picture, Section, Table, plot_losses, plot_parameters, write_report
from simcal.rfq.estimators.calibration import RfqCalibration, read_rfq_run, training_requests
from simcal.rfq.estimators.estimate import disagreements, estimates_table, true_values
from simcal.rfq.estimators.information import ACCEPTANCE_AND_GAP, COVERS, HISTORY, PLATFORM, identification
from simcal.rfq.estimators.likelihood import NAMES
from simcal.rfq.estimators.sample import Sample, sample_of
from simcal.rfq.experiment import RfqExperiment, load_rfq_experiment
from simcal.rfq.figures_fit import plot_ends_fit, plot_estimates, plot_identification
from simcal.rfq.market import RfqMarket
from simcal.rfq.resimulate import resimulated
from simcal.rfq.table import Requests
from simcal.rfq.validate import ALL, HELD_OUT

METHODS = {
    "likelihood": "the probability of what the table shows of each request, given the own quote, as high as possible",
    "moments": "means of outcomes and gaps, times functions of the own quote, equal to their expectations",
    "adversarial": "a simulator of the market against a discriminator that tells its requests from the real ones",
}
_BINS, _SAMPLES = 12, 100
_SHORT = {ACCEPTANCE_AND_GAP: "rate, gap", COVERS: "+ covers", HISTORY: "+ ranks, prices", PLATFORM: "all quotes"}


# -- of a calibration -----------------------------------------------------------------------------------------------


def write_rfq_report(folder: str | Path, *, requests: Requests | None = None) -> Path:
    """Write ``report.html`` into the folder of a calibration to requests; nothing is estimated again.

    Raises
    ------
    DataError
        The folder is not that of a finished run, or its data have changed.
    """
    run = read_rfq_run(folder, requests)
    sections = [_came_out(run, folder), _setting(run), _estimates(run), _fit(run)]
    if not run.market.vector("inventory_skew").any() and run.market.tick == 0:
        n = training_requests(run.requests, run.recipe).n
        sections.append(_identification(identification(run.market, n), n))
    if len(run.starts):
        sections.append(_training(run))
    numbers: dict[str, Any] = {"method of the market": run.chosen}
    if run.validation is not None:
        names = {ALL: "facts inside their 95 % bands", HELD_OUT: "the same on the held-out part"}
        for part in run.validation.parts:
            numbers[names[part]] = "{} of {}".format(*run.validation.passed(part))
    numbers |= {fit.method: f"{fit.seconds:.1f} s" for fit in run.fits}
    data = f"{run.requests.name}, {run.requests.n} requests, sha256 {run.requests.sha256}"
    return write_report(
        Path(folder) / "report.html",
        f"A dealer market calibrated to {run.requests.name}",
        [*sections, _market(run.market)],
        subtitle=f"Recipe {run.recipe.name}: {run.recipe.description}" if run.recipe.description else "",
        key_numbers=numbers,
        provenance={"data": data, "seed": run.recipe.seed, "versions": _versions(folder)},
    )


def _versions(folder: str | Path) -> str:
    return ", ".join(f"{name} {number}" for name, number in read_manifest(folder)["versions"].items())


def _truth(truth: RfqMarket | None, names: tuple[str, ...]) -> dict[str, float] | None:
    return None if truth is None else dict(zip(names, map(float, true_values(truth, names)), strict=True))


def _came_out(run: RfqCalibration, folder: str | Path) -> Section:
    said = [f"The market has the estimates of the method {run.chosen}."]
    said += [f"{f.method.capitalize()}: {f.status}" for f in run.fits]
    said += disagreements(run.fits, run.chosen)
    if run.validation is None:
        said.append(f"The market has not been judged. `simcal validate {folder}` does that and writes it here.")
    else:
        said += run.validation.verdict
    return Section("What came out", said)


def _setting(run: RfqCalibration) -> Section:
    table = run.requests
    seen = (
        "all quotes, as a platform sees them" if run.recipe.requests.view == "platform" else "one dealer's own history"
    )
    used = training_requests(table, run.recipe).n
    prose = [
        f"{table.name} holds {table.n} requests; the first {used} were calibrated to. Seen was {seen}.",
        "Prices are reduced: distances from the composite mid in half spreads, on the dealer's side, so that a margin "
        "is what a dealer earns. A client trades with the lowest reduced quote if it lies below her own value. Her "
        "value and the rivals' quotes follow exponential power laws, each with mean, scale and shape (1: Laplace, 2: "
        "normal).",
    ]
    ended = pd.DataFrame(list(table.summary()["statuses"].items()), columns=["status", "requests"])
    methods = pd.DataFrame(
        [(f.method, METHODS[f.method], f.seconds) for f in run.fits], columns=["method", "what it does", "seconds"]
    )
    return Section("What was calibrated to what", prose, [Table(ended, "How the requests ended."), Table(methods)])


def _estimates(run: RfqCalibration) -> Section:
    table = run.estimates.drop(columns="seconds")
    truth = _truth(run.truth, tuple(dict.fromkeys(table["parameter"])))
    caption = "Estimates with their standard errors"
    if truth is not None:
        caption += "; the market that made the table is known, and errors are in standard errors"
    units = {name: spec.unit for name, spec in run.market.SPECS.items() if spec.unit}
    mine = (
        estimates_table((run.own.law,)).drop(columns=["method", "seconds"]).rename(columns={"parameter": "own dealer"})
    )
    said = "The own dealer's quotes are all seen; their law was fitted by likelihood, by itself"
    said += f", with its lean against its inventory, {run.own.skew:.3g} half spreads a unit." if run.own.skew else "."
    return Section(
        "Client and rivals", [said], [Table(table, caption + "."), Table(mine, "The own dealer, who is dealer 0.")],
        [Picture(plot_estimates(table, truth=truth, units=units),
                 "Where the intervals of the methods overlap, they agree on what the table says.")],
    )  # fmt: skip


def _fit(run: RfqCalibration) -> Section:
    sample = sample_of(run.requests, view="own")
    judged = {} if run.validation is None else run.validation.parts
    where = {ALL: "All the data", HELD_OUT: "The held-out part"}
    tables = [Table(t.reset_index(), f"{where[name]}: facts beside their 95 % bands.") for name, t in judged.items()]
    if not sample.outcome_known.all():
        return Section("Fit", ["The table does not tell whether lost requests were traded elsewhere."], tables)
    caption = (
        "The same requests with the same own quotes were simulated from the calibrated market; points should lie in "
        "the bands. Where they do not, client or rivals behave otherwise than the market says."
    )
    return Section("Fit", [], tables, [Picture(plot_ends_fit(ends_fit(run.market, sample)), caption)])


def ends_fit(market: RfqMarket, sample: Sample, *, seed: int = 1) -> pd.DataFrame:
    """Shares done, traded away and not traded by own margin: of the data, and the 95 % band of simulated ones."""
    edges = np.quantile(sample.margin, np.arange(1, _BINS) / _BINS)
    place = np.searchsorted(edges, sample.margin, side="right")
    count = np.maximum(np.bincount(place, minlength=_BINS), 1)
    margin = np.bincount(place, sample.margin, minlength=_BINS) / count

    def shares(of: Sample) -> np.ndarray:
        ends = (of.done, of.away, ~(of.done | of.away))
        return np.stack([np.bincount(place, end, minlength=_BINS) / count for end in ends])

    low, high = np.quantile([shares(s) for s in resimulated(market, sample, _SAMPLES, seed)], [0.025, 0.975], axis=0)
    real = shares(sample)
    frames = [
        pd.DataFrame({"end": name, "margin": margin, "data": real[k], "low": low[k], "high": high[k]})
        for k, name in enumerate(("done", "traded away", "not traded"))
    ]
    return pd.concat(frames, ignore_index=True)


def _identification(table: pd.DataFrame, n_requests: int) -> Section:
    """Which data identify which parameters."""
    prose = [
        f"Standard errors that {n_requests} requests of this market would give at best, by what is seen of them. "
        "Acceptance rate and mean gap are two numbers: the information in them has rank two, and cannot tell six "
        "parameters, whatever the method. Statuses tell them because the own quotes differ from request to request."
    ]
    turned = table.astype(object).set_index("what is seen").T.rename_axis("").reset_index()
    turned.columns = [_SHORT.get(str(column), str(column)) for column in turned.columns]
    caption = "Rank and condition of the information (scaled to a unit diagonal), then the standard errors."
    figure = plot_identification(table, NAMES)
    return Section(
        "What can be told from which data", prose, [Table(turned, caption)],
        [Picture(figure, "Smaller is better; the scale is logarithmic.")],
    )  # fmt: skip


def _training(run: RfqCalibration) -> Section:
    game, names = run.recipe.game, run.recipe.trainable
    prose = [
        f"The discriminator saw windows of {game.window} requests by the statistics '{game.statistics}' "
        f"({statistics(game.statistics).description}); the simulator took sides, sizes, panels and own quotes as "
        "they were in the real windows."
    ]
    starts = run.starts.assign(chosen=np.where(run.starts["chosen"].astype(bool), "yes", ""))
    several = run.history if run.recipe.starts.count > 1 else run.history.drop(columns="start")
    drawn = [
        Picture(plot_parameters(several, list(names), truth=_truth(run.truth, names)), "The parameters on their way."),
        Picture(
            plot_losses(several, unit="units of the critic"),
            "Both losses fall to zero with the difference between real and simulated means.",
        ),
    ]
    return Section("Training of the adversarial method", prose, [Table(starts, "Starts.")], drawn)


def _market(market: RfqMarket) -> Section:
    frame = pd.DataFrame(market.describe()).drop(columns="letter")
    frame["value"] = [", ".join(f"{x:.4g}" for x in v) if isinstance(v, tuple) else v for v in frame["value"]]
    frame["unit"] = [unit or "-" for unit in frame["unit"]]
    prose = ["The whole market as market.toml holds it: what is not estimated above was counted in the table."]
    return Section("The market", prose, [Table(frame, "Dealer 0 is the own one.", digits=4)])


# -- of an experiment -----------------------------------------------------------------------------------------------


def write_rfq_experiment_report(folder: str | Path, result: RfqExperiment | None = None) -> Path:
    """Write ``report.html`` into the folder of an experiment with requests; nothing is estimated again.

    Raises
    ------
    DataError
        The folder is not that of a finished experiment.
    """
    versions = _versions(folder)
    result = load_rfq_experiment(folder) if result is None else result
    recipe, settings = result.recipe, result.recipe.requests
    assert settings is not None
    assert settings.experiment is not None
    n_requests, truth = settings.experiment.n_requests, _truth(result.truth, recipe.trainable)
    assert truth is not None
    values = ", ".join(f"{name} = {value:g}" for name, value in truth.items())
    seen = "all quotes" if settings.view == "platform" else "one dealer's own history: " + ", ".join(settings.told)
    prose = [
        f"The true market has {values}. In each of {len(result.fits)} replications it makes {n_requests} requests; "
        f"seen is {seen}.",
        "All methods begin where the own quotes lie, with normal shapes, and know nothing of the truth.",
    ]
    methods = pd.DataFrame([(m, METHODS[m]) for m in result.methods], columns=["method", "what it does"])
    sections = [
        Section("What came out", [result.status]), Section("The experiment", prose, [Table(methods)]),
        _errors(result, truth),
    ]  # fmt: skip
    if result.identification is not None:
        sections.append(_identification(result.identification, n_requests))
    if len(result.history):
        history = result.history.rename(columns={"replication": "start"})
        drawn = [
            Picture(plot_parameters(history, list(recipe.trainable), truth=truth),
                    "A line per replication (there called start)."),
            Picture(plot_losses(history, unit="units of the critic"), "Means over the replications with their range."),
        ]  # fmt: skip
        sections.append(Section("Training of the adversarial method", [], [], drawn))
    columns = ["replication", "method", "parameter", "estimate", "standard error", "truth", "error", "seconds"]
    every = Table(result.estimates.loc[:, columns])
    return write_report(
        Path(folder) / "report.html",
        "A dealer market found again from its own requests",
        [*sections, Section("Every estimate", ["Errors are in standard errors."], [every])],
        subtitle=f"Recipe {recipe.name}: {recipe.description}",
        key_numbers={
            f"{method}: largest RMSE / s.e.; seconds a table": f"{rows['RMSE / s.e.'].max():.2f}; "
            f"{rows['seconds'].iloc[0]:.1f}"
            for method, rows in result.summary.groupby("method", sort=False)
        },
        provenance={"seed": recipe.seed, "versions": versions},
    )


def _errors(result: RfqExperiment, truth: dict[str, float]) -> Section:
    prose = [
        "RMSE is the root mean square error over the replications, s.e. the method's own standard error (mean over the "
        f"replications); their ratio is one for an honest method, but over {len(result.fits)} replications it is "
        "measured only roughly."
    ]
    if result.identification is not None:
        prose.append(
            "RMSE / own view divides by the smallest standard error that one dealer's statuses and covers allow."
        )
    names = {"mean estimate": "mean", "standard error": "s.e.", "largest error (s.e.)": "largest / s.e."}
    shown = result.summary.drop(columns="seconds").rename(columns=names)
    figure = plot_estimates(result.estimates, truth=truth, title="Every estimate with its 95 % interval")
    return Section(
        "Errors", prose, [Table(shown, "A row per method and parameter; the largest error in standard errors.")],
        [Picture(figure, "A point per replication.")],
    )  # fmt: skip
