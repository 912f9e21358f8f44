"""The verb: four arms, many seeds, every run resumable."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import tomli_w
from joblib import Parallel, delayed

from simcal.data import load_series
from simcal.errors import ParameterError, SimcalError
from simcal.files import make_folder, write_atomically
from simcal.json_text import json_text
from simcal.learning.emergence.distances import distances_of
from simcal.learning.emergence.one_run import OutOfTimeError, RunTask, play_run, read_record
from simcal.learning.emergence.result import EmergenceResult
from simcal.learning.emergence.settings import ARMS, EmergenceSettings, load_emergence
from simcal.noise import check_integer
from simcal.threads import check_threads

Listener = Callable[[int, int, str], None]
"""Called with the runs that are done, their number in all, and what is going on."""


def run_emergence(
    settings: EmergenceSettings | str | Path = "learning-emergence",
    *,
    out: str | Path,
    jobs: int | None = None,
    budget: float | None = None,
    listen: Listener | None = None,
) -> EmergenceResult:
    """Train and measure all runs of the experiment, seed by seed, so that a run cut short has all arms.

    Main arguments
    --------------
    settings
        Or the name or file of them.
    out
        A folder. A run that is done is not repeated, one that was interrupted goes on; more seeds may be asked for.

    Other arguments
    ---------------
    jobs
        Runs at the same time, each in a process of its own on one thread; one per core when absent.
    budget
        Seconds after which no run goes on; a training that is under way keeps what it has learned.
    listen
        Called with (runs done, runs in all, words).

    Raises
    ------
    ParameterError
        Where an argument is not allowed, or the folder is that of another experiment.
    DataError
        Where a record cannot be read, or the folder cannot be written to.
    """
    settings = settings if isinstance(settings, EmergenceSettings) else load_emergence(settings)
    if budget is not None and (isinstance(budget, bool) or not isinstance(budget, (int, float)) or not budget > 0):
        raise ParameterError(f"budget is {budget!r}, but must be a number of seconds above 0, or None.")
    folder = _own(Path(out))
    if settings.data:
        load_series(settings.data)  # what is wrong with it is said before the trainings
    deadline = None if budget is None else time.time() + budget
    tasks = [
        RunTask(settings, arm, seed, folder / f"{arm}-{seed}", deadline)
        for seed in range(settings.seeds)
        for arm in ARMS
    ]
    records: dict[int, dict[str, Any]] = {i: r for i, task in enumerate(tasks) if (r := read_record(task)) is not None}
    todo = [i for i in range(len(tasks)) if i not in records]
    jobs = min(check_threads(None) if jobs is None else check_integer("jobs", jobs, 1, 4096), max(len(todo), 1))
    write_atomically(folder / "recipe.toml", tomli_w.dumps(settings.to_dict()))
    if listen is not None:
        listen(len(records), len(tasks), "")
    for i, record in played_runs([(i, tasks[i]) for i in todo], jobs, listen, len(records), len(tasks)):
        if record is not None:
            records[i] = record
            if listen is not None:
                listen(len(records), len(tasks), f"{tasks[i].arm}, seed {tasks[i].seed}: done")
    if not records:
        raise SimcalError("The time budget ended before a run was done; give more seconds. What was learned is kept.")
    result = _result(settings, [(tasks[i], records[i]) for i in sorted(records)], len(tasks) - len(records))
    write_atomically(folder / "emergence.json", json_text(result.to_dict(), indent=1))
    return result


def load_result(folder: str | Path) -> EmergenceResult:
    """Read back the runs of an experiment that are done, from its folder.

    Raises
    ------
    ParameterError
        The folder is not that of an experiment.
    """
    folder = Path(folder)
    settings = load_emergence(folder / "recipe.toml")
    tasks = [RunTask(settings, arm, seed, folder / f"{arm}-{seed}") for seed in range(settings.seeds) for arm in ARMS]
    found = [(task, record) for task in tasks if (record := read_record(task)) is not None]
    if not found:
        raise ParameterError(f"{folder} holds no run that is done; let the experiment go on.")
    return _result(settings, found, len(tasks) - len(found))


def _result(settings: EmergenceSettings, done: list[tuple[RunTask, dict[str, Any]]], missing: int) -> EmergenceResult:
    folders = [task.folder for task, _ in done]
    records = [record for _, record in done]
    distances = distances_of(settings, records, folders) if settings.data else None
    return EmergenceResult(settings, records, folders, missing, distances)


def _own(folder: Path) -> Path:
    """The folder, new or that of an experiment."""
    if (folder / "manifest.json").is_file():
        raise ParameterError(f"The folder {folder} holds another run; give a folder of its own to the experiment.")
    return make_folder(folder)


def played_runs(
    tasks: list[tuple[int, RunTask]], jobs: int, listen: Listener | None, done: int, total: int
) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Numbers and records as they come; None at the end of the budget."""
    if jobs > 1:
        calls = (delayed(_guarded)(i, task) for i, task in tasks)
        options: dict[str, Any] = {"return_as": "generator_unordered", "pre_dispatch": jobs, "batch_size": 1}
        yield from cast("Any", Parallel(n_jobs=jobs, **options)(calls))
        return
    for i, task in tasks:
        found = _guarded(i, task, _teller(task, listen, done, total))
        done += found[1] is not None
        yield found


def _teller(
    task: RunTask, listen: Listener | None, done: int, total: int
) -> Callable[[Mapping[str, float]], None] | None:
    """Passes on how far a training is."""
    if listen is None:
        return None
    updates = task.settings.ppo.iterations
    return lambda row: listen(done, total, f"{task.arm}, seed {task.seed}: update {row['iteration']} of {updates}")


def _guarded(
    i: int, task: RunTask, listen: Callable[[Mapping[str, float]], None] | None = None
) -> tuple[int, dict[str, Any] | None]:
    if task.deadline is not None and time.time() > task.deadline:
        return i, None
    try:
        return i, play_run(task, listen)
    except OutOfTimeError:
        return i, None
