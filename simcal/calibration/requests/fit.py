"""The likelihood route: the client's and the rivals' parameters, and the own dealer's law, from one table."""

from __future__ import annotations

import time

import numpy as np

from simcal.calibration.requests.estimate import Estimate
from simcal.calibration.requests.likelihood import (
    NAMES,
    Laws,
    acceptance_log_probabilities,
    log_probabilities,
    quote_log_densities,
)
from simcal.calibration.requests.maximise import LogProbabilities, Maximum, describe, maximise
from simcal.calibration.requests.prior import prior_terms
from simcal.calibration.requests.sample import Sample
from simcal.errors import DataError
from simcal.models.dealers.exponential_power import pdf

FEWEST = 200
"""Requests below which shapes cannot be told."""


def starting_values(sample: Sample) -> np.ndarray:
    """Where every search begins, in the order of `NAMES`: everybody like the own dealer's quotes, shapes normal."""
    middle = float(np.median(sample.margin))
    spread = float(np.std(sample.margin)) or 1.0
    return np.array([middle, spread, 2.0, middle, spread, 2.0])


def fit_likelihood(
    sample: Sample,
    start: np.ndarray | None = None,
    *,
    platform: bool = False,
    shape_prior: float | None = None,
) -> Estimate:
    """Maximum likelihood of the six parameters in `NAMES`, with standard errors from the observed information.

    Parameters
    ----------
    sample
        The requests; a platform's must hold all quotes.
    start
        Where the search begins, in the order of `NAMES`; `starting_values` when absent.
    platform
        Use every quote instead of the own dealer's censored view.
    shape_prior
        Deviation of the weak prior on the shapes, see `prior_terms`; None for none.

    Raises
    ------
    DataError
        The sample has too few requests, or every one of them ended alike.
    """
    began = time.monotonic()
    check_sample(sample)
    values = starting_values(sample) if start is None else np.asarray(start, dtype=float)

    def search(names: tuple[str, ...], start: np.ndarray, rows: LogProbabilities) -> Maximum:
        def with_prior(v: np.ndarray) -> np.ndarray:
            return np.concatenate([rows(v), -0.5 * prior_terms(names, v, shape_prior) ** 2])

        return maximise(with_prior, names, start)

    if platform:  # client and quotes are apart: two searches in three parameters
        found = [
            search(NAMES[:3], values[:3], lambda v: acceptance_log_probabilities(sample, v)),
            search(NAMES[3:], values[3:], lambda v: quote_log_densities(sample, v)),
        ]
    else:
        found = [search(NAMES, values, lambda v: log_probabilities(sample, Laws.of(v)))]
    covariance, status, succeeded = describe(found, NAMES)
    estimates = np.concatenate([part.values for part in found])
    return Estimate("likelihood", NAMES, estimates, covariance, status, succeeded, time.monotonic() - began, sample.n)


def fit_quotes(margins: np.ndarray) -> Estimate:
    """The exponential power law of quotes that are all seen, (n,): mean, scale and shape."""
    began = time.monotonic()
    names = ("quote_mean", "quote_scale", "quote_shape")
    spread = float(np.std(margins))
    if margins.size < 3 or spread < 1e-9:
        raise DataError(
            "The own dealer's margins are all the same, so that no law of its quotes can be fitted; give requests that "
            "it quoted differently."
        )
    start = np.array([float(np.median(margins)), spread, 2.0])
    found = maximise(lambda v: np.log(np.maximum(pdf(margins, *v), 1e-300)), names, start)
    covariance, status, succeeded = describe([found], names)
    return Estimate(
        "likelihood", names, found.values, covariance, status, succeeded, time.monotonic() - began, margins.size
    )


def check_sample(sample: Sample) -> None:
    """`DataError` where nothing can be estimated from the sample at all."""
    if sample.n < FEWEST:
        raise DataError(
            f"The table holds {sample.n} requests that were quoted to their end, but at least {FEWEST} are needed to "
            "estimate two laws with their shapes; give a longer table."
        )
    if not (sample.rivals > 0).any():
        raise DataError(
            "No request of the table went to another dealer (n_dealers is 1 throughout), so that it says nothing about "
            "rivals; give a table with other dealers, or correct n_dealers."
        )
    if sample.done.all() or not sample.done.any():
        what = "all" if sample.done.all() else "none"
        raise DataError(
            f"Of the requests in the table {what} were done by the own dealer, so that there is nothing to compare; "
            "check the column status and its mapping."
        )
