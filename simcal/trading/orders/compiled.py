"""Compiled strategies, called path by path inside a compiled loop."""

from __future__ import annotations

from numba import njit

from simcal.definition.lanes import OPTIONS


@njit(**OPTIONS)
def decide(strategy, history, known, position, cash, step, answers):
    """``answers[k] = strategy(history[k, :known], position[k], cash[k], step)`` for every path."""
    for k in range(answers.size):
        answers[k] = strategy(history[k, :known], position[k], cash[k], step)


@njit(**OPTIONS)
def decide_by_path(strategy, history, known, position, cash, step, path, answers):
    """As `decide`, for strategies that take the path's number too."""
    for k in range(answers.size):
        answers[k] = strategy(history[k, :known], position[k], cash[k], step, path[k])
