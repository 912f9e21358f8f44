"""The tables of a recovery: errors beside the theory, every estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from simcal.calibration.estimate import Estimate
from simcal.calibration.recovery.theory import Theory

FAR = 5.0  # standard errors, beyond which an estimate is called far off


def summary(fits: Sequence[Estimate], theories: Mapping[str, Theory]) -> pd.DataFrame:
    """A row per method and parameter over the replications.

    ``bias`` is the mean error, ``s.e. of bias`` the spread over the root of the number of replications, ``spread`` the
    standard deviation (nan for one replication), ``standard error`` that of the method by theory, ``efficient`` that of
    the best weights on the same statistics. ``tie to start`` is the correlation of estimates with where their searches
    began (nan below three replications): far from 0, the samples tell less than the errors suggest, because starts lie
    around the truth.
    """
    rows: list[dict[str, Any]] = []
    for method, found in theories.items():
        mine = [f for f in fits if f.method == method]
        n = len(mine)
        for k, name in enumerate(found.names):
            values = np.array([f.value(name) for f in mine])
            truth, error = float(found.truth[k]), float(found.standard_errors[k])
            spread = float(values.std(ddof=1)) if n > 1 else np.nan
            rmse = float(np.sqrt(np.mean((values - truth) ** 2)))
            rows.append(
                {
                    "method": method,
                    "parameter": name,
                    "truth": truth,
                    "mean estimate": float(values.mean()),
                    "median": float(np.median(values)),
                    "bias": float(values.mean()) - truth,
                    "s.e. of bias": spread / np.sqrt(n),
                    "spread": spread,
                    "standard error": error,
                    "efficient": float(found.efficient[k]),
                    "RMSE": rmse,
                    "RMSE / s.e.": rmse / error,
                    "tie to start": _tie(np.array([f.began(name) for f in mine]), values),
                    "far off": int(np.sum(np.abs(values - truth) > FAR * error)),
                }
            )
    return pd.DataFrame(rows)


def _tie(begun: np.ndarray, found: np.ndarray) -> float:
    if len(begun) < 3 or begun.std() == 0 or found.std() == 0:
        return np.nan
    return float(np.corrcoef(begun, found)[0, 1])


def estimates(fits: Sequence[Estimate], theories: Mapping[str, Theory]) -> pd.DataFrame:
    """A row per replication, method and parameter; `standard error` is that by theory, `error` is in units of it."""
    rows = []
    for fit in fits:
        found = theories[fit.method]
        for name, truth, error in zip(found.names, found.truth, found.standard_errors, strict=True):
            rows.append(
                {
                    "replication": fit.replication,
                    "method": fit.method,
                    "parameter": name,
                    "start": fit.began(name),
                    "estimate": fit.value(name),
                    "truth": float(truth),
                    "standard error": float(error),
                    "error": (fit.value(name) - float(truth)) / float(error),
                }
            )
    return pd.DataFrame(rows)


def searches(fits: Sequence[Estimate]) -> pd.DataFrame:
    """A row per search: how it ended."""
    rows = [
        {
            "replication": f.replication,
            "method": f.method,
            "objective": f.objective,
            "succeeded": f.succeeded,
            "seconds": f.seconds,
            "status": f.status,
        }
        for f in fits
    ]
    return pd.DataFrame(rows)
