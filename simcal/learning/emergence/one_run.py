"""One run of the experiment: an arm with a seed, trained and measured, in a folder of its own; it is not done twice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simcal.errors import DataError, ParameterError
from simcal.files import write_atomically
from simcal.json_text import json_text
from simcal.learning.emergence.arms import Days, days_of, rule_days, untrained
from simcal.learning.emergence.bars import both_clocks
from simcal.learning.emergence.settings import ACTINGS, EmergenceSettings
from simcal.learning.emergence.specialisation import behaviour, specialisation
from simcal.learning.emergence.statistics import statistics, z_scores
from simcal.learning.evaluate import evaluate
from simcal.learning.train import train
from simcal.learning.trained import TrainedMarket
from simcal.learning.traits import arm as arm_of

LEARNING_ARMS = {"both": "both", "learning-only": "learning-only"}
"""Arms of the experiment that learn, and what `simcal.learning.arm` calls them."""
_RECORD, _RETURNS, _TRAINING = "record.json", "returns.npz", "training"


class OutOfTimeError(Exception):
    """The time budget ended within a training, which goes on from its checkpoint another time."""


@dataclass(frozen=True)
class RunTask:
    """What a process is asked for: arm, seed, folder, and when to stop (in seconds since 1970; None: never)."""

    settings: EmergenceSettings
    arm: str
    seed: int
    folder: Path
    deadline: float | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """All that the result depends on, as it stands in the record."""
        s = self.settings
        shared = {"arm": self.arm, "seed": self.seed, "days": s.days, "bars": list(s.bars), "busyness": s.busyness}
        market = s.learning_market
        if self.arm == "heterogeneity-only":
            volatility = market.fundamental_volatility
            return {**shared, "market": s.rule_market.to_dict(), "fundamental_volatility": volatility}
        return {**shared, "market": _market(self).to_dict(), "training": s.ppo.to_dict()}


def read_record(task: RunTask) -> dict[str, Any] | None:
    """The record of a run that is done; None where it is not.

    Raises
    ------
    ParameterError
        Where the folder holds a run with other settings.
    DataError
        Where the record is none.
    """
    path = task.folder / _RECORD
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        same = record["identity"] == json.loads(json_text(task.identity))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is not the record of a run ({error}); delete it for the run to be made anew."
        ) from None
    if not same:
        raise ParameterError(
            f"{task.folder} holds a run of another experiment or with other settings; give another folder, or the "
            "settings that it began with."
        )
    return record


def play_run(task: RunTask, listen: Callable[[Mapping[str, float]], None] | None = None) -> dict[str, Any]:
    """Train and measure, unless that has been done; the record of the run, with one row of statistics per view.

    Raises
    ------
    OutOfTimeError
        At the deadline; what was learned is kept.
    """
    done = read_record(task)
    if done is not None:
        return done
    began, trained = time.monotonic(), None
    if task.arm == "heterogeneity-only":
        measured = {"rules": rule_days(task.settings, task.seed)}
        special = []
    else:
        trained, measured, special = _learned(task, listen)
    views, arrays = [], {}
    for acting, days in measured.items():
        for clock, bars in both_clocks(days.trades, task.settings.bars, task.settings.busyness).items():
            views.append({"acting": acting, "clock": clock, **statistics(bars, days.mispricing)})
            arrays[f"{acting}, {clock}"] = z_scores(bars.closes).astype(np.float32)
    collapsed = {acting: days.collapsed for acting, days in measured.items()}
    record = {
        "identity": task.identity, "arm": task.arm, "seed": task.seed, "collapsed": collapsed, "views": views,
        "specialisation": special, "status": "" if trained is None else trained.status,
        "training_seconds": 0.0 if trained is None else trained.seconds, "seconds": time.monotonic() - began,
        "one_sided": {acting: days.one_sided for acting, days in measured.items()},
        "trading_steps": {acting: len(days.trades.mid) / days.trades.n_days for acting, days in measured.items()},
    }  # fmt: skip
    write_atomically(task.folder / _RETURNS, lambda path: np.savez_compressed(path, **arrays))
    write_atomically(task.folder / _RECORD, json_text(record, indent=1))
    return json.loads(json_text(record))


def returns_of(folder: Path, acting: str, clock: str) -> np.ndarray:
    """(n_days, n_bars - 1) z-scored returns of a run that is done."""
    try:
        with np.load(folder / _RETURNS) as arrays:
            return arrays[f"{acting}, {clock}"].astype(float)
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{folder} holds no returns of a run that is done ({error}).") from None


def training_folder(folder: Path) -> Path:
    """Where a run keeps what its traders have learned."""
    return folder / _TRAINING


def _market(task: RunTask) -> Any:
    return arm_of(task.settings.learning_market, LEARNING_ARMS.get(task.arm, "learning-only"))


def _learned(
    task: RunTask, listen: Callable[[Mapping[str, float]], None] | None
) -> tuple[TrainedMarket, dict[str, Days], list[dict[str, Any]]]:
    settings, market = task.settings.ppo, _market(task)

    def told(row: Mapping[str, float]) -> None:
        if listen is not None:
            listen(row)
        if task.deadline is not None and time.time() > task.deadline:
            raise OutOfTimeError

    if task.arm == "neither":
        trained, actings = untrained(market, settings, task.seed), ("noise",)
    else:
        trained = train(market, settings, seed=task.seed, out=training_folder(task.folder), listen=told)
        actings = ACTINGS
    measured, special = {}, []
    for acting in actings:
        episodes = evaluate(trained, task.settings.days, task.seed, deterministic=acting == "means")
        measured[acting] = days_of(episodes)
        if task.arm == "both":
            found = specialisation(behaviour(episodes))
            special += [{"acting": acting, **row} for row in found.to_dict("records")]
    return trained, measured, special
