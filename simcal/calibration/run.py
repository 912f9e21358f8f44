"""A run folder as it lies on the disk: everything that its report is made of."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from simcal import models
from simcal.calibration.certificate import Validation
from simcal.calibration.recipe import Recipe
from simcal.calibration.result import Calibration
from simcal.data import PriceSeries, load_series
from simcal.errors import DataError
from simcal.files import write_atomically
from simcal.json_text import json_text
from simcal.models import Market


@dataclass(frozen=True, eq=False)
class Run:
    """What a calibration left in its folder.

    `manifest` has the seed, the versions, the hash of the data and how each start ended; `history` a row per iteration
    of each start; `validation` is the certificate, None where the market has not been judged.
    """

    folder: Path
    market: Market
    origin: Market
    recipe: Recipe
    series: PriceSeries
    manifest: dict[str, Any] = field(repr=False)
    history: pd.DataFrame = field(repr=False)
    validation: Validation | None = None

    def parameters(self) -> pd.DataFrame:
        """As `Calibration.parameters`."""
        return Calibration(self.market, self.origin, self.recipe, self.series, (), 0, 0.0).parameters()

    def starts(self) -> pd.DataFrame:
        """As `Calibration.starts_table`."""
        return pd.DataFrame(self.manifest["starts"])

    @property
    def skipped_steps(self) -> int:
        """Training steps that were left out because they gave numbers that are not finite, over all starts."""
        return sum(start["skipped steps"] for start in self.manifest["starts"])


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """The manifest of a run folder; `DataError` where the folder is not that of a finished run."""
    path = Path(folder) / "manifest.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise DataError(
            f"{folder} is not the folder of a finished run: its manifest.json is missing or unreadable. "
            "Give the folder that `simcal calibrate` wrote, or let it finish."
        ) from None


def read_run(folder: str | Path, series: PriceSeries | None = None) -> Run:
    """Read a run folder; `series` stands in for data that have no name or have moved.

    Raises
    ------
    DataError
        The folder is not that of a finished run, or the data are not those of the run.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if manifest.get("kind") == "experiment":
        raise DataError(f"{folder} is an experiment on simulated data; to judge its market, give data as well.")
    if manifest.get("kind") == "recovery":
        raise DataError(f"{folder} is a recovery from simulated samples, which leaves no market; see its report.html.")
    try:
        recipe = Recipe.model_validate(tomllib.loads((folder / "recipe.toml").read_text(encoding="utf-8")))
        history = pd.read_csv(folder / "history.csv")
    except (OSError, ValueError) as error:
        raise DataError(f"The run {folder} is damaged ({error}); calibrate again.") from None
    series = series if series is not None else _series(folder, manifest)
    if series.sha256 != manifest["data"]["sha256"]:
        raise DataError(
            f"The series {series.name} is not the one that {folder} was calibrated to, or it has changed since. "
            "Give the run's own data."
        )
    return Run(
        folder, models.load(folder), models.load(folder / "origin.toml"), recipe, series, manifest, history,
        _validation(folder),
    )  # fmt: skip


def write_validation(folder: str | Path, validation: Validation) -> Path:
    """Put the certificate into a run folder."""
    return write_atomically(Path(folder) / "validation.json", json_text(validation.to_dict(), indent=1))


def _series(folder: Path, manifest: dict[str, Any]) -> PriceSeries:
    source = manifest.get("data", {}).get("source")
    if not source:
        raise DataError(f"The data of {folder} were given as an array and have no name; give them again.")
    try:
        return load_series(source)
    except DataError as error:
        raise DataError(f"The data of {folder} cannot be read any more; give them again. {error}") from None


def _validation(folder: Path) -> Validation | None:
    path = folder / "validation.json"
    if not path.is_file():
        return None
    try:
        return Validation.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{path} cannot be read; make it anew with `simcal validate {folder}`.") from None
