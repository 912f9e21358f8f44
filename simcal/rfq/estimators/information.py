"""Which data tell which parameters: standard errors from the information in a request, seen in different ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from scipy.linalg import block_diag

from simcal.rfq.closed_forms import acceptance, expected_cover_gap
from simcal.rfq.estimators.estimate import LARGEST_CONDITION, inverse_information, true_values, unit_diagonal
from simcal.rfq.estimators.likelihood import (
    NAMES,
    Laws,
    acceptance_log_probabilities,
    log_probabilities,
    quote_log_densities,
)
from simcal.rfq.estimators.maximise import differences
from simcal.rfq.estimators.sample import Sample, sample_of
from simcal.rfq.market import RfqMarket
from simcal.rfq.simulated import request_table

ACCEPTANCE_AND_GAP = "acceptance rate and mean gap"
STATUSES = "statuses"
COVERS = "statuses and covers"
HISTORY = "statuses, covers, ranks, traded prices"
PLATFORM = "all quotes (platform)"


def identification(
    market: RfqMarket, n_requests: int = 20_000, *, n_simulated: int = 20_000, seed: int = 11
) -> pd.DataFrame:
    """How well the six parameters of client and rivals can be told from `n_requests` requests, by what is seen of them.

    The rivals' parameters are those of all rivals together, the own dealer's law is known. A row per way of seeing:
    the rank of the information matrix, its condition (of the matrix scaled to a unit diagonal) and the standard error
    of each parameter, NaN where the rank is below six.

    Parameters
    ----------
    market
        The truth: dealers without inventory skew and tick.
    n_requests
        Size of the table that the standard errors are for.
    n_simulated, seed
        Requests that the information is averaged over, and their noise.
    """
    table = request_table(market.replace(rule="hard"), n_simulated, seed=seed, platform=True)
    truth = true_values(market, NAMES)
    covers = sample_of(table, traded_prices=False, ranks=False)
    platform = sample_of(table, view="platform")
    ways: Mapping[str, Callable[[], np.ndarray]] = {
        ACCEPTANCE_AND_GAP: lambda: _two_numbers(market, platform, truth),
        STATUSES: lambda: _information(covers.statuses_only(), truth),
        COVERS: lambda: _information(covers, truth),
        HISTORY: lambda: _information(sample_of(table), truth),
        PLATFORM: lambda: _platform_information(platform, truth),
    }
    rows = []
    for way, information in ways.items():
        found = information() * n_requests
        eigenvalues = np.linalg.eigvalsh(unit_diagonal(found)[0])
        rank = int((eigenvalues > eigenvalues[-1] / LARGEST_CONDITION).sum())
        inverse = inverse_information(found) if rank == len(NAMES) else None
        errors = np.full(len(NAMES), np.nan) if inverse is None else np.sqrt(np.diag(inverse))
        condition = eigenvalues[-1] / eigenvalues[0] if rank == len(NAMES) else np.inf
        row = {"what is seen": way, "rank": rank, "condition": float(condition)}
        rows.append(row | dict(zip(NAMES, map(float, errors), strict=True)))
    return pd.DataFrame(rows)


def _information(sample: Sample, truth: np.ndarray) -> np.ndarray:
    """Mean of the products of scores: the information in one request."""
    scores = differences(lambda v: log_probabilities(sample, Laws.of(v)), truth)
    return scores.T @ scores / sample.n


def _platform_information(sample: Sample, truth: np.ndarray) -> np.ndarray:
    client = differences(lambda v: acceptance_log_probabilities(sample, v), truth[:3])
    quotes = differences(lambda v: quote_log_densities(sample, v), truth[3:])
    return np.asarray(block_diag(client.T @ client, quotes.T @ quotes)) / sample.n


def _two_numbers(market: RfqMarket, sample: Sample, truth: np.ndarray) -> np.ndarray:
    """J' V^-1 J of the acceptance rate and the mean gap between best and second best."""
    own = [float(market.vector(n)[0]) for n in NAMES[3:]]

    def means(values: np.ndarray) -> np.ndarray:
        client, rivals = values[:3].tolist(), values[3:].tolist()
        quotes = [(mine, *[theirs] * (market.n_dealers - 1)) for mine, theirs in zip(own, rivals, strict=True)]
        at = market.replace(**dict(zip(NAMES, [*client, *quotes], strict=True)))
        return np.array([acceptance(at), expected_cover_gap(at)])

    jacobian = differences(means, truth, 1e-4 * np.maximum(np.abs(truth), 0.1))
    best, second = sample.ordered[:, :2].T
    seen = np.stack([(sample.done | sample.away).astype(float), second - best])
    return jacobian.T @ np.linalg.solve(np.cov(seen[:, np.isfinite(seen[1])]), jacobian)
