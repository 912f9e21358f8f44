"""Maximum likelihood by scoring with the outer products of the scores (Berndt, Hall, Hall and Hausman 1974), damped.

Scores are central differences of the log probabilities of single requests: they give the gradient and the information
at once. Scales and shapes move as logarithms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import block_diag

from simcal.calibration.requests.estimate import inverse_information
from simcal.models.dealers.specs import SPECS

LogProbabilities = Callable[[np.ndarray], np.ndarray]
SHAPES = (SPECS["client_shape"].low, SPECS["client_shape"].high)
"""Shapes that an estimate may have: those of the market."""

_STEP = 1e-5
_LONGEST = 0.7  # of a step in one coordinate: a factor of two in a scale
_MOST_ITERATIONS = 200


@dataclass(frozen=True)
class Maximum:
    """`values` in natural units, the observed `information` there in natural units, and how it ended."""

    values: np.ndarray
    information: np.ndarray
    log_likelihood: float
    iterations: int
    converged: bool


def is_positive(name: str) -> bool:
    """Whether the parameter moves as a logarithm."""
    return name.endswith(("_scale", "_shape", "_skew"))


def maximise(
    log_probabilities: LogProbabilities, names: Sequence[str], start: np.ndarray, *, tolerance: float = 1e-7
) -> Maximum:
    """The maximum of the sum of log probabilities (n,) over parameters in natural units.

    Parameters
    ----------
    log_probabilities
        From values (len(names),) to the log probability of each request.
    names, start
        Which parameters, for their ranges, and where to begin.
    tolerance
        Of the rise in log likelihood that one more step would bring.
    """
    logs = np.array([is_positive(name) for name in names])
    low = np.array([np.log(SHAPES[0]) if name.endswith("_shape") else -np.inf for name in names])
    high = np.array([np.log(SHAPES[1]) if name.endswith("_shape") else np.inf for name in names])

    def natural(free: np.ndarray) -> np.ndarray:
        return np.where(logs, np.exp(np.where(logs, free, 0.0)), free)

    def rows(free: np.ndarray) -> np.ndarray:
        return log_probabilities(natural(free))

    free = np.clip(np.where(logs, np.log(np.where(logs, start, 1.0)), start), low, high)
    value, damping, converged, played = float(rows(free).sum()), 1e-2, False, 0
    while played < _MOST_ITERATIONS:
        played += 1
        scores = differences(rows, free)
        gradient, products = scores.sum(axis=0), scores.T @ scores
        held = ((free <= low) & (gradient < 0)) | ((free >= high) & (gradient > 0))
        gradient[held] = 0.0
        expected = float(gradient @ _step(products, gradient, held, 1e-9))
        if expected < tolerance:
            converged = True
            break
        for tried in damping * 6.0 ** np.arange(14):
            step = _step(products, gradient, held, tried)
            trial = np.clip(free + step, low, high)
            trial_value = float(rows(trial).sum())
            if trial_value > value:
                break
        else:
            # What is left of the rise is below the rounding of the differences, or the maximum lies on a cusp.
            converged = expected < 1e-3 or has_cusp(names, natural(free))
            break
        free, value, damping = trial, trial_value, max(float(tried) / 10, 1e-9)
    values = natural(free)
    return Maximum(values, observed_information(log_probabilities, values), value, played, converged)


def _step(products: np.ndarray, gradient: np.ndarray, held: np.ndarray, damping: float) -> np.ndarray:
    """A damped scoring step, shortened as a whole where it is long; coordinates that are held stay."""
    scale = np.diag(products) + 1e-12 * max(float(products.max()), 1e-12)
    matrix = products + damping * np.diag(scale)
    matrix[held], matrix[:, held] = 0.0, 0.0
    matrix[held, held] = 1.0
    step = np.linalg.solve(matrix, gradient)
    return step * min(1.0, _LONGEST / max(float(np.abs(step).max()), 1e-300))


def differences(rows: LogProbabilities, at: np.ndarray, step: float = _STEP) -> np.ndarray:
    """Central differences of each row's value, (n, len(at))."""
    columns = []
    for k in range(len(at)):
        h = np.zeros(len(at))
        h[k] = step
        columns.append((rows(at + h) - rows(at - h)) / (2 * step))
    return np.stack(columns, axis=1)


def observed_information(log_probabilities: LogProbabilities, values: np.ndarray) -> np.ndarray:
    """Minus the second derivatives of the log likelihood, by differences of a fraction of a standard error."""
    k = len(values)
    scores = differences(log_probabilities, values)
    size = np.sqrt((scores**2).sum(axis=0))
    steps = 0.2 / np.maximum(size, 1e-3)
    steps = np.minimum(steps, 0.1 * np.maximum(np.abs(values), 0.1))
    steps = np.diag(steps)

    def total(at: np.ndarray) -> float:
        return float(log_probabilities(at).sum())

    centre = total(values)
    up = [total(values + h) for h in steps]
    down = [total(values - h) for h in steps]
    information = np.empty((k, k))
    for i in range(k):
        information[i, i] = -(up[i] - 2 * centre + down[i]) / steps[i, i] ** 2
        for j in range(i):
            cross = (
                total(values + steps[i] + steps[j]) - up[i] - up[j] + 2 * centre - down[i] - down[j]
                + total(values - steps[i] - steps[j])
            )  # fmt: skip
            information[i, j] = information[j, i] = -cross / (2 * steps[i, i] * steps[j, j])
    return information


def describe(parts: Sequence[Maximum], names: Sequence[str]) -> tuple[np.ndarray, str, bool]:
    """The covariance of estimates that were searched in independent parts, a sentence, and whether to trust them.

    A shape at the edge of what is allowed has no standard error (NaN); the others are those with it held there.
    """
    values = np.concatenate([part.values for part in parts])
    edges = np.array([n.endswith("_shape") and not _inside(v) for n, v in zip(names, values, strict=True)])
    information = np.asarray(block_diag(*[part.information for part in parts]))
    inverse = inverse_information(information[np.ix_(~edges, ~edges)])
    covariance = np.full((len(names), len(names)), np.nan)
    if inverse is None:
        return (
            covariance,
            "The table does not identify all of the parameters: the information matrix is singular, so that other "
            "values explain it as well. Own quotes that differ more, or cover prices, would tell them apart.",
            False,
        )
    covariance[np.ix_(~edges, ~edges)] = inverse
    if not all(part.converged for part in parts):
        return covariance, "The search did not settle; do not trust its values.", False
    if edges.any():
        found = ", ".join(f"{n} = {v:.3g}" for n, v, e in zip(names, values, edges, strict=True) if e)
        return (
            covariance,
            f"The table does not tell a shape: the best values lie at the edge of what is allowed ({found}). A prior "
            "(requests.shape_prior in the recipe) or a longer table keeps it inside.",
            False,
        )
    said = f"The search settled after {max(part.iterations for part in parts)} steps."
    if has_cusp(names, values):
        said += " A shape below 1 makes a cusp, at which standard errors are rough."
    return covariance, said, True


def has_cusp(names: Sequence[str], values: np.ndarray) -> bool:
    """Whether a law among the values has a cusp at its mean, where the likelihood has no derivative."""
    return any(n.endswith("_shape") and v < 1.02 for n, v in zip(names, values, strict=True))


def _inside(shape: float) -> bool:
    return SHAPES[0] * 1.001 < shape < SHAPES[1] / 1.001
