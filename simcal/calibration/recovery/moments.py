r"""The method of simulated moments on one long sample.

.. math:: \hat\theta = \arg\min_\theta\; g(\theta)' W g(\theta), \quad
          g(\theta) = \frac1S \sum_{s=1}^S m_s(\theta) - m_{\text{sample}}

The S simulated samples are as long as the real one and made of the same noise at every :math:`\theta`, so that g is
smooth. The search is that of trust-region least squares on the free numbers of `TrainableParameters`, with derivatives
by differences, from the best of many random starts, in two rounds. W is the inverse of the covariance of the moments
first of bootstrapped samples (circular blocks of the real one), then of samples simulated at what the first round
found. Nothing is taken from the truth. Source: Franke and Westerhoff, Journal of Economic Dynamics and Control 36
(2012); the second round is that of Hansen, Econometrica 50 (1982).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from scipy import stats
from scipy.optimize import least_squares

from simcal.calibration.recipe import RecoverySettings
from simcal.calibration.recovery.fit import Fit
from simcal.calibration.statistics import statistics
from simcal.errors import NumericalError, ParameterError
from simcal.facts.bootstrap import block_indices
from simcal.models import Market
from simcal.definition.trainable import TrainableParameters
from simcal.training import Budget

_STEP = 0.02  # of the differences, on the free scale
_EVALUATIONS = 60  # of a search, derivatives apart
_TOLERANCE = 1e-5
_FAILED = 1e3  # residuals where a market cannot be simulated
_CHUNK = 250  # samples at a time, for the memory's sake


class _Spent(Exception):
    """The time budget is spent."""


class FreeScale:
    """Markets from vectors of free numbers and back; the order is that of the names."""

    def __init__(self, market: Market, names: Sequence[str]) -> None:
        self._parameters = TrainableParameters(market, names)

    def vector(self, market: Market) -> np.ndarray:
        """The free numbers (parameters,) of a market."""
        self._parameters.set_values({name: getattr(market, name) for name in self._parameters.names})
        return np.array([float(free.detach()) for free in self._parameters.free.values()])

    def market(self, vector: np.ndarray) -> Market:
        """The market at these free numbers; `ParameterError` where one of its parameters is not finite."""
        with torch.no_grad():
            for free, number in zip(self._parameters.free.values(), vector, strict=True):
                free.fill_(float(number))
        return self._parameters.to_market()


def sample_moments(
    market: Market, name: str, *, n_steps: int, warm_up: int, n_samples: int, seed: int, first: int = 0
) -> np.ndarray:
    """Moments (n_samples, m) of simulated samples; `NumericalError` where one is not a finite number."""
    parts = []
    for begin in range(first, first + n_samples, _CHUNK):
        prices = market.simulate_chunk(
            seed, begin, min(_CHUNK, first + n_samples - begin), n_steps,
            save=(), every=1, burn_in=warm_up, dtype="float64", threads=1,
        )["prices"]  # fmt: skip
        usable = np.isfinite(prices).all() and prices.min() > 0
        parts.append(statistics(name).fitted(prices)(prices) if usable else np.array([[np.nan]]))
        if not np.isfinite(parts[-1]).all():
            raise NumericalError("A simulated sample has moments that are not finite numbers.")
    return np.concatenate(parts)


def bootstrap_moments(prices: np.ndarray, name: str, *, block: int, count: int, seed: int) -> np.ndarray:
    """Moments (count, m) of samples drawn from blocks of a real one, as long as it."""
    returns = np.diff(np.log(prices))
    rng, parts = np.random.default_rng(seed), []
    for begin in range(0, count, _CHUNK):
        n = min(_CHUNK, count - begin)
        drawn = returns[block_indices(len(returns), min(block, len(returns) // 2), n, rng, len(returns))]
        logs = np.concatenate([np.zeros((n, 1)), np.cumsum(drawn, axis=1)], axis=1)
        parts.append(statistics(name).fitted(np.exp(logs))(np.exp(logs)))
    return np.concatenate(parts)


def fit_moments(
    prices: np.ndarray,
    starts: Sequence[Market],
    names: Sequence[str],
    settings: RecoverySettings,
    *,
    warm_up: int,
    seed: int,
    replication: int = 0,
    budget: float | None = None,
) -> Fit:
    """Estimate the named parameters from one sample of prices (n_steps + 1,) by simulated moments.

    Parameters
    ----------
    prices
        The sample.
    starts
        Markets; the first round searches from the best ``settings.searches`` of them, the second from its best result.
    names, settings, warm_up
        What is estimated, how, and the steps before a simulated sample.
    seed
        Of the simulated samples.
    budget
        Seconds after which the best so far is taken.
    """
    clock, free = Budget(budget), FreeScale(starts[0], names)
    moments = statistics(settings.moments).fitted(prices[None])(prices[None])[0]
    size = {"n_steps": len(prices) - 1, "warm_up": warm_up, "seed": seed}

    def gap(at: np.ndarray) -> np.ndarray:
        if clock.spent:
            raise _Spent
        try:
            simulated = sample_moments(free.market(at), settings.moments, n_samples=settings.simulated, **size)
        except (NumericalError, ParameterError):
            return np.full(len(moments), np.nan)
        return simulated.mean(axis=0) - moments

    drawn = bootstrap_moments(prices, settings.moments, block=settings.block, count=settings.weight_samples, seed=seed)
    root = _root_of_inverse(np.cov(drawn, rowvar=False))
    begun = _promising(gap, root, [free.vector(start) for start in starts], settings.searches)
    found = [_search(gap, root, start, clock) for start in begun]
    first = min(range(len(found)), key=lambda k: found[k].cost)
    best = found[first]
    said = "The search settled in both rounds." if best.settled else "The first round did not settle."
    try:
        simulated = sample_moments(
            free.market(best.at), settings.moments, n_samples=settings.weight_samples, first=settings.simulated, **size
        )
        second = _search(gap, _root_of_inverse(np.cov(simulated, rowvar=False)), best.at, clock)
        if best.settled and not second.settled:
            said = "The second round did not settle."
        best = _Found(second.at, second.cost, best.settled and second.settled)
    except NumericalError:
        best, said = _Found(best.at, best.cost, False), "The first round led to a market that cannot be simulated."
    if clock.spent:
        best, said = _Found(best.at, best.cost, False), "Stopped by the time budget; a larger budget begins anew."
    if best.settled and (surplus := root.shape[1] - len(names)) > 0:
        p = float(stats.chi2.sf(best.cost / (1 + 1 / settings.simulated), surplus))
        said += f" The {surplus} moments more than parameters agree with the market with p = {p:.2g}."
    start, values = ({name: float(getattr(free.market(at), name)) for name in names} for at in (begun[first], best.at))
    return Fit("moments", replication, start, values, best.cost, said, best.settled, clock.used)


def _promising(
    gap: Callable[[np.ndarray], np.ndarray], root: np.ndarray, starts: list[np.ndarray], count: int
) -> list[np.ndarray]:
    """The starts with the least g' W g, the best first; the first ones where the budget ends before."""
    if len(starts) <= count:
        return starts
    try:
        costs = [float(np.sum((root.T @ gap(start)) ** 2)) for start in starts]
    except _Spent:
        return starts[:count]
    return [starts[k] for k in np.argsort(np.nan_to_num(costs, nan=np.inf), kind="stable")[:count]]


class _Found:
    """Where a search ended: free numbers, g' W g there, whether it settled."""

    def __init__(self, at: np.ndarray, cost: float, settled: bool) -> None:
        self.at, self.cost, self.settled = at, cost, settled


def _search(gap: Callable[[np.ndarray], np.ndarray], root: np.ndarray, start: np.ndarray, clock: Budget) -> _Found:
    """Least squares of root' g from a start; the best so far where the budget ends it."""
    best = _Found(start, np.inf, False)

    def residuals(at: np.ndarray) -> np.ndarray:
        nonlocal best
        found = root.T @ gap(at)
        if not np.isfinite(found).all():
            return np.full(root.shape[1], _FAILED)
        cost = float(found @ found)
        if cost < best.cost:
            best = _Found(at.copy(), cost, False)
        return found

    def derivatives(at: np.ndarray) -> np.ndarray:
        here, columns = gap(at), []
        for k in range(len(at)):
            step = np.zeros(len(at))
            step[k] = _STEP
            column = root.T @ (gap(at + step) - here) / _STEP
            columns.append(np.where(np.isfinite(column), column, 0.0))
        return np.stack(columns, axis=1)

    try:
        slopes: Any = derivatives  # the stubs know no functions here
        result = least_squares(
            residuals, start, jac=slopes, max_nfev=_EVALUATIONS, ftol=_TOLERANCE, xtol=_TOLERANCE, gtol=_TOLERANCE
        )
    except _Spent:
        return best
    return _Found(best.at, best.cost, bool(result.success) and np.isfinite(best.cost))


def _root_of_inverse(covariance: np.ndarray) -> np.ndarray:
    """R with R R' the inverse of a covariance, without directions that do not vary."""
    scale = np.sqrt(np.diag(covariance))
    if not (np.isfinite(covariance).all() and (scale > 0).all()):
        raise NumericalError("The moments have no covariance that could be inverted.")
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    kept = values > 1e-9 * values.max()
    return vectors[:, kept] / np.sqrt(values[kept]) / scale[:, None]
