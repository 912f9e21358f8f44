"""Probability of backtest overfitting, by combinatorially symmetric cross-validation.

D. H. Bailey, J. M. Borwein, M. López de Prado and Q. J. Zhu, "The probability of backtest overfitting", Journal of
Computational Finance 20(4), 2017.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import ParameterError
from simcal.trading.records.record import constant

MOST_BLOCKS = 20  # 184 756 splits
Performance = Callable[[np.ndarray], np.ndarray]


def cross_validate(returns: Any, *, n_blocks: int = 16, performance: Performance | None = None) -> pd.DataFrame:
    """The best strategy of one half of the time in the other half, for all ways to halve it by blocks.

    Parameters
    ----------
    returns
        Of each step, (n_strategies, n_steps): all strategies that were tried, at least 2.
    n_blocks
        Even number of blocks of equal length; steps at the end that do not fill all blocks are left out.
    performance
        What is to be large: from (n_strategies, n) to (n_strategies,) without NaN. By default the Sharpe ratio, where
        one without volatility counts as 0 (no trades) or, with a mean, as infinite.

    Returns
    -------
    A row per split, n_blocks! / ((n_blocks / 2)!)^2 of them:

    ``winner``
        Row of the strategy that is best in the first half (of equals the first).
    ``in_sample``, ``out_of_sample``
        Its performance in the two halves.
    ``rank``
        Its rank out of sample among all N strategies over N + 1, from the worst; equals share their mean rank.
    ``logit``
        log(rank / (1 - rank)); overfitted where it is not above 0.

    Raises
    ------
    ParameterError
        For returns that are not finite or too few, an odd number of blocks, a performance that is NaN.
    """
    blocks = _blocks(returns, n_blocks)
    chosen = np.zeros((comb(n_blocks, n_blocks // 2), n_blocks))
    for row, members in enumerate(combinations(range(n_blocks), n_blocks // 2)):
        chosen[row, list(members)] = 1
    # The complement of the k-th combination is the k-th from the end.
    inside = _sharpe_ratios(blocks, chosen) if performance is None else _performances(blocks, chosen, performance)
    outside = inside[::-1]
    rows = np.arange(len(inside))
    winner = inside.argmax(axis=1)
    result = outside[rows, winner]
    below = (outside < result[:, None]).sum(axis=1)
    equal = (outside == result[:, None]).sum(axis=1)
    rank = (below + (equal + 1) / 2) / (blocks.shape[0] + 1)
    return pd.DataFrame({
        "winner": winner, "in_sample": inside[rows, winner], "out_of_sample": result, "rank": rank,
        "logit": np.log(rank / (1 - rank)),
    })  # fmt: skip


def overfitting(returns: Any, *, n_blocks: int = 16, performance: Performance | None = None) -> pd.DataFrame:
    """Probability of backtest overfitting of the choice of the best strategy, a row per path.

    `returns` is (n_strategies, n_steps), or (n_paths, n_strategies, n_steps); all else as in `cross_validate`.

    Columns
    -------
    pbo
        Share of the splits in which the best strategy in sample is not above the median out of sample.
    loss
        Share of the splits in which its performance out of sample is below 0.
    slope
        Of the regression of its performance out of sample on that in sample; NaN where it is the same in all splits.
        Negative is no proof of overfitting: the halves of a record share its sum, and where one strategy always wins
        the slope of its mean is -1.
    mean_rank
        Mean of ``rank``.

    Without any skill the pbo is 1/2 in the mean over paths (for an even number of strategies; (N + 1) / (2 N) for an
    odd one, whose median is a strategy), and far from it on many single paths: splits of one record are not
    independent. Over simulated paths its mean has a standard error, by `simcal.trading.records.distribution`.
    """
    array = np.asarray(returns, float)
    rows = []
    for path in array[None] if array.ndim == 2 else array:
        table = cross_validate(path, n_blocks=n_blocks, performance=performance)
        x, y = table["in_sample"].to_numpy(), table["out_of_sample"].to_numpy()
        finite = np.isfinite(x).all() and np.isfinite(y).all() and not constant(x)
        rows.append({
            "pbo": float(np.mean(table["logit"].to_numpy() <= 0)), "loss": float(np.mean(y < 0)),
            "slope": float(np.cov(x, y)[0, 1] / x.var(ddof=1)) if finite else np.nan,
            "mean_rank": float(np.mean(table["rank"].to_numpy())),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _blocks(returns: Any, n_blocks: int) -> np.ndarray:
    """The returns as (n_strategies, n_blocks, steps of a block)."""
    array = np.asarray(returns, float)
    if n_blocks not in range(2, MOST_BLOCKS + 1, 2):
        raise ParameterError(f"n_blocks is {n_blocks}, but must be an even number from 2 to {MOST_BLOCKS}, such as 16.")
    if array.ndim != 2 or len(array) < 2 or array.shape[1] < 2 * n_blocks or not np.isfinite(array).all():
        raise ParameterError(
            f"The returns have shape {array.shape}, but must be finite numbers (n_strategies, n_steps) of at least 2 "
            f"strategies and 2 steps for each of the {n_blocks} blocks."
        )
    length = array.shape[1] // n_blocks
    return array[:, : n_blocks * length].reshape(len(array), n_blocks, length)


def _sharpe_ratios(blocks: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Sharpe ratios (n_splits, n_strategies) of the chosen blocks, from sums over blocks."""
    count = blocks.shape[2] * blocks.shape[1] // 2
    middle = blocks.mean(axis=(1, 2))  # taken off first: the variance is a difference of sums
    centred = blocks - middle[:, None, None]
    # Not by BLAS, whose rounding may differ between columns: copies of a strategy must stay equal.
    first, second = (np.einsum("ij,kj->ik", chosen, part.sum(axis=2)) for part in (centred, centred**2))
    mean = middle + first / count
    deviation = np.sqrt(np.maximum(second - first**2 / count, 0.0) / (count - 1))
    ratios = mean / np.where(deviation > 0, deviation, 1.0)
    still = constant(blocks)  # blocks without any variation
    flat = chosen @ (~still).T.astype(float) == 0  # in halves that hold no others
    for strategy in np.flatnonzero(flat.any(axis=0)):
        level = blocks[strategy, :, 0]
        low = np.where(chosen == 1, level, np.inf).min(axis=1)
        high = np.where(chosen == 1, level, -np.inf).max(axis=1)
        same = flat[:, strategy] & constant(np.stack([low, high], axis=-1))
        sure = np.where(low == 0, 0.0, np.copysign(np.inf, low))
        ratios[:, strategy] = np.where(same, sure, ratios[:, strategy])
    return ratios


def _performances(blocks: np.ndarray, chosen: np.ndarray, performance: Performance) -> np.ndarray:
    n = len(blocks)
    values = np.stack([np.asarray(performance(blocks[:, row == 1].reshape(n, -1)), float) for row in chosen])
    if values.shape != (len(chosen), n) or np.isnan(values).any():
        raise ParameterError(f"performance must give one number, not NaN, for each of the {n} strategies.")
    return values
