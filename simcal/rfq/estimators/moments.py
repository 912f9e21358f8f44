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
from scipy.optimize import least_squares

from simcal.rfq.estimators.estimate import Estimate, inverse_information
from simcal.rfq.estimators.likelihood import NAMES, Integrals, Laws, prior_terms, starting_values
from simcal.rfq.estimators.maximise import logarithmic, to_free, to_natural
from simcal.rfq.estimators.sample import Event, Sample
from simcal.rfq.features import Scales, gap_functions, instruments, quote_functions
from simcal.rfq.laws import pdf, sf
from simcal.rfq.quadrature import Cells

Residuals = Callable[[Laws], np.ndarray]

_ROUNDS = 4  # renewals of the weights
_STEPS = 60


def fit_moments(
    sample: Sample, start: np.ndarray | None = None, *, platform: bool = False, shape_prior: float | None = None
) -> Estimate:
    """The client's and the rivals' parameters by efficient moments; the arguments are those of `fit_likelihood`."""
    began = time.monotonic()
    start = starting_values(sample) if start is None else np.asarray(start, dtype=float)
    residuals = platform_residuals(sample) if platform else own_residuals(sample)
    logs, k = logarithmic(NAMES), len(NAMES)

    def rows(free: np.ndarray) -> np.ndarray:
        return residuals(Laws.of(to_natural(free, logs)))

    @np.errstate(over="ignore")  # a trial step may go too far; the search comes back from it
    def means(free: np.ndarray) -> np.ndarray:
        prior = prior_terms(NAMES, to_natural(free, logs), shape_prior)
        return np.concatenate([rows(free).mean(axis=0), prior / np.sqrt(sample.n)])

    free, n_prior = to_free(start, logs), len(prior_terms(NAMES, start, shape_prior))
    for _ in range(_ROUNDS):
        root = np.asarray(block_diag(_root_of_weights(rows(free)), np.eye(n_prior)))
        found = least_squares(
            lambda at, root=root: root @ means(at), free, "3-point", method="lm", xtol=1e-10, ftol=1e-12, gtol=1e-12,
            max_nfev=_STEPS * (1 + 2 * k),
        )  # fmt: skip
        moved, free = np.max(np.abs(found.x - free)), found.x
        if moved < 1e-5:
            break
    covariance = inverse_information(found.jac.T @ found.jac * sample.n)
    values = to_natural(free, logs)
    if covariance is None:
        settled, said = False, (
            "The moments of the table do not identify all of the parameters; own quotes that differ more, or cover "
            "prices, would tell them apart."
        )  # fmt: skip
        covariance = np.full((k, k), np.nan)
    else:
        settled = found.status > 0
        said = f"The search {'settled' if settled else 'did not settle; do not trust it'}."
        surplus = len(root) - n_prior - k
        if surplus > 0:
            p = float(stats.chi2.sf(2 * found.cost * sample.n, surplus))
            said += f" The {surplus} moments more than parameters agree with the model with p = {p:.2g}."
    slopes = np.where(logs, values, 1.0)
    covariance = covariance * np.outer(slopes, slopes)
    return Estimate("moments", NAMES, values, covariance, said, settled, time.monotonic() - began, sample.n)


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
    integrals = Integrals(laws)
    cells, y = integrals.cells, sample.margin
    own_above, quote_above = sf(y, *laws.client), sf(y, *laws.quote)
    done, away = np.empty(sample.n), np.zeros(sample.n)
    gaps = [np.zeros(sample.n) for _ in range(3)]
    place, at = (cells.x - scales.centre) / scales.gap, (y - scales.centre) / scales.gap
    for m in np.unique(sample.rivals):
        rows = sample.rivals == m
        done[rows] = own_above[rows] * quote_above[rows] ** m
        if m == 0:
            continue
        best = integrals.best_density(m)
        away[rows] = integrals.of(Event.AWAY, m, y[rows], y[rows])
        far = cells.beyond(best * place, y[rows])
        gaps[0][rows] = own_above[rows] * (far - at[rows] * quote_above[rows] ** m)
        for k, rate in ((1, 1), (2, 3)):
            # Bounded exponents: far below all quotes the density is nothing, but 0 times infinity is not a number.
            falling = cells.beyond(best * np.exp(-rate * np.maximum(place, -150 / rate)), y[rows])
            gaps[k][rows] = own_above[rows] * falling * np.exp(rate * np.minimum(at[rows], 150 / rate))
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
        cells = Cells.fast((laws.quote,), also=scales.centre + scales.spread * np.linspace(-4, 4, 17))
        x = cells.x
        density, survival = pdf(x, *laws.quote), sf(x, *laws.quote)
        functions = quote_functions(x, scales)
        for order, values in enumerate(seen, start=1):
            expected = np.zeros_like(values)
            for m in np.unique(sample.rivals[sample.rivals >= order]):
                law = m * density * survival ** (m - 1) if order == 1 else (
                    m * (m - 1) * density * (1 - survival) * survival ** (m - 2)
                )  # fmt: skip
                expected[sample.rivals == m] = [cells.total(f * law) for f in functions]
            if (sample.rivals >= order).any():
                columns.append(values - expected)
        return np.concatenate(columns, axis=1)

    return residuals


def _varying(columns: list[np.ndarray]) -> np.ndarray:
    """Instruments (n, k), without those that are zero throughout."""
    return np.stack([column for column in columns if column.any()], axis=1)


def _root_of_weights(residuals: np.ndarray) -> np.ndarray:
    """L with L' L the inverse of the covariance, without directions that do not vary, (directions, moments)."""
    values, vectors = np.linalg.eigh(np.cov(residuals, rowvar=False))
    vary = values > 1e-9 * values[-1]
    return (vectors[:, vary] / np.sqrt(values[vary])).T
