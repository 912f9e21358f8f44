"""The report of a calibration to requests: `report.html`, made of what lies in the run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal.calibration.requests.calibrate import training_requests
from simcal.calibration.requests.information import ACCEPTANCE_AND_GAP, COVERS, HISTORY, PLATFORM, identification
from simcal.calibration.requests.likelihood import NAMES
from simcal.calibration.requests.resimulate import resimulated
from simcal.calibration.requests.result import disagreements, true_values
from simcal.calibration.requests.run import RequestRun, read_request_run
from simcal.calibration.requests.sample import Sample, sample_of
from simcal.calibration.requests.validate import ALL, HELD_OUT
from simcal.calibration.statistics import statistics
from simcal.data.requests import Requests
from simcal.models.dealers.market import RfqMarket
from simcal.report import Picture, Section, Table, plot_losses, plot_parameters, write_report
from simcal.report.request_fit import plot_ends_fit, plot_estimates, plot_identification

_BINS, _SAMPLES = 12, 100
METHODS = {
    "likelihood": "the probability of what the table shows of each request, given the own quote, as high as possible",
    "moments": "means of outcomes and gaps, times functions of the own quote, equal to their expectations",
    "adversarial": "a simulator of the market against a discriminator that tells its requests from the real ones",
}

_SHORT = {ACCEPTANCE_AND_GAP: "rate, gap", COVERS: "+ covers", HISTORY: "+ ranks, prices", PLATFORM: "all quotes"}


def write_request_report(folder: str | Path, *, requests: Requests | None = None) -> Path:
    """Write ``report.html`` into the folder of a calibration to requests; nothing is estimated again.

    Raises
    ------
    DataError
        The folder is not that of a finished run, or its data have changed.
    """
    run = read_request_run(folder, requests)
    sections = [_verdict(run), _setting(run), _estimates(run), _fit(run), *_identification(run), *_training(run)]
    sections.append(_market(run))
    versions = ", ".join(f"{name} {number}" for name, number in run.manifest["versions"].items())
    return write_report(
        run.folder / "report.html",
        f"A dealer market calibrated to {run.requests.name}",
        sections,
        subtitle=f"Recipe {run.recipe.name}: {run.recipe.description}" if run.recipe.description else "",
        key_numbers=_key_numbers(run),
        provenance={
            "data": f"{run.requests.name}, {run.requests.n} requests, sha256 {run.manifest['data']['sha256']}",
            "seed": run.manifest["seed"],
            "versions": versions,
        },
    )


def _verdict(run: RequestRun) -> Section:
    chosen = run.manifest["chosen"]
    said = [f"The market has the estimates of the method {chosen}."]
    said += [f"{f.method.capitalize()}: {f.status}" for f in run.fits]
    said += disagreements(run.fits, chosen)
    if run.validation is None:
        said.append(f"The market has not been judged. `simcal validate {run.folder}` does that and writes it here.")
    else:
        said += run.validation.verdict
    return Section("What came out", said)


def _setting(run: RequestRun) -> Section:
    table, settings = run.requests, run.settings
    training = training_requests(table, run.recipe)
    seen = "all quotes, as a platform sees them" if settings.view == "platform" else "one dealer's own history"
    prose = [
        f"{table.name} holds {table.n} requests; the first {training.n} were calibrated to. Seen was {seen}.",
        "Prices are reduced: distances from the composite mid in half spreads, on the dealer's side, so that a margin "
        "is what a dealer earns. A client trades with the lowest reduced quote if it lies below her own value. Her "
        "value and the rivals' quotes follow exponential power laws, each with mean, scale and shape (1: Laplace, 2: "
        "normal).",
    ]
    frame = pd.DataFrame(list(table.summary()["statuses"].items()), columns=["status", "requests"])
    methods = pd.DataFrame([(f.method, METHODS[f.method], f.seconds) for f in run.fits])
    methods.columns = ["method", "what it does", "seconds"]
    return Section("What was calibrated to what", prose, [Table(frame, "How the requests ended."), Table(methods)])


def _estimates(run: RequestRun) -> Section:
    table = run.estimates.drop(columns="seconds")
    caption = "Estimates with their standard errors"
    truth = None
    if run.truth is not None:
        names = tuple(dict.fromkeys(table["parameter"]))
        truth = dict(zip(names, map(float, true_values(run.truth, names)), strict=True))
        caption += "; the market that made the table is known, and errors are in standard errors"
    units = {name: spec.unit for name, spec in run.market.SPECS.items() if spec.unit}
    figure = plot_estimates(table, truth=truth, units=units)
    own = run.manifest["own_dealer"]
    errors = np.sqrt(np.diag(np.array(own["covariance"], dtype=float)))
    rows = [(n, v, e) for n, v, e in zip(own["names"], own["values"], errors, strict=True)]
    mine = pd.DataFrame(rows, columns=["own dealer", "estimate", "standard error"])
    lean = own["skew"]
    said = "The own dealer's quotes are all seen; their law was fitted by likelihood, by itself"
    said += f", with its lean against its inventory, {lean:.3g} half spreads a unit." if lean else "."
    return Section(
        "Client and rivals", [said], [Table(table, caption + "."), Table(mine, "The own dealer, who is dealer 0.")],
        [Picture(figure, "Where the intervals of the methods overlap, they agree on what the table says.")],
    )  # fmt: skip


def _fit(run: RequestRun) -> Section:
    sample = sample_of(run.requests, view="own")
    tables, prose = [], []
    if run.validation is not None:
        for name, table in run.validation.parts.items():
            where = "All the data" if name == ALL else "The held-out part"
            tables.append(Table(table.reset_index(), f"{where}: facts beside their 95 % bands."))
    if not sample.outcome_known.all():
        return Section("Fit", ["The table does not tell whether lost requests were traded elsewhere."], tables)
    figure = plot_ends_fit(ends_fit(run.market, sample))
    caption = (
        "The same requests with the same own quotes were simulated from the calibrated market; points should lie in "
        "the bands. Where they do not, client or rivals behave otherwise than the market says."
    )
    return Section("Fit", prose, tables, [Picture(figure, caption)])


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
    names = ("done", "traded away", "not traded")
    return pd.concat(
        [
            pd.DataFrame({"end": name, "margin": margin, "data": real[k], "low": low[k], "high": high[k]})
            for k, name in enumerate(names)
        ],
        ignore_index=True,
    )


def _identification(run: RequestRun) -> list[Section]:
    if run.market.vector("inventory_skew").any() or run.market.tick > 0:
        return []
    n = training_requests(run.requests, run.recipe).n
    return [identification_section(identification(run.market, n), n)]


def identification_section(table: pd.DataFrame, n_requests: int) -> Section:
    """Which data identify which parameters."""
    prose = [
        f"Standard errors that {n_requests} requests of this market would give at best, by what is seen of them. "
        "Acceptance rate and mean gap are two numbers: the information in them has rank two, and cannot tell six "
        "parameters, whatever the method. Statuses tell them because the own quotes differ from request to request.",
    ]
    figure = plot_identification(table, NAMES)
    turned = table.astype(object).set_index("what is seen").T.rename_axis("").reset_index()
    turned.columns = [_SHORT.get(str(column), str(column)) for column in turned.columns]
    caption = "Rank and condition of the information (scaled to a unit diagonal), then the standard errors."
    return Section(
        "What can be told from which data", prose, [Table(turned, caption)],
        [Picture(figure, "Smaller is better; the scale is logarithmic.")],
    )  # fmt: skip


def _training(run: RequestRun) -> list[Section]:
    if not run.manifest["starts"]:
        return []
    game = run.recipe.game
    prose = [
        f"The discriminator saw windows of {game.window} requests by the statistics '{game.statistics}' "
        f"({statistics(game.statistics).description}); the simulator took sides, sizes, panels and own quotes as "
        "they were in the real windows.",
    ]
    starts = pd.DataFrame(run.manifest["starts"])
    starts = starts.assign(chosen=np.where(starts["chosen"].astype(bool), "yes", ""))
    truth = None
    if run.truth is not None:
        truth = dict(zip(run.recipe.trainable, map(float, true_values(run.truth, run.recipe.trainable)), strict=True))
    several = run.history if run.recipe.starts.count > 1 else run.history.drop(columns="start")
    figures = [
        Picture(plot_parameters(several, list(run.recipe.trainable), truth=truth), "The parameters on their way."),
        Picture(
            plot_losses(several, unit="units of the critic"),
            "Both losses fall to zero with the difference between real and simulated means.",
        ),
    ]
    return [Section("Training of the adversarial method", prose, [Table(starts, "Starts.")], figures)]


def _market(run: RequestRun) -> Section:
    rows = []
    for row in run.market.describe():
        value = row["value"]
        shown = ", ".join(f"{x:.4g}" for x in value) if isinstance(value, tuple) else value
        rows.append(
            {"parameter": row["parameter"], "value": shown, "unit": row["unit"] or "-", "meaning": row["meaning"]}
        )
    prose = ["The whole market as market.toml holds it: what is not estimated above was counted in the table."]
    frame = pd.DataFrame(rows, columns=["parameter", "value", "unit", "meaning"])
    return Section("The market", prose, [Table(frame, "Dealer 0 is the own one.", digits=4)])


def _key_numbers(run: RequestRun) -> dict[str, Any]:
    numbers: dict[str, Any] = {"method of the market": run.manifest["chosen"]}
    if run.validation is not None:
        numbers["facts inside their 95 % bands"] = "{} of {}".format(*run.validation.passed())
        if HELD_OUT in run.validation.parts:
            numbers["the same on the held-out part"] = "{} of {}".format(*run.validation.passed(HELD_OUT))
    for fit in run.fits:
        numbers[f"{fit.method}"] = f"{fit.seconds:.1f} s"
    return numbers
