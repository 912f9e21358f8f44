"""Drawdowns: how far, and for how long, wealth lies below the highest that it was before."""

from __future__ import annotations

import numpy as np


def drawdowns(wealth: np.ndarray, relative: bool = False) -> np.ndarray:
    """Highest wealth so far less wealth now, at least 0, of the shape of `wealth` (..., n_steps + 1).

    The start counts as a peak. `relative`: as a share of that peak, which must be above 0; more than 1 where wealth is
    negative.
    """
    peak = np.maximum.accumulate(wealth, axis=-1)
    return (peak - wealth) / peak if relative else peak - wealth


def max_drawdown(wealth: np.ndarray, relative: bool = False) -> np.ndarray:
    """The largest of the `drawdowns`, (...,); 0 where wealth never falls."""
    return drawdowns(wealth, relative).max(axis=-1)


def drawdown_length(wealth: np.ndarray, relative: bool = False) -> np.ndarray:
    """Steps from the last peak to the (first) trough of the maximum drawdown, (...,); 0 where wealth never falls."""
    fallen = drawdowns(wealth, relative)
    trough = fallen.argmax(axis=-1)[..., None]
    return np.take_along_axis(_under_water(fallen), trough, axis=-1)[..., 0].astype(float)


def longest_underwater(wealth: np.ndarray) -> np.ndarray:
    """The most steps in a row that end below an earlier wealth, (...,); the end of the record ends a spell."""
    return _under_water(drawdowns(wealth)).max(axis=-1).astype(float)


def _under_water(fallen: np.ndarray) -> np.ndarray:
    """Steps since wealth last stood at its peak."""
    now = np.arange(fallen.shape[-1])
    return now - np.maximum.accumulate(np.where(fallen == 0, now, 0), axis=-1)
