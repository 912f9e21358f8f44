"""The training loop: history, time budget, checkpoint, and an end that is told in a sentence."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from simcal.equilibrium.adversarial.game import Game
from simcal.equilibrium.adversarial.settings import AdversarialSettings
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.errors import NumericalError, ParameterError
from simcal.training import Budget, load_checkpoint, save_checkpoint

Listener = Callable[[Mapping[str, float]], None]

_SAVE_EVERY = 5.0  # seconds
_WORTHLESS = 1.0  # standard deviations of the dividend between it and the price at the end
_RESTLESS = 0.05  # of the volatility at time 0, between the largest and the smallest at the end of the training


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


def settled(done: Training, problem: EquilibriumProblem, settings: AdversarialSettings) -> tuple[str, bool]:
    """The status, with what speaks against the numbers at the end of the training, and whether they can be used.

    A price that misses the dividend by more than the dividend varies is worse than none. One whose volatility still
    moves is told, but kept: the error that matters to a reader may be larger.
    """
    if not done.succeeded:
        return done.status, False
    last = done.history[-max(2, math.ceil(settings.averaged * settings.iterations)) :]
    spread = problem.dividend_volatility * math.sqrt(problem.horizon)
    miss = math.sqrt(math.fsum(row["terminal"] for row in last) / len(last)) / spread
    if not miss <= _WORTHLESS:
        return (
            f"{done.status} Training diverged: the price ends {miss:.2g} standard deviations of the dividend away from "
            "it. Take smaller steps (generator_step, discriminator_step and shape_step of AdversarialSettings), more "
            "time steps, or one of the exact methods.",
            False,
        )
    volatilities = [row["volatility"] for row in last]
    moved = (max(volatilities) - min(volatilities)) / abs(math.fsum(volatilities) / len(volatilities))
    if len(last) > 1 and moved > _RESTLESS:
        return (
            f"{done.status} It has not settled: in the last {len(last)} iterations the volatility at the start moved "
            f"by {moved:.0%}. Give more iterations, or take smaller steps.",
            True,
        )
    return done.status, True


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
