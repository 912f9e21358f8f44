"""What a policy sees of a market with a price: the observation of ``simcal/Stock-v0``, and of its own backtest."""

from __future__ import annotations

from typing import Any

import numpy as np

N_RETURNS = 10
LIMIT = 10.0
"""Observations are clipped to plus and minus this number; what is no number reads ``-LIMIT``."""


def names(n_returns: int = N_RETURNS) -> tuple[str, ...]:
    """What the entries of an observation are, in order.

    =================  ==========================================================================================
    return, j ago      log return of step t - j, newest first, in per cent; 0 before the first price
    position           units held
    profit             cash + position * price, over the price, in units of 10 per cent of it
    time left          share of the steps that are still to come, from 1 to 0
    =================  ==========================================================================================
    """
    return (*(f"return, {ago} ago" for ago in range(n_returns)), "position", "profit", "time left")


N_OTHERS = len(names(0))


def observe(
    prices: np.ndarray, position: Any, cash: Any, step: Any, n_steps: int, n_returns: int = N_RETURNS
) -> np.ndarray:  # fmt: skip
    """The observations of a batch of paths: a pure function, with the same scale in every market and on real prices.

    Parameters
    ----------
    prices
        (n_paths, times) all prices so far, or at least the last ``n_returns + 1``; the last column is now's.
    position, cash
        (n_paths,) units held, and cash per unit, which starts at 0.
    step
        The step that is about to be taken, from 0: a number or (n_paths,).
    n_steps
        Steps of an episode.
    n_returns
        How many returns are seen; a policy's ``observation_space`` has `N_OTHERS` entries more.

    Returns
    -------
    (n_paths, n_returns + N_OTHERS) float32 in the order of `names`.
    """
    recent = np.ascontiguousarray(prices[:, -(n_returns + 1) :], dtype=float)
    now, known = recent[:, -1], recent.shape[1] - 1
    seen = np.zeros((len(recent), n_returns + N_OTHERS))
    with np.errstate(all="ignore"):  # of a price that failed
        logs = np.log(recent)
        np.multiply(logs[:, :0:-1] - logs[:, -2::-1], 100.0, out=seen[:, :known])
        seen[:, n_returns] = position
        seen[:, n_returns + 1] = 10.0 * (cash / now + position)
        seen[:, n_returns + 2] = 1.0 - step / n_steps
        np.fmax(seen, -LIMIT, out=seen)
        np.fmin(seen, LIMIT, out=seen)
    return seen.astype(np.float32)


def positions_of(actions: np.ndarray, action_space: Any) -> np.ndarray:
    """The positions to hold, (n_paths,), that a policy's actions (n_paths,) or (n_paths, 1) stand for.

    Those of a ``gymnasium.spaces.Discrete``, which are 0, 1 and 2, stand for -1, 0 and 1; others are positions.
    """
    one_each = actions[:, 0] if actions.ndim == 2 and actions.shape[1] == 1 else actions
    return one_each - 1.0 if type(action_space).__name__ == "Discrete" else one_each
