"""The verb: let all traders of a market learn one shared policy; and its rows for TensorBoard."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from simcal.errors import NumericalError, ParameterError
from simcal.files import make_folder
from simcal.learning.books.batch import BookBatch
from simcal.learning.market import ACTIONS, FEATURES, LearningMarket, load_market
from simcal.learning.play import Activity, collapse, rollout
from simcal.learning.ppo import PpoLearner
from simcal.learning.settings import PpoSettings
from simcal.learning.trained import TrainedMarket
from simcal.noise import check_seed
from simcal.training import Budget, load_checkpoint, save_checkpoint, torch_threads

Listener = Callable[[Mapping[str, float]], None]

_SAVE_EVERY = 5.0  # seconds


def train(
    market: LearningMarket | str | Path,
    settings: PpoSettings | None = None,
    *,
    seed: int = 0,
    budget: float | None = None,
    out: str | Path | None = None,
    listen: Listener | None = None,
) -> TrainedMarket:
    """Let traders learn, by proximal policy optimisation of the policy that they share.

    Runs on one thread; as many processes as there are cores train as many markets. Iteration k (from 0) is made of the
    episodes k times `settings.episodes` and those that follow, whose noise depends on seed and number only.

    Parameters
    ----------
    market
        Or its name, TOML file or folder.
    settings
        Of networks and training; without them `PpoSettings()`.
    seed
        Of weights and episodes.

    Other Parameters
    ----------------
    budget
        Seconds after which the training stops, interrupted runs included; the status tells.
    out
        A folder, which gets what `TrainedMarket.save` writes, and a checkpoint that is kept up to date: a training that
        was interrupted goes on from it, bit for bit, when it is asked for again, and one that is done is read.
    listen
        Called with a row of numbers after each iteration: iteration, steps so far, those of `PpoLearner.update` and of
        `Activity`, and whether the market had collapsed.

    Raises
    ------
    ParameterError
        Where an argument is not allowed, or the folder is that of another training or of something else.
    DataError
        Where the checkpoint is none, or the folder cannot be written to.
    """
    market = load_market(market) if isinstance(market, (str, Path)) else market
    settings, seed = PpoSettings() if settings is None else settings, check_seed(seed)
    identity = {"market": market.to_dict(), "settings": settings.to_dict(), "seed": seed}
    file = None if out is None else _checkpoint(Path(out))
    with torch_threads(1):
        learner = PpoLearner(len(FEATURES), len(ACTIONS), settings, seed)
        history: list[dict[str, float]] = []
        used = _restore(learner, file, identity, history) if file is not None and file.is_file() else 0.0
        clock, saved = Budget(budget, used), time.monotonic()
        status, succeeded = f"All {settings.iterations} iterations done.", True
        batch = BookBatch(market, settings.episodes, seed)
        try:
            while learner.iteration < settings.iterations:
                if clock.spent:
                    status = (
                        f"Stopped by the time budget after {learner.iteration} of {settings.iterations} iterations."
                    )
                    succeeded = learner.iteration > 0
                    break
                history.append(_iterate(learner, batch))
                if listen is not None:
                    listen(history[-1])
                if file is not None and time.monotonic() - saved > _SAVE_EVERY:
                    _save(learner, file, identity, history, clock.used)
                    saved = time.monotonic()
        except NumericalError as error:
            status, succeeded = str(error), False
        if file is not None:
            _save(learner, file, identity, history, clock.used)
    told, collapsed = _collapse(market, history)
    weights = {name: tensor.detach().clone() for name, tensor in learner.policy.net.state_dict().items()}
    trained = TrainedMarket(
        market, settings, seed, " ".join([status, *told]), succeeded, collapsed, pd.DataFrame(history), weights,
        clock.used,
    )  # fmt: skip
    if out is not None:
        trained.save(out)
    return trained


def _iterate(learner: PpoLearner, batch: BookBatch) -> dict[str, float]:
    """One iteration: play, learn, and what there is to tell."""
    done = learner.iteration
    decisions, activity = rollout(batch, learner.policy, np.arange(done * batch.n_books, (done + 1) * batch.n_books))
    learned = learner.update(decisions)
    return {
        "iteration": done + 1,
        "steps": (done + 1) * batch.n_books * batch.market.n_steps,
        **learned,
        **activity._asdict(),
        "collapsed": float(collapse(batch.market, activity) is not None),
    }


def _collapse(market: LearningMarket, history: list[dict[str, float]]) -> tuple[list[str], int | None]:
    """Sentences on the market's collapse, and since when it lasts."""
    if not any(row["collapsed"] for row in history):
        return [], None
    if not history[-1]["collapsed"]:
        last = max(int(row["iteration"]) for row in history if row["collapsed"])
        return [f"The market was collapsed for a while, last in iteration {last}."], None
    since = len(history)
    while since > 1 and history[since - 2]["collapsed"]:
        since -= 1
    why = collapse(market, Activity(**{name: history[-1][name] for name in Activity._fields}))
    return [f"The market has collapsed in iteration {since}: in the last one, {why}."], since


def _checkpoint(folder: Path) -> Path:
    """The place of the checkpoint in a folder that is new or that of a training."""
    file, manifest = folder / "checkpoint.safetensors", folder / "manifest.json"
    if manifest.is_file() and not file.is_file():
        raise ParameterError(f"The folder {folder} holds another run; give a folder of its own to the training.")
    make_folder(folder)
    return file


def _save(
    learner: PpoLearner, path: Path, identity: Mapping[str, Any], history: list[dict[str, float]], used: float
) -> None:
    rows = torch.tensor([list(row.values()) for row in history], dtype=torch.float64)
    state = {
        "identity": dict(identity), "learner": learner.state(), "used": used,
        "columns": list(history[0]) if history else [],
    }  # fmt: skip
    save_checkpoint(path, {**learner.tensors(), "history": rows}, state)


def _restore(learner: PpoLearner, path: Path, identity: Mapping[str, Any], history: list[dict[str, float]]) -> float:
    tensors, state = load_checkpoint(path)
    if state.get("identity") != dict(identity):
        raise ParameterError(
            f"The folder {path.parent} is that of a training with another market, seed or setting; give another one, "
            "or delete this one to begin anew."
        )
    learner.restore(tensors, state["learner"])
    for row in tensors["history"].tolist():
        history.append(dict(zip(state["columns"], row, strict=True)))
        history[-1] |= {name: int(history[-1][name]) for name in ("iteration", "steps")}
    return float(state["used"])


@contextmanager
def tensorboard(folder: str | Path) -> Iterator[Listener]:
    """What `simcal.learning.train` takes as `listen`: writes every number of a row by its iteration into `folder`.

    Where a training goes on after an interruption, rows that it plays again replace the old ones.

    Raises
    ------
    ParameterError
        TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ParameterError(
            "TensorBoard is not installed: install it with `pip install tensorboard`, or train without it; "
            "history.csv has the same numbers."
        ) from None
    writers: list[Any] = []

    def listen(row: Mapping[str, float]) -> None:
        iteration = int(row["iteration"])
        if not writers:
            writers.append(SummaryWriter(str(folder), purge_step=iteration))
        for name, value in row.items():
            writers[0].add_scalar(name, value, iteration)

    try:
        yield listen
    finally:
        for writer in writers:
            writer.close()
