"""The report of a run, `report.html`, made of what lies in its folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal.calibration.certificate import YARDSTICK, Validation, percent
from simcal.calibration.judged_part import MARKET
from simcal.calibration.losses import LOSSES
from simcal.calibration.recipe import Recipe
from simcal.calibration.report_realism import realism_sections
from simcal.calibration.result import Run, read_run, write_validation
from simcal.calibration.statistics import statistics
from simcal.calibration.windows import training_part, training_windows
from simcal.data import PriceSeries
from simcal.models import Market
from simcal.registry import Registry
from simcal.report import Picture, Section, Table, plot_losses, plot_parameters, write_report

_ROWS_DRAWN = 400  # per start: as many as a figure can show
_DEMAND_STEPS = 500


SECTIONS: Registry[Callable[[Run], Section | None]] = Registry("simcal.sections", "a section of a report")
"""What other rooms tell of a calibration to prices, at the end of its report; None where they have nothing to say."""


def write_run_report(
    folder: str | Path, validation: Validation | None = None, *, series: PriceSeries | None = None, trust: bool = False
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
    trust
        Whether a Python file that the folder brings may be run.

    Raises
    ------
    DataError
        The folder is not that of a finished run, or its data have changed.
    """
    if validation is not None:
        write_validation(folder, validation)
    run = read_run(folder, series, trust=trust)
    pictures, *realism = realism_sections(run)
    sections = [_verdict_section(run), _overview(run), pictures, _parameters(run)]
    more = [make(run) for _, make in sorted(SECTIONS.items())]
    sections += [*realism, _training(run), *(section for section in more if section is not None)]
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


def _overview(run: Run) -> Section:
    """Data, market, statistics, loss, split: what was calibrated to what."""
    recipe, game, series = run.recipe, run.recipe.game, run.series
    training = training_part(series, recipe.train_share)
    n_train = training.n - 1
    features, loss = _looked_at(run), _loss(run)
    rest = series.n - training.n
    held_out = f"the other {rest} were held out" if rest > 0 else "nothing was held out"
    played = "discriminator_loss" in run.history
    prose = [
        f"The market '{Path(recipe.market).stem}' was calibrated to {series.name}: {series.n} prices from "
        f"{_date(series, 0)} to {_date(series, -1)}. Training saw the first {percent(recipe.train_share)} of the "
        f"returns ({n_train}, up to {_date(training, -1)}); {held_out}.",
    ]
    if played:
        prose += [
            f"Two players: the market's simulator, with {len(run.parameters())} trained parameters, and a "
            f"discriminator, a function that tells simulated windows of {game.window} returns from real ones by their "
            "statistics.",
            _windows(recipe, n_train, len(training_windows(series, recipe).train)),
        ]
    else:
        prose.append(
            f"Estimator: {recipe.estimator}, of {len(run.parameters())} parameters from the whole training part. "
            f"{run.manifest['status']}"
        )
    if recipe.match_scale:
        prose.append("The market that training starts from was first brought to the size of the data's returns.")
    if recipe.match_growth and "growth" not in recipe.trainable:
        prose.append("It grows by the mean log return of the training part, which no training estimates better.")
    rows = {
        "statistics": f"{features['name']}: {features['description']} ({len(features['labels'])} numbers per window)"
    }
    of_game = {
        "loss": f"{loss['name']}: {loss['description']}"
        + (f"; gradient penalty {game.gradient_penalty:g}" if game.gradient_penalty else ""),
        "windows": f"{game.window} returns after {game.warm_up} steps of warm-up, {game.batch} simulated at a time",
        "discriminator": (
            f"a network with hidden layers of {', '.join(map(str, game.hidden))} ({game.activation})"
            if game.hidden
            else "linear in the statistics"
        )
        + f", after the step '{game.normalise}'",
        "iterations": f"{game.iterations}, {game.discriminator_steps} discriminator step(s) in each",
        "learning rates": f"{game.generator_rate:g} market, {game.discriminator_rate:g} discriminator, "
        f"decay {game.decay}",
        "kept": f"the mean of the parameters from {percent(game.average_from)} of the iterations on (the last "
        "values where training ended before)",
        "starts": f"{recipe.starts.count} ({recipe.starts.law}, spread {recipe.starts.spread:g}); the one nearest to "
        + ("validation windows" if recipe.validation_share else "the training windows")
        + " was taken",
    }
    if recipe.estimator == "likelihood":
        rows = _of_likelihood(run)
    else:
        rows |= of_game if played else {name: str(value) for name, value in recipe.moments.model_dump().items()}
    rows |= {"seed": str(recipe.seed), "time budget": "none" if recipe.budget is None else f"{recipe.budget:g} s"}
    frame = pd.DataFrame({"setting": list(rows), "value": list(rows.values())})
    return Section("What was calibrated to what", prose, [Table(frame, "The recipe in short; recipe.toml has it all.")])


def _of_likelihood(run: Run) -> dict[str, str]:
    """What the likelihood says of the market, and what was known before the data."""
    found, priors = run.estimate, run.recipe.likelihood.priors
    if found is None:
        return {}
    told = {"log-likelihood": "log_likelihood", "AIC": "aic", "BIC": "bic"}
    rows = {words: f"{found.details[name]:.2f}" for words, name in told.items()}
    if priors:
        center, learned = found.details["prior_center"], found.details["share_from_data"]
        rows["priors"] = "; ".join(
            f"{name} {center[name]:.3g}, width {width:g}, {percent(learned[name])} learned from data"
            for name, width in priors.items()
        )
    if run.recipe.likelihood.moments_weight:
        rows["moments beside it"] = (
            f"{run.recipe.statistics}, of {run.recipe.likelihood.simulated} simulated paths; their mean squared misfit "
            f"in standard errors weighs {run.recipe.likelihood.moments_weight:g} of a return's log-likelihood"
        )
    return rows | {"starts": f"{run.recipe.starts.count}, spread {run.recipe.starts.spread:g}"}


def _looked_at(run: Run) -> dict[str, Any]:
    """Name, description and labels of the statistics, as the run says: those of the user's own are not run here."""
    if "statistics" in run.manifest:
        return run.manifest["statistics"]
    known = statistics(run.recipe.statistics)  # of an earlier version
    return {"name": known.name, "description": known.description, "labels": known.labels(run.recipe.game.window)}


def _loss(run: Run) -> dict[str, Any]:
    """Name, description, unit and level of the loss, likewise."""
    if "loss" in run.manifest:
        return run.manifest["loss"]
    known = LOSSES.find(run.recipe.game.loss)
    return {"name": known.name, "description": known.description, "unit": known.unit, "level": known.level}


def _windows(recipe: Recipe, n_train: int, n_windows: int) -> str:
    """Where the real windows come from, and how few of them are independent."""
    apart = n_train // recipe.game.window
    few = " These are few, and what they do not show cannot be learned." if apart < 50 else ""
    if recipe.bootstrap is not None:
        return (
            f"The {n_windows} real windows are samples of a block bootstrap of the training returns (blocks of up to "
            f"{recipe.bootstrap.block}); the training part itself holds only {apart} that do not overlap.{few}"
        )
    return (
        f"Real windows begin every {recipe.window_stride} returns and overlap: there are {n_windows} of them, but only "
        f"{apart} that do not overlap.{few}"
    )


def _parameters(run: Run) -> Section:
    """The trained parameters before and after, and on their way."""
    table = run.parameters()
    history = _thinned(run.history)
    names = list(table["parameter"])
    units = {name: unit for name, unit in zip(names, table["unit"], strict=True) if unit}
    shown = table.assign(unit=[unit or "-" for unit in table["unit"]])
    several = run.recipe.starts.count > 1
    figure = Picture(
        plot_parameters(history, names, units=units),
        "Each trained parameter over the iterations"
        + (", a colour per start" if several else "")
        + ". Lines that flatten have settled; starts that end together agree on the value, starts that end apart show "
        "that the data do not tell it.",
    )
    tables = [Table(shown, "Trained parameters, before and after.", digits=4)]
    demands = demand_sizes(run.market)
    if len(demands):
        caption = "Who moves the price: how far from zero the demand of each group is, in a simulation of the market."
        tables.append(Table(demands, caption + " A group near zero plays no part in it."))
    return Section(
        "Parameters",
        ["What is not listed was kept as the recipe gives it; market.toml holds the whole market."],
        tables,
        [figure],
    )


def demand_sizes(market: Market) -> pd.DataFrame:
    """Root mean square of the demand of each group of traders over some simulated years; empty for other markets."""
    names = [name for name in market.OUTPUTS if name.startswith("demand_")]
    simulated = market.simulate_chunk(
        0, 0, 50, _DEMAND_STEPS, save=names, every=1, burn_in=_DEMAND_STEPS, dtype="float64", threads=1
    )
    sizes = [float(np.sqrt(np.mean(simulated[name][:, 1:] ** 2))) for name in names]
    groups = [name.removeprefix("demand_") for name in names]
    return pd.DataFrame({"traders": groups, "root mean square of their demand (traders)": sizes})


def _training(run: Run) -> Section:
    """Losses and starts."""
    loss, starts = _loss(run), run.starts()
    caption = (
        "A discriminator that cannot tell real from simulated windows has the loss 2 ln 2 = 1.386; far below, it wins, "
        "and the market learns little more from it."
        if loss["level"]
        else "The discriminator's loss is minus the distance that it finds between real and simulated windows: it "
        "should come close to zero and stay there. The generator's loss has no level of its own."
    )
    if run.recipe.starts.count > 1:
        caption += " Lines are means over the starts, with their range."
    figures = []
    if "discriminator_loss" in run.history:
        figures = [Picture(plot_losses(_thinned(run.history), unit=loss["unit"]), caption)]
    numbers = [column for column in ("energy distance", "objective", "seconds") if column in starts]
    starts[numbers] = starts[numbers].astype(float)
    table = starts.assign(chosen=np.where(starts["chosen"].astype(bool), "yes", ""))
    return Section(
        "Training",
        [f"The chosen start ended so: {run.manifest['status']}."],
        [Table(table, "Starts. The energy distance is zero for windows that follow the same law.")],
        figures,
    )


def _thinned(history: pd.DataFrame) -> pd.DataFrame:
    """At most some hundreds of rows of each start, the last one among them."""
    iteration = history["iteration"].to_numpy()
    longest = int(iteration.max(initial=1))
    step = -(-longest // _ROWS_DRAWN)
    return history.loc[(iteration % step == 0) | (iteration == longest)]


def _date(series: PriceSeries, position: int) -> str:
    date = series.dates[position]
    return str(date.date()) if isinstance(date, pd.Timestamp) else f"position {date}"
