"""Generalised advantage estimation along each agent's own decisions, each with a discount of its own."""

from __future__ import annotations

import numpy as np
from numba import njit

END, OPEN = -1, -2
"""In the place of a next decision: there is none and nothing follows; what follows is not known."""


def advantages(
    rewards: np.ndarray, values: np.ndarray, discounts: np.ndarray, following: np.ndarray, trace_decay: float
) -> np.ndarray:
    r"""What each decision brought beyond its value.

    .. math:: \delta_i = r_i + \gamma_i V_{i'} - V_i, \qquad A_i = \delta_i + \gamma_i \lambda A_{i'},

    i' the next decision of the same agent; behind an `END` V and A are 0, and A of an `OPEN` decision is 0: its reward
    is not known, only its value counts.

    Parameters
    ----------
    rewards, values, discounts
        (n,) float64, in the order of time.
    following
        (n,) int64: the place of the same agent's next decision, behind its own, or `END` or `OPEN`.
    trace_decay
        Lambda, from 0 to 1.

    Returns
    -------
    (n,) float64.

    Source: Schulman et al. (2016), "High-dimensional continuous control using generalized advantage estimation".
    """
    return _advantages(rewards, values, discounts, following, float(trace_decay))


@njit(cache=True, error_model="numpy", nogil=True)
def _advantages(rewards, values, discounts, following, trace_decay):
    found = np.zeros(rewards.size)
    for i in range(rewards.size - 1, -1, -1):
        j = following[i]
        if j == OPEN:
            continue
        found[i] = rewards[i] - values[i]
        if j != END:
            found[i] += discounts[i] * (values[j] + trace_decay * found[j])
    return found
