"""Many paths of one noise: which they are, measures over them with bands, differences on the same noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import ParameterError

MOST_SHIFTS = 200
RESAMPLES, FEWEST, WORK = 400, 60, 10_000_000  # of the bootstrap over paths; fewer where there are many paths


@dataclass(frozen=True)
class Noise:
    """Paths `first_path` to ``first_path + n_paths - 1`` of a seed, `burn_in` steps and then `n_steps` that count."""

    seed: int
    first_path: int
    n_paths: int
    n_steps: int
    burn_in: int = 0
    threads: int | None = 1

    def chunks(self, size: int) -> Iterator[Noise]:
        """The same paths, at most `size` at a time."""
        for begin in range(0, self.n_paths, size):
            yield replace(self, first_path=self.first_path + begin, n_paths=min(size, self.n_paths - begin))


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
class PathEstimate:
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


def estimate(measure: Measure, paths: pd.DataFrame, seed: int = 0) -> PathEstimate:
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
        return PathEstimate(float(measure.statistic(values)), np.array(draws), True)
    known = ~np.isnan(values)
    if measure.per is None and known.all():
        return PathEstimate(float(values.mean()), values - values.mean(), False)
    if measure.per is None:  # the mean of what is known is a ratio, too
        values, whole = np.where(known, values, 0.0), known.astype(float)
    else:
        whole = np.asarray(paths[measure.per], float)
    mean = float(whole.mean())
    if mean == 0:
        return PathEstimate(float("nan"), np.full(values.size, np.nan), False)
    ratio = float(values.mean()) / mean
    lone = measure.per is None and known.sum() < 2
    return PathEstimate(ratio, np.full(values.size, np.nan) if lone else (values - ratio * whole) / mean, False)


def difference(first: PathEstimate, second: PathEstimate) -> PathEstimate:
    """First less second, path by path: what the two share of the noise cancels."""
    return PathEstimate(first.value - second.value, first.spread - second.spread, first.resampled)


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


def banded(name: str, value: PathEstimate, level: float) -> dict[str, float]:
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
    return NormalDist().inv_cdf(0.5 + level / 2) * standard_error


def share_interval(count: int, n: int, level: float) -> tuple[float, float]:
    """Wilson's score interval of a share; NaN without anything counted."""
    from statsmodels.stats.proportion import proportion_confint

    if not n:
        return float("nan"), float("nan")
    ends: Any = proportion_confint(count, n, alpha=1 - level, method="wilson")
    return min(float(ends[0]), count / n), max(float(ends[1]), count / n)  # rounding may leave 0 or 1 outside


def check_level(name: str, level: Any) -> float:
    """A share strictly between 0 and 1, or `ParameterError`."""
    if not is_number(level) or not 0 < level < 1:
        raise ParameterError(f"{name} is {level!r}, but must be a number between 0 and 1, such as 0.95.")
    return float(level)


def check_number(name: str, value: Any, *, positive: bool = False) -> float:
    """A finite float of at least 0, or above 0, or `ParameterError`."""
    if not is_number(value) or not 0 <= value < float("inf") or (positive and value == 0):
        least = "above 0" if positive else "of at least 0"
        raise ParameterError(f"{name} is {value!r}, but must be a finite number {least}.")
    return float(value)


def check_numbers(name: str, values: Any, what: str, most: int, *, positive: bool = False) -> np.ndarray:
    """A list of at most so many finite numbers as an array, or `ParameterError`; `what` says of what, and such as."""
    try:
        grid = np.asarray(values, float)
    except (TypeError, ValueError):
        grid = np.array(np.nan)
    if grid.ndim != 1 or not np.isfinite(grid).all() or (positive and (grid <= 0).any()):
        raise ParameterError(f"{name} is {values!r:.80}, but must be a list of finite numbers {what}.")
    if grid.size > most:
        raise ParameterError(f"{name} has {grid.size} numbers, but may have at most {most}; give fewer.")
    return grid


def check_shifts(shifts: Any) -> np.ndarray:
    """Half spreads to add to margins as an array, or `ParameterError`."""
    return check_numbers("shifts", shifts, "of half spreads: [-0.1, 0.1]", MOST_SHIFTS)


def is_number(value: Any) -> bool:
    """Whether something is one real number; truth values are none."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


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
