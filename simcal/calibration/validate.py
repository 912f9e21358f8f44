"""The verb `validate`: how like a real series is a market, beside simple models fitted to the same data?"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal import facts, models
from simcal.calibration.certificate import Validation
from simcal.calibration.conditional import forecast_table
from simcal.calibration.judged_part import LABELS, MARKET, PartValidation
from simcal.calibration.starts import available_cores, check_jobs
from simcal.calibration.windows import Samples, draw_samples
from simcal.data import PriceSeries, load_series
from simcal.errors import DataError, NumericalWarning, ParameterError
from simcal.facts.copies import WINDOW, copied_share
from simcal.models import Market
from simcal.subjects import subject_of_market

BASELINES = ("gjr-garch-t", "garch-t", "block-bootstrap")
SHORTEST = 150  # returns: some facts look back 101 steps and need a few blocks of 63
SHORTEST_HELD_OUT = 500  # returns: below, the bands of the slow facts say nothing
FEWEST_WINDOWS = 5  # one for each fold of the classifiers
FAKE_DRAWS = 20  # draws of as many fake windows as there are real ones, over which an AUC is averaged
WINDOWS_FOR_FLOOR = 10  # the floor sets one half of them against the other

#: called with (models judged, how many there are, what was judged last)
Progress = Callable[[int, int, str], None]


def validate(
    market: Market | type[Market] | str | Path,
    data: Any,
    *,
    train_share: float = 0.7,
    n_samples: int = 200,
    baselines: Sequence[str] = BASELINES,
    window: int = 250,
    burn_in: int = 500,
    seed: int = 0,
    n_resamples: int = 200,
    level: float = 0.95,
    jobs: int | None = None,
    listen: Progress | None = None,
    trust: bool = False,
) -> Any:
    """Judge a market by a real series: facts in their bands, moment coverage, classifiers, copies, forecasts.

    A market that is about something else than prices is judged by data of that: a dealer market by a request table
    (what `load_requests` takes), as `validate_requests` does; of the arguments below, train_share, n_samples and seed
    apply then.

    Parameters
    ----------
    market
        A market, or what `simcal.load` takes.
    data
        A catalogue name, a CSV or Parquet file, ``FILE.py:NAME``, a pandas object, an array of prices or a
        `PriceSeries`.
    train_share
        The share of the returns that training saw; baselines are fitted to it, and the rest is judged apart.
    n_samples
        Simulated samples of the data's length, from the market and from each baseline.
    window
        Returns in a window of the classifiers, at least 150.

    Other Parameters
    ----------------
    baselines
        Names of `facts.BASELINES`.
    burn_in
        Steps of the market to leave out before each sample.
    seed
        Of the samples, the bootstrap and the classifiers. The market's noise is new whatever the seed of training.
    n_resamples, level
        Of the bootstrap bands.
    jobs
        Processes; one per core when absent. The result does not depend on it.
    listen
        Called with (done, total, what), for progress.
    trust
        Whether a Python file that a run folder brings may be run.

    Returns
    -------
    The certificate, a `Validation`.

    Raises
    ------
    ParameterError, DataError
        The arguments cannot be used; the series needs at least 150 returns.
    NumericalError
        No sample of the market is usable.
    """
    began, market = time.monotonic(), models.load(market, trust=trust)
    subject = subject_of_market(market)
    if subject is not None:
        return subject.judge(market, data, mapping=None, train_share=train_share, n_samples=n_samples, seed=seed)
    series = data if isinstance(data, PriceSeries) else load_series(data)
    _check(series, train_share, n_samples, window)
    check_jobs(jobs)
    samples = draw_samples(
        market, series, train_share=train_share, n_samples=n_samples, burn_in=burn_in, seed=seed, baselines=baselines
    )  # fmt: skip
    parts = {"all data": series}
    if train_share < 1:
        rest = series.split(train_share)[1]
        if rest.n - 1 >= SHORTEST_HELD_OUT:
            parts["held-out"] = rest
    judged = _judge_parts(parts, samples, window, seed, n_resamples, level, jobs, listen)
    return Validation(
        all_data=judged["all data"],
        held_out=judged.get("held-out"),
        data={"name": series.name, "n": series.n, "sha256": series.sha256},
        settings={
            "train_share": train_share, "n_samples": n_samples, "baselines": list(baselines), "window": window,
            "burn_in": burn_in, "seed": seed, "n_resamples": n_resamples, "level": level,
        },
        market=market.to_dict(),
        fits=samples.fits,
        n_failed=samples.n_failed,
        seconds=time.monotonic() - began,
        forecasts=forecast_table(market, series, train_share) if "held-out" in parts else None,
    )  # fmt: skip


def _check(series: PriceSeries, train_share: float, n_samples: int, window: int) -> None:
    if series.n - 1 < SHORTEST:
        raise DataError(
            f"The series {series.name} has {series.n - 1} returns, but a validation needs at least {SHORTEST}; "
            "give a longer one."
        )
    if not 0 < train_share <= 1:
        raise ParameterError(f"train_share is {train_share:g}, but must lie above 0 and not above 1.")
    if n_samples < 2:
        raise ParameterError(f"n_samples is {n_samples}, but must be at least 2; 200 is a good number.")
    if window < 150:
        raise ParameterError(f"window is {window}, but must be at least 150: the classifiers' features look back 101.")


def _judge_parts(
    parts: dict[str, PriceSeries],
    samples: Samples,
    window: int,
    seed: int,
    n_resamples: int,
    level: float,
    jobs: int | None,
    listen: Progress | None,
) -> dict[str, PartValidation]:
    from joblib import Parallel, delayed

    fakes = {MARKET: samples.returns, **samples.baselines}
    bands, tasks = {}, []
    for name, series in parts.items():
        real = series.log_returns
        bands[name] = facts.bands(real, level=level, n_resamples=n_resamples, seed=seed)
        if len(real) // window >= WINDOWS_FOR_FLOOR:
            tasks.append(delayed(_floor)(name, real, window, seed, level))
        tasks.extend(
            delayed(_judge)(name, model, real, fake[:, : len(real)], bands[name], window, seed, level)
            for model, fake in fakes.items()
        )
    found: dict[tuple[str, str], dict[str, Any]] = {}
    workers = min(jobs or available_cores(), len(tasks))
    results: Any = Parallel(n_jobs=workers, return_as="generator_unordered")(tasks)
    for done, (name, model, result) in enumerate(results, start=1):
        found[name, model] = result
        if listen is not None:
            listen(done, len(tasks), f"{LABELS.get(model, model)}, {name}")
    return {name: _part(name, series, bands[name], list(fakes), found, window) for name, series in parts.items()}


def _judge(
    part: str, model: str, real: np.ndarray, fake: np.ndarray, bands: pd.DataFrame, window: int, seed: int, level: float
) -> tuple[str, str, dict[str, Any]]:
    """One model against one part of the data; a task of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericalWarning)  # what is left out is counted in the result
        compared = facts.compare(real, fake, bands=bands)
        coverage = facts.moment_coverage(real, fake, bands=bands)
        copied = copied_share(real, fake) if len(real) >= 10 * WINDOW else math.nan
        row = None
        if len(real) // window >= FEWEST_WINDOWS:
            windows = facts.windows(fake, window).reshape(-1, window)
            row = facts.discriminate(
                facts.windows(real, window), windows, seed=seed, level=level, n_draws=FAKE_DRAWS
            ).to_dict()
    return part, model, {"facts": compared, "coverage": coverage, "ladder": row, "copied": copied}


def _floor(part: str, real: np.ndarray, window: int, seed: int, level: float) -> tuple[str, str, dict[str, Any]]:
    """Real windows against real ones: odd against even."""
    cut = facts.windows(real, window)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericalWarning)
        row = facts.discriminate(cut[0::2], cut[1::2], seed=seed, level=level).to_dict()
    return part, facts.FLOOR, {"ladder": row}


def _part(
    name: str,
    series: PriceSeries,
    bands: pd.DataFrame,
    model_names: list[str],
    found: dict[tuple[str, str], dict[str, Any]],
    window: int,
) -> PartValidation:
    n_returns = series.n - 1
    n_windows = n_returns // window
    described = ["label", "number", "unit", "data", "low", "high"]
    results = {model: found[name, model] for model in model_names}
    rows = {facts.FLOOR: found[name, facts.FLOOR]["ladder"]} if (name, facts.FLOOR) in found else {}
    rows |= {model: result["ladder"] for model, result in results.items() if result["ladder"] is not None}
    ladder = pd.DataFrame.from_dict(rows, orient="index").rename_axis("series") if rows else None
    notes = []
    windows = f"{n_windows} {'window' if n_windows == 1 else 'windows'} of {window} returns"
    if ladder is None:
        notes.append(
            f"{_start(name)} holds {windows}; the classifiers need at least {FEWEST_WINDOWS}, so there is no ladder."
        )
    elif facts.FLOOR not in rows:
        notes.append(
            f"{_start(name)} holds {windows}: too few to set real ones against real ones, so that ladder has no floor."
        )
    unbanded = int(np.isnan(bands["low"].to_numpy()).sum())
    if unbanded:
        notes.append(f"{unbanded} facts have no band on {name}, because they do not exist there or in its resamples.")
    return PartValidation(
        name=name,
        first=_when(series, 0),
        last=_when(series, -1),
        n_returns=n_returns,
        n_windows=n_windows,
        bands=results[MARKET]["facts"][described],
        facts={model: result["facts"].drop(columns=described) for model, result in results.items()},
        coverage={model: result["coverage"] for model, result in results.items()},
        ladder=ladder,
        notes=tuple(notes),
        copied={model: result["copied"] for model, result in results.items()},
    )


def _start(name: str) -> str:
    return "The whole series" if name == "all data" else "The held-out part"


def _when(series: PriceSeries, position: int) -> str:
    date = series.dates[position]
    return str(date.date()) if isinstance(date, pd.Timestamp) else str(date)
