r"""The method of moments on requests: means of what is seen against their expectations, by quadrature.

Every outcome has the expectation that the model gives it conditional on what is known before (own quote, number of
rivals), and is multiplied by functions of the latter:

.. math:: \bar h(\theta) = \frac1n \sum_i \bigl(o_i - E_\theta[o_i \mid y_i, m_i]\bigr) \otimes w(y_i) .

The estimate minimises h' V^-1 h with V the covariance of the summands, renewed until it no longer matters; its
covariance is (J' V^-1 J)^-1 / n, J the Jacobian of h (Hansen, Econometrica 50, 1982).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.linalg import block_diag

from simcal.calibration.request_features import Scales, gap_functions, instruments, quote_functions
from simcal.calibration.requests.estimate import Estimate, inverse_information
from simcal.calibration.requests.fit import starting_values
from simcal.calibration.requests.likelihood import NAMES, Laws
from simcal.calibration.requests.maximise import is_positive
from simcal.calibration.requests.panels import Panels
from simcal.calibration.requests.prior import prior_terms
from simcal.calibration.requests.sample import Event, Sample
from simcal.models.dealers.exponential_power import pdf, sf

Residuals = Callable[[Laws], np.ndarray]

_ROUNDS = 4  # renewals of the weights
_STEPS = 60
_STEP = 1e-5


def fit_moments(
    sample: Sample, start: np.ndarray | None = None, *, platform: bool = False, shape_prior: float | None = None
) -> Estimate:
    """The client's and the rivals' parameters by efficient moments; the arguments are those of `fit_likelihood`."""
    began = time.monotonic()
    start = starting_values(sample) if start is None else start
    residuals = platform_residuals(sample) if platform else own_residuals(sample)
    logs = np.array([is_positive(name) for name in NAMES])

    def natural(free: np.ndarray) -> np.ndarray:
        return np.where(logs, np.exp(np.where(logs, free, 0.0)), free)

    def rows(free: np.ndarray) -> np.ndarray:
        return residuals(Laws.of(natural(free)))

    def prior(free: np.ndarray) -> np.ndarray:
        return prior_terms(NAMES, natural(free), shape_prior) / np.sqrt(sample.n)

    free = np.where(logs, np.log(np.where(logs, start, 1.0)), np.asarray(start, dtype=float))
    settled, jacobian, weight, objective = False, None, None, np.nan
    for _ in range(_ROUNDS):
        weight = np.asarray(block_diag(_weights(rows(free)), np.eye(len(prior(free)))))
        before = free
        free, jacobian, objective, settled = _least(
            lambda at: np.concatenate([rows(at).mean(axis=0), prior(at)]), free, weight
        )
        if np.max(np.abs(free - before)) < 1e-5:
            break
    assert jacobian is not None
    assert weight is not None
    covariance = inverse_information(jacobian.T @ weight @ jacobian * sample.n)
    values = natural(free)
    seconds = time.monotonic() - began
    k = len(NAMES)
    if covariance is None:
        sentence = (
            "The moments of the table do not identify all of the parameters; own quotes that differ more, or cover "
            "prices, would tell them apart."
        )
        return Estimate("moments", NAMES, values, np.full((k, k), np.nan), sentence, False, seconds, sample.n)
    slopes = np.where(logs, values, 1.0)
    covariance = covariance * np.outer(slopes, slopes)
    surplus = int(np.linalg.matrix_rank(weight)) - len(prior(free)) - k
    p = float(stats.chi2.sf(objective * sample.n, surplus)) if surplus > 0 else np.nan
    said = "settled" if settled else "did not settle; do not trust it"
    test = f" The {surplus} moments more than parameters agree with the model with p = {p:.2g}." if surplus > 0 else ""
    return Estimate("moments", NAMES, values, covariance, f"The search {said}.{test}", settled, seconds, sample.n)


def own_residuals(sample: Sample) -> Residuals:
    """Outcomes less their expectations, (n, moments): done, traded away, gaps to covers, each times instruments."""
    covered = sample.event == Event.DONE_COVER
    gaps = np.where(covered, sample.other - sample.margin, 0.0)
    scales = Scales.of(sample.margin, sample.rivals, gaps[covered])
    known = _varying(instruments(sample.margin, sample.rivals, scales))
    could = sample.done & (sample.rivals > 0)
    told = float(covered.sum() / max(could.sum(), 1))  # covers are told as if by chance
    outcomes_known = bool(sample.outcome_known.all())  # else known where it was done: not by chance
    seen_gaps = [np.where(covered, f, 0.0) for f in gap_functions(gaps, scales)]

    def residuals(laws: Laws) -> np.ndarray:
        done, away, expected = _own_expectations(sample, laws, scales)
        columns = [(sample.done - done)[:, None] * known]
        if outcomes_known:
            columns.append((sample.away - away)[:, None] * known)
        if told > 0:
            columns += [(s - told * e)[:, None] * known[:, :2] for s, e in zip(seen_gaps, expected, strict=True)]
        return np.concatenate(columns, axis=1)

    return residuals


def _own_expectations(sample: Sample, laws: Laws, scales: Scales) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    panels = Panels((laws.client, laws.quote))
    x = panels.nodes
    density, survival, above = pdf(x, *laws.quote), sf(x, *laws.quote), sf(x, *laws.client)
    y = sample.margin
    own_above, quote_above = sf(y, *laws.client), sf(y, *laws.quote)
    done, away = np.empty(sample.n), np.zeros(sample.n)
    gaps = [np.zeros(sample.n) for _ in range(3)]
    place = (x - scales.centre) / scales.gap
    for m in np.unique(sample.rivals):
        rows = sample.rivals == m
        done[rows] = own_above[rows] * quote_above[rows] ** m
        if m == 0:
            continue
        best = m * density * survival ** (m - 1)
        away[rows] = panels.up_to(best * above, y[rows])
        at = (y[rows] - scales.centre) / scales.gap
        gaps[0][rows] = own_above[rows] * (panels.beyond(best * place, y[rows]) - at * quote_above[rows] ** m)
        for k, rate in ((1, 1), (2, 3)):
            # Bounded exponents: far below all quotes the density is nothing, but 0 times infinity is not a number.
            falling = best * np.exp(-rate * np.maximum(place, -150 / rate))
            gaps[k][rows] = (
                own_above[rows] * panels.beyond(falling, y[rows]) * np.exp(rate * np.minimum(at, 150 / rate))
            )
    return done, away, gaps


def platform_residuals(sample: Sample) -> Residuals:
    """Outcomes less their expectations: functions of the best and second-best rival quote, traded given the best."""
    assert sample.quotes is not None
    ordered = np.sort(sample.quotes, axis=1)  # NaN last
    width = ordered.shape[1]
    first = ordered[:, 0]
    second = ordered[:, 1] if width > 1 else np.full(sample.n, np.nan)
    scales = Scales.of(first[np.isfinite(first)], sample.rivals)
    best = np.fmin(sample.margin, first)
    known = _varying(instruments(best, sample.rivals, scales))
    traded = sample.done | sample.away
    seen = [
        np.where(np.isfinite(order)[:, None], np.stack(quote_functions(np.nan_to_num(order), scales), axis=1), 0.0)
        for order in (first, second)
    ]

    def residuals(laws: Laws) -> np.ndarray:
        columns = [np.where(sample.outcome_known, traded - sf(best, *laws.client), 0.0)[:, None] * known]
        panels = Panels((laws.quote,), also=scales.centre + scales.spread * np.linspace(-4, 4, 17))
        x = panels.nodes
        density, survival = pdf(x, *laws.quote), sf(x, *laws.quote)
        functions = quote_functions(x, scales)
        for order, values in enumerate(seen, start=1):
            expected = np.zeros_like(values)
            for m in np.unique(sample.rivals[sample.rivals >= order]):
                law = m * density * survival ** (m - 1) if order == 1 else (
                    m * (m - 1) * density * (1 - survival) * survival ** (m - 2)
                )  # fmt: skip
                expected[sample.rivals == m] = [panels.total(f * law) for f in functions]
            if (sample.rivals >= order).any():
                columns.append(values - expected)
        return np.concatenate(columns, axis=1)

    return residuals


def _varying(columns: list[np.ndarray]) -> np.ndarray:
    """Instruments (n, k), without those that are zero throughout."""
    return np.stack([column for column in columns if column.any()], axis=1)


def _weights(residuals: np.ndarray) -> np.ndarray:
    """The inverse of the covariance, without directions that do not vary."""
    return np.linalg.pinv(np.cov(residuals, rowvar=False), rcond=1e-9, hermitian=True)


def _least(
    mean: Callable[[np.ndarray], np.ndarray], free: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float, bool]:
    """Levenberg and Marquardt on h' W h; free values, Jacobian of h, objective, whether it settled."""
    h, damping = mean(free), 1e-2
    objective = float(h @ weight @ h)
    jacobian = np.empty((len(h), len(free)))
    for _ in range(_STEPS):
        for k in range(len(free)):
            step = np.zeros(len(free))
            step[k] = _STEP
            jacobian[:, k] = (mean(free + step) - mean(free - step)) / (2 * _STEP)
        curvature = jacobian.T @ weight @ jacobian
        gradient = jacobian.T @ weight @ h
        settled = True
        while damping < 1e8:
            floor = 1e-12 * max(float(np.diag(curvature).max()), 1e-12)
            step = -np.linalg.solve(curvature + damping * np.diag(np.diag(curvature) + floor), gradient)
            step = np.clip(step, -0.7, 0.7)
            if -float(gradient @ step) < 1e-10:
                break
            trial = mean(free + step)
            value = float(trial @ weight @ trial)
            if value < objective:
                free, h, objective, settled = free + step, trial, value, False
                damping = max(damping / 10, 1e-9)
                break
            damping *= 6
        if settled:
            return free, jacobian, objective, damping < 1e8
    return free, jacobian, objective, False
