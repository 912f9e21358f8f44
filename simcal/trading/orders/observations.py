"""What a Gymnasium policy sees of a market with a price: one vector per path."""

from __future__ import annotations

import numpy as np

LAGS = 10
WIDTH = LAGS + 3
NAMES = (*(f"return {j} steps ago, %" for j in range(LAGS)), "position", "profit, %", "share of the steps left")


def observe(prices: np.ndarray, position: np.ndarray, cash: np.ndarray, step: int, n_steps: int) -> np.ndarray:
    """The observations of a batch of paths.

    Parameters
    ----------
    prices
        (n_paths, known) all prices so far, or at least the last ``LAGS + 1``; the last column is now's.
    position, cash
        (n_paths,) units held, and cash per unit.
    step, n_steps
        The step that is about to be taken, from 0, and how many there are.

    Returns
    -------
    (n_paths, WIDTH) float32: the last `LAGS` log returns in per cent, newest first, 0 before the first price; the
    position in units; profit so far per unit in per cent of the price now; the share of the steps that are left.
    """
    out = np.zeros((len(prices), WIDTH), np.float32)
    recent = np.log(prices[:, -(LAGS + 1) :])
    out[:, : recent.shape[1] - 1] = 100 * np.diff(recent, axis=1)[:, ::-1]
    out[:, LAGS] = position
    out[:, LAGS + 1] = 100 * (cash / prices[:, -1] + position)
    out[:, LAGS + 2] = 1 - step / n_steps
    return out
