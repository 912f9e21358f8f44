"""Known parameters found again from single long samples, by every method of the recipe, many times."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from simcal import models
from simcal.calibration.estimate import Estimate, unknown
from simcal.calibration.gan import GameData
from simcal.calibration.moments import fit_moments
from simcal.calibration.recipe import Recipe, RecoverySettings, check_recipe, load_recipe
from simcal.calibration.recovery.fit import read_finished, write_finished
from simcal.calibration.recovery.folder import save_recovery
from simcal.calibration.recovery.result import RecoveryResult
from simcal.calibration.recovery.samples import check_truth, moments_seed, overlapping_windows, sample, starts
from simcal.calibration.recovery.theory import Theory, theory
from simcal.calibration.start import StartResult, StartTask
from simcal.calibration.starts import Listener, available_cores, play_all
from simcal.errors import ParameterError
from simcal.files import make_folder
from simcal.models import Market
from simcal.noise import check_integer
from simcal.training import torch_threads

_KEPT = 10  # iterations between two rows of the history
# The settings that a finished part depends on.
_OF_THEORY = {"n_steps", "moments", "simulated", "bound_samples"}
_OF_MOMENTS = {
    "n_steps", "start_factor", "moments", "simulated", "candidates", "searches", "weight_samples", "block",
}  # fmt: skip


def run_recovery(
    recipe: Recipe | str | Path,
    *,
    out: str | Path | None = None,
    replications: int | None = None,
    iterations: int | None = None,
    jobs: int | None = None,
    listen: Listener | None = None,
) -> RecoveryResult:
    """Calibrate a market to single long samples of its own, by every method, and compare with the theory.

    In each replication all methods see the same sample. Searches begin at the truth with each parameter multiplied by
    a random factor: the game's at one such place, those by moments at the best of several.

    Main arguments
    --------------
    recipe
        A recipe with a section ``[recovery]``; its market, with its changes, is the truth.
    out
        A folder for the result; with one, a recovery that was killed continues.
    replications, iterations
        Override the recipe's; iterations are those of the game.

    Other arguments
    ---------------
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
    recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    recipe, settings = _override(recipe, replications, iterations)
    truth = models.load(recipe.market).replace(**recipe.changes)
    check_truth(recipe, truth)
    n = settings.replications
    jobs = min(available_cores() if jobs is None else check_integer("jobs", jobs, 1, 4096), n)
    checkpoints = None
    if out is not None:
        checkpoints = make_folder(Path(out) / "checkpoints")
    share = None if recipe.budget is None else recipe.budget / (len(settings.methods) * math.ceil(n / jobs))
    if listen is not None:
        listen(0, {"iteration": 0})  # the theory takes a minute or two before the first search ends
    began = time.monotonic()
    theories = {m: _theory(m, recipe, settings, truth, checkpoints) for m in settings.methods}
    fits: list[Estimate] = []
    history = pd.DataFrame()
    for method in settings.methods:
        if method == "moments":
            fits += _by_moments(recipe, settings, truth, checkpoints, share, jobs, listen)
        else:
            found, history = _by_games(recipe, settings, truth, checkpoints, share, jobs, listen)
            fits += found
    result = RecoveryResult(recipe, truth, theories, tuple(fits), history, time.monotonic() - began)
    if out is not None:
        save_recovery(out, result)
    return result


# -- the theory ---------------------------------------------------------------------------------------------------


def _theory(method: str, recipe: Recipe, settings: RecoverySettings, truth: Market, checkpoints: Path | None) -> Theory:
    path = None if checkpoints is None else checkpoints / f"theory-{method}.json"
    game = recipe.game.model_dump(mode="json", exclude={"iterations"})
    identity = _identity(recipe, settings, truth, _OF_THEORY) | {"game": game}
    if (finished := read_finished(path, identity)) is not None:
        return Theory.from_dict(finished)
    found = theory(method, recipe, settings, truth)
    write_finished(path, identity, found.to_dict())
    return found


def _identity(recipe: Recipe, settings: RecoverySettings, truth: Market, names: set[str]) -> dict[str, Any]:
    """What must be the same for a finished part to be taken over, the named settings among it."""
    return {
        "truth": truth.to_dict(),
        "trainable": recipe.trainable,
        "settings": settings.model_dump(mode="json", include=names),
        "seed": recipe.seed,
    }


# -- simulated moments --------------------------------------------------------------------------------------------


def _by_moments(
    recipe: Recipe, settings: RecoverySettings, truth: Market, checkpoints: Path | None, budget: float | None,
    jobs: int, listen: Listener | None,
) -> list[Estimate]:  # fmt: skip
    found: list[Estimate] = []
    searches = (delayed(_search)(recipe, settings, truth, r, checkpoints, budget) for r in range(settings.replications))
    finished: Any = Parallel(n_jobs=jobs, return_as="generator_unordered")(searches)
    for fit in finished:
        found.append(fit)
        if listen is not None:
            listen(
                fit.replication,
                {"iteration": 0, "moments": fit.objective, **dict(zip(fit.names, fit.values.tolist(), strict=True))},
            )
    return sorted(found, key=lambda f: f.replication)


def _search(
    recipe: Recipe, settings: RecoverySettings, market: Market, replication: int, checkpoints: Path | None,
    budget: float | None,
) -> Estimate:  # fmt: skip
    """One replication by moments, taken over where it has been finished before."""
    path = None if checkpoints is None else checkpoints / f"moments-{replication}.json"
    identity = _identity(recipe, settings, market, _OF_MOMENTS) | {"warm_up": recipe.game.warm_up}
    if (finished := read_finished(path, identity)) is not None:
        return Estimate.from_dict(finished)
    with torch_threads(1):
        fit = fit_moments(
            sample(recipe, settings, market, replication), starts(recipe, settings, market, replication),
            recipe.trainable, settings, warm_up=recipe.game.warm_up, seed=moments_seed(recipe, replication),
            replication=replication, budget=budget,
        )  # fmt: skip
    if budget is None or fit.seconds < budget:
        write_finished(path, identity, fit.to_dict())
    return fit


# -- the game -----------------------------------------------------------------------------------------------------


def _by_games(
    recipe: Recipe, settings: RecoverySettings, truth: Market, checkpoints: Path | None, budget: float | None,
    jobs: int, listen: Listener | None,
) -> tuple[list[Estimate], pd.DataFrame]:  # fmt: skip
    tasks = [
        StartTask(
            number=r, market=starts(recipe, settings, truth, r)[0], trainable=recipe.trainable,
            per_trader=(), data=GameData(overlapping_windows(sample(recipe, settings, truth, r), recipe.game)),
            settings=recipe.game, seed=recipe.seed, budget=budget,
            checkpoint=None if checkpoints is None else checkpoints / f"adversarial-{r}.safetensors",
        )
        for r in range(settings.replications)
    ]  # fmt: skip
    played = play_all(tasks, jobs=jobs, listen=listen)
    fits = [_fit_of(recipe, task, result) for task, result in zip(tasks, played, strict=True)]
    histories = []
    for result in played:
        rows = result.history
        kept = rows[(rows["iteration"] % _KEPT == 0) | (rows["iteration"].isin([1, len(rows)]))]
        histories.append(kept.assign(replication=result.number))
    return fits, pd.concat(histories, ignore_index=True)


def _fit_of(recipe: Recipe, task: StartTask, result: StartResult) -> Estimate:
    ended = len(result.history) == recipe.game.iterations
    names = recipe.trainable
    return Estimate(
        "adversarial", names, np.array([float(getattr(result.market, name)) for name in names]), unknown(len(names)),
        result.status, result.succeeded and ended, result.seconds,
        start=np.array([float(getattr(task.market, name)) for name in names]),
        objective=float(result.distance) if np.isfinite(result.distance) else math.inf, replication=task.number,
    )  # fmt: skip


def _override(recipe: Recipe, replications: int | None, iterations: int | None) -> tuple[Recipe, RecoverySettings]:
    if recipe.recovery is None:
        raise ParameterError(
            f"The recipe {recipe.name} has no section [recovery]; add one with n_steps and replications, or use the "
            "recipe to calibrate to a series."
        )
    values = recipe.model_dump(exclude={"starts"})
    if replications is not None:
        values["recovery"]["replications"] = replications
    if iterations is not None:
        values["game"]["iterations"] = iterations
    checked = check_recipe(values)
    assert checked.recovery is not None
    return checked, checked.recovery
