"""One start of a calibration, from its first iteration or its checkpoint to its end."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from simcal.calibration.gan import Game, GameData
from simcal.calibration.losses import Loss
from simcal.calibration.recipe import EarlyStopping, GameSettings
from simcal.calibration.statistics import Statistics
from simcal.errors import NumericalError, ParameterError
from simcal.models import Market
from simcal.training import Budget, load_checkpoint, save_checkpoint, torch_threads

Report = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class StartTask:
    """All that a process needs to play one start.

    Market, `features` and `loss` are things, not names: a process knows no names but those that ship.
    """

    number: int
    market: Market
    trainable: tuple[str, ...]
    per_trader: tuple[str, ...]
    data: GameData
    settings: GameSettings
    seed: int
    early_stopping: EarlyStopping | None = None
    budget: float | None = None
    checkpoint: Path | None = None
    checkpoint_seconds: float = 5.0
    threads: int = 1  # of PyTorch, whose sums round differently with other numbers of threads
    device: str = "cpu"
    features: Statistics | None = None
    loss: Loss | None = None


@dataclass(frozen=True)
class StartResult:
    """How one start ended.

    `market` holds the averaged parameters (of the best check under early stopping); `distance` is the energy
    distance of its windows to the validation windows, or what else `measure` says; `status` is a sentence; `history`
    has a row per iteration.
    """

    number: int
    market: Market
    distance: float
    status: str
    succeeded: bool
    seconds: float
    non_finite: int
    history: pd.DataFrame = field(repr=False)
    measure: str = "energy distance"


class _Best:
    """The best averaged market so far, and how long ago that was."""

    def __init__(self, rule: EarlyStopping | None) -> None:
        self.rule = rule
        self.distance, self.since = float("inf"), 0
        self.average: list[Tensor] = []

    def see(self, game: Game) -> None:
        """Look at the game now and then, once there is an average."""
        if self.rule is None or game.iteration % self.rule.every or not game.averaged:
            return
        distance = game.distance()
        if distance < self.distance:
            self.distance, self.since = distance, 0
            self.average = [mean.clone() for mean in game.average]
        else:
            self.since += 1

    @property
    def is_over(self) -> bool:
        """True when there was no progress for long enough."""
        return self.rule is not None and self.since >= self.rule.patience


def checkpoint_path(folder: Path, start: int) -> Path:
    """Where the checkpoint of a start lies inside a run folder."""
    return folder / "checkpoints" / f"start-{start}.safetensors"


def play(task: StartTask, report: Report = lambda row: None) -> StartResult:
    """Play one start to its end, its budget or its early stop; continues a checkpoint where there is one.

    `report` is called with every history row and must be cheap.
    """
    with torch_threads(task.threads):
        return _play(task, report)


def _play(task: StartTask, report: Report) -> StartResult:
    game = Game(
        task.market, task.trainable, task.data, task.settings, per_trader=task.per_trader, seed=task.seed,
        start=task.number, device=task.device, features=task.features, loss=task.loss,
    )  # fmt: skip
    best = _Best(task.early_stopping)
    rows: list[list[float]] = []
    columns = ["iteration", "discriminator_loss", "generator_loss", *game.values()]
    used = 0.0
    if task.checkpoint is not None and task.checkpoint.is_file():
        used = _restore(task, game, best, rows)
    budget = Budget(task.budget, used)
    status, succeeded = f"all {task.settings.iterations} iterations played", True
    last_saved = time.monotonic()
    try:
        while game.iteration < task.settings.iterations:
            # Asked before a step, so that a start that has stopped early stays where it is when it is played again.
            if best.is_over:
                status = f"stopped early: no progress on the validation windows before iteration {game.iteration}"
                break
            if budget.spent:
                status = (
                    f"stopped by the time budget after {game.iteration} of {task.settings.iterations} iterations; "
                    "a larger budget continues"
                )
                break
            row = game.step()
            rows.append(list(row.values()))
            report(row)
            best.see(game)
            if task.checkpoint is not None and time.monotonic() - last_saved > task.checkpoint_seconds:
                _save(task, game, best, rows, budget.used)
                last_saved = time.monotonic()
    except NumericalError as error:
        status, succeeded = str(error), False
    if task.checkpoint is not None:
        _save(task, game, best, rows, budget.used)
    if best.average:
        game.average = best.average
    table = np.array(rows, dtype=float).reshape(-1, len(columns))
    history = pd.DataFrame(table, columns=columns).astype({"iteration": int})  # a checkpoint holds floats
    return StartResult(
        task.number, game.market(), game.distance(), status, succeeded, budget.used, game.watch.count, history
    )


def _save(task: StartTask, game: Game, best: _Best, rows: list[list[float]], used: float) -> None:
    assert task.checkpoint is not None
    tensors = {
        **game.tensors(),
        "history": torch.as_tensor(np.array(rows), dtype=torch.float64),
        **{f"best.{i}": mean for i, mean in enumerate(best.average)},
    }
    state = {
        "game": game.state(), "best": [best.distance, best.since], "used": used, "identity": _identity(task)
    }  # fmt: skip
    save_checkpoint(task.checkpoint, tensors, state)


def _restore(task: StartTask, game: Game, best: _Best, rows: list[list[float]]) -> float:
    assert task.checkpoint is not None
    tensors, state = load_checkpoint(task.checkpoint)
    if state["identity"] != _identity(task):
        raise ParameterError(
            f"The checkpoint {task.checkpoint} was made by another recipe, seed or data set; "
            "give another folder, or delete this one to begin anew."
        )
    game.restore(tensors, state["game"])
    best.distance, best.since = state["best"]
    best.average = [tensors[f"best.{i}"] for i in range(sum(name.startswith("best.") for name in tensors))]
    rows.extend(tensors["history"].tolist())
    return float(state["used"])


def _identity(task: StartTask) -> dict[str, Any]:
    """What must be the same for a checkpoint to be continued."""
    return {
        "market": {k: list(v) if isinstance(v, tuple) else v for k, v in task.market.to_dict().items()},
        "trainable": [list(task.trainable), list(task.per_trader)],
        "settings": task.settings.model_dump(mode="json"),
        "early_stopping": None if task.early_stopping is None else task.early_stopping.model_dump(mode="json"),
        "seed": [task.seed, task.number],
        "data": [_fingerprint(w) for w in (task.data.train, task.data.validation, task.data.given)],
    }


def _fingerprint(windows: np.ndarray | None) -> str | None:
    if windows is None:
        return None
    return f"{windows.shape} {hashlib.sha256(np.ascontiguousarray(windows).tobytes()).hexdigest()}"
