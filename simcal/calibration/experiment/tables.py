"""The tables of an experiment: errors beside the bound, games, replications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from simcal.calibration.experiment.targets import OURS, TARGET_RATIO, UP_TO_SIGN, YARDSTICK

if TYPE_CHECKING:
    from simcal.calibration.experiment.result import ExperimentResult


def recovery(result: ExperimentResult) -> pd.DataFrame:
    """Root mean square errors over the replications, beside the efficient standard errors; a row per parameter.

    The 95 % interval of a ratio takes the errors as normal around the truth: with n replications
    n RMSE^2 / variance is chi-square with n degrees of freedom.
    """
    n = len(result.of(OURS))
    low, high = np.sqrt(n / stats.chi2.ppf([0.975, 0.025], n))
    rows = []
    for player in result.players:
        errors = result.errors(player)
        for k, name in enumerate(result.recipe.trainable):
            truth, error = result.true_value(name), errors[name].to_numpy()
            rmse = float(np.sqrt(np.mean(error**2)))
            row: dict[str, Any] = {
                "recipe": player,
                "parameter": result.symbol(name),
                "truth": truth,
                "mean estimate": truth + float(np.mean(error)),
                "RMSE": rmse,
                "RMSE (%)": 100 * rmse / abs(truth),
            }
            bound = float(result.bounds[YARDSTICK].standard_errors[k])
            row |= {"bound": bound, "bound (%)": 100 * bound / abs(truth), "RMSE / bound": rmse / bound}
            row |= {"95 % low": low * rmse / bound, "95 % high": high * rmse / bound}
            row |= {f"at most {TARGET_RATIO:g}": rmse / bound <= TARGET_RATIO}
            for statistics, other in result.bounds.items():
                if statistics != YARDSTICK:
                    row |= {f"RMSE / bound of {statistics}": rmse / float(other.standard_errors[k])}
            rows.append(row)
    return pd.DataFrame(rows)


def games(result: ExperimentResult) -> pd.DataFrame:
    """Lost replications, time, and errors on the same noise; a row per recipe."""
    rows = []
    for player in result.players:
        mine = result.of(player)
        seconds = [o.seconds_per_target for o in mine]
        rows.append(
            {
                "recipe": player,
                "replications": len(mine),
                "lost": sum(result.is_lost(o) for o in mine),
                "skipped steps": sum(o.skipped_steps for o in mine),
                "seconds per 2000 iterations, median": float(np.median(seconds)),
                "largest": float(np.max(seconds)),
                "error on the same noise (%), median replication": 100 * result.median_replication(player).path_error,
                "the same, median over paths too": 100 * float(np.median([o.median_path_error for o in mine])),
                "paths below 1.5 % (%)": 100 * float(np.mean([o.share_of_paths_below for o in mine])),
            }
        )
    return pd.DataFrame(rows)


def replications(result: ExperimentResult, player: str) -> pd.DataFrame:
    """A row per replication: start, raw values (means over traders), sizes, relative errors, time, how it ended."""
    names = result.recipe.trainable
    letters = {n: result.symbol(n).strip("|") for n in names}
    rows = []
    for o in result.of(player):
        row: dict[str, Any] = {"recipe": player, "replication": o.replication}
        row |= {f"start {letters[n]}": float(np.mean(o.start[n])) for n in names}
        row |= {letters[n]: float(np.mean(o.values[n])) for n in names}
        row |= {result.symbol(n): o.estimate(n) for n in names if n in UP_TO_SIGN}
        row |= {f"error of {result.symbol(n)} (%)": 100 * (o.estimate(n) / result.true_value(n) - 1) for n in names}
        row |= {"error on the same noise (%)": 100 * o.path_error, "lost": result.is_lost(o)}
        rows.append(row | {"seconds per 2000 iterations": o.seconds_per_target, "status": o.status})
    return pd.DataFrame(rows)


def bounds(result: ExperimentResult) -> pd.DataFrame:
    """The efficient standard errors of each set of statistics and how they are correlated; a row per parameter."""
    rows = []
    for statistics, bound in result.bounds.items():
        for k, name in enumerate(bound.names):
            error, truth = float(bound.standard_errors[k]), float(bound.truth[k])
            row = {
                "statistics": statistics,
                "parameter": result.symbol(name),
                "truth": truth,
                "standard error": error,
                "per cent": 100 * error / abs(truth),
            }
            for j, other in enumerate(bound.names):
                row[f"correlation with {result.symbol(other)}"] = float(bound.correlations[k, j])
            rows.append(row)
    return pd.DataFrame(rows)
