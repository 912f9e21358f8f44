"""The price that clears the market: what has to be added to all marginal values so that the rates sum to zero."""

from __future__ import annotations

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem

_ROUNDS = 100


def clearing_shift(problem: EquilibriumProblem, marginal: np.ndarray) -> np.ndarray:
    """The m with sum_n R(y_n + m) = 0 for each row y of `marginal` (states, agents); R is the rate of a marginal cost.

    The sum rises in m, so the root is unique and lies between -max(y) and -min(y). Newton's method, halved where it
    would leave the bracket.
    """
    if problem.power == 2:
        return -marginal.mean(axis=1)
    exponent = 1 / (problem.power - 1)
    size = np.abs(marginal).max(initial=0.0)
    if size == 0:
        return np.zeros(len(marginal))
    y = marginal / size
    low, high, shift = -y.max(axis=1), -y.min(axis=1), -y.mean(axis=1)
    tolerance = 1e-15 * np.abs(y).max(axis=1) + 1e-300
    for _ in range(_ROUNDS):
        moved = y + shift[:, None]
        width = np.abs(moved)
        excess = (np.sign(moved) * width**exponent).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            better = shift - excess / (exponent * width ** (exponent - 1)).sum(axis=1)
        low, high = np.where(excess < 0, shift, low), np.where(excess > 0, shift, high)
        better = np.where((better > low) & (better < high), better, (low + high) / 2)
        done = np.abs(better - shift) <= tolerance
        shift = better
        if done.all():
            break
    return shift * size


def clearing_rates(problem: EquilibriumProblem, marginal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The marginal values with the shift added, and the rates they imply; these sum to zero to rounding."""
    cleared = marginal + clearing_shift(problem, marginal)[:, None]
    rates = problem.rate_of(cleared)
    return cleared, rates - rates.mean(axis=1, keepdims=True)
