"""Several starts side by side: where they begin, the processes that play them, and what is heard from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from queue import Empty
from statistics import NormalDist
from typing import Any

import numpy as np
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.backend import get_context

from simcal.calibration.recipe import Starts
from simcal.calibration.start import StartResult, StartTask, play
from simcal.errors import ParameterError, SimcalError
from simcal.models import Market
from simcal.parameters import Parameter
from simcal.threads import check_threads

Listener = Callable[[int, Mapping[str, Any]], None]
_EVERY = 10  # iterations between two messages of a worker


def start_markets(
    market: Market, trainable: Sequence[str], per_trader: Sequence[str], starts: Starts, seed: int
) -> list[Market]:
    """The markets that the generator starts from, drawn by the law of the recipe; a function of the seed alone."""
    return [_start(market, trainable, per_trader, starts, seed, number) for number in range(starts.count)]


def _start(
    market: Market, trainable: Sequence[str], per_trader: Sequence[str], starts: Starts, seed: int, number: int
) -> Market:
    if starts.law == "market" or (starts.law == "scatter" and number == 0):
        return market
    rng = np.random.default_rng([seed, number])
    if starts.law == "scatter":
        import torch

        from simcal.definition.trainable import TrainableParameters

        moved = TrainableParameters(market, trainable, per_trader=per_trader)
        moved.scatter(torch.Generator().manual_seed(int(rng.integers(2**62))), starts.spread)
        return moved.to_market()
    changes = {}
    for name in trainable:
        spec = market.SPECS[name]
        count = getattr(market, spec.group) if spec.group and name in per_trader else 1
        draws = [_within(spec, z) for z in rng.standard_normal(count).tolist()]
        changes[name] = tuple(draws) if name in per_trader else draws[0]
    return market.replace(**changes)


def _within(spec: Parameter, z: float) -> float:
    """A standard normal draw, folded into the bounds of a parameter; uniform where there are two of them."""
    if math.isfinite(spec.low) and math.isfinite(spec.high):
        return spec.low + (spec.high - spec.low) * NormalDist().cdf(z)
    if math.isfinite(spec.low):
        return spec.low + abs(z)
    return spec.high - abs(z) if math.isfinite(spec.high) else z


def play_all(
    tasks: Sequence[StartTask], *, jobs: int | None = None, listen: Listener | None = None, budget: float | None = None
) -> list[StartResult]:
    """Play every start, `jobs` of them at a time (default: one per core), each in a process of its own.

    `listen` gets (start number, history row) now and then; `budget` is the seconds that all may take together. One
    start, or one job, stays in this process.
    """
    check_jobs(jobs)
    jobs = min(jobs or available_cores(), len(tasks))
    if budget is not None:
        share = budget / math.ceil(len(tasks) / jobs)
        tasks = [replace(task, budget=share) for task in tasks]
    if jobs == 1:
        results = []
        for task in tasks:
            report = (lambda row, number=task.number: listen(number, row)) if listen else (lambda row: None)
            results.append(play(task, report))
        return results
    # joblib's processes do not import the script they come from, which needs no guard against being run again; and what
    # that script defines travels to them by value.
    with get_context("loky").Manager() as manager:
        queue = manager.Queue()
        pool = ProcessPoolExecutor(jobs)
        try:
            futures = [pool.submit(_play_and_tell, task, queue) for task in tasks]
            pending = set(futures)
            while pending:
                _, pending = wait(pending, timeout=0.3, return_when=FIRST_COMPLETED)
                _pass_on(queue, listen)
            _pass_on(queue, listen)
            results = [future.result() for future in futures]
        except BrokenProcessPool:
            raise SimcalError(
                "A process that played a start ended before its time, perhaps for want of memory; give fewer jobs. A "
                "run with a folder continues from its checkpoints."
            ) from None
        finally:
            pool.shutdown(kill_workers=True)
    return results


def available_cores() -> int:
    """Cores that this process may use."""
    return check_threads(None)


def check_jobs(jobs: int | None) -> None:
    """`ParameterError` for jobs below 1."""
    if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
        raise ParameterError(f"jobs is {jobs!r}, but must be a whole number of at least 1, or None for one per core.")


def _play_and_tell(task: StartTask, queue: Any) -> StartResult:
    def report(row: Mapping[str, Any]) -> None:
        if row["iteration"] % _EVERY == 0:
            queue.put((task.number, row))

    return play(task, report)


def _pass_on(queue: Any, listen: Listener | None) -> None:
    while True:
        try:
            number, row = queue.get_nowait()
        except Empty:
            return
        if listen is not None:
            listen(number, row)
