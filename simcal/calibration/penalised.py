"""What the estimator ``likelihood`` maximises: log-likelihood, less the penalty of priors, less a misfit of moments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize

from simcal.calibration.moment_gap import MomentGap
from simcal.calibration.scale import FreeScale
from simcal.definition.likelihood import Likelihood
from simcal.errors import check_names
from simcal.models import Market

_ITERATIONS = 500
_STEP = 1e-4  # of differences, on the searched scale
_WIDE = 0.3  # of differences of the gradient, in standard errors
_SAMPLES = 100  # for the variance of the gradient where the market is true


class Penalised:
    """Log-likelihood less the penalties, as a function of free numbers.

    Parameters
    ----------
    origin, names, prices
        The market, its parameters, and the series, (n_steps + 1,).
    priors
        Widths by parameter, around the market.
    warm_up
        Returns that only bring the states to where the market is.

    Attributes
    ----------
    gap, weight
        A misfit of moments and its weight for a return, none at first.
    deviation
        Of the returns.
    """

    def __init__(
        self, origin: Market, names: Sequence[str], prices: np.ndarray, priors: dict[str, float], warm_up: int = 0
    ) -> None:
        check_names(priors, list(names), "a trainable parameter with a prior")
        self.market = origin
        self.names, self.scale = tuple(names), FreeScale(origin, names)
        self.gap: MomentGap | None = None
        self.weight = 0.0
        self.likelihood = Likelihood(origin, names, prices)  # type: ignore[arg-type]
        self.before = min(warm_up, self.likelihood.n_steps // 10)
        self.deviation = float(np.diff(np.log(prices)).std())
        units = np.where(self.scale.per_step, self.deviation, 1.0) / self.scale.units
        self.center = self.scale.free_of(origin)
        self.width = units * [priors.get(n, math.inf) for n in names]
        # How far a search may go at first: a prior's width, else a part of what the parameter's definition says.
        self.size = np.where(np.isfinite(self.width), self.width, 0.3)

    @property
    def n(self) -> int:
        """Returns that count."""
        return self.likelihood.n_steps - self.before

    def __call__(self, free: np.ndarray) -> tuple[float, np.ndarray]:
        """The value and its gradient; minus infinity where it is not a number."""
        value, gradient = self._likely(free)
        if self.gap is not None and math.isfinite(value):
            misfit, by = self.gap(self.scale.values(free))
            value -= self.weight * self.n * misfit
            gradient = gradient - self.weight * self.n * by * self.scale.slopes(free)
        if not (math.isfinite(value) and np.isfinite(gradient).all()):
            return -math.inf, np.zeros_like(free)
        return value, gradient

    def _likely(self, free: np.ndarray) -> tuple[float, np.ndarray]:
        """Log-likelihood less the penalty of the priors, and its gradient."""
        off = (free - self.center) / self.width
        with np.errstate(all="ignore"):
            value, by = self.likelihood.total(self.scale.values(free), self.before)
        return value - 0.5 * float(off @ off), by * self.scale.slopes(free) - off / self.width

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
        # Moments of 16 paths are not worth more digits.
        ended = minimize(
            cost, np.zeros_like(start), jac=True, method="L-BFGS-B", callback=tell,
            options={"maxiter": _ITERATIONS, "ftol": 1e-12 if self.gap is None else 1e-10, "gtol": 1e-7, "maxcor": 20},
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
        Moments count by their first derivatives alone, as in the method of moments: their second ones are noise.
        """
        widths = (np.square(scores).sum(axis=0) + self.width**-2.0) ** -0.5
        rows = []
        for k, width in enumerate(np.minimum(widths, self.size)):
            step = np.zeros_like(at)
            step[k] = _WIDE * width
            rows.append((self._likely(at - step)[1] - self._likely(at + step)[1]) / (2 * step[k]))
        found = 0.5 * (np.array(rows) + np.array(rows).T)
        if self.gap is not None:
            by = self.gap.jacobian(self.scale.values(at)) * self.scale.slopes(at)
            found += self.weight * self.n * by.T @ (self.gap.weights.numpy()[:, None] * by)
        return found

    def scores(self, at: np.ndarray) -> np.ndarray:
        """Derivatives of every return's log density in the free numbers, (n_steps, names), by central differences."""
        columns = []
        for k, size in enumerate(self.size):
            step = np.zeros_like(at)
            step[k] = _STEP * size
            up, down = (self.likelihood.by_step(self.scale.values(x)) for x in (at + step, at - step))
            columns.append((up - down)[self.before :] / (2 * step[k]))
        return np.stack(columns, axis=1)

    def simulated_variance(self, at: np.ndarray) -> np.ndarray:
        """Variance of the gradient in the free numbers where the market there is true, from series of its own.

        It is the middle of a sandwich. That of the likelihood alone would be the information, but moments tell of the
        same returns once more, and the two are correlated.
        """
        assert self.gap is not None
        values, slopes, market = self.scale.values(at), self.scale.slopes(at), self.scale.market(at)
        by_moment = self.weight * self.n * self.gap.weights.numpy()[:, None] * self.gap.jacobian(values)
        prices = market.simulate_chunk(
            1, 0, _SAMPLES, self.likelihood.n_steps,
            save=(), every=1, burn_in=self.gap.warm_up, dtype="float64", threads=None,
        )["prices"]  # fmt: skip
        found = []
        for path in prices:
            likelihood = Likelihood(market, self.names, path)  # type: ignore[arg-type]
            moments = self.gap.features(path[None])[0] @ by_moment
            found.append(np.concatenate([likelihood.total(values, self.before)[1] * slopes, moments * slopes]))
        scores, moments = np.split(np.array(found), 2, axis=1)
        # The moments of the market come from paths, too.
        return np.cov(scores + moments, rowvar=False) + np.cov(moments, rowvar=False) / self.gap.noise.shape[2]
