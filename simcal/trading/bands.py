"""Measures over many paths with their bands, and the difference of two runs on the same noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import ParameterError
from simcal.intervals import critical_value

MOST_SHIFTS = 200
RESAMPLES, FEWEST, WORK = 400, 60, 10_000_000  # of the bootstrap over paths; fewer where there are many paths


@dataclass(frozen=True)
class Measure:
    """A number that describes all paths together.

    Parameters
    ----------
    name, label, unit
        Column of tables, words for a reader, unit.
    column
        The column of the table of paths that it is made of; alone, the measure is its mean over the paths that have
        it: NaN is left out.
    per
        The measure is the sum of `column` over the sum of this one: a hit ratio, an average per unit traded.
    statistic
        The measure is this function of the column's values, such as a quantile.
    """

    name: str
    label: str
    unit: str
    column: str
    per: str | None = None
    statistic: Callable[[np.ndarray], float] | None = None


@dataclass(frozen=True)
class Estimate:
    """A value and how it varies: one number per path (its influence) or one per resample of the paths."""

    value: float
    spread: np.ndarray
    resampled: bool

    @property
    def standard_error(self) -> float:
        """Standard error over paths; NaN for a single path."""
        if self.spread.size < 2:
            return float("nan")
        deviation = float(self.spread.std(ddof=1))
        return deviation if self.resampled else deviation / np.sqrt(self.spread.size)


def estimate(measure: Measure, paths: pd.DataFrame, seed: int = 0) -> Estimate:
    """A measure of a table of paths.

    Means and ratios have standard errors by their influence function (a ratio r of means: (a - r b) / mean b), other
    statistics by a bootstrap over paths. The same seed gives the same resamples, so that two estimates from as many
    paths may be subtracted.
    """
    values = np.asarray(paths[measure.column], float)
    if measure.statistic is not None:
        generator, n = np.random.default_rng(seed), values.size
        count = min(RESAMPLES, max(FEWEST, WORK // n)) if n > 1 else 0
        draws = [measure.statistic(values[generator.integers(n, size=n)]) for _ in range(count)]
        return Estimate(float(measure.statistic(values)), np.array(draws), True)
    known = ~np.isnan(values)
    if measure.per is None and known.all():
        return Estimate(float(values.mean()), values - values.mean(), False)
    if measure.per is None:  # the mean of what is known is a ratio, too
        values, whole = np.where(known, values, 0.0), known.astype(float)
    else:
        whole = np.asarray(paths[measure.per], float)
    mean = float(whole.mean())
    if mean == 0:
        return Estimate(float("nan"), np.full(values.size, np.nan), False)
    ratio = float(values.mean()) / mean
    lone = measure.per is None and known.sum() < 2
    return Estimate(ratio, np.full(values.size, np.nan) if lone else (values - ratio * whole) / mean, False)


def difference(first: Estimate, second: Estimate) -> Estimate:
    """First less second, path by path: what the two share of the noise cancels."""
    return Estimate(first.value - second.value, first.spread - second.spread, first.resampled)


def summarise(
    measures: Sequence[Measure], paths: pd.DataFrame, baseline: pd.DataFrame | None, level: float
) -> pd.DataFrame:
    """A row per measure: value, standard error and band, the baseline's value, and the paired difference.

    Columns: ``measure``, ``unit``, ``value``, ``standard_error``, ``low``, ``high`` and, with a baseline of the same
    paths, ``baseline``, ``difference``, ``difference_standard_error``, ``difference_low``, ``difference_high``. The
    index holds the measures' names. Bands are normal.
    """
    rows = []
    for measure in measures:
        mine = estimate(measure, paths)
        row: dict[str, Any] = {"measure": measure.label, "unit": measure.unit, **banded("", mine, level)}
        if baseline is not None:
            theirs = estimate(measure, baseline)
            row |= {"baseline": theirs.value, **banded("difference", difference(mine, theirs), level)}
        rows.append(row)
    return pd.DataFrame(rows, index=pd.Index([m.name for m in measures], name="name"))


def banded(name: str, value: Estimate, level: float) -> dict[str, float]:
    """The columns of an estimate; `name` stands before each, and for the value itself."""
    half = half_width(value.standard_error, level)
    prefix = f"{name}_" if name else ""
    return {
        name or "value": value.value,
        f"{prefix}standard_error": value.standard_error,
        f"{prefix}low": value.value - half,
        f"{prefix}high": value.value + half,
    }


def half_width(standard_error: Any, level: float) -> Any:
    """Half the width of a normal band."""
    return critical_value(level) * standard_error


def check_level(name: str, level: Any) -> float:
    """A share strictly between 0 and 1, or `ParameterError`."""
    if isinstance(level, bool) or not isinstance(level, (int, float, np.integer, np.floating)) or not 0 < level < 1:
        raise ParameterError(f"{name} is {level!r}, but must be a number between 0 and 1, such as 0.95.")
    return float(level)


def check_shifts(shifts: Any) -> np.ndarray:
    """Half spreads to add to margins as an array, or `ParameterError`."""
    try:
        moved = np.asarray(shifts, float)
    except (TypeError, ValueError):
        moved = np.array(np.nan)
    if moved.ndim != 1 or not np.isfinite(moved).all():
        raise ParameterError(
            f"shifts is {shifts!r:.80}, but must be a list of finite numbers of half spreads: [-0.1, 0.1]."
        )
    if moved.size > MOST_SHIFTS:
        raise ParameterError(f"shifts has {moved.size} numbers, but may have at most {MOST_SHIFTS}; give fewer.")
    return moved


def value_at_risk(level: float) -> Callable[[np.ndarray], Any]:
    """The loss that the share `level` of the values does not exceed, as a function of P&L (..., n)."""
    return lambda pnl: np.quantile(-pnl, level, axis=-1)


def expected_shortfall(level: float) -> Callable[[np.ndarray], Any]:
    """The mean loss in the worst share 1 - `level` of P&L (..., n); of the value at its edge only a part may count."""

    def mean_beyond(pnl: np.ndarray) -> Any:
        worst = (1 - level) * pnl.shape[-1]
        weights = np.clip(worst - np.arange(np.ceil(worst)), 0, 1)
        losses = np.sort(-np.partition(pnl, weights.size - 1, axis=-1)[..., : weights.size], axis=-1)[..., ::-1]
        return (losses * weights).sum(axis=-1) / worst

    return mean_beyond
