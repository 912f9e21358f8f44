"""The folder of a recovery: everything that its report is made of, written and read."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pandas as pd

from simcal import models
from simcal.calibration.estimate import Estimate
from simcal.calibration.recipe import Recipe
from simcal.calibration.recovery.result import RECOVERY_KIND, RecoveryResult
from simcal.calibration.recovery.theory import Theory
from simcal.calibration.result import versions
from simcal.errors import DataError, ParameterError
from simcal.files import write_atomically
from simcal.json_text import json_text


def save_recovery(folder: str | Path, result: RecoveryResult) -> Path:
    """Write a recovery into a folder that `load_recovery` reads; ``origin.toml`` is the truth."""
    folder = Path(folder)
    models.save(result.truth, folder / "origin.toml")
    write_atomically(folder / "recipe.toml", result.recipe.to_toml())
    write_atomically(folder / "summary.csv", result.summary.to_csv(index=False))
    write_atomically(folder / "estimates.csv", result.estimates.to_csv(index=False))
    write_atomically(folder / "history.csv", result.history.to_csv(index=False))
    write_atomically(folder / "recovery.json", json_text(result.to_dict(), indent=1))
    manifest = {
        "kind": RECOVERY_KIND, "recipe": result.recipe.name, "seed": result.recipe.seed, "status": result.status,
        "seconds": result.seconds, "versions": versions(),
    }  # fmt: skip
    write_atomically(folder / "manifest.json", json_text(manifest, indent=2))
    return folder


def load_recovery(folder: str | Path) -> RecoveryResult:
    """Read back what `save_recovery` wrote; `DataError` where it cannot."""
    folder = Path(folder)
    try:
        found = json.loads((folder / "recovery.json").read_text(encoding="utf-8"))
        recipe = Recipe.model_validate(tomllib.loads((folder / "recipe.toml").read_text(encoding="utf-8")))
        history = (folder / "history.csv").read_text(encoding="utf-8")
        return RecoveryResult(
            recipe,
            models.load(folder / "origin.toml"),
            {name: Theory.from_dict(values) for name, values in found["theories"].items()},
            tuple(Estimate.from_dict(f) for f in found["fits"]),
            pd.read_csv(folder / "history.csv") if history.strip() else pd.DataFrame(),
            found["seconds"],
        )
    except (OSError, ValueError, KeyError, TypeError, ParameterError) as error:
        raise DataError(
            f"{folder} is not the folder of a finished recovery ({error}). Give the folder that the recovery wrote, or "
            "let it finish."
        ) from None
