"""A synthetic experiment with requests: a known market makes the tables, and every method looks for it again."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pandas as pd

from simcal import models
from simcal.calibration.recipe import Recipe, RequestSettings, check_recipe, load_recipe
from simcal.calibration.requests.adversarial import adversarial_estimate, adversarial_tasks, starting_market
from simcal.calibration.requests.calibrate import check_request_recipe, request_sample
from simcal.calibration.requests.estimate import Estimate
from simcal.calibration.requests.experiment_result import RequestExperimentResult, save_request_experiment
from simcal.calibration.requests.fit import fit_likelihood
from simcal.calibration.requests.information import identification
from simcal.calibration.requests.moments import fit_moments
from simcal.calibration.requests.sample import Sample
from simcal.calibration.requests.windows import request_windows
from simcal.calibration.start import StartTask
from simcal.calibration.starts import Listener, available_cores, play_all
from simcal.errors import ParameterError
from simcal.files import make_folder
from simcal.models.dealers.market import RfqMarket
from simcal.models.dealers.request_table import request_table
from simcal.noise import check_integer

_DATA_STREAM = 0xDA7B  # keeps the seeds of the data apart from all others that are derived from the recipe's
_KEPT = 10  # iterations between two rows of the history


def run_request_experiment(
    recipe: Recipe | str | Path,
    *,
    out: str | Path | None = None,
    replications: int | None = None,
    iterations: int | None = None,
    jobs: int | None = None,
    listen: Listener | None = None,
) -> RequestExperimentResult:
    """Calibrate to fresh requests of the recipe's own market, by every method of the recipe, many times.

    Requests are made with the hard rule, whatever the twin of the adversarial method trains with.

    Main arguments
    --------------
    recipe
        A recipe with a section ``[requests.experiment]``; its market, with its changes, is the truth.
    out
        A folder for the result; with one, an experiment that was killed continues.
    replications, iterations
        Override the recipe's.

    Other arguments
    ---------------
    jobs
        Games played at the same time, each in a process of its own; one per core when absent.
    listen
        Called with (replication, history row) now and then.

    Raises
    ------
    ParameterError
        The recipe cannot be used so, in one sentence.
    """
    recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    recipe, settings = _override(recipe, replications, iterations)
    assert settings.experiment is not None
    truth = _truth(recipe)
    check_request_recipe(recipe, settings)
    if out is not None:
        make_folder(out)
    began = time.monotonic()
    samples = [
        request_sample(request_table(truth, settings.experiment.n_requests, seed=seed, platform=True), settings)
        for seed in data_seeds(recipe, settings.experiment.replications)
    ]
    fits: list[list[Estimate]] = [[] for _ in samples]
    for found, sample in zip(fits, samples, strict=True):
        found.extend(_closed_fits(sample, settings))
    history = pd.DataFrame()
    if "adversarial" in settings.methods:
        adversarial, history = _games(truth, samples, recipe, out, jobs, listen)
        for found, estimate in zip(fits, adversarial, strict=True):
            found.append(estimate)
    seen = None
    if not truth.vector("inventory_skew").any() and truth.tick == 0:
        seen = identification(truth, settings.experiment.n_requests)
    result = RequestExperimentResult(recipe, truth, tuple(map(tuple, fits)), seen, history, time.monotonic() - began)
    if out is not None:
        save_request_experiment(out, result)
    return result


def data_seeds(recipe: Recipe, replications: int) -> list[int]:
    """The seed of each replication's requests."""
    return [
        int(np.random.SeedSequence(recipe.seed, spawn_key=(_DATA_STREAM, r)).generate_state(1, np.uint64)[0])
        for r in range(replications)
    ]


def _closed_fits(sample: Sample, settings: RequestSettings) -> list[Estimate]:
    platform, found = settings.view == "platform", []
    if "likelihood" in settings.methods:
        found.append(fit_likelihood(sample, platform=platform, shape_prior=settings.shape_prior))
    if "moments" in settings.methods:
        found.append(fit_moments(sample, platform=platform, shape_prior=settings.shape_prior))
    return found


def _games(
    truth: RfqMarket, samples: list[Sample], recipe: Recipe, out: str | Path | None, jobs: int | None,
    listen: Listener | None,
) -> tuple[list[Estimate], pd.DataFrame]:  # fmt: skip
    assert recipe.requests is not None
    game = recipe.game
    checkpoints = None if out is None else Path(out) / "checkpoints"
    windows = [request_windows(s, view=recipe.requests.view, window=game.window, warm_up=game.warm_up) for s in samples]
    tasks: list[StartTask] = []
    at_once = min(available_cores() if jobs is None else check_integer("jobs", jobs, 1, 4096), len(samples))
    share = None if recipe.budget is None else recipe.budget / math.ceil(len(samples) / at_once)
    for r, (sample, data) in enumerate(zip(samples, windows, strict=True)):
        tasks += adversarial_tasks(
            starting_market(truth, sample, recipe.trainable), data, recipe,
            checkpoints=checkpoints, first_number=r, budget=share,
        )  # fmt: skip
    played = play_all(tasks, jobs=jobs, listen=listen)
    estimates = [
        adversarial_estimate(result, data, recipe, sample.n)
        for result, data, sample in zip(played, windows, samples, strict=True)
    ]
    histories = [
        result.history[(result.history["iteration"] % _KEPT == 0) | (result.history["iteration"] == 1)].assign(
            replication=r
        )
        for r, result in enumerate(played)
    ]
    return estimates, pd.concat(histories, ignore_index=True)


def _truth(recipe: Recipe) -> RfqMarket:
    market = models.load(recipe.market).replace(**recipe.changes)
    if not isinstance(market, RfqMarket):
        raise ParameterError(
            f"The recipe {recipe.name} has a section [requests], but its market {recipe.market!r} is one of prices; "
            "give market = 'rfq'."
        )
    if "inventory_skew" not in recipe.trainable and market.vector("inventory_skew").any():
        raise ParameterError(
            "The recipe's market has an inventory_skew that is not among its trainable parameters; name it there, or "
            "set it to 0."
        )
    return market.replace(rule="hard")


def _override(recipe: Recipe, replications: int | None, iterations: int | None) -> tuple[Recipe, RequestSettings]:
    if recipe.requests is None or recipe.requests.experiment is None:
        raise ParameterError(
            f"The recipe {recipe.name} has no section [requests.experiment]; add one with n_requests and replications, "
            "or use the recipe to calibrate to a request table."
        )
    values = recipe.model_dump()
    if replications is not None:
        values["requests"]["experiment"]["replications"] = replications
    if iterations is not None:
        values["game"]["iterations"] = iterations
    values["starts"]["count"] = 1
    checked = check_recipe(values)
    assert checked.requests is not None
    return checked, checked.requests
