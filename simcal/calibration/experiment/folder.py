"""The folder of an experiment: everything that its report is made of, written and read."""

from __future__ import annotations

import json
import math
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal import models
from simcal.calibration.bound import Bound
from simcal.calibration.experiment.result import ExperimentResult, Outcome
from simcal.calibration.experiment.targets import OURS
from simcal.calibration.recipe import Recipe
from simcal.calibration.result import versions
from simcal.errors import DataError, ParameterError
from simcal.files import write_atomically
from simcal.json_text import json_text


def save_experiment(folder: str | Path, result: ExperimentResult) -> Path:
    """Write an experiment into a folder that `load_experiment` reads; the manifest comes last.

    ``market.toml`` is the market that our recipe found in replication 0, ``origin.toml`` the true one.
    """
    folder = Path(folder)
    models.save(result.truth, folder / "origin.toml")
    models.save(result.market(result.of(OURS)[0]), folder / "market.toml")
    write_atomically(folder / "recipe.toml", result.recipe.to_toml())
    write_atomically(folder / "estimates.csv", result.tables["estimates"].to_csv(index=False))
    write_atomically(folder / "history.csv", result.history.to_csv(index=False))
    write_atomically(folder / "experiment.json", json_text(result.to_dict(), indent=1))
    manifest = {
        "kind": "experiment",
        "recipe": result.recipe.name,
        "seed": result.recipe.seed,
        "status": result.status,
        "seconds": result.seconds,
        "versions": versions(),
    }
    write_atomically(folder / "manifest.json", json_text(manifest, indent=2))
    return folder


def load_experiment(folder: str | Path) -> ExperimentResult:
    """Read back what `save_experiment` wrote.

    Raises
    ------
    DataError
        The folder is not that of a finished experiment.
    """
    folder = Path(folder)
    try:
        found = json.loads((folder / "experiment.json").read_text(encoding="utf-8"))
        recipe = Recipe.model_validate(tomllib.loads((folder / "recipe.toml").read_text(encoding="utf-8")))
        return ExperimentResult(
            recipe,
            models.load(folder / "origin.toml"),
            {name: _bound(values) for name, values in found["bounds"].items()},
            tuple(_outcome(values) for values in found["outcomes"]),
            pd.read_csv(folder / "history.csv"),
            found["seconds"],
        )
    except (OSError, ValueError, KeyError, TypeError, ParameterError) as error:
        raise DataError(
            f"{folder} is not the folder of a finished experiment ({error}). Give the folder that the experiment "
            "wrote, or let it finish."
        ) from None


def _bound(values: dict[str, Any]) -> Bound:
    arrays = {name: np.array(values[name], dtype=float) for name in ("truth", "standard_errors", "correlations")}
    return Bound(names=tuple(values["names"]), n_windows=values["n_windows"], **arrays)


def _outcome(values: dict[str, Any]) -> Outcome:
    for name in ("start", "values"):
        values[name] = {n: tuple(v) if isinstance(v, list) else v for n, v in values[name].items()}
    for name in ("path_error", "median_path_error"):  # JSON has no infinity
        values[name] = math.inf if values[name] is None else values[name]
    return Outcome(**values)
