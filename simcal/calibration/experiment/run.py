"""A synthetic experiment: paths of a known market are the data, and its parameters are to be found again.

Source: "A generative adversarial network approach to calibrate multi-agent simulators", section 4, over many
replications instead of one, and beside the efficient standard errors.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pandas as pd

from simcal import models
from simcal.calibration.bound import efficient_errors
from simcal.calibration.experiment.folder import save_experiment
from simcal.calibration.experiment.result import ExperimentResult, Outcome, unsigned
from simcal.calibration.experiment.targets import OURS, PLAIN, TARGET_PATH_ERROR, YARDSTICK
from simcal.calibration.gan import GameData
from simcal.calibration.recipe import GameSettings, Recipe, check_recipe, load_recipe
from simcal.calibration.start import StartResult, StartTask
from simcal.calibration.starts import Listener, available_cores, play_all, start_markets
from simcal.calibration.windows import simulated_windows
from simcal.errors import NumericalError, ParameterError
from simcal.models import Market
from simcal.noise import check_integer
from simcal.parameters import check_names

BOUND_PATHS = 40_000  # windows for each evaluation of the efficient standard errors
_COMPARED_PATHS = 200  # on the same noise
_KEPT = 10  # iterations between two rows of the history
_DATA_STREAM = 0xDA7A  # keeps the seeds of the data apart from all others that are derived from the recipe's


def run_experiment(
    recipe: Recipe | str | Path,
    *,
    out: str | Path | None = None,
    replications: int | None = None,
    iterations: int | None = None,
    jobs: int | None = None,
    listen: Listener | None = None,
) -> ExperimentResult:
    """Play the recipe's game, and the plain one it is compared with, on fresh data from fresh starts, many times.

    In each replication both games begin at the same values and see the same data. Ours trains the parameters as the
    recipe says; the plain game gives each trader values of its own, as in the paper.

    Main arguments
    --------------
    recipe
        A recipe with a section ``[experiment]``; its market, with its changes, is the truth.
    out
        A folder for the result; with one, an experiment that was killed continues.
    replications, iterations
        Override the recipe's, the iterations for both games.

    Other arguments
    ---------------
    jobs
        Games played at the same time, each in a process of its own on one thread; one per core when absent.
    listen
        Called with (replication, history row) now and then, for all of ours and then all of the plain games.

    Raises
    ------
    ParameterError
        The recipe cannot be used so, in one sentence.
    NumericalError
        The statistics do not identify the parameters, or the true market leaves the range of numbers.
    """
    recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    recipe = _override(recipe, replications, iterations)
    jobs = min(available_cores() if jobs is None else check_integer("jobs", jobs, 1, 4096), len(_games(recipe)))
    truth = models.load(recipe.market).replace(**recipe.changes)
    _check_truth(recipe, truth)
    assert recipe.experiment is not None
    bounds = {
        name: efficient_errors(
            truth, recipe.trainable, statistics=name, n_windows=recipe.experiment.n_paths, window=recipe.game.window,
            warm_up=recipe.game.warm_up, n_paths=BOUND_PATHS,
        )
        for name in dict.fromkeys((YARDSTICK, recipe.game.statistics))
    }  # fmt: skip
    tasks = _tasks(recipe, truth, Path(out) if out is not None else None, jobs)
    began = time.monotonic()
    played = play_all(tasks, jobs=jobs, listen=listen)
    seconds = time.monotonic() - began
    outcomes, histories = [], []
    for (player, replication), task, result in zip(_games(recipe), tasks, played, strict=True):
        outcomes.append(_outcome(recipe, truth, player, task, result))
        rows = result.history
        kept = rows[(rows["iteration"] % _KEPT == 0) | (rows["iteration"].isin([1, len(rows)]))]
        histories.append(kept.assign(recipe=player, replication=replication))
    history = pd.concat(histories, ignore_index=True)
    result = ExperimentResult(recipe, truth, bounds, tuple(outcomes), history, seconds)
    if out is not None:
        save_experiment(out, result)
    return result


def data_seed(recipe: Recipe, replication: int) -> int:
    """The seed of the noise that the real paths of a replication are made of; path 0 is the one in the figures."""
    sequence = np.random.SeedSequence(recipe.seed, spawn_key=(_DATA_STREAM, replication))
    return int(sequence.generate_state(1, np.uint64)[0])


def whole_paths(market: Market, recipe: Recipe, replication: int, n_paths: int) -> np.ndarray:
    """Prices (n_paths, warm_up + window + 1) of a market on the noise of the replication's real paths, from step 0."""
    length = recipe.game.warm_up + recipe.game.window
    return simulated_windows(
        market, window=length, warm_up=0, n_paths=n_paths, seed=data_seed(recipe, replication)
    )  # fmt: skip


def largest_errors(real: np.ndarray, calibrated: np.ndarray) -> np.ndarray:
    """The largest |P_r(t) - P_c(t)| / P_r(t) along each path, (n_paths,); infinite where a price is not finite."""
    errors = np.max(np.abs(real - calibrated) / real, axis=1)
    return np.where(np.isfinite(errors), errors, math.inf)


# -- what is played -----------------------------------------------------------------------------------------------


def _override(recipe: Recipe, replications: int | None, iterations: int | None) -> Recipe:
    if recipe.experiment is None:
        raise ParameterError(
            f"The recipe {recipe.name} has no section [experiment]; add one with n_paths and replications, or use the "
            "recipe to calibrate to a series."
        )
    values = recipe.model_dump()
    if replications is not None:
        values["experiment"]["replications"] = replications
    if iterations is not None:
        values["game"]["iterations"] = iterations
        if values["experiment"]["plain"] is not None:
            values["experiment"]["plain"]["iterations"] = iterations
    return check_recipe(values)


def _check_truth(recipe: Recipe, truth: Market) -> None:
    check_names(recipe.trainable, truth.SPECS, "a parameter of this market")
    for name in recipe.trainable:
        value = getattr(truth, name)
        if not isinstance(value, (int, float)) or value == 0:
            raise ParameterError(
                f"{name} is {value!r} in the true market, but an experiment recovers numbers that all traders share "
                "and that are not 0; set one in the recipe's [changes], or leave it out of trainable."
            )
    if recipe.starts.law == "market":
        raise ParameterError(
            "The recipe's starts.law is 'market', but in an experiment that is the truth itself; choose 'normal' or "
            "'scatter'."
        )


def _games(recipe: Recipe) -> list[tuple[str, int]]:
    """Every game as (recipe, replication): ours first, so that progress runs once through each."""
    assert recipe.experiment is not None
    players = [OURS] if recipe.experiment.plain is None else [OURS, PLAIN]
    return [(player, r) for player in players for r in range(recipe.experiment.replications)]


def _tasks(recipe: Recipe, truth: Market, out: Path | None, jobs: int) -> list[StartTask]:
    assert recipe.experiment is not None
    games = _games(recipe)
    # The first of the scattered starts is the market itself, here the truth.
    skipped = 1 if recipe.starts.law == "scatter" else 0
    law = recipe.starts.model_copy(update={"count": recipe.experiment.replications + skipped})
    starts = start_markets(truth, recipe.trainable, recipe.per_trader, law, recipe.seed)[skipped:]
    share = None if recipe.budget is None else recipe.budget / math.ceil(len(games) / jobs)
    settings = {OURS: recipe.game, PLAIN: recipe.experiment.plain or recipe.game}
    per_trader = {OURS: recipe.per_trader, PLAIN: tuple(n for n in recipe.trainable if truth.SPECS[n].group)}
    return [
        StartTask(
            number=r, market=starts[r], trainable=recipe.trainable, per_trader=per_trader[player],
            data=_real_windows(recipe, truth, r, settings[player]), settings=settings[player], seed=recipe.seed,
            early_stopping=recipe.early_stopping, budget=share,
            checkpoint=None if out is None else out / "checkpoints" / f"{player}-{r}.safetensors",
        )
        for player, r in games
    ]  # fmt: skip


def _real_windows(recipe: Recipe, truth: Market, replication: int, settings: GameSettings) -> GameData:
    assert recipe.experiment is not None
    prices = simulated_windows(
        truth, window=settings.window, warm_up=settings.warm_up, n_paths=recipe.experiment.n_paths,
        seed=data_seed(recipe, replication),
    )  # fmt: skip
    if not np.isfinite(prices).all() or prices.min() <= 0:
        raise NumericalError(
            "Paths of the true market hold prices that are zero or not finite, so there is nothing to calibrate to; "
            "choose milder parameters in the recipe's [changes]."
        )
    return GameData(prices)


def _outcome(recipe: Recipe, truth: Market, player: str, task: StartTask, result: StartResult) -> Outcome:
    assert recipe.experiment is not None
    names, start = recipe.trainable, task.market
    n_paths = min(_COMPARED_PATHS, recipe.experiment.n_paths)

    def paths(market: Market) -> np.ndarray:
        return whole_paths(unsigned(market), recipe, task.number, n_paths)

    errors = largest_errors(paths(truth), paths(result.market))
    return Outcome(
        recipe=player,
        replication=task.number,
        start={n: getattr(start, n) for n in names},
        values={n: getattr(result.market, n) for n in names},
        status=result.status,
        succeeded=result.succeeded,
        iterations=len(result.history),
        seconds=result.seconds,
        skipped_steps=result.non_finite,
        path_error=float(errors[0]),
        median_path_error=float(np.median(errors)),
        share_of_paths_below=float(np.mean(errors < TARGET_PATH_ERROR)),
    )
