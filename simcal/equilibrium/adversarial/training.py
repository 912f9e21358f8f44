"""The training loop: history, time budget, checkpoint, and an end that is told in a sentence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from simcal.equilibrium.adversarial.game import Game
from simcal.errors import NumericalError, ParameterError
from simcal.training import Budget, load_checkpoint, save_checkpoint

Listener = Callable[[Mapping[str, float]], None]

_SAVE_EVERY = 5.0  # seconds


@dataclass(frozen=True)
class Training:
    """How a training ended: a sentence, whether its numbers can be used, seconds, and a row per iteration."""

    status: str
    succeeded: bool
    seconds: float
    history: list[dict[str, float]] = field(repr=False)


def train(
    game: Game,
    identity: Mapping[str, Any],
    *,
    budget: float | None = None,
    checkpoint: Path | None = None,
    listen: Listener | None = None,
) -> Training:
    """Play to the last iteration or the end of the budget; continue a checkpoint where there is one.

    Parameters
    ----------
    game
        Not yet played.
    identity
        What must be the same for a checkpoint to be continued, as plain values.
    budget
        Seconds, those before an interruption included.
    checkpoint
        A file, written every few seconds and at the end.
    listen
        Called with each row of the history.

    Raises
    ------
    ParameterError
        Where the checkpoint was made by another training.
    DataError
        Where the file is no checkpoint.
    """
    history: list[dict[str, float]] = []
    used, iterations = 0.0, game.settings.iterations
    if checkpoint is not None and checkpoint.is_file():
        used = _restore(game, checkpoint, identity, history)
    clock, saved = Budget(budget, used), time.monotonic()
    status, succeeded = f"All {iterations} iterations played.", True
    try:
        while game.iteration < iterations:
            if clock.spent:
                status = f"Stopped by the time budget after {game.iteration} of {iterations} iterations."
                succeeded = game.iteration > 0
                break
            row = game.step()
            history.append(row)
            if listen is not None:
                listen(row)
            if checkpoint is not None and time.monotonic() - saved > _SAVE_EVERY:
                _save(game, checkpoint, identity, history, clock.used)
                saved = time.monotonic()
    except NumericalError as error:
        status, succeeded = str(error), False
    if checkpoint is not None:
        _save(game, checkpoint, identity, history, clock.used)
    return Training(status, succeeded, clock.used, history)


@contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Let PyTorch use so many threads, and afterwards as many as before: other numbers round sums differently."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _save(game: Game, path: Path, identity: Mapping[str, Any], history: list[dict[str, float]], used: float) -> None:
    rows = torch.tensor([list(row.values()) for row in history], dtype=torch.float64)
    state = {
        "identity": dict(identity), "game": game.state(), "used": used,
        "columns": list(history[0]) if history else [],
    }  # fmt: skip
    save_checkpoint(path, {**game.tensors(), "history": rows}, state)


def _restore(game: Game, path: Path, identity: Mapping[str, Any], history: list[dict[str, float]]) -> float:
    tensors, state = load_checkpoint(path)
    if state.get("identity") != dict(identity):
        raise ParameterError(
            f"The checkpoint {path} was made for another problem, seed or setting; give another file, or delete this "
            "one to begin anew."
        )
    game.restore(tensors, state["game"])
    for row in tensors["history"].tolist():
        history.append(dict(zip(state["columns"], row, strict=True)))
        history[-1]["iteration"] = int(history[-1]["iteration"])
    return float(state["used"])
