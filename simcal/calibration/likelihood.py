r"""The estimator ``likelihood``: exact maximum likelihood of a series of prices, with priors where a recipe has them.

.. math:: \hat\theta = \arg\max_\theta\; \sum_t \log f(r(t) \mid r(t-1), ...; \theta) - \tfrac12 \sum_k
          \left(\frac{\phi_k - \phi_k^0}{s_k}\right)^2

with :math:`\phi` the logarithm of a parameter that is positive, the logit of one between two bounds, else the
parameter itself, :math:`\phi^0` that of the market at which the search begins and s the recipe's
``[likelihood.priors]``; no term for a parameter without one. The gradient is the compiled adjoint's, the search BFGS
from several starts. Standard errors are those of the observed information, second derivatives of what is maximised by
differences of the gradient; the sandwich, which holds for a market that is only nearly true, stands beside them.

With a ``moments_weight`` w, a search from the best of these ends goes on with :math:`- w n D(\theta)` added, D the
misfit of simulated moments of `simcal.calibration.moment_gap` and n the returns: the likelihood knows the next step,
but sees the shape of years badly. Standard errors are then a sandwich, whose middle is the variance of the gradient
over series of the market's own.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from simcal.calibration.estimate import Estimate, unknown
from simcal.calibration.moment_gap import MomentGap
from simcal.calibration.penalised import Penalised
from simcal.calibration.prior import with_learned
from simcal.calibration.recipe import PriceRecipe
from simcal.calibration.settings import Starts
from simcal.calibration.start import StartResult
from simcal.calibration.starts import Listener, start_markets
from simcal.calibration.statistics import Statistics
from simcal.calibration.windows import training_part
from simcal.data import PriceSeries
from simcal.definition import PriceMarket
from simcal.errors import NumericalError, ParameterError
from simcal.models import Market
from simcal.training import Budget, torch_threads

_AGREE = 0.5  # log-likelihood between two starts that end at the same height


def estimate_by_likelihood(
    origin: Market,
    series: PriceSeries,
    recipe: PriceRecipe,
    *,
    features: Statistics,
    listen: Listener | None = None,
    **unused: Any,
) -> tuple[list[StartResult], Estimate]:
    """Estimate by maximum likelihood from the first part of a series.

    Searches begin at the market and at places scattered around it, as the recipe's section [starts] says.

    Raises
    ------
    ParameterError
        The market's prices have no density in closed form, in one sentence that says why.
    NumericalError
        The likelihood is not a finite number at any start.
    """
    if recipe.per_trader:
        raise ParameterError(
            "per_trader names parameters with a value per trader, but the likelihood estimates one that all traders "
            "share; leave it out, or use the estimator 'adversarial'."
        )
    prices = training_part(series, recipe.train_share).prices
    origin, recipe, told = with_learned(origin, recipe, prices, series.name)
    starts = start_markets(
        origin, recipe.trainable, (), Starts(count=recipe.starts.count, law="scatter", spread=recipe.starts.spread),
        recipe.seed,
    )  # fmt: skip
    results, estimate = fit_likelihood(origin, starts, prices, recipe, features=features, listen=listen)
    return results, dataclasses.replace(estimate, status=estimate.status + told)


def fit_likelihood(
    origin: Market,
    starts: Sequence[Market],
    prices: np.ndarray,
    recipe: PriceRecipe,
    *,
    features: Statistics,
    listen: Listener | None = None,
) -> tuple[list[StartResult], Estimate]:
    """As `estimate_by_likelihood`, from all prices, with searches that begin at the markets given.

    The priors are those around `origin`.
    """
    settings = recipe.likelihood
    with torch_threads(1):  # one path is one block
        target = Penalised(origin, recipe.trainable, prices, settings.priors, settings.warm_up)
        clock, results, found = Budget(recipe.budget), [], []
        for number, start in enumerate(starts):
            if number and clock.spent:
                break
            result, ended = _search(target, number, target.scale.free_of(start), origin, listen)
            results.append(result)
            found.append(ended)
        best = max(range(len(found)), key=lambda k: found[k][1])
        if not math.isfinite(found[best][1]):
            raise NumericalError(
                "The likelihood is not a finite number at any start; begin at a market nearer to the data."
            )
        at, _, settled, sentence = found[best]
        if len(found) > 1:
            agree = sum(found[best][1] - other < _AGREE for _, other, *_ in found)
            sentence += f" {agree} of {len(found)} starts end at the same height."
        if settings.moments_weight:
            sentence += " " + _add_moments(target, prices, recipe, features)
        if target.gap is not None:
            # Where a search of the likelihood ends, a simulated path may stand still and have no moments.
            places = [at, *(end for end, *_ in found), *map(target.scale.free_of, starts)]
            begin = max(places, key=lambda free: target(free)[0])
            if not math.isfinite(target(begin)[0]):
                target.gap = None
                sentence += " Simulated paths have no finite moments at any start, and the moments are left out."
        if target.gap is not None:
            result, (at, _, settled, said) = _search(target, best, begin, origin, listen, results[best].history)
            results[best] = result
            sentence += " With moments beside the likelihood: " + said[0].lower() + said[1:]
            for k, (other, *_) in enumerate(found):
                if k != best:
                    results[k] = dataclasses.replace(results[k], distance=-target(other)[0])
        return results, _estimate(target, at, settled, sentence, clock.used)


def _search(
    target: Penalised, number: int, free: np.ndarray, origin: Market, listen: Listener | None,
    before: pd.DataFrame | None = None,
) -> tuple[StartResult, tuple[np.ndarray, float, bool, str]]:  # fmt: skip
    """Maximise from free numbers on; `before` is the history so far."""
    began = time.monotonic()
    rows: list[dict[str, float]] = []
    done = 0 if before is None else len(before)

    def seen(row: dict[str, float]) -> None:
        rows.append(row | {"iteration": row["iteration"] + done})
        if listen is not None:
            listen(number, rows[-1])

    at, value, settled, sentence = target.maximise(free, seen)
    usable = math.isfinite(value)
    market = origin.replace(**target.scale.values(at if usable else free))
    history = pd.DataFrame(rows, columns=["iteration", "objective", *target.names])
    result = StartResult(
        number, market, -value, sentence, usable, time.monotonic() - began, 0,
        history if before is None else pd.concat([before, history], ignore_index=True),
        measure="minus log-likelihood and penalty",
    )  # fmt: skip
    return result, (at, value, settled, sentence)


def _add_moments(target: Penalised, prices: np.ndarray, recipe: PriceRecipe, features: Statistics) -> str:
    """Give the target its misfit of moments, or a sentence that says why not."""
    settings = recipe.likelihood
    if len(prices) - 1 < features.shortest:
        return f"The moments {features.name!r} need {features.shortest} returns, and are left out."
    assert isinstance(target.market, PriceMarket), "what has a likelihood is written in the language of definitions"
    gap = MomentGap(
        target.market, target.names, prices, features, settings, warm_up=recipe.game.warm_up, seed=recipe.seed
    )
    if not gap.usable:
        return f"The moments {features.name!r} of the prices are not finite numbers, and are left out."
    target.gap, target.weight = gap, settings.moments_weight
    return ""


def _estimate(target: Penalised, at: np.ndarray, settled: bool, sentence: str, seconds: float) -> Estimate:
    names, slopes, n = target.names, target.scale.slopes(at), target.n
    value = target(at)[0]
    scores = target.scores(at)
    information = target.information(at, scores)
    total = target.likelihood.total(target.scale.values(at), target.before)[0]
    covariance = sandwich = unknown(len(names))
    curved = np.full(len(names), math.nan)
    sizes = np.outer(target.size, target.size)
    if not np.isfinite(information).all():
        information = np.zeros_like(information)
        sentence += " The likelihood is not a finite number everywhere around; there are no standard errors."
    eigenvalues, vectors = np.linalg.eigh(information * sizes)
    # Moments fix some directions so well that the others look loose beside them.
    if eigenvalues[0] > (1e-6 if target.gap is None else 1e-10) * eigenvalues[-1]:
        inverse = np.linalg.inv(information * sizes) * sizes
        curved = np.diag(inverse)
        priors, natural = np.diag(target.width**-2.0), np.outer(slopes, slopes)
        if target.gap is None:
            covariance = inverse * natural
            sandwich = inverse @ (scores.T @ scores + priors) @ inverse * natural
        else:
            sandwich = covariance = inverse @ (target.simulated_variance(at) + priors) @ inverse * natural
    elif information.any():
        direction = vectors[:, 0] * target.size * slopes
        loud = np.argsort(-np.abs(vectors[:, 0]))[:3]
        along = ", ".join(f"{names[k]} by {direction[k]:.2g}" for k in loud)
        sentence += f" The data do not tell one direction ({along}); there are no standard errors."
    k = len(names)
    # How much of what is known of a parameter comes from the data, and not from its prior.
    learned = 1 - curved / target.width**2
    details = {
        "log_likelihood": total, "deviation": target.deviation,
        "aic": 2 * k - 2 * total, "bic": k * math.log(n) - 2 * total,
        "sandwich_errors": dict(zip(names, np.sqrt(np.diag(sandwich)).tolist(), strict=True)),
        "prior_center": target.scale.values(target.center),
        "share_from_data": dict(zip(names, learned.tolist(), strict=True)),
    }  # fmt: skip
    values, center = (np.array(list(target.scale.values(x).values())) for x in (at, target.center))
    return Estimate(
        "likelihood", names, values, covariance, sentence, settled, seconds, n, start=center, objective=-value,
        details=details,
    )  # fmt: skip
