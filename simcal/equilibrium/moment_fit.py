r"""Two groups of traders by the generalised method of moments (Hansen, Econometrica 50, 1982).

The five numbers of `TradeLaw` are fitted; groups with these prices and volume are then found in closed form. Which data
tell which:

* premium: the mean price change, a number with the standard error of any Sharpe ratio; with it the level of the risk
  aversions, because only the premium pays for risk. Cost and risk aversions scale together: volume alone tells
  lambda / gamma.
* volatility: squared price changes. persistence: how long volume stays large, and how long it is large after a large
  price change; it is lambda / gamma. trading: mean volume, which is the exposure.
* excess: how much of a price change goes away again within the time that gaps last, which is by how much one group is
  more risk averse than the other. It is a few per cent of the variance, and known badly from less than thousands of
  steps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from simcal.calibration.estimate import Estimate
from simcal.calibration.recipe import EquilibriumSettings
from simcal.equilibrium.moments import Moments, bootstrap_covariance, simulated_covariance
from simcal.equilibrium.observations import Observations
from simcal.equilibrium.two_groups import TradeLaw, TwoGroups
from simcal.errors import NumericalError

LAW = ("premium", "volatility", "persistence", "trading", "excess")
BACKGROUND = "background"
GROUPS = ("risk_aversion[0]", "risk_aversion[1]", "exposure", "cost", "dividend_volatility")
IMPLIED = ("risk_aversion_ratio", "half_life", "excess_volatility", "liquidity_premium")
_ROUNDS = 3  # renewals of the weights
_LONGEST = 2000  # steps of the series for the weights
_STEP = 1e-4
_LEAST_PREMIUM = 1e-6  # of the volatility; the search ends there where the premium would be below 0
_MOST_EXCESS = 0.99  # the search ends there where it would leave no dividend


@dataclass(frozen=True, eq=False, kw_only=True)
class MomentFit(Estimate):
    """What the moments give; its names are those of `LAW`, `BACKGROUND`, `GROUPS` and `IMPLIED`.

    `covariance` holds whatever the law of the data: it is from a block bootstrap of the moments. The standard error of
    a premium that was given is 0.

    Parameters
    ----------
    background
        Constant volume of others, in shares.
    model_covariance
        That of the estimates where the data come from the model.
    moments
        A row each: name, what the data have, what the model has, how far apart in standard errors of the data's.
    j, freedom, p
        Hansen's statistic, its degrees of freedom, and the probability of one as large if the model holds.
    history
        Objective and law after each renewal of the weights.
    """

    law: TradeLaw
    background: float
    groups: TwoGroups
    model_covariance: np.ndarray = field(repr=False)
    moments: list[dict[str, Any]] = field(repr=False)
    j: float
    freedom: int
    p: float
    history: list[dict[str, float]] = field(repr=False)

    def error(self, name: str) -> float:
        """The standard error of one estimate."""
        return float(self.standard_errors[self.names.index(name)])

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "law": asdict(self.law), "background": self.background, "groups": self.groups.to_dict(),
            "names": list(self.names), "values": self.values.tolist(), "standard_errors": self.standard_errors.tolist(),
            "model_errors": np.sqrt(np.diag(self.model_covariance)).tolist(), "moments": self.moments, "j": self.j,
            "freedom": self.freedom, "p": self.p, "n": self.n, "settled": self.succeeded, "seconds": self.seconds,
        }  # fmt: skip


def fit_moments(seen: Observations, settings: EquilibriumSettings, *, seed: int = 0) -> MomentFit:
    """Fit the law of two groups to price changes and volume.

    The weights are one over the variances of the moments, by block bootstrap ("robust"), or their inverse covariance in
    series that the model simulates at the last estimate ("efficient"). The latter are better where the model holds;
    where it does not, they may give up the deviation of price changes for a combination that the model thinks it knows.

    Parameters
    ----------
    seen
        Price changes and volume; where it has a premium, that is taken as known.
    settings
        Lags, and the numbers of resamples and simulated series.
    seed
        Of the simulated series and the bootstrap.

    Raises
    ------
    NumericalError
        Where no equilibrium has the moments of the data.
    """
    from scipy.optimize import least_squares
    from scipy.stats import chi2

    began = time.monotonic()
    form = LawForm(seen.premium, settings.background)
    free = form.free(*starting_law(seen, settings))
    history: list[dict[str, float]] = []
    look, found = None, None
    for number in range(_ROUNDS):
        look = _Look.of(seen, settings, form, free, seed)
        low, high = form.bounds(form(free)[0])
        found = least_squares(look.residual, np.clip(free, low, high), bounds=(low, high), x_scale="jac")
        free = found.x
        law, background = form(free)
        history.append({
            "iteration": number + 1, "objective": 2 * float(found.cost), **asdict(law), BACKGROUND: background,
        })  # fmt: skip
    assert look is not None
    assert found is not None
    law, background = form(free)
    _check(law, seen.premium is None)
    n, scale = look.n, form.scale(free)
    slope = _slopes(look.expected, free, scale)
    spread = np.linalg.solve(slope.T @ look.weight @ slope, slope.T @ look.weight)
    to_values = _slopes(lambda at: _values(*form(at), seen.supply), free, scale) @ spread
    model = look.expected(free)
    gap, errors = look.mean - model, np.sqrt(np.diag(look.scatter) / n)
    j, freedom = _surplus(gap, slope @ spread, look.model / n, settings.simulated)
    table = zip(look.names, look.mean, model, gap / errors, strict=True)
    settled = bool(found.success)
    return MomentFit(
        "moments", (*LAW, BACKGROUND, *GROUPS, *IMPLIED), _values(law, background, seen.supply),
        to_values @ look.scatter @ to_values.T / n,
        search_status(settled), settled,
        time.monotonic() - began, n, objective=history[-1]["objective"], law=law, background=background,
        groups=TwoGroups.of_law(law, supply=seen.supply), model_covariance=to_values @ look.model @ to_values.T / n,
        moments=[{"moment": a, "data": float(b), "model": float(c), "distance": float(d)} for a, b, c, d in table],
        j=j, freedom=freedom, p=float(chi2.sf(j, freedom)), history=history,
    )  # fmt: skip


def search_status(settled: bool) -> str:
    """How the search ended, as a sentence."""
    return "The search settled." if settled else "The search did not settle; do not trust it."


@dataclass(frozen=True, eq=False)
class _Look:
    """The moments of the data, their covariances (times n) by bootstrap and in the model, and their weights."""

    moments: Moments
    form: LawForm
    n: int
    mean: np.ndarray
    scatter: np.ndarray
    model: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, seen: Observations, settings: EquilibriumSettings, form: LawForm, free: np.ndarray, seed: int) -> _Look:
        law, background = form(free)
        moments = Moments(settings.lags, law.persistence)
        data = moments.contributions(seen.changes, seen.volume)
        n, rows = len(data), form.rows
        block = settings.block or _block(law, settings.lags, n)
        scatter = bootstrap_covariance(moments, data, block, settings.resamples, seed)[rows, rows]
        model = simulated_covariance(
            moments, law, background, n_steps=min(n, _LONGEST), n_series=settings.simulated, seed=seed
        )[rows, rows]
        weight = np.linalg.inv(model) if settings.weights == "efficient" else np.diag(1 / np.diag(scatter))
        return cls(moments, form, n, moments.of_means(data.mean(axis=0))[rows], scatter, model, weight)

    @property
    def names(self) -> list[str]:
        return self.moments.names[self.form.rows]

    def expected(self, free: np.ndarray) -> np.ndarray:
        return self.moments.expected(*self.form(free))[self.form.rows]

    def residual(self, free: np.ndarray) -> np.ndarray:
        return math.sqrt(self.n) * np.linalg.cholesky(self.weight).T @ (self.expected(free) - self.mean)


def _surplus(gap: np.ndarray, fitted: np.ndarray, covariance: np.ndarray, n_series: int) -> tuple[float, int]:
    """Hansen's statistic for any weights, and its degrees of freedom: what is left of the gap, in its own errors."""
    left = np.eye(gap.size) - fitted
    freedom = gap.size - round(float(np.trace(fitted)))
    values, vectors = np.linalg.eigh(left @ covariance @ left.T)
    along = vectors[:, -freedom:].T @ gap
    # The covariance of that many series errs; this factor makes its inverse unbiased (Hartlap et al. 2007).
    shrink = (n_series - freedom - 2) / (n_series - 1)
    return float(shrink * np.sum(along**2 / values[-freedom:])), freedom


def _values(law: TradeLaw, background: float, supply: float) -> np.ndarray:
    """Everything that is reported, in the order of `MomentFit.names`."""
    groups = TwoGroups.of_law(law, supply=supply)
    first, second = groups.risk_aversion
    return np.array([
        *(getattr(law, name) for name in LAW), background,
        first, second, groups.exposure, groups.cost, groups.dividend_volatility,
        second / first, -math.log(2) / math.log(law.persistence), 1 / (1 - law.excess) - 1, groups.liquidity_premium,
    ])  # fmt: skip


def _slopes(function: Callable[[np.ndarray], np.ndarray], at: np.ndarray, scale: np.ndarray) -> np.ndarray:
    from statsmodels.tools.numdiff import approx_fprime

    return approx_fprime(at, function, _STEP * scale, centered=True)


def _block(law: TradeLaw, lags: tuple[int, ...], n: int) -> int:
    """Steps of a bootstrap block: ten times as long as gaps last, and as the longest lag.

    What of a price change goes away again within a block is what makes the premium better known than by volatility.
    """
    memory = 1 / max(1 - law.persistence, 1e-3)
    return int(min(10 * max(memory, *lags), n // 10))


def _check(law: TradeLaw, searched: bool) -> None:
    if searched and law.premium <= 2 * _LEAST_PREMIUM * law.volatility:
        raise NumericalError(
            "The mean price change is not above 0, but in this market it is the reward for risk: the data give no risk "
            "aversion. Give a longer series, or the premium that is known from elsewhere (premium in the recipe's "
            "section [equilibrium])."
        )
    if law.excess >= _MOST_EXCESS - 0.01:
        raise NumericalError(
            "In the data nearly all of a price change goes away again, which leaves no dividend; no equilibrium has "
            "such prices. Check the series for errors, or take longer steps."
        )


@dataclass(frozen=True)
class LawForm:
    """The numbers that are searched for: premium where it is not known, logarithms, excess, background if there is one.

    The background is in units of the deviation of the signed volume.
    """

    premium: float | None
    background: bool

    @property
    def _searched(self) -> np.ndarray:
        return np.array([self.premium is None, True, True, True, True, self.background])

    def free(self, law: TradeLaw, background: float) -> np.ndarray:
        """The numbers of a law and a background, (4 to 6,)."""
        rho = law.persistence
        return np.array([
            law.premium, math.log(law.volatility), math.log(rho / (1 - rho)), math.log(law.trading), law.excess,
            background / law.trading,
        ])[self._searched]  # fmt: skip

    def __call__(self, free: np.ndarray) -> tuple[TradeLaw, float]:
        """Law and background of the numbers."""
        whole = np.array([0.0 if self.premium is None else self.premium, 0.0, 0.0, 0.0, 0.0, 0.0])
        whole[self._searched] = free
        x = whole.tolist()
        law = TradeLaw(x[0], math.exp(x[1]), 1 / (1 + math.exp(-x[2])), math.exp(x[3]), x[4])
        return law, x[5] * law.trading

    def bounds(self, law: TradeLaw) -> tuple[np.ndarray, np.ndarray]:
        """Between which the numbers may lie: premium above 0, excess below 1."""
        low = np.array([_LEAST_PREMIUM * law.volatility, *[-np.inf] * 5])
        high = np.array([*[np.inf] * 4, _MOST_EXCESS, np.inf])
        return low[self._searched], high[self._searched]

    def scale(self, free: np.ndarray) -> np.ndarray:
        """Of the steps of a derivative: a premium stays positive."""
        return np.array([abs(free[0]), *[1.0] * 5])[self._searched]

    @property
    def rows(self) -> slice:
        """The moments that are used: a premium that is known needs none."""
        return slice(self.premium is not None, None)


def starting_law(seen: Observations, settings: EquilibriumSettings) -> tuple[TradeLaw, float]:
    """A law near the data, and the background: moments one after another."""
    changes, volume = seen.changes, seen.volume
    premium = float(changes.mean()) if seen.premium is None else seen.premium
    mean, spread = float(volume.mean()), float(volume.std())
    # The deviation of |x| is sqrt(1 - 2 / pi) of that of x.
    traded = spread / math.sqrt(1 - 2 / math.pi) if settings.background else mean * math.sqrt(math.pi / 2)
    background = mean - math.sqrt(2 / math.pi) * traded if settings.background else 0.0
    volatility = float(changes.std())
    # The autocorrelation of |x| is near 2 / (pi - 2) (sqrt(1 - r^2) + r arcsin r - 1) with r = rho^h.
    centred = volume - volume.mean()
    grid = np.linspace(0.01, 0.999, 400)
    lags = np.array(settings.lags)
    found = np.array([centred[h:] @ centred[:-h] for h in lags]) / max(centred @ centred, 1e-300)
    r = grid[:, None] ** lags
    told = 2 / (math.pi - 2) * (np.sqrt(1 - r**2) + r * np.arcsin(r) - 1)
    persistence = float(grid[((told - found) ** 2).sum(axis=1).argmin()])
    return TradeLaw(max(premium, 1e-5 * volatility), volatility, persistence, traded, 0.1), background
