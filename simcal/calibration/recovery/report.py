"""The report of a recovery: `report.html`, made of what lies in its folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from simcal.calibration.recovery.folder import load_recovery
from simcal.calibration.recovery.result import RecoveryResult
from simcal.calibration.runs import read_manifest
from simcal.calibration.statistics import statistics
from simcal.report import Picture, Section, Table, plot_losses, plot_parameters, write_report
from simcal.report.recovery import plot_directions, plot_recovered


def write_recovery_report(folder: str | Path, result: RecoveryResult | None = None) -> Path:
    """Write ``report.html`` into the folder of a recovery; nothing is estimated again.

    Raises
    ------
    DataError
        The folder is not that of a finished recovery.
    """
    manifest = read_manifest(folder)
    result = load_recovery(folder) if result is None else result
    sections = [Section("What came out", [result.status]), _setting(result), _errors(result), _directions(result)]
    if len(result.history):
        sections.append(_training(result))
    sections.append(_searches(result))
    versions = ", ".join(f"{name} {number}" for name, number in manifest["versions"].items())
    return write_report(
        Path(folder) / "report.html",
        "A market found again from single samples of its own",
        sections,
        subtitle=f"Recipe {result.recipe.name}: {result.recipe.description}",
        key_numbers={
            f"{method}: RMSE / s.e., smallest to largest": f"{rows['RMSE / s.e.'].min():.2f} to "
            f"{rows['RMSE / s.e.'].max():.2f}"
            for method, rows in result.summary.groupby("method", sort=False)
        },
        provenance={"seed": result.recipe.seed, "versions": versions},
    )


def _truth(result: RecoveryResult) -> dict[str, float]:
    return {name: float(getattr(result.truth, name)) for name in result.recipe.trainable}


def _units(result: RecoveryResult) -> dict[str, str]:
    return {name: result.truth.SPECS[name].unit for name in result.recipe.trainable if result.truth.SPECS[name].unit}


def _setting(result: RecoveryResult) -> Section:
    recipe = result.recipe
    settings, game = recipe.recovery, recipe.game
    assert settings is not None
    values = ", ".join(f"{name} = {value:g}" for name, value in _truth(result).items())
    prose = [
        f"The true market is '{Path(recipe.market).stem}' with {values}. Each of {settings.replications} samples has "
        f"{settings.n_steps} steps after {game.warm_up} that nobody sees.",
        f"Searches begin at random: each parameter is the true one times a factor from 1/{settings.start_factor:g} to "
        f"{settings.start_factor:g}, uniform in its logarithm. Nothing else is taken from the truth. The game has one "
        f"such start, the moments the best {settings.searches} of {settings.candidates}, by their own criterion.",
    ]
    said = {
        "moments": f"Simulated moments: {statistics(settings.moments).description}, means over {settings.simulated} "
        "simulated samples on common noise. Weights are the inverse of the covariance of the moments, in the first "
        f"round of {settings.weight_samples} samples bootstrapped from the real one in blocks of {settings.block} "
        f"steps, in the second of {settings.weight_samples} samples simulated at the first round's result.",
        "adversarial": f"The game: {statistics(game.statistics).description}; {game.batch} overlapping windows of "
        f"{game.window} steps of the sample against {game.windows_per_path} windows of each simulated path. The linear "
        f"discriminator on {'whitened' if game.normalise == 'whiten' else 'standardised'} statistics matches their "
        f"means; {game.iterations} iterations"
        + (", with gradients by differences on common noise." if game.difference is not None else "."),
    }
    return Section("The experiment", [*prose, *(said[m] for m in result.methods)])


def _errors(result: RecoveryResult) -> Section:
    prose = [
        "The bias is the mean error, with the spread over the root of the number of samples as its standard error. "
        "The standard error by theory is that of the method's own weights, linear around the truth; 'efficient' is "
        "that of the best weights on the same statistics. Where a standard error is as large as its parameter, the "
        "linear theory says that the samples do not tell the parameter, not how large the errors are: the search "
        "ends before it has gone as far. A tie to the start, the correlation of estimates with where their searches "
        "began, says so too: as starts lie around the truth, it makes errors smaller than the samples justify.",
    ]
    shown = result.summary.rename(columns={"mean estimate": "mean", "standard error": "s.e.", "s.e. of bias": "± bias"})
    figure = plot_recovered(
        result.estimates, units=_units(result), title="Estimates of every method, and the truth with its standard error"
    )
    caption = "A point per sample; the bar reaches one standard error by theory to both sides of the truth."
    return Section("Errors", prose, [Table(shown, "A row per method and parameter.")], [Picture(figure, caption)])


def _directions(result: RecoveryResult) -> Section:
    caption = (
        "The principal directions of the estimates' covariance by theory, the weakest first: relative changes that are "
        "made together, and the standard error along them."
    )
    figure = plot_directions(
        result.directions, list(result.recipe.trainable), title="Directions in the parameters, from weak to strong"
    )
    tables = [Table(result.directions, caption), Table(result.correlations, "Correlations of the estimates by theory.")]
    picture = Picture(figure, "Colours are the components of a direction; at the left its standard error in per cent.")
    return Section("What is hardly seen", result.weak, tables, [picture])


def _training(result: RecoveryResult) -> Section:
    history = result.history.rename(columns={"replication": "start"})
    figures = [
        Picture(
            plot_parameters(
                history, list(result.recipe.trainable), truth=_truth(result), units=_units(result),
                title="Parameters over the iterations of the game",
            ),
            "A line per sample (called start where there are few).",
        ),
        Picture(
            plot_losses(history, unit="units of the critic", title="Losses over the iterations of the game"),
            "Means over the samples with their range.",
        ),
    ]  # fmt: skip
    return Section("Training of the adversarial method", [], [], figures)


def _searches(result: RecoveryResult) -> Section:
    columns = ["replication", "method", "parameter"]
    wide: pd.DataFrame = result.estimates.pivot(index=columns[:2], columns="parameter", values="estimate")
    shown = wide[list(result.recipe.trainable)].reset_index()
    tables = [
        Table(shown, "Every estimate."),
        Table(result.searches, "How the searches ended: n h' W h of the moments, the energy distance of the game."),
    ]
    return Section("Every sample", [], tables)
