"""The multiplier of clearing: the planner's rates sum to zero in every state."""

from __future__ import annotations

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem

_ROUNDS = 200


def cleared(problem: EquilibriumProblem, values: np.ndarray) -> np.ndarray:
    """Values (states, agents) plus what all agents must pay alike so that the rates they imply sum to zero.

    Bisection on the multiplier, with secants (the Illinois rule) where they are faster.
    """
    if problem.power == 2:
        return values - values.mean(axis=1, keepdims=True)
    size = np.abs(values - values.mean(axis=1, keepdims=True)).max(axis=1, initial=0.0)
    scale = np.where(size > 0, size, 1.0)[:, None]
    y, exponent = (values - values.mean(axis=1, keepdims=True)) / scale, 1 / (problem.power - 1)

    def excess(shift: np.ndarray, rows: np.ndarray) -> np.ndarray:
        moved = y[rows] + shift[:, None]
        return (np.sign(moved) * np.abs(moved) ** exponent).sum(axis=1)

    rows = np.arange(len(y))
    low, high = -y.max(axis=1), -y.min(axis=1)
    at_low, at_high = excess(low, rows), excess(high, rows)
    best, side = np.zeros(len(y)), np.zeros(len(y))
    for _ in range(_ROUNDS):
        width = at_high[rows] - at_low[rows]
        secant = high[rows] - at_high[rows] * (high[rows] - low[rows]) / np.where(width > 0, width, 1)
        shift = np.where(width > 0, secant, (low[rows] + high[rows]) / 2)
        value = excess(shift, rows)
        best[rows] = shift
        up, down = rows[value > 0], rows[value < 0]
        # The end that stays twice in a row counts half, so that the bracket shrinks from both sides.
        at_low[up] *= np.where(side[up] > 0, 0.5, 1)
        at_high[down] *= np.where(side[down] < 0, 0.5, 1)
        high[up], at_high[up], side[up] = shift[value > 0], value[value > 0], 1
        low[down], at_low[down], side[down] = shift[value < 0], value[value < 0], -1
        rows = rows[(np.abs(value) > 1e-15) & (high[rows] - low[rows] > 1e-15)]
        if not rows.size:
            break
    return (y + best[:, None]) * scale


def rates_of(problem: EquilibriumProblem, marginal: np.ndarray) -> np.ndarray:
    """The rates (states, agents) of marginal costs that clear; what rounding leaves of their sum is taken out."""
    rates = problem.rate_of(marginal)
    return rates - rates.mean(axis=1, keepdims=True)
