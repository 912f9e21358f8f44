"""What a training leaves: the policy that all traders share, how it came about, and a folder of it."""

from __future__ import annotations

import json
import platform
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tomli_w
from torch import Tensor

from simcal.errors import DataError, ParameterError
from simcal.files import write_atomically
from simcal.json_text import json_text
from simcal.learning.market import ACTIONS, FEATURES, LearningMarket, load_market
from simcal.learning.ppo import SharedPolicy, squashed
from simcal.learning.settings import PpoSettings
from simcal.training import load_checkpoint, save_checkpoint

KIND = "training"
"""What the manifest of a training's folder calls it."""
_PACKAGES = ("simcal", "numpy", "numba", "torch")
_NET = "policy."


@dataclass(frozen=True, eq=False)
class TrainedMarket:
    """Traders who have learned.

    Attributes
    ----------
    market, settings, seed
        What was trained, and how.
    status
        How the training ended, in sentences; with the number that shows it where the market collapsed.
    succeeded
        Whether it has been trained to an end, that is to its last iteration or the end of its budget.
    collapsed
        The iteration in whose episodes the market was found collapsed for the first time, of a collapse that lasts to
        the end; None where the last iteration's is a market.
    history
        A row per iteration, see `simcal.learning.train`.
    weights
        Of the policy's network.
    seconds
        Wall time, interrupted runs included.
    """

    market: LearningMarket
    settings: PpoSettings
    seed: int
    status: str
    succeeded: bool
    collapsed: int | None
    history: pd.DataFrame = field(repr=False)
    weights: dict[str, Tensor] = field(repr=False)
    seconds: float = 0.0

    @cached_property
    def policy(self) -> SharedPolicy:
        """The network, and the deviation of its noise."""
        policy = SharedPolicy(len(FEATURES), len(ACTIONS), self.settings.width, self.settings.log_sd)
        policy.net.load_state_dict(self.weights)
        return policy

    def act(self, features: np.ndarray) -> np.ndarray:
        """What traders do who see `features`, (n, 11): (n, 2), price and volume from -1 to 1, without noise."""
        return squashed(self.policy.raw(np.ascontiguousarray(features, np.float32)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values: all but weights, and of the history the last row."""
        return {
            "market": self.market.to_dict(), "settings": self.settings.to_dict(), "seed": self.seed,
            "status": self.status, "succeeded": self.succeeded, "collapsed": self.collapsed,
            "seconds": self.seconds, "iterations": len(self.history),
            "last": self.history.iloc[-1].to_dict() if len(self.history) else {},
        }  # fmt: skip

    def save(self, folder: str | Path) -> Path:
        """Write market.toml, recipe.toml, history.csv, weights.safetensors and, last, manifest.json."""
        folder = Path(folder)
        recipe = {"seed": self.seed, "settings": self.settings.to_dict()}
        write_atomically(folder / "market.toml", tomli_w.dumps(self.market.to_dict()))
        write_atomically(folder / "recipe.toml", tomli_w.dumps(recipe))
        write_atomically(folder / "history.csv", self.history.to_csv(index=False))
        save_checkpoint(folder / "weights.safetensors", {_NET + k: v for k, v in self.weights.items()}, {"kind": KIND})
        manifest = {
            "kind": KIND, "seed": self.seed, "status": self.status, "succeeded": self.succeeded,
            "collapsed": self.collapsed, "seconds": self.seconds,
            "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        }  # fmt: skip
        write_atomically(folder / "manifest.json", json_text(manifest, indent=2))
        return folder


def load_trained(folder: str | Path) -> TrainedMarket:
    """Read back what `TrainedMarket.save` wrote.

    Raises
    ------
    DataError
        The folder is not that of a finished training.
    """
    folder = Path(folder)
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if manifest["kind"] != KIND:
            raise ValueError(f"it is one of kind {manifest['kind']!r}")
        recipe = tomllib.loads((folder / "recipe.toml").read_text(encoding="utf-8"))
        tensors, _ = load_checkpoint(folder / "weights.safetensors")
        found = TrainedMarket(
            load_market(folder / "market.toml"), PpoSettings(**recipe["settings"]), recipe["seed"],
            manifest["status"], manifest["succeeded"], manifest["collapsed"], pd.read_csv(folder / "history.csv"),
            {name.removeprefix(_NET): tensor for name, tensor in tensors.items()}, manifest["seconds"],
        )  # fmt: skip
        found.policy.eval()
        return found
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, ParameterError, pd.errors.EmptyDataError) as error:
        raise DataError(
            f"{folder} is not the folder of a finished training ({error}). Give the folder that `simcal train` wrote, "
            "or let it finish."
        ) from None
