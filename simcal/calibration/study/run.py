"""A study of known truth: every method of the recipe on data of a known market, from fresh starts, many times.

Two designs: many paths in each replication, of which the game and a plain one that it is compared with see windows
(section [experiment]; source: "A generative adversarial network approach to calibrate multi-agent simulators", section
4); and one long sample in each, for simulated moments and the game (section [recovery]).
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from simcal import models
from simcal.calibration.bound import efficient_errors
from simcal.calibration.estimate import Estimate, unknown
from simcal.calibration.gan import GameData
from simcal.calibration.moments import fit_moments
from simcal.calibration.recipe import ExperimentRecipe, Recipe, RecoveryRecipe, check_recipe, load_recipe
from simcal.calibration.start import StartResult, StartTask
from simcal.calibration.starts import Listener, available_cores, play_all
from simcal.calibration.study import data
from simcal.calibration.study.result import OURS, PLAIN, TARGET_PATH_ERROR, YARDSTICK, StudyResult, save_study
from simcal.calibration.study.theory import Theory, theory
from simcal.errors import ParameterError
from simcal.files import make_folder
from simcal.models import Market
from simcal.noise import check_integer
from simcal.training import torch_threads

BOUND_PATHS = 40_000  # windows for each evaluation of the efficient standard errors
_COMPARED_PATHS = 200  # on the same noise
_KEPT = 10  # iterations between two rows of the history
# The settings that a finished part depends on.
_OF_THEORY = {"n_steps", "moments", "simulated", "bound_samples"}
_OF_MOMENTS = {
    "n_steps", "start_factor", "moments", "simulated", "candidates", "searches", "weight_samples", "block",
}  # fmt: skip


def run_study(
    recipe: Recipe | str | Path,
    *,
    out: str | Path | None = None,
    replications: int | None = None,
    iterations: int | None = None,
    jobs: int | None = None,
    listen: Listener | None = None,
) -> StudyResult:
    """Calibrate a market to data of its own, by every method, many times, and compare with what theory allows.

    In each replication all methods see the same data. By many paths they begin at the same values, and the plain game
    gives each trader values of its own, as in the paper; by one long sample the game begins at one place and moments at
    the best of several.

    Parameters
    ----------
    recipe
        One with a section ``[experiment]`` or ``[recovery]``; its market, with its changes, is the truth.
    out
        A folder for the result; with one, a study that was killed continues.
    replications, iterations
        Override the recipe's; iterations are those of the games.

    Other Parameters
    ----------------
    jobs
        Searches at the same time, each in a process of its own on one thread; one per core when absent.
    listen
        Called with (replication, row) now and then; rows of a search by moments stand at iteration 0.

    Raises
    ------
    ParameterError
        The recipe cannot be used so, in one sentence.
    NumericalError
        The statistics do not identify the parameters, or the true market leaves the range of numbers.
    """
    given = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    chosen: Any = _override(given, replications, iterations)
    design = _ManyPaths if isinstance(chosen, ExperimentRecipe) else _LongSamples
    truth = models.load(chosen.market).replace(**chosen.changes)
    data.check_truth(chosen, truth)
    jobs = available_cores() if jobs is None else check_integer("jobs", jobs, 1, 4096)
    study = design(chosen, truth, None if out is None else make_folder(Path(out) / "checkpoints"), jobs, listen)
    theories = study.theories()
    began = time.monotonic()
    estimates, history = study.play()
    result = StudyResult(chosen, truth, theories, tuple(estimates), history, time.monotonic() - began)
    if out is not None:
        save_study(out, result)
    return result


def _override(recipe: Recipe, replications: int | None, iterations: int | None) -> Any:
    if not isinstance(recipe, (ExperimentRecipe, RecoveryRecipe)):
        raise ParameterError(
            f"The recipe {recipe.name} has no section [experiment] or [recovery]; add one, or use the recipe to "
            "calibrate to a series."
        )
    values = recipe.model_dump()
    section = values["experiment" if isinstance(recipe, ExperimentRecipe) else "recovery"]
    if replications is not None:
        section["replications"] = replications
    if iterations is not None:
        for game in (values["game"], section.get("plain")):
            if game is not None:
                game["iterations"] = iterations
    return check_recipe(values)


class _Design:
    """What the two designs share."""

    def __init__(
        self, recipe: Any, truth: Market, checkpoints: Path | None, jobs: int, listen: Listener | None
    ) -> None:
        self.recipe, self.truth, self.checkpoints, self.jobs, self.listen = recipe, truth, checkpoints, jobs, listen

    def share(self, searches: int) -> float | None:
        """The seconds of each of so many searches."""
        recipe = self.recipe
        return None if recipe.budget is None else recipe.budget / math.ceil(searches / min(self.jobs, searches))

    def checkpoint(self, name: str) -> Path | None:
        """Where a search leaves its checkpoint."""
        return None if self.checkpoints is None else self.checkpoints / name

    def played(self, tasks: list[StartTask]) -> list[StartResult]:
        """The games, some of them at the same time."""
        return play_all(tasks, jobs=min(self.jobs, len(tasks)), listen=self.listen)


def thinned(results: list[StartResult], **columns: Sequence[Any]) -> pd.DataFrame:
    """The first, the last and every tenth row of each history."""
    kept = []
    for k, result in enumerate(results):
        rows = result.history
        rows = rows[(rows["iteration"] % _KEPT == 0) | (rows["iteration"].isin([1, len(rows)]))]
        kept.append(rows.assign(**{name: values[k] for name, values in columns.items()}))
    return pd.concat(kept, ignore_index=True)


# -- many paths -----------------------------------------------------------------------------------------------------


class _ManyPaths(_Design):
    recipe: ExperimentRecipe

    def theories(self) -> dict[str, Theory]:
        """For each game the bound by the yardstick; beside it that by the statistics that our game looks at."""
        recipe, game = self.recipe, self.recipe.game
        data.path_starts(recipe, self.truth)  # refuses recipes without any
        bounds = {
            name: efficient_errors(
                self.truth, recipe.trainable, statistics=name, n_windows=recipe.experiment.n_paths, window=game.window,
                warm_up=game.warm_up, n_paths=BOUND_PATHS,
            )
            for name in dict.fromkeys((YARDSTICK, game.statistics))
        }  # fmt: skip
        found, own = bounds[YARDSTICK], bounds[game.statistics]
        covariance = found.correlations * np.outer(found.standard_errors, found.standard_errors)
        said = f"the statistics {YARDSTICK!r}"
        truth = np.array([data.size_of(n, getattr(self.truth, n)) for n in recipe.trainable])
        return {
            method: Theory(said, found.names, truth, covariance, own.standard_errors if method == OURS else
                           found.standard_errors)
            for method in self.methods
        }  # fmt: skip

    @property
    def methods(self) -> list[str]:
        return [OURS] if self.recipe.experiment.plain is None else [OURS, PLAIN]

    def tasks(self) -> dict[tuple[str, int], StartTask]:
        """Every game by (method, replication): ours first, so that progress runs once through each."""
        recipe, truth = self.recipe, self.truth
        starts = data.path_starts(recipe, truth)
        games = [(method, r) for method in self.methods for r in range(recipe.experiment.replications)]
        settings = {OURS: recipe.game, PLAIN: recipe.experiment.plain or recipe.game}
        per_trader = {OURS: recipe.per_trader, PLAIN: tuple(n for n in recipe.trainable if truth.SPECS[n].group)}
        return {
            (method, r): StartTask(
                number=r, market=starts[r], trainable=recipe.trainable, per_trader=per_trader[method],
                data=GameData(data.real_windows(recipe, truth, r, settings[method])), settings=settings[method],
                seed=recipe.seed, early_stopping=recipe.early_stopping, budget=self.share(len(games)),
                checkpoint=self.checkpoint(f"{method}-{r}.safetensors"),
            )
            for method, r in games
        }  # fmt: skip

    def play(self) -> tuple[list[Estimate], pd.DataFrame]:
        tasks = self.tasks()
        results = self.played(list(tasks.values()))
        estimates = [
            self._estimate(method, task, result)
            for (method, _), task, result in zip(tasks, tasks.values(), results, strict=True)
        ]
        methods, numbers = ([key[k] for key in tasks] for k in (0, 1))
        return estimates, thinned(results, method=methods, replication=numbers)

    def _estimate(self, method: str, task: StartTask, result: StartResult) -> Estimate:
        recipe, names = self.recipe, self.recipe.trainable
        n_paths = min(_COMPARED_PATHS, recipe.experiment.n_paths)
        real, calibrated = (
            data.whole_paths(data.unsigned(market), recipe, task.number, n_paths)
            for market in (self.truth, result.market)
        )
        errors = data.largest_errors(real, calibrated)
        raw = {n: getattr(result.market, n) for n in names}
        return Estimate(
            method, names, np.array([data.size_of(n, raw[n]) for n in names]), unknown(len(names)), result.status,
            result.succeeded, result.seconds, recipe.experiment.n_paths,
            start=np.array([data.size_of(n, getattr(task.market, n)) for n in names]), objective=result.distance,
            replication=task.number,
            details={
                "values": raw, "start": {n: getattr(task.market, n) for n in names}, "iterations": len(result.history),
                "skipped steps": result.non_finite, "error on the same noise": float(errors[0]),
                "the same, median over paths": float(np.median(errors)),
                "share of paths below": float(np.mean(errors < TARGET_PATH_ERROR)),
            },
        )  # fmt: skip


# -- one long sample ------------------------------------------------------------------------------------------------


class _LongSamples(_Design):
    recipe: RecoveryRecipe

    @property
    def n(self) -> int:
        return self.recipe.recovery.replications

    def identity(self, names: set[str], **more: Any) -> dict[str, Any]:
        """What must be the same for a finished part to be taken over, the named settings among it."""
        return {
            "truth": self.truth.to_dict(),
            "trainable": self.recipe.trainable,
            "settings": self.recipe.recovery.model_dump(mode="json", include=names),
            "seed": self.recipe.seed,
            **more,
        }

    def theories(self) -> dict[str, Theory]:
        if self.listen is not None:
            self.listen(0, {"iteration": 0})  # the theory takes a minute or two before the first search ends
        game = self.recipe.game.model_dump(mode="json", exclude={"iterations"})
        identity, found = self.identity(_OF_THEORY, game=game), {}
        for method in self.recipe.recovery.methods:
            path = self.checkpoint(f"theory-{method}.json")
            finished = data.read_finished(path, identity)
            found[method] = theory(method, self.recipe, self.truth) if finished is None else Theory.from_dict(finished)
            data.write_finished(path, identity, found[method].to_dict())
        return found

    def play(self) -> tuple[list[Estimate], pd.DataFrame]:
        estimates: list[Estimate] = []
        history = pd.DataFrame()
        for method in self.recipe.recovery.methods:
            if method == "moments":
                estimates += self._by_moments()
            else:
                found, history = self._by_games()
                estimates += found
        return estimates, history

    def _budget(self) -> float | None:
        share = self.share(self.n)
        return None if share is None else share / len(self.recipe.recovery.methods)

    def _by_moments(self) -> list[Estimate]:
        identity = self.identity(_OF_MOMENTS, warm_up=self.recipe.game.warm_up)
        searches = (
            delayed(_search)(
                self.recipe, self.truth, r, self.checkpoint(f"moments-{r}.json"), identity, self._budget()
            )
            for r in range(self.n)
        )  # fmt: skip
        found: list[Estimate] = []
        finished: Any = Parallel(n_jobs=min(self.jobs, self.n), return_as="generator_unordered")(searches)
        for one in finished:
            found.append(one)
            if self.listen is not None:
                row = dict(zip(one.names, one.values.tolist(), strict=True))
                self.listen(one.replication, {"iteration": 0, "moments": one.objective, **row})
        return sorted(found, key=lambda f: f.replication)

    def _by_games(self) -> tuple[list[Estimate], pd.DataFrame]:
        recipe, names = self.recipe, self.recipe.trainable
        tasks = [
            StartTask(
                number=r, market=data.sample_starts(recipe, self.truth, r)[0], trainable=names, per_trader=(),
                data=GameData(data.overlapping_windows(data.sample(recipe, self.truth, r), recipe.game)),
                settings=recipe.game, seed=recipe.seed, budget=self._budget(),
                checkpoint=self.checkpoint(f"adversarial-{r}.safetensors"),
            )
            for r in range(self.n)
        ]  # fmt: skip
        results = self.played(tasks)
        estimates = [
            Estimate(
                "adversarial", names, _values(result.market, names), unknown(len(names)), result.status,
                result.succeeded and len(result.history) == recipe.game.iterations, result.seconds,
                recipe.recovery.n_steps, start=_values(task.market, names), objective=float(result.distance)
                if np.isfinite(result.distance) else math.inf, replication=task.number,
            )
            for task, result in zip(tasks, results, strict=True)
        ]  # fmt: skip
        return estimates, thinned(results, replication=[r.number for r in results])


def _values(market: Market, names: tuple[str, ...]) -> np.ndarray:
    return np.array([float(getattr(market, name)) for name in names])


def _search(
    recipe: RecoveryRecipe, truth: Market, replication: int, path: Path | None, identity: Mapping[str, Any],
    budget: float | None,
) -> Estimate:  # fmt: skip
    """One replication by moments, taken over where it has been finished before; a task of its own."""
    if (finished := data.read_finished(path, identity)) is not None:
        return Estimate.from_dict(finished)
    with torch_threads(1):
        found = fit_moments(
            data.sample(recipe, truth, replication), data.sample_starts(recipe, truth, replication), recipe.trainable,
            recipe.recovery, warm_up=recipe.game.warm_up, seed=data.seed_of(recipe, data.MOMENTS, replication),
            replication=replication, budget=budget,
        )  # fmt: skip
    if budget is None or found.seconds < budget:
        data.write_finished(path, identity, found.to_dict())
    return found
