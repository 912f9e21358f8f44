r"""The estimator ``likelihood``: exact maximum likelihood of a series of prices, with priors where a recipe has them.

.. math:: \hat\theta = \arg\max_\theta\; \sum_t \log f(r(t) \mid r(t-1), ...; \theta) - \tfrac12 \sum_k
          \left(\frac{\phi_k - \phi_k^0}{s_k}\right)^2

with :math:`\phi` the logarithm of a parameter that is positive, the logit of one between two bounds, else the
parameter itself, :math:`\phi^0` that of the market at which the search begins and s the recipe's
``[likelihood.priors]``; no term for a parameter without one. The gradient is the compiled adjoint's, the search BFGS
from several starts. Standard errors are those of the observed information, second derivatives of what is maximised by
differences of the gradient; the sandwich, which holds for a market that is only nearly true, stands beside them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from simcal.calibration.estimate import Estimate, unknown
from simcal.calibration.recipe import PriceRecipe
from simcal.calibration.settings import Starts
from simcal.calibration.start import StartResult
from simcal.calibration.starts import Listener, start_markets
from simcal.calibration.windows import training_part
from simcal.data import PriceSeries
from simcal.definition.likelihood import Likelihood
from simcal.errors import NumericalError, ParameterError
from simcal.models import Market
from simcal.parameters import check_names
from simcal.training import Budget, torch_threads

_ITERATIONS = 500
_STEP = 1e-4  # of differences, on the searched scale
_WIDE = 0.3  # of differences of the gradient, in standard errors
_AGREE = 0.5  # log-likelihood between two starts that end at the same height


def estimate_by_likelihood(
    origin: Market,
    series: PriceSeries,
    recipe: PriceRecipe,
    *,
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
    starts = start_markets(
        origin, recipe.trainable, (), Starts(count=recipe.starts.count, law="scatter", spread=recipe.starts.spread),
        recipe.seed,
    )  # fmt: skip
    with torch_threads(1):  # one path is one block
        target = Penalised(origin, recipe.trainable, prices, recipe.likelihood.priors, recipe.likelihood.warm_up)
        clock, results, found = Budget(recipe.budget), [], []
        for number, start in enumerate(starts):
            if number and clock.spent:
                break
            began, rows = time.monotonic(), []

            def seen(row: dict[str, float], number: int = number, rows: list = rows) -> None:
                rows.append(row)
                if listen is not None:
                    listen(number, row)

            at, value, settled, sentence = target.maximise(target.scale.free_of(start), seen)
            market = origin.replace(**target.scale.values(at)) if math.isfinite(value) else start
            history = pd.DataFrame(rows, columns=["iteration", "objective", *recipe.trainable])
            ended = StartResult(
                number, market, -value, sentence, math.isfinite(value), time.monotonic() - began, 0, history,
                measure="minus log-likelihood and penalty",
            )  # fmt: skip
            results.append(ended)
            found.append((at, value, settled, sentence))
        best = max(range(len(found)), key=lambda k: found[k][1])
        if not math.isfinite(found[best][1]):
            raise NumericalError(
                "The likelihood is not a finite number at any start; begin at a market nearer to the data."
            )
        return results, _estimate(target, found, best, clock.used)


class FreeScale:
    """Named parameters as numbers without bounds: log, logit, or as they are."""

    def __init__(self, market: Market, names: Sequence[str]) -> None:
        self.names, self._specs = tuple(names), [market.SPECS[n] for n in names]

    def free_of(self, market: Market) -> np.ndarray:
        """The free numbers of a market; one at a bound begins a little inside."""
        free = []
        for name, spec in zip(self.names, self._specs, strict=True):
            value, (low, high) = float(getattr(market, name)), _bounds(spec)
            if low is not None and high is not None:
                share = min(max((value - low) / (high - low), 1e-3), 1 - 1e-3)
                free.append(math.log(share / (1 - share)))
            else:
                free.append(value if low is None else math.log(max(value - low, 1e-8)))
        return np.array(free)

    def values(self, free: np.ndarray) -> dict[str, float]:
        """The parameters at free numbers."""
        return {name: value for name, (value, _) in zip(self.names, self._natural(free), strict=True)}

    def slopes(self, free: np.ndarray) -> np.ndarray:
        """Derivatives of the parameters in the free numbers."""
        return np.array([slope for _, slope in self._natural(free)])

    def _natural(self, free: np.ndarray) -> list[tuple[float, float]]:
        found = []
        for x, spec in zip(free.tolist(), self._specs, strict=True):
            low, high = _bounds(spec)
            if low is not None and high is not None:
                share = 1 / (1 + math.exp(-min(max(x, -36.0), 36.0)))
                found.append((low + (high - low) * share, (high - low) * share * (1 - share)))
            elif low is not None:
                grown = math.exp(min(x, 700.0))
                found.append((low + grown, grown))
            else:
                found.append((x, 1.0))
        return found


def _bounds(spec: Any) -> tuple[float | None, float | None]:
    low = None if spec.low is None or math.isinf(spec.low) else float(spec.low)
    high = None if spec.high is None or math.isinf(spec.high) else float(spec.high)
    return low, high


class Penalised:
    """Log-likelihood less the penalty of the priors, as a function of free numbers."""

    def __init__(
        self, origin: Market, names: Sequence[str], prices: np.ndarray, priors: dict[str, float], warm_up: int = 0
    ) -> None:
        check_names(priors, list(names), "a trainable parameter with a prior")
        self.names, self.scale = tuple(names), FreeScale(origin, names)
        self.likelihood = Likelihood(origin, names, prices)  # type: ignore[arg-type]
        self.before = min(warm_up, self.likelihood.n_steps // 10)
        deviation = float(np.diff(np.log(prices)).std())
        units = [deviation if origin.SPECS[n].unit == "1/step" else 1.0 for n in names]
        self.center = self.scale.free_of(origin)
        self.width = np.array([priors.get(n, math.inf) * unit for n, unit in zip(names, units, strict=True)])
        # How far a search may go at first: a prior's width, else what the parameter's definition says.
        own = np.array([0.3 * origin.SPECS[n].scale for n in names])
        self.size = np.where(np.isfinite(self.width), self.width, own)

    @property
    def n(self) -> int:
        """Returns that count."""
        return self.likelihood.n_steps - self.before

    def __call__(self, free: np.ndarray) -> tuple[float, np.ndarray]:
        """The value and its gradient; minus infinity where it is not a number."""
        off = (free - self.center) / self.width
        with np.errstate(all="ignore"):
            value, by = self.likelihood.total(self.scale.values(free), self.before)
        value -= 0.5 * float(off @ off)
        gradient = by * self.scale.slopes(free) - off / self.width
        if not (math.isfinite(value) and np.isfinite(gradient).all()):
            return -math.inf, np.zeros_like(free)
        return value, gradient

    def maximise(self, start: np.ndarray, seen: Any) -> tuple[np.ndarray, float, bool, str]:
        """Where a search ended, the value there, whether it settled, and a sentence."""
        n, count = self.n, 1

        def cost(x: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = self(start + x * self.size)
            return (-value / n, -gradient * self.size / n) if math.isfinite(value) else (1e6, np.zeros_like(x))

        def tell(intermediate_result: Any) -> None:  # scipy goes by the name
            nonlocal count
            count += 1
            free = start + intermediate_result.x * self.size
            seen({"iteration": count, "objective": intermediate_result.fun * n, **self.scale.values(free)})

        seen({"iteration": count, "objective": -self(start)[0], **self.scale.values(start)})
        ended = minimize(
            cost, np.zeros_like(start), jac=True, method="L-BFGS-B", callback=tell,
            options={"maxiter": _ITERATIONS, "ftol": 1e-12, "gtol": 1e-7, "maxcor": 20},
        )  # fmt: skip
        at = start + ended.x * self.size
        value = self(at)[0]
        said = f"The search settled after {ended.nit} steps."
        if not ended.success:
            said = f"The search did not settle in {ended.nit} steps."
        return at, value, bool(ended.success), said

    def information(self, at: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Minus the second derivatives in the free numbers, by central differences of the gradient.

        The gradient jumps where a past move changes its sign, so steps are as wide as what the data can tell apart.
        """
        widths = (np.square(scores).sum(axis=0) + self.width**-2.0) ** -0.5
        rows = []
        for k, width in enumerate(np.minimum(widths, self.size)):
            step = np.zeros_like(at)
            step[k] = _WIDE * width
            rows.append((self(at - step)[1] - self(at + step)[1]) / (2 * step[k]))
        return 0.5 * (np.array(rows) + np.array(rows).T)

    def scores(self, at: np.ndarray) -> np.ndarray:
        """Derivatives of every return's log density in the free numbers, (n_steps, names), by central differences."""
        columns = []
        for k, size in enumerate(self.size):
            step = np.zeros_like(at)
            step[k] = _STEP * size
            up, down = (self.likelihood.by_step(self.scale.values(x)) for x in (at + step, at - step))
            columns.append((up - down)[self.before :] / (2 * step[k]))
        return np.stack(columns, axis=1)


def _estimate(target: Penalised, found: list[tuple], best: int, seconds: float) -> Estimate:
    at, value, settled, sentence = found[best]
    names, slopes, n = target.names, target.scale.slopes(at), target.n
    scores = target.scores(at)
    information = target.information(at, scores)
    off = (at - target.center) / target.width
    total = value + 0.5 * float(off @ off)
    covariance = sandwich = unknown(len(names))
    sizes = np.outer(target.size, target.size)
    if not np.isfinite(information).all():
        information = np.zeros_like(information)
        sentence += " The likelihood is not a finite number everywhere around; there are no standard errors."
    eigenvalues, vectors = np.linalg.eigh(information * sizes)
    if eigenvalues[0] > 1e-6 * eigenvalues[-1] and eigenvalues[0] > 0:
        inverse = np.linalg.inv(information * sizes) * sizes
        covariance = inverse * np.outer(slopes, slopes)
        sandwich = inverse @ (scores.T @ scores + np.diag(target.width**-2.0)) @ inverse * np.outer(slopes, slopes)
    elif information.any():
        direction = vectors[:, 0] * target.size * slopes
        loud = np.argsort(-np.abs(vectors[:, 0]))[:3]
        along = ", ".join(f"{names[k]} by {direction[k]:.2g}" for k in loud)
        sentence += f" The data do not tell one direction ({along}); there are no standard errors."
    agree = sum(value - other < _AGREE for _, other, *_ in found)
    if len(found) > 1:
        sentence += f" {agree} of {len(found)} starts end at the same height."
    k = len(names)
    # How much of what is known of a parameter comes from the data, and not from its prior.
    with np.errstate(invalid="ignore", divide="ignore"):
        learned = 1 - np.diag(covariance) / (slopes * target.width) ** 2
    details = {
        "log_likelihood": total, "aic": 2 * k - 2 * total, "bic": k * math.log(n) - 2 * total,
        "sandwich_errors": dict(zip(names, np.sqrt(np.diag(sandwich)).tolist(), strict=True)),
        "prior_center": target.scale.values(target.center),
        "share_from_data": dict(zip(names, learned.tolist(), strict=True)),
    }  # fmt: skip
    values, center = (np.array(list(target.scale.values(x).values())) for x in (at, target.center))
    return Estimate(
        "likelihood", names, values, covariance, sentence, settled, seconds, n, start=center, objective=-value,
        details=details,
    )  # fmt: skip
