"""Distributions of traits under which learned traders make days most like real ones: a grid, one training per cell."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tomli_w

from simcal.data import PriceSeries, load_series
from simcal.errors import DataError, ParameterError, SimcalError
from simcal.files import make_folder, write_atomically
from simcal.json_text import json_text
from simcal.learning.emergence.bars import CLOCKS
from simcal.learning.emergence.one_run import RunTask, read_record, returns_of, training_folder
from simcal.learning.emergence.real_days import real_days
from simcal.learning.emergence.run import Listener, played_runs
from simcal.learning.emergence.settings import EmergenceSettings, load_emergence
from simcal.learning.emergence.transport import distance
from simcal.noise import check_integer, check_seed
from simcal.parameters import check_names
from simcal.threads import check_threads

GRID: dict[str, tuple[float, ...]] = {
    "noise_sd": (0.0, 0.005, 0.01),
    "risk_aversion_sd": (0.0, 0.5, 1.0),
    "discount_low": (0.75, 0.9, 0.998),
}
"""Every second value, about, of the six by six by six of arXiv 2511.05207: 27 cells instead of 216."""
_TRAITS = (*GRID, "noise_mean", "risk_aversion_mean", "discount_high")


@dataclass(frozen=True, eq=False)
class TraitCalibration:
    """The cells of a calibration.

    Main attributes
    ---------------
    table : a row per cell, nearest first: its traits, distance to the first part of the series and its floor, why there
        is no market where there is none, and seconds of training.
    best : traits of the nearest cell.
    folder : of its training, for `simcal.load` and `simcal.learning.load_trained`.
    held_out, held_out_floor : distance of the nearest cell to the rest of the series, which the choice has not seen.
    status : what can be said, in sentences.
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

    Main arguments
    --------------
    data
        A price series, see `simcal.learning.emergence.real_days`.
    settings
        Of the trainings and their days; `settings.acting` says how traders act.
    grid
        Parameters of the traits to their values; `GRID` when absent.
    out
        A folder; cells that are done are not repeated.

    Other arguments
    ---------------
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
    first, rest = load_series(data).split(train_share)
    real, held_out = (real_days(part, sum(settings.bars)) for part in (first, rest))
    cells = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    folder = make_folder(Path(out))
    deadline = None if budget is None else time.time() + budget
    tasks = [_task(settings, cell, folder, check_seed(seed), deadline) for cell in cells]
    records = {i: record for i, task in enumerate(tasks) if (record := read_record(task)) is not None}
    todo = [(i, task) for i, task in enumerate(tasks) if i not in records]
    jobs = min(check_threads(None) if jobs is None else check_integer("jobs", jobs, 1, 4096), max(len(todo), 1))
    played = played_runs(todo, jobs, listen, len(records), len(tasks))
    records |= {i: record for i, record in played if record is not None}
    if not records:
        raise SimcalError("The time budget ended before a cell was done; give more seconds. What was learned is kept.")
    rows = [_row(settings, cells[i], tasks[i], records[i], real, clock) for i in sorted(records)]
    table = pd.DataFrame(rows).sort_values("distance", na_position="last", ignore_index=True)
    result = _chosen(table, grid, settings, folder, held_out, clock, len(cells) - len(rows))
    write_atomically(folder / "cells.csv", table.to_csv(index=False))
    summary = {"best": result.best, "held_out": result.held_out, "held_out_floor": result.held_out_floor,
               "status": result.status, "training": result.folder.relative_to(folder).as_posix()}  # fmt: skip
    write_atomically(folder / "calibration.json", json_text(summary, indent=1))
    return result


def _task(
    settings: EmergenceSettings, cell: Mapping[str, float], folder: Path, seed: int, deadline: float | None
) -> RunTask:
    place = folder / _cell_name(cell)
    market = settings.learning_market.replace(**cell)
    write_atomically(place / "cell.toml", tomli_w.dumps(market.to_dict()))
    return RunTask(settings.replace(market=str(place / "cell.toml")), "both", seed, place, deadline)


def _cell_name(cell: Mapping[str, float]) -> str:
    return "_".join(f"{name}-{value:g}" for name, value in cell.items())


def _row(
    settings: EmergenceSettings, cell: Mapping[str, float], task: RunTask, record: Mapping[str, Any], real: np.ndarray,
    clock: str,
) -> dict[str, Any]:  # fmt: skip
    why = record["collapsed"][settings.acting]
    measured = None if why else distance(returns_of(task.folder, settings.acting, clock), real)
    return {
        **cell,
        "distance": np.nan if measured is None else measured.total,
        "floor": np.nan if measured is None else measured.floor,
        "sd": np.nan if measured is None else float(np.sqrt((measured.table["sd"] ** 2).sum())),
        "no market because": why,
        "seconds": record["training_seconds"],
    }


def _chosen(
    table: pd.DataFrame, grid: Mapping[str, Sequence[float]], settings: EmergenceSettings, folder: Path,
    held_out: np.ndarray, clock: str, missing: int,
) -> TraitCalibration:  # fmt: skip
    nearest = table.iloc[0].to_dict()
    if not np.isfinite(nearest["distance"]):
        raise SimcalError(
            "No cell of the grid has a market: in all of them trade has collapsed. Train longer, or give other traits."
        )
    best = {name: float(nearest[name]) for name in grid}
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
