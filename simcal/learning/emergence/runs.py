"""The runs of the experiment: an arm with a seed, trained and measured in a folder of its own, and not done twice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from joblib import Parallel, delayed

from simcal.book import z_scores
from simcal.errors import DataError, ParameterError, SimcalError
from simcal.files import write_atomically
from simcal.json_text import json_text
from simcal.learning.emergence.days import Days, both_clocks, days_of, rule_days, untrained
from simcal.learning.emergence.measures import behaviour, specialisation, statistics
from simcal.learning.emergence.settings import ACTINGS, EmergenceSettings
from simcal.learning.evaluate import evaluate
from simcal.learning.market import arm as arm_of
from simcal.learning.train import Listener as TrainingListener
from simcal.learning.train import train
from simcal.learning.trained import TrainedMarket
from simcal.noise import check_integer
from simcal.threads import check_threads

Listener = Callable[[int, int, str], None]
"""Called with the runs that are done, their number in all, and what is going on."""
_RECORD, _RETURNS, _TRAINING = "record.json", "returns.npz", "training"


class _OutOfTimeError(Exception):
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
    def market(self) -> Any:
        """Of the traders who learn; they differ in the arm "both" only."""
        return arm_of(self.settings.learning_market, "both" if self.arm == "both" else "learning-only")

    @property
    def identity(self) -> dict[str, Any]:
        """All that the result depends on, as it stands in the record."""
        s = self.settings
        shared = {"arm": self.arm, "seed": self.seed, "days": s.days, "bars": list(s.bars), "busyness": s.busyness}
        if self.arm == "heterogeneity-only":
            volatility = s.learning_market.fundamental_volatility
            return {**shared, "market": s.rule_market.to_dict(), "fundamental_volatility": volatility}
        return {**shared, "market": self.market.to_dict(), "training": s.ppo.to_dict()}

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return self.deadline is not None and time.time() > self.deadline


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


def records_of(tasks: Sequence[RunTask]) -> dict[int, dict[str, Any]]:
    """The records of the runs that are done, by their place among the tasks."""
    return {i: record for i, task in enumerate(tasks) if (record := read_record(task)) is not None}


def play_runs(
    tasks: Sequence[RunTask], records: dict[int, dict[str, Any]], jobs: int | None, listen: Listener | None
) -> None:
    """Train and measure what is not done yet, so many runs at a time, and add it to `records`.

    Raises
    ------
    SimcalError
        Where nothing was done before the time was over.
    """
    tell, todo = listen or (lambda done, total, words: None), [i for i in range(len(tasks)) if i not in records]
    jobs = min(check_threads(None) if jobs is None else check_integer("jobs", jobs, 1, 4096), max(len(todo), 1))
    tell(len(records), len(tasks), "")

    def trained(task: RunTask) -> TrainingListener:
        """Passes on how far a training is."""
        said, updates = f"{task.arm}, seed {task.seed}: update", task.settings.ppo.iterations
        return lambda row: tell(len(records), len(tasks), f"{said} {row['iteration']} of {updates}")

    played: Iterator[tuple[int, dict[str, Any] | None]]
    if jobs > 1:
        options: dict[str, Any] = {"return_as": "generator_unordered", "pre_dispatch": jobs, "batch_size": 1}
        calls = (delayed(_numbered)(i, tasks[i]) for i in todo)
        played = cast("Any", Parallel(n_jobs=jobs, **options)(calls))
    else:
        played = (_numbered(i, tasks[i], trained(tasks[i])) for i in todo)
    for i, record in played:
        if record is not None:
            records[i] = record
            tell(len(records), len(tasks), f"{tasks[i].arm}, seed {tasks[i].seed}: done")
    if not records:
        raise SimcalError("The time budget ended before a run was done; give more seconds. What was learned is kept.")


def _numbered(i: int, task: RunTask, listen: TrainingListener | None = None) -> tuple[int, dict[str, Any] | None]:
    try:
        return i, None if task.late else _play(task, listen)
    except _OutOfTimeError:
        return i, None


def _play(task: RunTask, listen: TrainingListener | None) -> dict[str, Any]:
    """Train and measure: the record, with one row of statistics per view; at the deadline what was learned is kept."""
    began, trained = time.monotonic(), None
    if task.arm == "heterogeneity-only":
        measured, special = {"rules": rule_days(task.settings, task.seed)}, []
    else:
        trained, measured, special = _learned(task, listen)
    views, arrays = [], {}
    for acting, days in measured.items():
        for clock, bars in both_clocks(days.trades, task.settings.bars, task.settings.busyness).items():
            views.append({"acting": acting, "clock": clock, **statistics(bars, days.mispricing)})
            arrays[f"{acting}, {clock}"] = z_scores(bars.closes).astype(np.float32)
    record = {
        "identity": task.identity, "arm": task.arm, "seed": task.seed,
        "collapsed": {acting: days.collapsed for acting, days in measured.items()}, "views": views,
        "specialisation": special, "status": "" if trained is None else trained.status,
        "training_seconds": 0.0 if trained is None else trained.seconds, "seconds": time.monotonic() - began,
        "one_sided": {acting: days.one_sided for acting, days in measured.items()},
        "trading_steps": {acting: len(days.trades.mid) / days.trades.n_days for acting, days in measured.items()},
    }  # fmt: skip
    write_atomically(task.folder / _RETURNS, lambda path: np.savez_compressed(path, **arrays))
    write_atomically(task.folder / _RECORD, json_text(record, indent=1))
    return json.loads(json_text(record))


def _learned(
    task: RunTask, listen: TrainingListener | None
) -> tuple[TrainedMarket, dict[str, Days], list[dict[str, Any]]]:
    settings, market = task.settings.ppo, task.market

    def told(row: Mapping[str, float]) -> None:
        if listen is not None:
            listen(row)
        if task.late:
            raise _OutOfTimeError

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
