"""Runs of the kind ``calibration``: a market of prices, calibrated to a series by an estimator, judged, written up."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from simcal import models
from simcal.calibration.calibrate import features_of, loss_of, origin_of
from simcal.calibration.losses import Loss
from simcal.calibration.recipe import Recipe
from simcal.calibration.result import Calibration
from simcal.calibration.runs import RunKind
from simcal.calibration.start import StartResult
from simcal.calibration.starts import Listener
from simcal.calibration.statistics import STATISTICS, Statistics
from simcal.calibration.windows import simulated_windows, training_part
from simcal.data import PriceSeries, load_series
from simcal.definition.likelihood import has_likelihood
from simcal.errors import DataError, NumericalError, ParameterError, SimcalError, check_names
from simcal.files import make_folder
from simcal.models import Market
from simcal.registry import Registry
from simcal.subjects import Shown
from simcal.user_code import is_reference

ESTIMATORS: Registry[Callable[..., Any]] = Registry("simcal.estimators", "an estimator")
"""Functions (origin, series, recipe, *, features, loss, out, jobs, device, listen) that give the results of their
starts, and an `Estimate` with standard errors or None."""


class PriceRuns(RunKind):
    """What the verbs do with a calibration to prices."""

    def calibrate(
        self,
        market: Market | None,
        data: Any,
        recipe: Recipe,
        *,
        out: Path | None = None,
        jobs: int | None = None,
        device: str = "cpu",
        listen: Listener | None = None,
        mapping: Mapping[str, str] | None = None,
        estimator: str | Callable[..., Any] | None = None,
        features: Any = None,
        loss: str | Loss | None = None,
    ) -> Calibration:
        """See `simcal.calibrate`."""
        origin = origin_of(market, recipe)
        recipe = with_names(recipe, estimator, features, loss)
        estimate = ESTIMATORS.take(recipe.estimator if estimator is None else estimator)
        seen = features_of(features, recipe.statistics, recipe)
        if seen.windows != "prices":
            raise ParameterError(
                f"The statistics {seen.name!r} are those of {seen.windows}, but the market {recipe.market!r} is "
                "calibrated to prices; choose other game.statistics."
            )
        series = data if isinstance(data, PriceSeries) else load_series(data)
        check_names(recipe.trainable, origin.SPECS, "a parameter of this market")
        origin = matched(origin, training_part(series, recipe.train_share).log_returns, recipe)
        if out is not None:
            make_folder(out)  # before the training, which would be lost with it
            if models.is_own(origin):
                models.save(origin, out / "origin.toml")  # likewise: it may be that its definition cannot be kept
        own_loss, began = loss_of(loss, recipe), time.monotonic()
        results, found = estimate(
            origin, series, recipe, features=seen, loss=own_loss, out=out, jobs=jobs, device=device, listen=listen,
        )  # fmt: skip
        chosen = choose(results)
        calibration = Calibration(
            results[chosen].market, origin, recipe, series, tuple(results), chosen, time.monotonic() - began,
            data_name=source_of(data), estimate=found, features=seen, loss=own_loss,
        )  # fmt: skip
        if out is not None:
            calibration.save(out)
        return calibration

    def show(self, result: Calibration) -> Shown:
        """See `RunKind`; a market that knows where it stands is asked what comes next."""
        shown = super().show(result)
        if not has_likelihood(result.market):
            return shown
        return dataclasses.replace(shown, next="simcal forecast {folder} --horizon 20")

    def conclude(self, result: Calibration, folder: Path, *, jobs: int | None = None, listen: Any = None,
                 say: Callable[[str], object] = print) -> Any:  # fmt: skip
        """The certificate, into the report; a market or a series that cannot be judged still gets its report."""
        from simcal.calibration.report import write_run_report
        from simcal.calibration.validate import validate

        validation = None
        try:
            validation = validate(
                result.market, result.series, train_share=result.recipe.train_share, jobs=jobs, listen=listen
            )
        except SimcalError as error:
            say(f"simcal: the calibrated market was not judged. {error}")
        write_run_report(folder, validation, series=result.series, trust=True)  # it was made just now
        return validation

    def judge(self, folder: Path, **options: Any) -> Any:
        """The certificate of a run by its own data, kept as validation.json."""
        from simcal.calibration.result import read_run, write_validation
        from simcal.calibration.validate import validate

        run = read_run(folder)
        share = options.pop("train_share", None)
        share = run.recipe.train_share if share is None else share
        validation = validate(run.market, run.series, train_share=share, **options)
        write_validation(folder, validation)
        return validation

    def report(self, folder: Path, data: Any = None, mapping: Mapping[str, str] | None = None) -> Path:
        """See `write_run_report`."""
        from simcal.calibration.report import write_run_report

        return write_run_report(folder, series=None if data is None else load_series(data))


RUN = PriceRuns()


def with_names(recipe: Recipe, estimator: Any, features: Any, loss: Any) -> Recipe:
    """The recipe that names what the caller gave, so that a run says what was done."""
    if estimator is not None:
        name = estimator if isinstance(estimator, str) else getattr(estimator, "__name__", "own")
        recipe = recipe.model_copy(update={"estimator": name})
    if features is not None:
        recipe = recipe.with_statistics(_named(features))
    if loss is not None:
        recipe = recipe.model_copy(update={"game": recipe.game.model_copy(update={"loss": _named(loss)})})
    return recipe


def _named(thing: Any) -> str:
    if isinstance(thing, str):
        path, _, name = thing.rpartition(":")
        return f"{Path(path).resolve()}:{name}" if is_reference(thing) else thing
    if isinstance(thing, Statistics) and thing.name not in STATISTICS:
        STATISTICS.register(thing.name, thing)
    return getattr(thing, "name", getattr(thing, "__name__", "own"))


def source_of(data: Any) -> str:
    """Where data can be read again: a file with its whole path, or a name; empty for data that were passed in."""
    if not isinstance(data, (str, Path)):
        return ""
    if is_reference(data):
        path, _, name = str(data).rpartition(":")
        return f"{Path(path).resolve()}:{name}"
    return str(Path(data).resolve()) if Path(data).is_file() else str(data)


def choose(results: list[StartResult]) -> int:
    """The start with the smallest distance among those that ended well."""
    usable = [i for i, r in enumerate(results) if r.succeeded and math.isfinite(r.distance)]
    if not usable:
        raise NumericalError("No start ended with finite numbers. " + results[0].status)
    return min(usable, key=lambda i: results[i].distance)


def matched(market: Market, returns: np.ndarray, recipe: Recipe) -> Market:
    """The market with the size and the growth of the returns to train on, where the recipe says so."""
    if recipe.match_scale:
        market = _at_scale(market, returns, recipe)
    if recipe.match_growth:
        check_names(["growth"], market.SPECS, "a parameter of this market, so match_growth has no meaning for it")
        market = market.replace(growth=float(returns.mean()))
    return market


def _at_scale(market: Market, returns: np.ndarray, recipe: Recipe) -> Market:
    """The market with returns as large as the data's, by mean |r|."""
    if not returns.any():
        raise DataError("All returns to train on are 0; a market can only be calibrated to prices that move.")
    prices = simulated_windows(
        market, window=recipe.game.window, warm_up=recipe.game.warm_up, n_paths=200, seed=recipe.seed
    )
    return market.rescaled(float(np.abs(returns).mean() / np.abs(np.diff(np.log(prices))).mean()))
