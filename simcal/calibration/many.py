"""Many series calibrated by one call, a folder for each: what is done is kept, what fails is a sentence in a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal import models
from simcal.calibration.calibrate import calibrate, default_recipe, origin_of, override
from simcal.calibration.prices import matched, with_names
from simcal.calibration.prior import with_prior_from
from simcal.calibration.recipe import PriceRecipe, Recipe, load_recipe
from simcal.calibration.result import Run, read_run
from simcal.calibration.starts import available_cores, check_jobs
from simcal.calibration.windows import training_part
from simcal.data import PriceSeries, load_series
from simcal.errors import DataError, ParameterError, SimcalError
from simcal.files import make_folder, write_atomically
from simcal.models import Market
from simcal.parameters import flat_values


def calibrate_many(
    data: Sequence[Any] | Mapping[str, Any],
    *,
    out: str | Path,
    market: Market | str | Path | None = None,
    recipe: Recipe | str | Path | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    listen: Callable[[int, int, str], None] | None = None,
    trust: bool = False,
    **options: Any,
) -> pd.DataFrame:
    """Calibrate a market to each of many price series.

    Parameters
    ----------
    data
        What `simcal.calibrate` takes, several of them; with names of the folders where it is a mapping.
    out
        A folder of run folders, each as `simcal.calibrate` leaves it. The same call again calibrates only the series
        that are not there, or that have changed, or were calibrated otherwise.
    market, recipe, seed
        As for `simcal.calibrate`; the recipe must be one for prices.
    jobs
        Series calibrated at the same time; one per core when absent.
    listen
        Called with how many are done, of how many, and the name of the last.
    trust, **options
        Others of `simcal.calibrate`, for each of them.

    Returns
    -------
    pandas.DataFrame
        A row per series: returns, log-likelihood per return where the estimator has one, seconds, ``status``, the
        calibrated parameters. A series that failed has the sentence as its status. Also in ``calibrations.csv``.

    Raises
    ------
    ParameterError
        Two series have the same name, or the recipe is not one for prices.

    Examples
    --------
    >>> import tempfile, simcal
    >>> paths = simcal.simulate(simcal.load("herding-today"), 2, 600, seed=2).prices
    >>> recipe = simcal.calibration.Recipe.model_validate(
    ...     {"name": "one", "market": "herding-today", "estimator": "likelihood", "trainable": ["chartist_sd"],
    ...      "starts": {"count": 1}}
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     calibrate_many({"a": paths[0], "b": paths[1]}, out=folder, recipe=recipe, jobs=1).status.to_list()
    ['calibrated', 'calibrated']
    """
    check_jobs(jobs)
    chosen = recipe if isinstance(recipe, Recipe) else None if recipe is None else load_recipe(recipe)
    chosen = override(
        chosen or default_recipe(None if market is None else models.load(market)), seed=seed,
        budget=options.pop("budget", None), starts=options.pop("starts", None),
        iterations=options.pop("iterations", None),
    )  # fmt: skip
    if (prior := options.pop("prior_from", None)) is not None:
        chosen = with_prior_from(chosen, prior)
    if not isinstance(chosen, PriceRecipe) or chosen.is_experiment:
        raise ParameterError(
            f"Several series are calibrated by a recipe for prices, but {chosen.name} is {chosen.title}; calibrate its "
            "data one by one."
        )
    named = dict(data) if isinstance(data, Mapping) else _by_name(data)
    folder = make_folder(Path(out))
    tasks = [
        {"given": given, "out": folder / name, "market": market, "recipe": chosen, "trust": trust, "options": options}
        for name, given in named.items()
    ]
    from joblib import Parallel, delayed

    workers = min(jobs or available_cores(), len(tasks))
    rows: dict[str, dict[str, Any]] = {}
    finished: Any = Parallel(n_jobs=workers, return_as="generator_unordered")(delayed(_one)(**task) for task in tasks)
    for row in finished:
        rows[row["series"]] = row
        if listen is not None:
            listen(len(rows), len(tasks), row["series"])
    table = pd.DataFrame([rows[name] for name in named])
    write_atomically(folder / "calibrations.csv", table.to_csv(index=False))
    return table


def _by_name(data: Sequence[Any]) -> dict[str, Any]:
    """Data by the names of their folders."""
    named: dict[str, Any] = {}
    for k, given in enumerate(data):
        if isinstance(given, (str, Path)):
            name = Path(given).name.split(".")[0] or "series"
        else:
            name = given.name if isinstance(given, PriceSeries) else f"series-{k}"
        if name in named:
            raise ParameterError(
                f"Two of the series have the name {name!r}, and would share a folder; give a mapping from names of "
                "folders to data, or rename a file."
            )
        named[name] = given
    return named


def _one(
    given: Any, out: Path, market: Any, recipe: PriceRecipe, trust: bool, options: dict[str, Any]
) -> dict[str, Any]:
    """Calibrate one series, or read what lies there; its row of the table."""
    row: dict[str, Any] = {"series": out.name, "returns": np.nan, "log_likelihood": np.nan, "seconds": np.nan}
    try:
        series = given if isinstance(given, PriceSeries) else load_series(given)
        row["returns"] = series.n - 1
        status, run = "kept", _kept(out, market, recipe, series, options, trust)
        if run is None:
            calibrate(market, given, recipe=recipe, out=out, jobs=1, trust=trust, **options)
            status, run = "calibrated", read_run(out, series, trust=True)  # it was made just now
        if run.estimate is not None and "log_likelihood" in run.estimate.details:
            row["log_likelihood"] = run.estimate.details["log_likelihood"] / run.estimate.n
        row |= {"seconds": run.manifest["seconds"], "status": status}
        return row | flat_values(run.market, recipe.trainable)
    except SimcalError as error:
        return row | {"status": str(error)}


def _kept(
    out: Path, market: Any, recipe: PriceRecipe, series: PriceSeries, options: dict[str, Any], trust: bool
) -> Run | None:
    """The finished run in a folder, where it is of the same series, by the same recipe, from the same market."""
    if not (out / "manifest.json").is_file():
        return None
    named = with_names(recipe, *(options.get(name) for name in ("estimator", "statistics", "loss")))
    try:
        run = read_run(out, series, trust=trust)
        origin = origin_of(None if market is None else models.load(market), named)
        origin = matched(origin, training_part(series, recipe.train_share).log_returns, named)
    except (DataError, ParameterError):
        return None
    return run if run.recipe == named and run.origin.to_dict() == origin.to_dict() else None
