"""How well a set of statistics can identify parameters at all: the efficient standard errors.

With m(theta) the mean of the statistics of one window, J its Jacobian and V their covariance at the truth, the best
estimator that matches means over n independent windows has covariance (J' V^-1 J)^-1 / n (Hansen, Econometrica 50,
1982), the simulated means taken as exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from simcal.calibration.statistics import statistics as find_statistics
from simcal.calibration.windows import simulated_windows
from simcal.errors import NumericalError
from simcal.models import Market


@dataclass(frozen=True)
class Bound:
    """Efficient standard errors of `names` for `n_windows` windows, and the correlations of the estimates."""

    names: tuple[str, ...]
    truth: np.ndarray
    standard_errors: np.ndarray
    correlations: np.ndarray
    n_windows: int

    def table(self) -> pd.DataFrame:
        """One row per parameter: truth, standard error, the same in per cent of the truth."""
        return pd.DataFrame(
            {
                "truth": self.truth,
                "standard error": self.standard_errors,
                "per cent": 100 * self.standard_errors / np.abs(self.truth),
            },
            index=pd.Index(self.names, name="parameter"),
        )


def efficient_errors(
    market: Market,
    names: Sequence[str],
    *,
    statistics: str,
    n_windows: int,
    window: int,
    warm_up: int,
    n_paths: int = 40_000,
    step: float = 0.02,
    seed: int = 7,
) -> Bound:
    """The efficient standard errors of tied parameters at `market`, by central differences on common noise.

    Parameters
    ----------
    market, names
        The truth, and which of its parameters are estimated (each one number).
    statistics, window, warm_up, n_windows
        What is observed, and how often.
    n_paths, step, seed
        Simulated windows per evaluation, relative step of the differences, noise.

    Raises
    ------
    NumericalError
        The statistics do not identify the parameters (J' V^-1 J is singular).
    """
    truth = np.array([float(getattr(market, name)) for name in names])

    def windows(at: Market) -> np.ndarray:
        return simulated_windows(at, window=window, warm_up=warm_up, n_paths=n_paths, seed=seed)

    at_truth = windows(market)
    measure = find_statistics(statistics).fitted(at_truth)
    covariance = np.cov(measure(at_truth), rowvar=False)
    jacobian = mean_derivatives(market, names, lambda at: measure(windows(at)), step)
    information = jacobian.T @ np.linalg.solve(covariance, jacobian) * n_windows
    if np.linalg.cond(information) > 1e12:
        raise NumericalError(
            f"The statistics {statistics!r} do not identify {', '.join(names)} together; "
            "train fewer parameters or choose other statistics."
        )
    estimate = np.linalg.inv(information)
    errors = np.sqrt(np.diag(estimate))
    return Bound(tuple(names), truth, errors, estimate / np.outer(errors, errors), n_windows)


def mean_derivatives(
    market: Market, names: Sequence[str], features: Callable[[Market], np.ndarray], step: float = 0.02
) -> np.ndarray:
    """Derivatives (m, parameters) of the means of features (n, m) at `market`, by central differences.

    `features` must simulate on the same noise at every call; `step` is relative to the parameter.
    """
    columns = []
    for name in names:
        value = float(getattr(market, name))
        h = step * max(abs(value), 1e-3)
        up, down = (features(market.replace(**{name: value + sign * h})).mean(axis=0) for sign in (1, -1))
        columns.append((up - down) / (2 * h))
    return np.stack(columns, axis=1)
