"""Where a family is played, and what each strategy reached there, path by path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import NumericalError
from simcal.trading.noise import Noise
from simcal.trading.orders import Strategy, Terms, play
from simcal.trading.orders.measures import record_of
from simcal.trading.records import deflate, overfitting, path_measures

BLOCKS = 10  # of the cross-validation: 252 splits
CHUNK = 32_000_000  # strategies x paths x steps in memory at a time


@dataclass(frozen=True, eq=False)
class Place:
    """What a family reached in one place.

    Parameters
    ----------
    name
        Of the place.
    tables
        A frame of `path_measures` per strategy, with the columns ``path`` and ``deflated`` (its deflated Sharpe ratio
        among the family's on that path).
    sharpe
        (n_strategies, n_paths) a year; 0 for a strategy that does not trade.
    luck
        A row per path: ``path``, the columns of `overfitting`, ``best`` (row of the strategy with the highest Sharpe
        ratio), its ``sharpe`` and its ``deflated`` Sharpe ratio.
    excess
        (n_strategies, n_steps) returns of the first path, for bootstraps over time.
    n_failed
        Paths left out.
    """

    name: str
    tables: list[pd.DataFrame]
    sharpe: np.ndarray
    luck: pd.DataFrame
    excess: np.ndarray
    n_failed: int = 0


def place_of(
    name: str,
    strategies: Sequence[Strategy],
    market: Any,
    noise: Noise,
    terms: Terms,
    *,
    frozen: bool,
    periods_per_year: float,
    risk_level: float,
) -> Place:
    """Play each strategy alone on the same paths, and measure.

    Parameters
    ----------
    market
        With a ``stepper``.
    terms
        Of one strategy.
    frozen
        The prices do not notice the strategy.

    Raises
    ------
    NumericalError
        No path is usable with all strategies.
    """
    n = len(strategies)
    tables: list[list[pd.DataFrame]] = [[] for _ in strategies]
    luck, first, n_failed = [], None, 0
    for part in noise.chunks(max(CHUNK // (n * noise.n_steps), 1)):
        excess, good = np.empty((n, part.n_paths, noise.n_steps)), np.ones(part.n_paths, bool)
        frames = []
        for j, strategy in enumerate(strategies):
            played = play([strategy], market, part, terms, frozen=frozen)
            record = record_of(played, 0, periods_per_year)
            excess[j], good = record.excess, good & (played.failed == 0)
            frames.append(path_measures(record, risk_level).assign(path=played.numbers))
        n_failed += int((~good).sum())
        numbers = frames[0]["path"].to_numpy()[good]
        rows, deflated = _luck(excess[:, good], numbers)
        luck.append(rows)
        for j, frame in enumerate(frames):
            tables[j].append(frame[good].assign(deflated=deflated[j]))
        if first is None and good.any():
            first = excess[:, good][:, 0].copy()
    if first is None:
        raise NumericalError(f"No path of {name} has a usable price to its end; give a smaller size, or fewer steps.")
    joined = [pd.concat(parts, ignore_index=True) for parts in tables]
    sharpe = np.nan_to_num(np.stack([t["sharpe"].to_numpy(float) for t in joined]), nan=0.0)
    return Place(name, joined, sharpe, pd.concat(luck, ignore_index=True), first, n_failed)


def _luck(excess: np.ndarray, numbers: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """A row per path on the choice of the best strategy, and deflated Sharpe ratios (n_strategies, n_paths)."""
    n, n_paths, n_steps = excess.shape
    columns = ["path", "pbo", "loss", "slope", "mean_rank", "best", "sharpe", "deflated"]
    if not n_paths:
        return pd.DataFrame(columns=columns, dtype=float), np.empty((n, 0))
    tried = [deflate(excess[:, k]) for k in range(n_paths)]
    steps = np.stack([t["sharpe"].to_numpy(float) for t in tried], axis=1)
    deflated = np.stack([t["deflated"].to_numpy(float) for t in tried], axis=1)
    rows = pd.DataFrame({"path": numbers})
    blocks = min(BLOCKS, n_steps // 4 * 2)
    if blocks >= 2:
        rows = rows.assign(**overfitting(excess.transpose(1, 0, 2), n_blocks=blocks))
    best = np.where(np.isnan(steps), -np.inf, steps).argmax(axis=0)
    at = (best, np.arange(n_paths))
    return rows.assign(best=best, sharpe=steps[at], deflated=deflated[at]).reindex(columns=columns), deflated
