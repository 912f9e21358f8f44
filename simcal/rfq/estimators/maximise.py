"""Maximum likelihood by scoring with the outer products of the scores (Berndt, Hall, Hall and Hausman 1974), damped.

Scores are central differences of the log probabilities of single requests: they give the gradient and the information
at once. Scales and shapes move as logarithms.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import block_diag

from simcal.rfq.estimators.estimate import Estimate, inverse_information
from simcal.rfq.market import SPECS

LogProbabilities = Callable[[np.ndarray], np.ndarray]
"""From values of parameters, in natural units, to the log probability of each request, (n,)."""

SHAPES = (SPECS["client_shape"].low, SPECS["client_shape"].high)
"""Shapes that an estimate may have: those of the market."""

_STEP = 1e-5
_LONGEST = 0.7  # of a step in one coordinate: a factor of two in a scale
_MOST_ITERATIONS = 200
_TOLERANCE = 1e-7  # of the rise in log likelihood that one more step would bring


class Part(NamedTuple):
    """Parameters that are searched by themselves: their names, where to begin, and what they make likely."""

    names: Sequence[str]
    start: np.ndarray
    rows: LogProbabilities


def maximum_likelihood(parts: Sequence[Part], n: int) -> Estimate:
    """The values that make n requests most likely, with standard errors from the observed information.

    Parts are independent of each other. A shape at the edge of what is allowed has no standard error (NaN); the others
    are those with it held there.
    """
    began = time.monotonic()
    names = tuple(name for part in parts for name in part.names)
    found, steps, settled = zip(*(_search(part) for part in parts), strict=True)
    values = np.concatenate(found)
    information = np.asarray(
        block_diag(*(observed_information(part.rows, at) for part, at in zip(parts, found, strict=True)))
    )
    edges = np.array([n.endswith("_shape") and not _inside(v) for n, v in zip(names, values, strict=True)])
    inverse = inverse_information(information[np.ix_(~edges, ~edges)])
    covariance = np.full((len(names), len(names)), np.nan)
    if inverse is not None:
        covariance[np.ix_(~edges, ~edges)] = inverse
    succeeded = False
    if inverse is None:
        said = (
            "The table does not identify all of the parameters: the information matrix is singular, so that other "
            "values explain it as well. Own quotes that differ more, or cover prices, would tell them apart."
        )
    elif not all(settled):
        said = "The search did not settle; do not trust its values."
    elif edges.any():
        at = ", ".join(f"{n} = {v:.3g}" for n, v, e in zip(names, values, edges, strict=True) if e)
        said = (
            f"The table does not tell a shape: the best values lie at the edge of what is allowed ({at}). A prior "
            "(requests.shape_prior in the recipe) or a longer table keeps it inside."
        )
    else:
        succeeded, said = True, f"The search settled after {max(steps)} steps."
        if has_cusp(names, values):
            said += " A shape below 1 makes a cusp, at which standard errors are rough."
    return Estimate("likelihood", names, values, covariance, said, succeeded, time.monotonic() - began, n)


def logarithmic(names: Sequence[str]) -> np.ndarray:
    """Which parameters move as logarithms."""
    return np.array([name.endswith(("_scale", "_shape", "_skew")) for name in names])


def to_free(values: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """Natural values as free numbers."""
    return np.where(logs, np.log(np.where(logs, values, 1.0)), values)


def to_natural(free: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """The inverse of `to_free`."""
    return np.where(logs, np.exp(np.where(logs, free, 0.0)), free)


def _search(part: Part) -> tuple[np.ndarray, int, bool]:
    """The values at the maximum of the sum of log probabilities, the number of steps, and whether it settled."""
    logs = logarithmic(part.names)
    shapes = np.array([name.endswith("_shape") for name in part.names])
    low, high = np.where(shapes, np.log(SHAPES[0]), -np.inf), np.where(shapes, np.log(SHAPES[1]), np.inf)

    def rows(free: np.ndarray) -> np.ndarray:
        return part.rows(to_natural(free, logs))

    free = np.clip(to_free(part.start, logs), low, high)
    value, damping, converged, played = float(rows(free).sum()), 1e-2, False, 0
    while played < _MOST_ITERATIONS:
        played += 1
        scores = differences(rows, free)
        gradient, products = scores.sum(axis=0), scores.T @ scores
        held = ((free <= low) & (gradient < 0)) | ((free >= high) & (gradient > 0))
        gradient[held] = 0.0
        expected = float(gradient @ _step(products, gradient, held, 1e-9))
        if expected < _TOLERANCE:
            converged = True
            break
        for tried in damping * 6.0 ** np.arange(14):
            trial = np.clip(free + _step(products, gradient, held, tried), low, high)
            trial_value = float(rows(trial).sum())
            if trial_value > value:
                break
        else:
            # What is left of the rise is below the rounding of the differences, or the maximum lies on a cusp.
            converged = expected < 1e-3 or has_cusp(part.names, to_natural(free, logs))
            break
        free, value, damping = trial, trial_value, max(float(tried) / 10, 1e-9)
    return to_natural(free, logs), played, converged


def _step(products: np.ndarray, gradient: np.ndarray, held: np.ndarray, damping: float) -> np.ndarray:
    """A damped scoring step, shortened as a whole where it is long; coordinates that are held stay."""
    scale = np.diag(products) + 1e-12 * max(float(products.max()), 1e-12)
    matrix = products + damping * np.diag(scale)
    matrix[held], matrix[:, held] = 0.0, 0.0
    matrix[held, held] = 1.0
    step = np.linalg.solve(matrix, gradient)
    return step * min(1.0, _LONGEST / max(float(np.abs(step).max()), 1e-300))


def differences(rows: LogProbabilities, at: np.ndarray, step: Any = _STEP) -> np.ndarray:
    """Central differences of each row's value, (n, len(at))."""
    from statsmodels.tools.numdiff import approx_fprime

    found: Any = approx_fprime(np.asarray(at, dtype=float), rows, epsilon=step, centered=True)
    return found.reshape(-1, len(at))


def observed_information(rows: LogProbabilities, values: np.ndarray) -> np.ndarray:
    """Minus the second derivatives of the log likelihood, by differences of a fraction of a standard error."""
    from statsmodels.tools.numdiff import approx_hess3

    size = np.sqrt((differences(rows, values) ** 2).sum(axis=0))
    steps = np.minimum(0.2 / np.maximum(size, 1e-3), 0.1 * np.maximum(np.abs(values), 0.1))
    return -approx_hess3(values, lambda at: float(rows(at).sum()), epsilon=steps / 2)  # differences over twice that


def has_cusp(names: Sequence[str], values: np.ndarray) -> bool:
    """Whether a law among the values has a cusp at its mean, where the likelihood has no derivative."""
    return any(n.endswith("_shape") and v < 1.02 for n, v in zip(names, values, strict=True))


def _inside(shape: float) -> bool:
    return SHAPES[0] * 1.001 < shape < SHAPES[1] / 1.001
