"""From a request table and a recipe to a calibrated dealer market, by every method that the recipe names."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from simcal import models
from simcal.calibration.gan import GameData
from simcal.calibration.recipe import Recipe, RequestSettings
from simcal.calibration.requests.adversarial import adversarial_estimate, adversarial_tasks, starting_market
from simcal.calibration.requests.compose import compose, own_dealer
from simcal.calibration.requests.estimate import Estimate
from simcal.calibration.requests.fit import check_sample, fit_likelihood
from simcal.calibration.requests.moments import fit_moments
from simcal.calibration.requests.result import RequestCalibration
from simcal.calibration.requests.sample import Sample, sample_of
from simcal.calibration.requests.windows import request_windows
from simcal.calibration.start import StartResult
from simcal.calibration.starts import Listener, available_cores, play_all
from simcal.calibration.statistics import statistics
from simcal.data import request_catalogue
from simcal.data.requests import Requests, load_requests
from simcal.errors import DataError, NumericalError, NumericalWarning, ParameterError
from simcal.files import make_folder
from simcal.models.dealers.market import RfqMarket

Choose = Callable[[list[StartResult]], int]


def calibrate_requests(
    origin: RfqMarket,
    data: Any,
    recipe: Recipe,
    *,
    choose: Choose,
    out: Path | None = None,
    mapping: Mapping[str, str] | None = None,
    jobs: int | None = None,
    device: str = "cpu",
    listen: Listener | None = None,
    truth: RfqMarket | None = None,
) -> RequestCalibration:
    """Estimate client and rivals by every method of the recipe, and make a market of the chosen method's estimates.

    Parameters
    ----------
    origin
        Gives what is not estimated; where it has an inventory skew, dealers mind their inventories.
    data
        What `load_requests` takes.
    recipe
        The resolved recipe; its first ``train_share`` of the requests is used.
    choose
        Which of several adversarial starts is taken.
    out
        The run folder, made before anything is computed; with one, the adversarial starts can be continued.
    mapping
        The names of the data's columns, see `load_requests`.
    jobs, device, listen
        See `simcal.calibrate`.
    truth
        The market that made the data, where that is known.

    Raises
    ------
    ParameterError, DataError, NumericalError
        See `simcal.calibrate`.
    """
    settings = recipe.requests or RequestSettings()
    check_request_recipe(recipe, settings)
    requests = load_requests(data, mapping)
    part = training_requests(requests, recipe)
    sample = request_sample(part, settings)
    check_sample(sample)
    if out is not None:
        make_folder(out)  # before the training, which would be lost with it
    began = time.monotonic()
    fits, starts, chosen_start = _fit_all(origin, sample, recipe, settings, choose, out, jobs, device, listen)
    chosen = chosen_method(recipe, settings)
    best = next(f for f in fits if f.method == chosen)
    values = dict(zip(best.names, map(float, best.values), strict=True))
    own = own_dealer(part, rivals_skew=values.get("inventory_skew", 0.0))
    calibration = RequestCalibration(
        compose(origin, part, values, own), origin, recipe, requests, fits, chosen, own, tuple(starts), chosen_start,
        time.monotonic() - began, truth or known_truth(data), _source(data), dict(mapping or {}),
    )  # fmt: skip
    if out is not None:
        calibration.save(out)
    return calibration


def check_request_recipe(recipe: Recipe, settings: RequestSettings) -> None:
    """`ParameterError` where the recipe's statistics cannot be those of its view of requests."""
    if "adversarial" not in settings.methods:
        return
    name = recipe.game.statistics
    fitting = [f"requests{serial}{'-platform' * (settings.view == 'platform')}" for serial in ("", "-inventory")]
    statistics(name)
    if name not in fitting or ("inventory_skew" in recipe.trainable and name != fitting[1]):
        wanted = fitting[1:] if "inventory_skew" in recipe.trainable else fitting
        raise ParameterError(
            f"The recipe {recipe.name} has game.statistics {name!r}, but its view of the requests ({settings.view!r}) "
            f"and its parameters need {' or '.join(map(repr, wanted))}; change the one or the other."
        )


def training_requests(requests: Requests, recipe: Recipe) -> Requests:
    """The first ``train_share`` of the table, all of it where the share is 1."""
    return requests.split(recipe.train_share)[0] if recipe.train_share < 1 else requests


def request_sample(requests: Requests, settings: RequestSettings) -> Sample:
    """What the methods read of the table."""
    told = settings.told
    return sample_of(
        requests, view=settings.view, covers="covers" in told, traded_prices="traded_prices" in told,
        ranks="ranks" in told,
    )  # fmt: skip


def chosen_method(recipe: Recipe, settings: RequestSettings) -> str:
    """Whose estimates become the market."""
    if settings.chosen is not None:
        return settings.chosen
    return "adversarial" if "inventory_skew" in recipe.trainable else settings.methods[0]


def known_truth(data: Any) -> RfqMarket | None:
    """The market that made a table of the catalogue: it has the same name."""
    if isinstance(data, str) and data in request_catalogue() and data in models.names():
        market = models.load(data)
        return market if isinstance(market, RfqMarket) else None
    return None


def _fit_all(
    origin: RfqMarket, sample: Sample, recipe: Recipe, settings: RequestSettings, choose: Choose, out: Path | None,
    jobs: int | None, device: str, listen: Listener | None,
) -> tuple[tuple[Estimate, ...], list[StartResult], int]:  # fmt: skip
    platform = settings.view == "platform"
    fits: dict[str, Estimate] = {}
    starts: list[StartResult] = []
    chosen_start = 0
    if "likelihood" in settings.methods:
        fits["likelihood"] = fit_likelihood(sample, platform=platform, shape_prior=settings.shape_prior)
    if "moments" in settings.methods:
        fits["moments"] = fit_moments(sample, platform=platform, shape_prior=settings.shape_prior)
    data = _windows(sample, recipe, settings) if "adversarial" in settings.methods else None
    if data is not None:
        start = starting_market(origin, sample, recipe.trainable)
        at_once = min(jobs or available_cores(), recipe.starts.count)
        tasks = adversarial_tasks(
            start, data, recipe, checkpoints=None if out is None else out / "checkpoints", device=device,
            budget=None if recipe.budget is None else recipe.budget / math.ceil(recipe.starts.count / at_once),
        )  # fmt: skip
        starts = play_all(tasks, jobs=jobs, listen=listen)
        chosen_start = choose(starts)
        fits["adversarial"] = adversarial_estimate(starts[chosen_start], data, recipe, sample.n)
    for fit in fits.values():
        if not np.isfinite(fit.values).all():
            raise NumericalError(f"The method {fit.method} ended with numbers that are not finite. {fit.status}")
    return tuple(fits[method] for method in settings.methods if method in fits), starts, chosen_start


def _windows(sample: Sample, recipe: Recipe, settings: RequestSettings) -> GameData | None:
    """Windows for the game; where the table does not serve and another method is chosen, a warning and none."""
    try:
        return request_windows(sample, view=settings.view, window=recipe.game.window, warm_up=recipe.game.warm_up)
    except DataError as error:
        if chosen_method(recipe, settings) == "adversarial":
            raise
        warnings.warn(f"The adversarial method is left out. {error}", NumericalWarning, stacklevel=4)
        return None


def _source(data: Any) -> str:
    """Where the data can be read again: a file with its whole path, or a name; empty for data that were passed in."""
    if not isinstance(data, (str, Path)):
        return ""
    return str(Path(data).resolve()) if Path(data).is_file() else str(data)
