"""What the solvers share: the price that clears, expectations over an increment of W, ridge regressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from simcal.equilibrium.problem import EquilibriumProblem

    Array = TypeVar("Array", np.ndarray, Tensor)

_ROUNDS = 100  # every other one at least halves a bracket of width 2, which reaches rounding error
_CLOSE = 1e-14  # a Newton step so short, relative to the largest value, leaves an error of its square


def cleared(marginal: Array, power: float) -> Array:
    r"""y + m with :math:`\sum_n R(y_n + m) = 0` in every row, R the rates of marginal costs y.

    The sum rises in m, so that the root is unique and lies between -max(y) and -min(y). For power 2 or two agents m is
    minus the mean; else Newton's method, halved where it would leave the bracket or, for powers above 2, whose rates
    have cusps of infinite slope that it may circle, where it gains too little. All rows go on until the last is done,
    which is faster than looking for those that are.

    Parameters
    ----------
    marginal
        y, (..., agents), an array of NumPy or a tensor of PyTorch on any device; without derivatives.
    power
        q of the costs.

    Examples
    --------
    >>> values = cleared(np.array([[1.0, 2.0, 6.0]]), 1.5)
    >>> float(abs((np.sign(values) * values**2).sum())) < 1e-12
    True
    """
    xp: Any = np
    if not isinstance(marginal, np.ndarray):
        import torch as xp
    y: Any = marginal - marginal.mean(-1, keepdims=True)  # type: ignore[call-overload]
    if power == 2 or marginal.shape[-1] == 2:
        return y
    exponent = 1 / (power - 1)
    scale = xp.clip(xp.amax(xp.abs(y), -1, keepdims=True), 1e-300, None)
    y = y / scale
    shift, low, high = xp.zeros_like(scale), -xp.amax(y, -1, keepdims=True), -xp.amin(y, -1, keepdims=True)
    before = xp.full_like(scale, np.inf)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for _ in range(_ROUNDS):
            moved = y + shift
            width = xp.abs(moved)
            excess = (xp.sign(moved) * width**exponent).sum(-1, keepdims=True)
            slope = (exponent * width ** (exponent - 1)).sum(-1, keepdims=True)
            low, high = xp.where(excess < 0, shift, low), xp.where(excess > 0, shift, high)
            newton = shift - excess / slope
            good = (newton >= low) & (newton <= high) & xp.isfinite(slope)
            if power > 2:
                good &= (xp.abs(excess) <= before / 2) | (xp.abs(newton - shift) <= _CLOSE)
                before = xp.abs(excess)
            better = xp.where(good, newton, (low + high) / 2)
            done = bool((xp.abs(better - shift) <= _CLOSE).all())
            shift = better
            if done:
                break
    return (y + shift) * scale


def clearing_rates(problem: EquilibriumProblem, marginal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The marginal values (states, agents) that clear, and the rates they imply, which sum to zero to rounding."""
    found = cleared(marginal, problem.power)
    rates = problem.rate_of(found)
    return found, rates - rates.mean(axis=1, keepdims=True)


def normal_rule(half: int, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """2 half + 1 equidistant nodes and weights for expectations of a standard normal: kinks cost it less than Gauss."""
    nodes = np.arange(-half, half + 1) * spacing
    weights = np.exp(-(nodes**2) / 2) / np.exp(-(nodes**2) / 2).sum()
    return nodes / np.sqrt(weights @ nodes**2), weights  # the tails cut off took some variance


def ridge(design: np.ndarray, values: np.ndarray, strength: float) -> np.ndarray:
    """Least squares with a ridge relative to the size of each feature.

    Parameters
    ----------
    design, values
        (problems, states, features) and (problems, states, functions).

    Returns
    -------
    Coefficients, shape (problems, features, functions).
    """
    scale = np.sqrt((design**2).mean(axis=1, keepdims=True)) + 1e-300
    scaled = design / scale
    gram = scaled.transpose(0, 2, 1) @ scaled / design.shape[1]
    gram += strength * np.eye(gram.shape[1])
    return np.linalg.solve(gram, scaled.transpose(0, 2, 1) @ values / design.shape[1]) / scale.transpose(0, 2, 1)
