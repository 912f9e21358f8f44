"""The capacity curve: what a strategy earns against its size, on the same noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simcal.errors import ParameterError
from simcal.trading.orders.forms import Strategy
from simcal.trading.orders.measures import Outcome, paired
from simcal.trading.orders.terms import Terms

if TYPE_CHECKING:
    from simcal.trading.orders.run import Bench

MOST_SIZES = 40


def capacity_of(
    bench: Bench, strategies: Sequence[Strategy], terms: Terms, sizes: Sequence[float], replayed: Outcome
) -> pd.DataFrame:
    """The measures of the first strategy at each size, beside the replay at that size.

    Where all costs are in proportion to the size, so is the replay, and that of `terms`, `replayed`, tells it.

    Returns
    -------
    The columns of `Backtest.summary` without a baseline, a row per size and measure (index ``size``, ``name``).
    """
    frames = {}
    for size in sizes:
        at = terms.resized(size)
        if plays_replays(terms):
            frozen = bench.outcome(strategies, at, frozen=True)
        else:
            frozen = replayed.scaled(size / float(terms.scales[0]))
        mine, theirs = paired([bench.outcome(strategies, at), frozen])
        frames[size] = bench.summary(mine.tables[0], None, theirs.tables[0])
    return pd.concat(frames, names=["size", "name"])


def plays_replays(terms: Terms) -> bool:
    """Whether accounts per unit depend on the size, so that each size needs a replay of its own."""
    return terms.fixed > 0 or terms.quadratic > 0


def check_sizes(sizes: Any) -> list[float]:
    """Sizes above 0 in ascending order, each once; empty for none. `ParameterError` for anything else."""
    try:
        grid = np.asarray(sizes, float)
    except (TypeError, ValueError):
        grid = np.array(np.nan)
    if grid.ndim != 1 or not (np.isfinite(grid) & (grid > 0)).all():
        raise ParameterError(f"sizes is {sizes!r:.80}, but must be a list of finite numbers above 0: [0.1, 1, 10].")
    if grid.size > MOST_SIZES:
        raise ParameterError(f"sizes has {grid.size} numbers, but may have at most {MOST_SIZES}; give fewer.")
    return [float(size) for size in np.unique(grid)]
