"""The report of a study: `report.html`, made of what lies in its folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from simcal.calibration.losses import LOSSES
from simcal.calibration.prices import PriceRuns
from simcal.calibration.recipe import Recipe
from simcal.calibration.runs import read_manifest
from simcal.calibration.settings import GameSettings
from simcal.calibration.statistics import statistics
from simcal.calibration.study.data import PATHS, UP_TO_SIGN, seed_of, whole_paths
from simcal.calibration.study.result import (
    FAR,
    OURS,
    PLAIN,
    TARGET_PATH_ERROR,
    YARDSTICK,
    StudyResult,
    load_study,
)
from simcal.calibration.study.run import run_study
from simcal.errors import DataError
from simcal.report import (
    Picture,
    Section,
    Table,
    plot_convergence,
    plot_losses,
    plot_path_with_demand,
    plot_same_noise,
    write_report,
)
from simcal.report.recovery import plot_directions, plot_recovered
from simcal.subjects import Shown

_STARTS_SHOWN = 3  # as in the paper


def write_study_report(folder: str | Path, result: StudyResult | None = None) -> Path:
    """Write ``report.html`` into the folder of a study; nothing is estimated again.

    Raises
    ------
    DataError
        The folder is not that of a finished study.
    """
    manifest = read_manifest(folder)
    result = load_study(folder) if result is None else result
    numbers: dict[str, Any] = {
        f"{method}: RMSE / s.e., smallest to largest": f"{rows['RMSE / s.e.'].min():.2f} to "
        f"{rows['RMSE / s.e.'].max():.2f}"
        for method, rows in result.summary().groupby("method", sort=False)
    }
    return write_report(
        Path(folder) / "report.html",
        "A market found again from data of its own",
        study_sections(result),
        subtitle=f"Recipe {result.recipe.name}: {result.recipe.description}",
        key_numbers=numbers | {f"target: {name}": met for name, met in result.targets.items()},
        provenance={
            "seed": result.recipe.seed,
            "versions": ", ".join(f"{name} {number}" for name, number in manifest["versions"].items()),
        },
    )


def study_sections(result: StudyResult) -> list[Section]:
    """What the report of a study shows."""
    paths = OURS in result.theories
    sections = [_came_out(result), _setting_of_paths(result) if paths else _setting_of_samples(result)]
    sections += [_errors(result), _directions(result)]
    sections += [_one_path(result)] if paths else []
    sections += [_training(result)] if len(result.history) else []
    sections += [_same_noise(result)] if paths else []
    return [*sections, _replications(result)]


def _truth(result: StudyResult) -> dict[str, float]:
    found = next(iter(result.theories.values()))
    return dict(zip(found.names, map(float, found.truth), strict=True))


def _came_out(result: StudyResult) -> Section:
    said = [result.status]
    signed = [name for name in result.recipe.trainable if name in UP_TO_SIGN and OURS in result.theories]
    if signed:
        said.append(
            f"{' and '.join(signed)} can be found up to their sign only: the signals that they weigh are symmetric "
            "around zero, so the market with the other sign has the same law. Sizes are compared; the last table has "
            "raw values."
        )
    n = len(result.of(result.methods[0]))
    said.append(
        f"{n} replications measure a root mean square error to within some {100 / (2 * n) ** 0.5:.0f} %; the 95 % "
        "intervals in the table say what this allows."
    )
    return Section("What came out", said, [Table(result.games, "How the searches of each method ended.")])


def _setting_of_paths(result: StudyResult) -> Section:
    recipe, game = result.recipe, result.recipe.game
    truth = ", ".join(f"{name} = {value:g}" for name, value in _truth(result).items())
    prose = [
        f"The true market is '{Path(recipe.market).stem}' with {truth}. In each replication it makes "
        f"{recipe.experiment.n_paths} fresh paths, of which the players see {game.window} steps after a warm-up of "
        f"{game.warm_up}, and the calibration begins at fresh random values.",
    ]
    settings = {OURS: _settings(game, shared=not recipe.per_trader)}
    if PLAIN in result.theories:
        settings[PLAIN] = _settings(recipe.experiment.plain, shared=False)
        prose.append(
            "Both recipes see the same data and begin at the same values; the plain one then moves the values of each "
            "trader by itself, and its estimates below are means over the traders."
        )
    frame = pd.DataFrame(settings).rename_axis("setting").reset_index()
    return Section("The experiment", prose, [Table(frame, "The recipes in short; recipe.toml has them in full.")])


def _settings(game: GameSettings, *, shared: bool) -> dict[str, str]:
    layers = " and ".join(str(width) for width in game.hidden)
    normalised = {"whiten": "whitened", "standardise": "standardised"}[game.normalise]
    return {
        "parameters": "one value for all traders of a group" if shared else "a value for each trader",
        "the discriminator sees": f"{statistics(game.statistics).description} ({normalised})",
        "discriminator": f"hidden layers of {layers} ({game.activation})" if game.hidden else "linear",
        "loss": LOSSES.take(game.loss).description
        + (f"; gradient penalty {game.gradient_penalty:g}" if game.gradient_penalty else ""),
        "iterations": f"{game.iterations}, with {game.discriminator_steps} discriminator step(s) and "
        f"{game.batch} simulated windows in each",
        "learning rates": f"{game.generator_rate:g} market, {game.discriminator_rate:g} discriminator, "
        f"decay {game.decay}",
        "kept": "the last parameters"
        if game.average_from == 1
        else f"the mean of the parameters from {100 * game.average_from:g} % of the iterations on",
    }


def _setting_of_samples(result: StudyResult) -> Section:
    recipe, settings, game = result.recipe, result.recipe.recovery, result.recipe.game
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


def _errors(result: StudyResult) -> Section:
    prose = [
        "The bias is the mean error, with the spread over the root of the number of replications as its standard "
        "error. The standard error by theory is linear around the truth; 'efficient' is that of the best weights on "
        "the method's statistics. Where a standard error is as large as its parameter, the linear theory says that the "
        "data do not tell the parameter, not how large the errors are: the search ends before it has gone as far. A "
        "tie to the start, the correlation of estimates with where their searches began, says so too: as starts lie "
        "around the truth, it makes errors smaller than the data justify.",
    ]
    if OURS in result.theories:
        prose.append(
            "How well can it be done at all? The standard error is that of the best estimator that matches the means "
            f"of the {len(statistics(YARDSTICK).labels(result.recipe.game.window))} statistics '{YARDSTICK}' over "
            f"{result.recipe.experiment.n_paths} windows. It measures the data, not the algorithm: a parameter with a "
            "large one lags behind in any calibration."
        )
    names = {"mean estimate": "mean", "standard error": "s.e.", "s.e. of bias": "± bias", "95 % low": "from",
             "95 % high": "to"}  # fmt: skip
    specs = result.truth.SPECS
    units = {name: specs[name].unit for name in result.recipe.trainable if specs[name].unit}
    figure = plot_recovered(
        result.estimate_table(), units=units, title="Estimates of every method, and the truth with its standard error"
    )
    caption = "A point per replication; the bar reaches one standard error by theory to both sides of the truth."
    table = Table(result.summary().rename(columns=names), "A row per method and parameter, lost replications included.")
    return Section("Errors", prose, [table], [Picture(figure, caption)])


def _directions(result: StudyResult) -> Section:
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


def _one_path(result: StudyResult) -> Section:
    """A real path and the volumes of the groups (Figure 2 of the paper)."""
    truth, game = result.truth, result.recipe.game
    replication = result.median_replication(OURS).replication
    volumes = [name for name in truth.OUTPUTS if name.startswith("volume_")]
    value = [name for name in truth.OUTPUTS if name == "fundamental_value"]
    path = truth.simulate_chunk(
        seed_of(result.recipe, PATHS, replication), 0, 1, game.warm_up + game.window,
        save=(*volumes, *value), every=1, burn_in=0, dtype="float64", threads=1,
    )  # fmt: skip
    figure = plot_path_with_demand(
        path["prices"][0],
        {f"{name.removeprefix('volume_')} traders": path[name][0, 1:] for name in volumes},
        fundamental=path["fundamental_value"][0] if value else None,
        quantity="volume",
        title="One path of the training data and who traded on it",
    )
    caption = (
        f"The first path of replication {replication}, from step 0; the players see it from step {game.warm_up} on. "
        "Volume is the sum of the sizes of a group's orders (Figure 2 of the paper)."
    )
    return Section("One real path", [], [], [Picture(figure, caption)])


def _training(result: StudyResult) -> Section:
    """Parameters from some starts on (Figure 3 of the paper), and losses, for each method that trains."""
    history = result.history
    if "method" not in history:
        history = history.assign(method="adversarial")
    truth = {n: float(getattr(result.truth, n)) for n in result.recipe.trainable}
    pictures = []
    for method, rows in history.groupby("method", sort=False):
        game = result.recipe.experiment.plain if method == PLAIN else result.recipe.game
        rows = rows.dropna(axis="columns", how="all").rename(columns={"replication": "start"})
        figure = plot_convergence(
            rows.loc[rows["start"] < _STARTS_SHOWN],
            list(truth),
            truth,
            title=f"Parameters over the iterations, {method}",
        )
        caption = "Raw values of the first replications, each from another start; the dashed line is the truth."
        if any("[" in column for column in rows.columns):
            caption += " There is a line for each trader."
        if game.average_from < 1:
            caption += f" What is kept is the mean over the iterations from {100 * game.average_from:g} % on."
        pictures.append(Picture(figure, caption))
        loss = LOSSES.take(game.loss)
        caption = "Means over the replications with their range. " + (
            "A discriminator that tells nothing apart has the loss 2 ln 2 = 1.386. Where it falls and the parameters "
            "do not come nearer to the truth, it tells the real paths by memory."
            if loss.level
            else "The discriminator's loss is minus the distance that it finds between real and simulated windows."
        )
        pictures.append(Picture(plot_losses(rows, unit=loss.unit, title=f"Losses over training, {method}"), caption))
    return Section("Training", [], [], pictures)


def _same_noise(result: StudyResult) -> Section:
    """True and calibrated paths where our error is the median one (Figure 4 of the paper)."""
    replication = result.median_replication(OURS).replication
    real = whole_paths(result.truth, result.recipe, replication, 1)[0]
    pictures = []
    for method in result.methods:
        found = next(e for e in result.of(method) if e.replication == replication)
        calibrated = whole_paths(result.market(found), result.recipe, replication, 1)[0]
        title = f"True and calibrated market on the same noise, {method}"
        figure = plot_same_noise(real, calibrated, limit=TARGET_PATH_ERROR, title=title)
        pictures.append(Picture(figure, f"Replication {replication}, the path above (Figure 4 of the paper)."))
    prose = [
        "True and calibrated market are run on the same random numbers from step 0, signs taken as positive. The "
        f"paper shows one path that stays within {100 * TARGET_PATH_ERROR:g} %. Shown is the replication whose largest "
        "error along its first path is the median of all replications; the table of the searches has the median over "
        "the first 200 paths of every replication too.",
    ]
    return Section("The same noise", prose, [], pictures)


def _replications(result: StudyResult) -> Section:
    prose = [
        f"A replication is lost when its search failed or a parameter ended more than {FAR:g} standard errors from the "
        "truth. Times are wall times on one thread, with a search on every core: longer where the machine has other "
        "work."
    ]
    wide: pd.DataFrame = result.estimate_table().pivot(
        index=["replication", "method"], columns="parameter", values="estimate"
    )
    shown = wide[list(result.recipe.trainable)].reset_index()
    ended = (
        "How the searches ended: raw values, g' W g of the moments or the energy distance of the game, and the rest."
    )
    return Section("Every replication", prose, [Table(shown, "Every estimate."), Table(result.searches, ended)])


class StudyRuns(PriceRuns):
    """What the verbs do with a study."""

    word, units = "an experiment", "replication"

    def play(self, recipe: Recipe, **options: Any) -> StudyResult:
        """See `run_study`."""
        return run_study(recipe, **options)

    def bars(self, recipe: Recipe) -> tuple[int, int]:
        """One for each replication."""
        return (recipe.experiment or recipe.recovery).replications, recipe.game.iterations

    def show(self, result: StudyResult) -> Shown:
        """Errors of every method."""
        n = len(result.of(result.methods[0]))
        return Shown({f"{result.recipe.name}, {n} replications": result.overview}, [result.status, *result.weak])

    def conclude(self, result: StudyResult, folder: Path, **_: Any) -> None:
        """The report."""
        write_study_report(folder, result)

    def judge(self, folder: Path, **_: Any) -> Any:
        """There are no data to judge by."""
        raise DataError(
            f"{folder} is an experiment on simulated data, which has none to judge a market by; to judge the one that "
            "it left, if any, give data as well."
        )

    def check_readable(self, folder: Path) -> None:
        """It has no data of its own."""
        self.judge(folder)

    def report(self, folder: Path, data: Any = None, mapping: Mapping[str, str] | None = None) -> Path:
        """See `write_study_report`."""
        return write_study_report(folder)


RUN = StudyRuns()
