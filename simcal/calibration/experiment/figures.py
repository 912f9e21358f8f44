"""The figures of the paper in the report of an experiment: a path, convergence, the same noise; and the losses."""

from __future__ import annotations

from simcal.calibration.experiment.result import ExperimentResult
from simcal.calibration.experiment.run import data_seed, whole_paths
from simcal.calibration.experiment.targets import OURS, PLAIN, TARGET_PATH_ERROR
from simcal.calibration.recipe import GameSettings
from simcal.report import (
    Picture,
    Section,
    Table,
    plot_convergence,
    plot_losses,
    plot_path_with_demand,
    plot_same_noise,
)

_STARTS_SHOWN = 3  # as in the paper


def path_section(result: ExperimentResult) -> Section:
    """A real path and the volumes of the groups (Figure 2 of the paper)."""
    truth, game = result.truth, result.recipe.game
    replication = result.median_replication(OURS).replication
    volumes = [name for name in truth.OUTPUTS if name.startswith("volume_")]
    value = [name for name in truth.OUTPUTS if name == "fundamental_value"]
    path = truth.simulate_chunk(
        data_seed(result.recipe, replication), 0, 1, game.warm_up + game.window,
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


def convergence_section(result: ExperimentResult) -> Section:
    """The parameters from three starts on, for each recipe (Figure 3 of the paper)."""
    letters = {n: result.symbol(n).strip("|") for n in result.recipe.trainable}
    truth = {letters[n]: float(getattr(result.truth, n)) for n in letters}
    pictures = []
    for player in result.players:
        history = result.history.loc[lambda t, p=player: (t["recipe"] == p) & (t["replication"] < _STARTS_SHOWN)]
        history = history.dropna(axis="columns", how="all").rename(columns={"replication": "start"})
        history.columns = [_lettered(column, letters) for column in history.columns]
        title = f"Parameters over the iterations, {'our recipe' if player == OURS else 'the plain recipe'}"
        caption = "Raw values; lines that settle at minus the true b or c have found it (Figure 3 of the paper)."
        if any("[" in column for column in history.columns):
            caption += " There is a line for each trader."
        if (share := _game(result, player).average_from) < 1:
            caption += f" What is kept is the mean over the iterations from {100 * share:g} % on."
        pictures.append(Picture(plot_convergence(history, list(truth), truth, title=title), caption))
    prose = [f"The first {min(_STARTS_SHOWN, len(result.of(OURS)))} replications; each begins somewhere else."]
    return Section("Convergence", prose, [], pictures)


def _lettered(column: str, letters: dict[str, str]) -> str:
    name, bracket, rest = column.partition("[")
    return letters.get(name, name) + bracket + rest


def same_noise_section(result: ExperimentResult) -> Section:
    """True and calibrated paths where our error is the median one, for each recipe (Figure 4 of the paper)."""
    replication = result.median_replication(OURS).replication
    real = whole_paths(result.truth, result.recipe, replication, 1)[0]
    pictures = []
    for player in result.players:
        outcome = next(o for o in result.of(player) if o.replication == replication)
        calibrated = whole_paths(result.market(outcome), result.recipe, replication, 1)[0]
        name = "our recipe" if player == OURS else "the plain recipe"
        figure = plot_same_noise(
            real, calibrated, limit=TARGET_PATH_ERROR, title=f"True and calibrated market on the same noise, {name}"
        )
        pictures.append(Picture(figure, f"Replication {replication}, the path above (Figure 4 of the paper)."))
    prose = [
        "True and calibrated market are run on the same random numbers from step 0, signs taken as positive. The "
        f"paper shows one path that stays within {100 * TARGET_PATH_ERROR:g} %. Shown is the replication whose largest "
        "error along its first path is the median of all replications; the table has the median over "
        "the first 200 paths of every replication too.",
    ]
    names = {
        "recipe": "recipe",
        "error on the same noise (%), median replication": "largest error (%), first path",
        "the same, median over paths too": "median over paths too",
        "paths below 1.5 % (%)": "paths below 1.5 % (%)",
    }
    shown = result.games.loc[:, list(names)].rename(columns=names)
    table = Table(shown, "Medians over the replications, and the share of all paths that stay below 1.5 %.")
    return Section("The same noise", prose, [table], pictures)


def losses_section(result: ExperimentResult) -> Section:
    """Losses over the iterations, for each recipe."""
    pictures = []
    for player in result.players:
        history = result.history.loc[lambda t, p=player: t["recipe"] == p].rename(columns={"replication": "start"})
        critic = _game(result, player).loss == "wasserstein"
        name = "our recipe" if player == OURS else "the plain recipe"
        figure = plot_losses(
            history, unit="units of the critic" if critic else "nats", title=f"Losses over training, {name}"
        )
        caption = "Means over the replications with their range. " + (
            "The discriminator's loss is minus the distance that it finds between real and simulated windows."
            if critic
            else "A discriminator that tells nothing apart has the loss 2 ln 2 = 1.386. Where it falls and the "
            "parameters do not come nearer to the truth, it tells the real paths by memory."
        )
        pictures.append(Picture(figure, caption))
    return Section("Losses", [], [], pictures)


def _game(result: ExperimentResult, player: str) -> GameSettings:
    experiment = result.recipe.experiment
    return experiment.plain if player == PLAIN and experiment and experiment.plain else result.recipe.game
