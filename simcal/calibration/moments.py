r"""The estimator ``moments``: the method of simulated moments on one series of prices.

.. math:: \hat\theta = \arg\min_\theta\; g(\theta)' W g(\theta), \quad
          g(\theta) = \frac1S \sum_{s=1}^S m_s(\theta) - m_{\text{series}}

The S simulated samples are as long as the real one and made of the same noise at every :math:`\theta`, so that g is
smooth. The search is that of trust-region least squares on the free numbers of `FreeScale`, with derivatives
by differences, from the best of many random starts, in two rounds. W is the inverse of the covariance of the moments
first of bootstrapped samples (circular blocks of the real one), then of samples simulated at what the first round
found. Source: Franke and Westerhoff, Journal of Economic Dynamics and Control 36 (2012); the second round is that of
Hansen, Econometrica 50 (1982).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import least_squares

from simcal.calibration.estimate import Estimate, unknown
from simcal.calibration.recipe import PriceRecipe
from simcal.calibration.scale import FreeScale
from simcal.calibration.settings import MomentSettings, Starts
from simcal.calibration.start import StartResult
from simcal.calibration.starts import Listener, start_markets
from simcal.calibration.statistics import Statistics, statistics
from simcal.calibration.windows import training_part
from simcal.data import PriceSeries
from simcal.errors import NumericalError, ParameterError
from simcal.facts.bootstrap import block_indices
from simcal.models import Market
from simcal.training import Budget, torch_threads

_STEP = 0.02  # of the differences, on the free scale
_EVALUATIONS = 60  # of a search, derivatives apart
_TOLERANCE = 1e-5
_FAILED = 1e3  # residuals where a market cannot be simulated
_CHUNK = 250  # samples at a time, for the memory's sake


def estimate_by_moments(
    origin: Market,
    series: PriceSeries,
    recipe: PriceRecipe,
    *,
    features: Statistics | None = None,
    jobs: int | None = None,
    listen: Listener | None = None,
    **unused: Any,
) -> tuple[list[StartResult], Estimate]:
    """Estimate by moments from the first part of a series; `jobs` are the threads of the simulations.

    Searches begin at the market and at places scattered around it, as the recipe's section [starts] says. Estimates
    have standard errors, those of efficient weights.
    """
    if recipe.per_trader:
        raise ParameterError(
            "per_trader names parameters with a value per trader, but moments estimate one that all traders share; "
            "leave it out, or use the estimator 'adversarial'."
        )
    settings, rows = recipe.moments, []
    law = recipe.starts.law if recipe.starts.law != "market" else "scatter"
    begin = start_markets(
        origin,
        recipe.trainable,
        (),
        Starts(count=settings.candidates, law=law, spread=recipe.starts.spread),
        recipe.seed,
    )

    def seen(row: Mapping[str, float]) -> None:
        rows.append(dict(row))
        if listen is not None:
            listen(0, row)

    with torch_threads(1):
        found = fit_moments(
            training_part(series, recipe.train_share).prices, begin, recipe.trainable, settings, features=features,
            warm_up=recipe.game.warm_up, seed=recipe.seed, budget=recipe.budget, threads=jobs, seen=seen,
        )  # fmt: skip
    market = begin[0].replace(**dict(zip(found.names, found.values.tolist(), strict=True)))
    history = pd.DataFrame(rows, columns=["iteration", "objective", *found.names]).astype({"iteration": int})
    usable = bool(np.isfinite(found.objective))  # the best so far may serve where no search settled
    result = StartResult(
        0, market, found.objective, found.status, usable, found.seconds, 0, history, measure="objective"
    )  # fmt: skip
    return [result], found


class _Spent(Exception):
    """The time budget is spent."""


def sample_moments(
    market: Market, features: Statistics | str, *, n_steps: int, warm_up: int, n_samples: int, seed: int,
    first: int = 0, threads: int | None = 1,
) -> np.ndarray:  # fmt: skip
    """Moments (n_samples, m) of simulated samples; `NumericalError` where one is not a finite number."""
    parts = []
    for begin in range(first, first + n_samples, _CHUNK):
        prices = market.simulate_chunk(
            seed, begin, min(_CHUNK, first + n_samples - begin), n_steps,
            save=(), every=1, burn_in=warm_up, dtype="float64", threads=threads,
        )["prices"]  # fmt: skip
        usable = np.isfinite(prices).all() and prices.min() > 0
        parts.append(statistics(features).fitted(prices)(prices) if usable else np.array([[np.nan]]))
        if not np.isfinite(parts[-1]).all():
            raise NumericalError("A simulated sample has moments that are not finite numbers.")
    return np.concatenate(parts)


def bootstrap_moments(
    prices: np.ndarray, features: Statistics | str, *, block: int, count: int, seed: int
) -> np.ndarray:
    """Moments (count, m) of samples drawn from blocks of a real one, as long as it."""
    returns = np.diff(np.log(prices))
    rng, parts = np.random.default_rng(seed), []
    for begin in range(0, count, _CHUNK):
        n = min(_CHUNK, count - begin)
        drawn = returns[block_indices(len(returns), min(block, len(returns) // 2), n, rng, len(returns))]
        logs = np.concatenate([np.zeros((n, 1)), np.cumsum(drawn, axis=1)], axis=1)
        parts.append(statistics(features).fitted(np.exp(logs))(np.exp(logs)))
    return np.concatenate(parts)


def fit_moments(
    prices: np.ndarray,
    starts: Sequence[Market],
    names: Sequence[str],
    settings: MomentSettings,
    *,
    warm_up: int,
    seed: int,
    features: Statistics | None = None,
    replication: int = 0,
    budget: float | None = None,
    threads: int | None = 1,
    seen: Callable[[Mapping[str, float]], None] = lambda row: None,
) -> Estimate:
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

    Other Parameters
    ----------------
    features
        The statistics; those that the settings name when absent.
    replication
        Written into the estimate.
    budget
        Seconds after which the best so far is taken.
    threads
        Of the simulations; None is one per core.
    seen
        Called with each improvement: its number, g' W g and the parameters there.
    """
    clock, free = Budget(budget), FreeScale(starts[0], names)
    features = statistics(settings.moments) if features is None else features
    moments = features.fitted(prices[None])(prices[None])[0]
    if not np.isfinite(moments).all():
        raise NumericalError(
            f"The statistics {features.name!r} of the prices are not finite numbers; look for stretches in which the "
            "price does not move, or choose others."
        )
    size: dict[str, Any] = {"n_steps": len(prices) - 1, "warm_up": warm_up, "seed": seed, "threads": threads}
    improvements = 0

    def gap(at: np.ndarray) -> np.ndarray:
        if clock.spent:
            raise _Spent
        try:
            simulated = sample_moments(free.market(at), features, n_samples=settings.simulated, **size)
        except (NumericalError, ParameterError):
            return np.full(len(moments), np.nan)
        return simulated.mean(axis=0) - moments

    def tell(found: _Found) -> None:
        nonlocal improvements
        improvements += 1
        seen({"iteration": improvements, "objective": found.cost,
              **free.values(found.at)})  # fmt: skip

    drawn = bootstrap_moments(prices, features, block=settings.block, count=settings.weight_samples, seed=seed)
    root = _root_of_inverse(np.cov(drawn, rowvar=False))
    begun = _promising(gap, root, [free.free_of(start) for start in starts], settings.searches)
    found = [_search(gap, root, start, clock, tell) for start in begun]
    first = min(range(len(found)), key=lambda k: found[k].cost)
    best = found[first]
    said = "The search settled in both rounds." if best.settled else "The first round did not settle."
    try:
        simulated = sample_moments(
            free.market(best.at), features, n_samples=settings.weight_samples, first=settings.simulated, **size
        )
        root = _root_of_inverse(np.cov(simulated, rowvar=False))
        second = _search(gap, root, best.at, clock, tell)
        if best.settled and not second.settled:
            said = "The second round did not settle."
        best = _Found(second.at, second.cost, best.settled and second.settled)
    except NumericalError:
        best, said = _Found(best.at, best.cost, False), "The first round led to a market that cannot be simulated."
    if clock.spent:
        best, said = _Found(best.at, best.cost, False), "Stopped by the time budget; a larger budget begins anew."
    covariance = unknown(len(names))
    if best.settled:
        with suppress(_Spent):  # standard errors are not worth a larger budget
            covariance = (1 + 1 / settings.simulated) * _covariance(gap, free, root, best.at)
    if best.settled and (surplus := root.shape[1] - len(names)) > 0:
        p = float(stats.chi2.sf(best.cost / (1 + 1 / settings.simulated), surplus))
        said += f" The {surplus} moments more than parameters agree with the market with p = {p:.2g}."
    return Estimate(
        "moments", tuple(names), _natural(free, best.at), covariance, said, best.settled, clock.used, len(prices) - 1,
        start=_natural(free, begun[first]), objective=best.cost, replication=replication,
    )  # fmt: skip


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


def _search(
    gap: Callable[[np.ndarray], np.ndarray], root: np.ndarray, start: np.ndarray, clock: Budget,
    tell: Callable[[_Found], None],
) -> _Found:  # fmt: skip
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
            tell(best)
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


def _covariance(
    gap: Callable[[np.ndarray], np.ndarray], free: FreeScale, root: np.ndarray, at: np.ndarray
) -> np.ndarray:
    """(J' W J)^-1 of the natural parameters, by central differences; NaN where the moments do not identify them."""
    columns = []
    for k in range(len(at)):
        step = np.zeros(len(at))
        step[k] = _STEP
        columns.append(root.T @ (gap(at + step) - gap(at - step)) / (2 * _STEP))
    information = np.stack(columns, axis=1).T @ np.stack(columns, axis=1)
    if not np.isfinite(information).all() or np.linalg.cond(information) > 1e12:
        return unknown(len(at))
    slopes = free.slopes(at)
    return np.linalg.inv(information) * np.outer(slopes, slopes)


def _natural(free: FreeScale, at: np.ndarray) -> np.ndarray:
    return np.array(list(free.values(at).values()))


def _root_of_inverse(covariance: np.ndarray) -> np.ndarray:
    """R with R R' the inverse of a covariance, without directions that do not vary."""
    covariance = np.atleast_2d(covariance)
    scale = np.sqrt(np.diag(covariance))
    if not (np.isfinite(covariance).all() and (scale > 0).all()):
        raise NumericalError("The moments have no covariance that could be inverted.")
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    kept = values > 1e-9 * values.max()
    return vectors[:, kept] / np.sqrt(values[kept]) / scale[:, None]
