"""The verb `calibrate`: from a price series and a recipe to a calibrated market."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simcal import models
from simcal.calibration.gan import GameData
from simcal.calibration.recipe import Recipe, check_recipe, load_recipe
from simcal.calibration.result import Calibration, checkpoint_path
from simcal.calibration.start import StartResult, StartTask
from simcal.calibration.starts import Listener, available_cores, check_jobs, play_all, start_markets
from simcal.calibration.statistics import statistics
from simcal.calibration.windows import simulated_windows, training_part, training_windows
from simcal.data import PriceSeries, load_series
from simcal.errors import DataError, NumericalError, ParameterError
from simcal.files import make_folder
from simcal.models import Market
from simcal.parameters import check_names

if TYPE_CHECKING:
    from simcal.calibration.equilibrium import EquilibriumCalibration

DEFAULT_RECIPE = "sp500-herding"


def calibrate(
    market: Market | str | Path | None,
    data: Any,
    *,
    recipe: Recipe | str | Path = DEFAULT_RECIPE,
    out: str | Path | None = None,
    seed: int | None = None,
    budget: float | None = None,
    starts: int | None = None,
    iterations: int | None = None,
    jobs: int | None = None,
    device: str = "cpu",
    listen: Listener | None = None,
    mapping: Mapping[str, str] | None = None,
) -> Any:
    """Calibrate a market: to a price series, adversarially; a dealer market to a request table, by several methods.

    A recipe with a section [equilibrium] calibrates a market with trading costs to prices and volume, by moments.

    Main arguments
    --------------
    market
        Where to start, as it is; None takes the recipe's with the recipe's changes.
    data
        A catalogue name, a CSV or Parquet file, a pandas object, an array of prices or a `PriceSeries`; for a dealer
        market what `load_requests` takes. None takes the recipe's.
    recipe
        A name from ``calibration/``, a TOML file or a `Recipe`; its first ``train_share`` of the data is used.
    out
        A run folder; with one, the run can be killed and continued, and leaves its record there.
    seed, budget, starts, iterations
        Override the recipe's. The budget is in seconds of wall time; the recipe's own does not apply where iterations
        are given.

    Other arguments
    ---------------
    jobs
        Starts played at the same time, each in a process of its own; one per core when absent.
    device
        Where the twin runs, "cpu" or "cuda".
    listen
        Called with (start number, history row) now and then, for progress.
    mapping
        Of a request table, which column is which: ours -> the file's, see `load_requests`.

    Raises
    ------
    ParameterError, DataError
        The arguments cannot be used, in one sentence.
    NumericalError
        No start ended with finite numbers.
    """
    recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    recipe = override(recipe, seed=seed, budget=budget, starts=starts, iterations=iterations)
    check_device(device)
    check_jobs(jobs)
    data = recipe.data if data is None else data
    if data is None:
        raise ParameterError(
            f"No data were given, and the recipe {recipe.name} names none; give a price series or a request table."
        )
    if recipe.equilibrium is not None:
        return _calibrate_equilibrium(market, data, recipe, out, starts, iterations, mapping)
    if market is None:
        origin = models.load(recipe.market).replace(**recipe.changes)
    else:
        origin = models.load(market) if isinstance(market, (str, Path)) else market
    if hasattr(origin, "calibrate"):  # a market that brings its own way
        return origin.calibrate(  # type: ignore[attr-defined]
            data, recipe, choose=choose, out=None if out is None else Path(out), mapping=mapping, jobs=jobs,
            device=device, listen=listen,
        )  # fmt: skip
    check_price_recipe(recipe, mapping)
    series = data if isinstance(data, PriceSeries) else load_series(data)
    check_names(recipe.trainable, origin.SPECS, "a parameter of this market")
    windows = training_windows(series, recipe)
    returns = training_part(series, recipe.train_share).log_returns
    if recipe.match_scale:
        origin = _at_scale(origin, returns, recipe)
    if recipe.match_growth:
        check_names(["growth"], origin.SPECS, "a parameter of this market, so match_growth has no meaning for it")
        origin = origin.replace(growth=float(returns.mean()))
    if out is not None:
        make_folder(out)  # before the training, which would be lost with it
    tasks = _tasks(origin, windows, recipe, Path(out) if out is not None else None, jobs, device)
    began = time.monotonic()
    results = play_all(tasks, jobs=jobs, listen=listen)
    chosen = choose(results)
    calibration = Calibration(
        results[chosen].market, origin, recipe, series, tuple(results), chosen, time.monotonic() - began,
        data_name=_source(data),
    )  # fmt: skip
    if out is not None:
        calibration.save(out)
    return calibration


def _calibrate_equilibrium(
    market: Any, data: Any, recipe: Recipe, out: str | Path | None, starts: int | None, iterations: int | None,
    mapping: Mapping[str, str] | None,
) -> EquilibriumCalibration:  # fmt: skip
    from simcal.calibration.equilibrium import calibrate_equilibrium

    for name, value in {"market": market, "starts": starts, "iterations": iterations, "mapping": mapping}.items():
        if value is not None:
            raise ParameterError(
                f"{name} was given, but the recipe {recipe.name} fits moments and needs none; leave it out."
            )
    return calibrate_equilibrium(data, recipe, out=None if out is None else Path(out))


def check_price_recipe(recipe: Recipe, mapping: Mapping[str, str] | None) -> None:
    """`ParameterError` where a calibration to prices is asked for what only requests have."""
    if recipe.requests is not None or mapping:
        what = f"The recipe {recipe.name} has a section [requests]" if recipe.requests else "A mapping was given"
        raise ParameterError(
            f'{what}, but the market {recipe.market!r} is calibrated to prices; give market = "rfq" and request data, '
            "or leave it out."
        )
    if statistics(recipe.game.statistics).windows != "prices":
        raise ParameterError(
            f"The statistics {recipe.game.statistics!r} are those of requests, but the market {recipe.market!r} is "
            "calibrated to prices; choose other game.statistics."
        )


def _source(data: Any) -> str:
    """Where the data can be read again: a file with its whole path, or a name; empty for data that were passed in."""
    if not isinstance(data, (str, Path)):
        return ""
    return str(Path(data).resolve()) if Path(data).is_file() else str(data)


def override(
    recipe: Recipe, *, seed: int | None, budget: float | None, starts: int | None, iterations: int | None
) -> Recipe:
    """The recipe with what the caller set; checked like the file."""
    values = recipe.model_dump()
    if seed is not None:
        values["seed"] = seed
    if budget is not None:
        values["budget"] = budget
    if starts is not None:
        values["starts"]["count"] = starts
    if iterations is not None:
        values["game"]["iterations"] = iterations
        values["budget"] = budget  # the recipe's was made for its own number of iterations
    return check_recipe(values)


def check_device(device: str) -> None:
    """`ParameterError` where PyTorch cannot compute there."""
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise ParameterError(
            f"device is {device!r}, but this PyTorch cannot compute there; give 'cpu', or 'cuda' on a machine with it."
        ) from None


def _at_scale(market: Market, returns: np.ndarray, recipe: Recipe) -> Market:
    """The market with returns as large as the data's, by mean |r|."""
    if not returns.any():
        raise DataError("All returns to train on are 0; a market can only be calibrated to prices that move.")
    prices = simulated_windows(
        market, window=recipe.game.window, warm_up=recipe.game.warm_up, n_paths=200, seed=recipe.seed
    )
    return market.rescaled(float(np.abs(returns).mean() / np.abs(np.diff(np.log(prices))).mean()))


def choose(results: list[StartResult]) -> int:
    """The start with the smallest distance among those that ended well."""
    usable = [i for i, r in enumerate(results) if r.succeeded and math.isfinite(r.distance)]
    if not usable:
        raise NumericalError("No start ended with finite numbers. " + results[0].status)
    return min(usable, key=lambda i: results[i].distance)


def _tasks(
    origin: Market, data: GameData, recipe: Recipe, out: Path | None, jobs: int | None, device: str
) -> list[StartTask]:
    count = recipe.starts.count
    at_once = min(jobs or available_cores(), count)
    share = None if recipe.budget is None else recipe.budget / math.ceil(count / at_once)
    return [
        StartTask(
            number=number, market=market.to_dict(), trainable=recipe.trainable, per_trader=recipe.per_trader,
            data=data, settings=recipe.game, seed=recipe.seed, early_stopping=recipe.early_stopping, budget=share,
            checkpoint=checkpoint_path(out, number) if out is not None else None,
            device=device,
        )
        for number, market in enumerate(
            start_markets(origin, recipe.trainable, recipe.per_trader, recipe.starts, recipe.seed)
        )
    ]  # fmt: skip
