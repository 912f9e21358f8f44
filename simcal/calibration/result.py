"""What a calibration leaves: the calibrated market, how it was found, and its folder."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from simcal import models
from simcal.calibration.recipe import Recipe
from simcal.calibration.start import StartResult
from simcal.data import PriceSeries
from simcal.files import write_atomically
from simcal.json_text import json_text
from simcal.models import Market
from simcal.parameters import flat_values

_PACKAGES = ("simcal", "numpy", "numba", "torch", "scipy", "pandas", "statsmodels", "arch", "scikit-learn")


@dataclass(frozen=True)
class Calibration:
    """A calibrated market and the record of its calibration.

    Main attributes
    ---------------
    market, origin : the calibrated market, ready for `simcal.simulate`, and the one that the recipe starts from.
    series : the whole price series, of which the recipe's ``train_share`` was trained on.
    status : one sentence on how the chosen start ended.

    Other attributes
    ----------------
    recipe : the resolved recipe.
    starts : how every start ended; `chosen` is the number of the one that was taken.
    seconds : wall time of the training.
    """

    market: Market
    origin: Market
    recipe: Recipe
    series: PriceSeries
    starts: tuple[StartResult, ...]
    chosen: int
    seconds: float
    data_name: str = field(default="")

    @property
    def status(self) -> str:
        """One sentence on how the chosen start ended."""
        return self.starts[self.chosen].status

    @property
    def history(self) -> pd.DataFrame:
        """Losses and parameters at every iteration of every start, in a column ``start``."""
        return pd.concat([s.history.assign(start=s.number) for s in self.starts], ignore_index=True)

    def parameters(self) -> pd.DataFrame:
        """The trained parameters: meaning, letter, unit, value before (start 0) and after; a row each."""
        before = flat_values(self.origin, self.recipe.trainable)
        after = flat_values(self.market, self.recipe.trainable)
        rows = []
        for name, value in after.items():
            spec = self.market.SPECS[name.split("[")[0]]
            rows.append(
                (name, spec.letter, before.get(name, before.get(spec.name)), value, spec.unit, spec.description)
            )
        return pd.DataFrame(rows, columns=["parameter", "letter", "start", "calibrated", "unit", "meaning"])

    def starts_table(self) -> pd.DataFrame:
        """One row per start: distance to the data, seconds, skipped steps, how it ended."""
        return pd.DataFrame(
            [(s.number, s.number == self.chosen, s.distance, s.seconds, s.non_finite, s.status) for s in self.starts],
            columns=["start", "chosen", "energy distance", "seconds", "skipped steps", "status"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``--json`` prints them."""
        return {
            "market": self.market.to_dict(),
            "parameters": flat_values(self.market, self.recipe.trainable),
            "status": self.status,
            "chosen": self.chosen,
            "starts": self.starts_table().to_dict(orient="records"),
            "seconds": self.seconds,
            "recipe": self.recipe.name,
            "data": {"name": self.series.name, "n": self.series.n, "sha256": self.series.sha256},
        }

    def save(self, folder: str | Path) -> Path:
        """Write market, recipe, history, weights and manifest into a folder that `simcal.load` reads.

        ``starts/`` has the market of each start that ended well: what the calibration might have ended in as well.
        """
        folder = Path(folder)
        models.save(self.market, folder / "market.toml")
        models.save(self.origin, folder / "origin.toml")
        for start in self.starts:
            if start.succeeded:
                models.save(start.market, folder / "starts" / f"start-{start.number}.toml")
        write_atomically(folder / "recipe.toml", self.recipe.to_toml())
        write_atomically(folder / "history.csv", self.history.to_csv(index=False))
        checkpoint = checkpoint_path(folder, self.chosen)
        if checkpoint.is_file():
            write_atomically(folder / "weights.safetensors", checkpoint.read_bytes())
        record = self.to_dict()
        manifest = {
            **record,
            "data": {**record["data"], "source": self.data_name},
            "seed": self.recipe.seed,
            "versions": versions(),
        }
        write_atomically(folder / "manifest.json", json_text(manifest, indent=2))
        return folder


def checkpoint_path(folder: Path, start: int) -> Path:
    """Where the checkpoint of a start lies inside a run folder."""
    return folder / "checkpoints" / f"start-{start}.safetensors"


def versions() -> dict[str, str]:
    """The versions that a result depends on, by package."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}
