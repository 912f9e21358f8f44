"""The report of an experiment: `report.html`, made of what lies in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal.calibration.experiment.figures import (
    convergence_section,
    losses_section,
    path_section,
    same_noise_section,
)
from simcal.calibration.experiment.folder import load_experiment
from simcal.calibration.experiment.result import ExperimentResult
from simcal.calibration.experiment.targets import LOST, OURS, PLAIN, TARGET_RATIO, UP_TO_SIGN, YARDSTICK
from simcal.calibration.losses import LOSSES
from simcal.calibration.recipe import GameSettings
from simcal.calibration.runs import read_manifest
from simcal.calibration.statistics import statistics
from simcal.report import Picture, Section, Table, plot_errors_against_bound, write_report

_SHORT = {
    "replication": "no.",
    "error on the same noise (%)": "noise %",
    "seconds per 2000 iterations": "s",
}
_NORMALISED = {"whiten": "whitened", "standardise": "standardised"}


def write_experiment_report(folder: str | Path, result: ExperimentResult | None = None) -> Path:
    """Write ``report.html`` into the folder of an experiment; nothing is trained again.

    Parameters
    ----------
    folder
        Of a finished experiment.
    result
        What lies in the folder, where it is at hand.

    Raises
    ------
    DataError
        The folder is not that of a finished experiment.
    """
    manifest = read_manifest(folder)
    result = load_experiment(folder) if result is None else result
    sections = [_verdict(result), _setting(result), _errors(result)]
    sections += [path_section(result), convergence_section(result), same_noise_section(result)]
    sections += [_replications(result), losses_section(result)]
    versions = ", ".join(f"{name} {number}" for name, number in manifest["versions"].items())
    return write_report(
        Path(folder) / "report.html",
        "A market found again from its own paths",
        sections,
        subtitle=f"Recipe {result.recipe.name}: {result.recipe.description}",
        key_numbers=_key_numbers(result),
        provenance={"seed": result.recipe.seed, "versions": versions},
    )


def _key_numbers(result: ExperimentResult) -> dict[str, Any]:
    ours = result.recovery.loc[lambda t: t["recipe"] == OURS]
    ratios = ", ".join(f"{p} {r:.2f}" for p, r in zip(ours["parameter"], ours["RMSE / bound"], strict=True))
    ended = result.games.iloc[0]
    return {
        "RMSE / bound": ratios,
        "replications lost": f"{ended['lost']} of {ended['replications']}",
        "largest error on the same noise": f"{ended['error on the same noise (%), median replication']:.2f} %",
        "seconds per 2000 iterations": f"{ended['seconds per 2000 iterations, median']:.0f} (median)",
        **{f"target: {name}": met for name, met in result.targets.items()},
    }


def _verdict(result: ExperimentResult) -> Section:
    said = [result.status]
    if PLAIN in result.players:
        plain = result.recovery.loc[lambda t: t["recipe"] == PLAIN]
        ratios = ", ".join(f"{r:.1f} ({p})" for p, r in zip(plain["parameter"], plain["RMSE / bound"], strict=True))
        said.append(
            f"The paper's plain recipe, from the same starts and on the same data: root mean square errors {ratios} "
            f"times the bound, {result.games['lost'].iloc[1]} of {len(result.of(PLAIN))} replications lost."
        )
    signed = [result.symbol(n).strip("|") for n in result.recipe.trainable if n in UP_TO_SIGN]
    if signed:
        said.append(
            f"{' and '.join(signed)} can be found up to their sign only: the signals that they weigh are symmetric "
            "around zero, so the market with the other sign has the same law. Sizes are compared; raw values stand "
            "beside them."
        )
    n = len(result.of(OURS))
    said.append(
        f"{n} replications measure a root mean square error to within some {100 / np.sqrt(2 * n):.0f} %; the 95 % "
        "intervals in the table say what this allows."
    )
    return Section("What came out", said)


def _setting(result: ExperimentResult) -> Section:
    recipe = result.recipe
    assert recipe.experiment is not None
    truth = ", ".join(f"{result.symbol(n)} = {result.true_value(n):g}" for n in recipe.trainable)
    game = recipe.game
    prose = [
        f"The true market is '{Path(recipe.market).stem}' with {truth}. In each replication it makes "
        f"{recipe.experiment.n_paths} fresh paths, of which the players see {game.window} steps after a warm-up of "
        f"{game.warm_up}, and the calibration begins at fresh random values.",
    ]
    settings = {OURS: _settings(game, shared=not recipe.per_trader)}
    if recipe.experiment.plain is not None:
        settings[PLAIN] = _settings(recipe.experiment.plain, shared=False)
        prose.append(
            "Both recipes see the same data and begin at the same values; the plain one then moves the values of each "
            "trader by itself, and its estimates below are means over the traders."
        )
    frame = pd.DataFrame(settings).rename_axis("setting").reset_index()
    return Section("The experiment", prose, [Table(frame, "The recipes in short; recipe.toml has them in full.")])


def _settings(game: GameSettings, *, shared: bool) -> dict[str, str]:
    layers = " and ".join(str(width) for width in game.hidden)
    return {
        "parameters": "one value for all traders of a group" if shared else "a value for each trader",
        "the discriminator sees": statistics(game.statistics).description + f" ({_NORMALISED[game.normalise]})",
        "discriminator": f"hidden layers of {layers} ({game.activation})" if game.hidden else "linear",
        "loss": LOSSES[game.loss].description
        + (f"; gradient penalty {game.gradient_penalty:g}" if game.gradient_penalty else ""),
        "iterations": f"{game.iterations}, with {game.discriminator_steps} discriminator step(s) and "
        f"{game.batch} simulated windows in each",
        "learning rates": f"{game.generator_rate:g} market, {game.discriminator_rate:g} discriminator, "
        f"decay {game.decay}",
        "kept": "the last parameters"
        if game.average_from == 1
        else f"the mean of the parameters from {100 * game.average_from:g} % of the iterations on",
    }


def _errors(result: ExperimentResult) -> Section:
    bound = result.bounds[YARDSTICK]
    symbols = {n: result.symbol(n) for n in bound.names}
    errors = pd.concat([result.errors(p).rename(columns=symbols).assign(recipe=p) for p in result.players])
    yardstick = {symbols[n]: float(e) for n, e in zip(bound.names, bound.standard_errors, strict=True)}
    prose = [
        "How well can it be done at all? The best estimator that matches the means of the "
        f"{len(statistics(YARDSTICK).labels(result.recipe.game.window))} statistics '{YARDSTICK}' over "
        f"{bound.n_windows} windows has these standard errors (Jacobian and covariance of the statistics at the "
        "truth). They measure the data, not the algorithm: a parameter with a large one lags behind in any "
        "calibration.",
    ]
    if result.recipe.game.statistics != YARDSTICK:
        prose.append(
            f"Our recipe looks at other statistics, '{result.recipe.game.statistics}', which say somewhat more; their "
            "own bound stands below the yardstick."
        )
    names = {"parameter": "", "mean estimate": "mean", "95 % low": "from", "95 % high": "to"}
    shown = result.recovery.drop(columns=["RMSE", "bound", "bound (%)"]).rename(columns=names)
    shown.columns = ["/ own bound" if "bound of" in column else column for column in shown.columns]
    bounds = result.tables["bounds"].rename(columns={"parameter": ""})
    bounds.columns = [column.replace("correlation with", "corr.") for column in bounds.columns]
    tables = [
        Table(bounds, "The bound: efficient standard errors at the truth, and correlations of the estimates."),
        Table(
            shown,
            "Root mean square errors (RMSE) over the replications, lost ones included, their ratio to the bound "
            "with its 95 % interval, and to the own bound of the statistics that our recipe looks at.",
        ),
    ]
    figure = plot_errors_against_bound(errors, yardstick, target=TARGET_RATIO)
    return Section(
        "Errors against the bound",
        prose,
        tables,
        [Picture(figure, "A dot per replication; the bars are the root mean squares of the table.")],
    )


def _replications(result: ExperimentResult) -> Section:
    estimates, tables = result.tables["estimates"], []
    for player in result.players:
        shown = estimates[estimates["recipe"] == player].drop(columns=["recipe", "status"])
        shown = shown.assign(lost=np.where(shown["lost"], "lost", ""))
        shown.columns = [_SHORT.get(column, column.replace("error of ", "Δ").replace(" (%)", " %")) for column in shown]
        name = "Our recipe" if player == OURS else "The plain recipe; values are means over the traders"
        tables.append(Table(shown, f"{name}."))
    prose = [
        f"A replication is lost when its game failed or a parameter ended more than {LOST:g} efficient standard errors "
        "from the truth. Δ is the relative error of an estimate, 'noise %' the largest error on the same noise, 's' "
        "the seconds for 2000 iterations on one thread, with a game on every core: wall time, longer where the machine "
        "has other work.",
    ]
    failed = [o for o in result.outcomes if not o.succeeded]
    prose += [f"{o.recipe}, replication {o.replication}: {o.status}" for o in failed]
    return Section("Every replication", prose, tables)
