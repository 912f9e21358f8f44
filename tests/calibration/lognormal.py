"""A market as simple as can be, for tests of the game: independent lognormal returns with one deviation.

It answers what `simcal.models.Market` asks, and nothing else; the tests register it under the kind "lognormal".
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from simcal import models
from simcal.calibration import GameSettings
from simcal.definition.trainable import TrainableParameters
from simcal.noise import normals_torch
from simcal.parameters import Parameter

SPECS = {"sd": Parameter("sd", 0.01, "deviation of a return", 0.0, open=True)}


@dataclass(frozen=True)
class LognormalMarket:
    """ln P(t) - ln P(t-1) = sd z(t)."""

    kind: ClassVar[str] = "lognormal"
    SPECS: ClassVar[dict[str, Parameter]] = SPECS
    OUTPUTS: ClassVar[tuple[str, ...]] = ()
    sd: float = 0.01

    def __post_init__(self) -> None:
        object.__setattr__(self, "sd", SPECS["sd"].check(self.sd))

    def replace(self, **changes: Any) -> LognormalMarket:
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> LognormalMarket:
        return cls(values["sd"])

    def twin(self, trainable: Sequence[str], *, per_trader: Sequence[str] = (), **options: Any) -> LognormalTwin:
        return LognormalTwin(self, trainable, **options)


class LognormalTwin(nn.Module):
    """`nan_from`: from this path on, prices are NaN. `nan_above`: prices are NaN while sd is above."""

    def __init__(
        self,
        market: LognormalMarket,
        trainable: Sequence[str],
        *,
        dtype: torch.dtype,
        device: str,
        nan_from: int | None = None,
        nan_above: float = np.inf,
    ) -> None:
        super().__init__()
        self.trainable = TrainableParameters(market, trainable, device=device)
        self.dtype, self.nan_from, self.nan_above = dtype, nan_from, nan_above

    def simulate(self, seed: int, first_path: int, n_paths: int, n_steps: int) -> Tensor:
        noise = normals_torch(seed, first_path, n_paths, 1, n_steps, 1)[:, 0].T.to(self.dtype)
        sd = self.trainable.values()["sd"].to(self.dtype)
        logs = torch.cumsum(sd * noise, dim=1)
        prices = torch.exp(torch.cat([torch.zeros_like(logs[:, :1]), logs], dim=1))
        broken = sd.detach() > self.nan_above
        if self.nan_from is not None:
            broken = broken | (torch.arange(first_path, first_path + n_paths) >= self.nan_from)[:, None]
        return torch.where(broken, torch.nan, prices)

    def to_market(self) -> Any:
        return self.trainable.to_market()


def windows(n: int, length: int, sd: float, seed: int) -> np.ndarray:
    """Windows of such a market, (n, length + 1), from a generator that has nothing to do with the twin's."""
    logs = np.cumsum(sd * np.random.default_rng(seed).standard_normal((n, length)), axis=1)
    return np.exp(np.concatenate([np.zeros((n, 1)), logs], axis=1))


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `simcal.models.from_dict` know the kind "lognormal"."""
    monkeypatch.setitem(sys.modules, "lognormal", sys.modules[__name__])
    monkeypatch.setitem(models.MARKETS, "lognormal", LognormalMarket)


def linear_game(**changes: Any) -> GameSettings:
    """The Wasserstein game with a linear discriminator: efficient matching of the means of the statistics."""
    values: dict[str, Any] = {
        "statistics": "experiment", "loss": "wasserstein", "normalise": "whiten", "hidden": (), "window": 20,
        "warm_up": 0, "batch": 100, "iterations": 60, "discriminator_steps": 2, "generator_rate": 0.05,
        "discriminator_rate": 0.05, "average_from": 0.5, "dtype": "float64",
    }  # fmt: skip
    return GameSettings.model_validate(values | changes)
