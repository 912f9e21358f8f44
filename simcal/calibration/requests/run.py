"""The folder of a calibration to requests as it lies on the disk: everything that its report is made of."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from simcal import models
from simcal.calibration.recipe import Recipe, RequestSettings
from simcal.calibration.requests.estimate import Estimate
from simcal.calibration.requests.result import KIND, estimates_table
from simcal.calibration.requests.validate import RequestValidation, validate_requests
from simcal.calibration.runs import read_manifest
from simcal.data.requests import Requests, load_requests
from simcal.errors import DataError, ParameterError
from simcal.files import write_atomically
from simcal.json_text import json_text
from simcal.models.dealers.market import RfqMarket


@dataclass(frozen=True, eq=False)
class RequestRun:
    """What a calibration to requests left in its folder; see `RequestCalibration`."""

    folder: Path
    market: RfqMarket
    recipe: Recipe
    requests: Requests
    fits: tuple[Estimate, ...]
    truth: RfqMarket | None
    manifest: dict[str, Any] = field(repr=False)
    history: pd.DataFrame = field(repr=False)
    validation: RequestValidation | None = None

    @property
    def settings(self) -> RequestSettings:
        """The recipe's section on requests."""
        return self.recipe.requests or RequestSettings()

    @property
    def estimates(self) -> pd.DataFrame:
        """As `RequestCalibration.estimates`."""
        return estimates_table(self.fits, self.truth)


def is_request_run(folder: str | Path) -> bool:
    """Whether the folder is that of a finished calibration to requests."""
    if not (Path(folder) / "manifest.json").is_file():
        return False
    return read_manifest(folder).get("kind") == KIND


def read_request_run(folder: str | Path, requests: Requests | None = None) -> RequestRun:
    """Read the folder of a calibration to requests; `requests` stands in for data that have no name or have moved.

    Raises
    ------
    DataError
        The folder is not that of a finished run, or the data are not those of the run.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if manifest.get("kind") != KIND:
        raise DataError(f"{folder} is not a calibration to requests; give the folder of one.")
    try:
        recipe = Recipe.model_validate(tomllib.loads((folder / "recipe.toml").read_text(encoding="utf-8")))
        history = pd.read_csv(folder / "history.csv")
        fits = tuple(Estimate.from_dict(values) for values in manifest["fits"])
        market = models.load(folder)
        truth = models.load(folder / "truth.toml") if (folder / "truth.toml").is_file() else None
    except (OSError, ValueError, KeyError, ParameterError) as error:
        raise DataError(f"The run {folder} is damaged ({error}); calibrate again.") from None
    if not isinstance(market, RfqMarket) or not (truth is None or isinstance(truth, RfqMarket)):
        raise DataError(f"The run {folder} is damaged (its market is not one of dealers); calibrate again.")
    requests = requests if requests is not None else _requests(folder, manifest)
    if requests.sha256 != manifest["data"]["sha256"]:
        raise DataError(
            f"The table {requests.name} is not the one that {folder} was calibrated to, or it has changed since. "
            "Give the run's own data."
        )
    return RequestRun(folder, market, recipe, requests, fits, truth, manifest, history, _validation(folder))


def judge_request_run(
    folder: str | Path, *, requests: Requests | None = None, n_samples: int = 200, seed: int = 0
) -> RequestValidation:
    """Judge the market of a run by the run's own table, and keep the result as ``validation.json``."""
    run = read_request_run(folder, requests)
    validation = validate_requests(
        run.market, run.requests, view=run.settings.view, train_share=run.recipe.train_share, n_samples=n_samples,
        seed=seed,
    )  # fmt: skip
    write_atomically(run.folder / "validation.json", json_text(validation.to_dict(), indent=1))
    return validation


def _requests(folder: Path, manifest: dict[str, Any]) -> Requests:
    source = manifest["data"].get("source")
    if not source:
        raise DataError(f"The data of {folder} were given as a table in memory and have no name; give them again.")
    try:
        return load_requests(source, manifest["data"].get("mapping") or None)
    except DataError as error:
        raise DataError(f"The data of {folder} cannot be read any more; give them again. {error}") from None


def _validation(folder: Path) -> RequestValidation | None:
    path = folder / "validation.json"
    if not path.is_file():
        return None
    try:
        return RequestValidation.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{path} cannot be read; make it anew with `simcal validate {folder}`.") from None
