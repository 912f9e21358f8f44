"""The verbs: four arms over many seeds, and the traits under which learned traders make days most like real ones."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tomli_w

from simcal.data import PriceSeries, load_series
from simcal.errors import DataError, ParameterError, SimcalError, check_names
from simcal.files import make_folder, write_atomically
from simcal.json_text import json_text
from simcal.learning.emergence.days import CLOCKS, real_days
from simcal.learning.emergence.result import EmergenceResult
from simcal.learning.emergence.runs import Listener, RunTask, play_runs, records_of, returns_of, training_folder
from simcal.learning.emergence.settings import ARMS, EmergenceSettings, load_emergence
from simcal.learning.emergence.transport import Distances, distance
from simcal.noise import check_seed

GRID: dict[str, tuple[float, ...]] = {
    "noise_sd": (0.0, 0.005, 0.01),
    "risk_aversion_sd": (0.0, 0.5, 1.0),
    "discount_low": (0.75, 0.9, 0.998),
}
"""Every second value, about, of the six by six by six of arXiv 2511.05207: 27 cells instead of 216."""
_TRAITS = (*GRID, "noise_mean", "risk_aversion_mean", "discount_high")


def run_emergence(
    settings: EmergenceSettings | str | Path = "learning-emergence",
    *,
    out: str | Path,
    jobs: int | None = None,
    budget: float | None = None,
    listen: Listener | None = None,
) -> EmergenceResult:
    """Train and measure all runs of the experiment, seed by seed, so that a run cut short has all arms.

    Parameters
    ----------
    settings
        Or the name or file of them.
    out
        A folder. A run that is done is not repeated, one that was interrupted goes on; more seeds may be asked for.

    Other Parameters
    ----------------
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
    SimcalError
        Where no run was done before the budget ended.
    """
    settings = settings if isinstance(settings, EmergenceSettings) else load_emergence(settings)
    deadline, folder = _deadline(budget), Path(out)
    if (folder / "manifest.json").is_file():
        raise ParameterError(f"The folder {folder} holds another run; give a folder of its own to the experiment.")
    make_folder(folder)
    if settings.data:
        load_series(settings.data)  # what is wrong with it is said before the trainings
    tasks = _tasks(settings, folder, deadline)
    records = records_of(tasks)
    write_atomically(folder / "recipe.toml", tomli_w.dumps(settings.to_dict()))
    play_runs(tasks, records, jobs, listen)
    result = _result(settings, tasks, records)
    write_atomically(folder / "emergence.json", json_text(result.to_dict(), indent=1))
    return result


def load_result(folder: str | Path) -> EmergenceResult:
    """Read back the runs of an experiment that are done, from its folder.

    Raises
    ------
    ParameterError
        The folder is not that of an experiment.
    """
    settings = load_emergence(Path(folder) / "recipe.toml")
    tasks = _tasks(settings, Path(folder))
    records = records_of(tasks)
    if not records:
        raise ParameterError(f"{folder} holds no run that is done; let the experiment go on.")
    return _result(settings, tasks, records)


def _deadline(budget: Any) -> float | None:
    if budget is None:
        return None
    if isinstance(budget, bool) or not isinstance(budget, (int, float)) or not budget > 0:
        raise ParameterError(f"budget is {budget!r}, but must be a number of seconds above 0, or None.")
    return time.time() + budget


def _tasks(settings: EmergenceSettings, folder: Path, deadline: float | None = None) -> list[RunTask]:
    runs = itertools.product(range(settings.seeds), ARMS)
    return [RunTask(settings, arm, seed, folder / f"{arm}-{seed}", deadline) for seed, arm in runs]


def _result(settings: EmergenceSettings, tasks: Sequence[RunTask], records: dict[int, Any]) -> EmergenceResult:
    done = sorted(records)
    found, folders = [records[i] for i in done], [tasks[i].folder for i in done]
    distances = _distances(settings, found, folders) if settings.data else None
    return EmergenceResult(settings, found, folders, len(tasks) - len(done), distances)


def _distances(settings: EmergenceSettings, records: Sequence[Mapping[str, Any]], folders: Sequence[Path]) -> Distances:
    """Measure all runs with a market, in every view; seconds each, so what was found is kept in the run's folder."""
    series = load_series(settings.data)
    real = real_days(series, sum(settings.bars))
    found, floors, known = {}, {}, {}
    for record, folder in zip(records, folders, strict=True):
        file = folder / "distances.json"
        try:
            kept = dict(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            kept = {}
        acted = [acting for acting, why in record["collapsed"].items() if not why]
        for acting, clock in itertools.product(acted, CLOCKS):
            name = f"{series.sha256}, {acting}, {clock}"
            if name not in kept:
                measured = distance(returns_of(folder, acting, clock), real, floors=known)
                kept[name] = [measured.total, measured.floor]
                write_atomically(file, json_text(kept, indent=1))
            key = (record["arm"], record["seed"], acting, clock)
            found[key], floors[key] = kept[name]
    kind = "intraday days" if series.frequency == "intraday" else f"windows of {series.frequency} prices"
    return Distances(series.name, kind, len(real), found, floors)


@dataclass(frozen=True, eq=False)
class TraitCalibration:
    """The cells of a calibration.

    Attributes
    ----------
    table
        A row per cell, nearest first: its traits, distance to the first part of the series and its floor, why there is
        no market where there is none, and seconds of training.
    best
        Traits of the nearest cell.
    folder
        Of its training, for `simcal.load` and `simcal.learning.load_trained`.
    held_out, held_out_floor
        Distance of the nearest cell to the rest of the series, which the choice has not seen.
    status
        What can be said, in sentences.
    """

    table: pd.DataFrame
    best: dict[str, float]
    folder: Path
    held_out: float
    held_out_floor: float
    status: str


def calibrate_traits(
    data: str | Path | PriceSeries,
    settings: EmergenceSettings | str | Path = "learning-emergence",
    *,
    grid: Mapping[str, Sequence[float]] | None = None,
    out: str | Path,
    seed: int = 0,
    clock: str = CLOCKS[0],
    train_share: float = 0.7,
    jobs: int | None = None,
    budget: float | None = None,
    listen: Listener | None = None,
) -> TraitCalibration:
    """Train the traders of every cell of a grid, and find the cell nearest to a real series.

    It is as dear as it says: one training per cell, of `settings.steps` decisions, with one seed. The noise of seeds
    may be larger than the differences of cells; train the best ones again with other seeds before you believe them.

    Parameters
    ----------
    data
        A price series, see `simcal.learning.emergence.real_days`.
    settings
        Of the trainings and their days; `settings.acting` says how traders act.
    grid
        Parameters of the traits to their values; `GRID` when absent.
    out
        A folder; cells that are done are not repeated.

    Other Parameters
    ----------------
    seed
        Of all trainings, so that cells differ in their traits only.
    clock
        "trade time" or "resampled day".
    train_share
        Of the series, by which the cell is chosen; the rest is held out.
    jobs, budget, listen
        As of `run_emergence`.

    Raises
    ------
    ParameterError
        Where an argument is not allowed.
    DataError
        Where the series is too short.
    SimcalError
        Where no cell was done before the budget ended, or none has a market.
    """
    settings = settings if isinstance(settings, EmergenceSettings) else load_emergence(settings)
    grid = GRID if grid is None else grid
    check_names(list(grid), _TRAITS, "a parameter of the traits")
    check_names([clock], CLOCKS, "a clock")
    if not grid or not all(len(values) for values in grid.values()):
        raise ParameterError("The grid of traits is empty; give at least one value of at least one parameter.")
    real, held_out = (real_days(part, sum(settings.bars)) for part in load_series(data).split(train_share))
    deadline, folder, seed = _deadline(budget), make_folder(Path(out)), check_seed(seed)
    cells = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    tasks = [_cell(settings, cell, folder, seed, deadline) for cell in cells]
    records = records_of(tasks)
    play_runs(tasks, records, jobs, listen)
    rows = [{**cells[i], **_measured(tasks[i], records[i], real, clock)} for i in sorted(records)]
    table = pd.DataFrame(rows).sort_values("distance", na_position="last", ignore_index=True)
    result = _chosen(table, list(grid), settings, folder, held_out, clock, len(cells) - len(rows))
    write_atomically(folder / "cells.csv", table.to_csv(index=False))
    summary = {"best": result.best, "held_out": result.held_out, "held_out_floor": result.held_out_floor,
               "status": result.status, "training": result.folder.relative_to(folder).as_posix()}  # fmt: skip
    write_atomically(folder / "calibration.json", json_text(summary, indent=1))
    return result


def _cell(
    settings: EmergenceSettings, cell: Mapping[str, float], folder: Path, seed: int, deadline: float | None
) -> RunTask:
    place = folder / _cell_name(cell)
    market = settings.learning_market.replace(**cell)
    write_atomically(place / "cell.toml", tomli_w.dumps(market.to_dict()))
    return RunTask(settings.replace(market=str(place / "cell.toml")), "both", seed, place, deadline)


def _cell_name(cell: Mapping[str, float]) -> str:
    return "_".join(f"{name}-{value:g}" for name, value in cell.items())


def _measured(task: RunTask, record: Mapping[str, Any], real: np.ndarray, clock: str) -> dict[str, Any]:
    acting = task.settings.acting
    why, found = record["collapsed"][acting], {"distance": np.nan, "floor": np.nan, "sd": np.nan}
    if not why:
        measured = distance(returns_of(task.folder, acting, clock), real)
        sd = float(np.sqrt((measured.table["sd"] ** 2).sum()))
        found = {"distance": measured.total, "floor": measured.floor, "sd": sd}
    return {**found, "no market because": why, "seconds": record["training_seconds"]}


def _chosen(
    table: pd.DataFrame, names: Sequence[str], settings: EmergenceSettings, folder: Path, held_out: np.ndarray,
    clock: str, missing: int,
) -> TraitCalibration:  # fmt: skip
    nearest = table.iloc[0].to_dict()
    if not np.isfinite(nearest["distance"]):
        raise SimcalError(
            "No cell of the grid has a market: in all of them trade has collapsed. Train longer, or give other traits."
        )
    best = {name: float(nearest[name]) for name in names}
    place = folder / _cell_name(best)
    try:
        other = distance(returns_of(place, settings.acting, clock), held_out)
        unseen, floor = other.total, other.floor
        said = f"On the prices held out it is at {unseen:.3g}, with a floor of {floor:.3g}."
    except DataError as error:
        unseen = floor = float("nan")
        said = f"The prices held out are too few to be compared with: {error}"
    close = int((table["distance"] <= nearest["distance"] + 2 * nearest["sd"]).sum())
    status = (
        f"The nearest of {len(table)} cells is at {nearest['distance']:.3g}, with a floor of {nearest['floor']:.3g}; "
        f"{close} of them are within two deviations of its points. {said}"
    )
    if missing:
        status += f" {missing} cells are not done, because the time budget ended; the same call goes on."
    return TraitCalibration(table, best, training_folder(place), unseen, floor, status)
