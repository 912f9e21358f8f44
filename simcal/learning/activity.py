"""Whether there is a market: who buys, how often it trades, how far prices are from the value; and its collapse."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simcal.learning.books.batch import BookBatch
from simcal.learning.books.layout import (
    N_BUYS,
    N_EMPTY,
    N_ORDERS,
    N_REFUSED,
    N_TRADING,
    N_VOLUME,
    RECORD_MID,
    RECORD_VALUE,
    STEP,
)
from simcal.learning.market import LearningMarket

ONE_SIDED = 0.95
"""Share of orders on one side from which on a market counts as collapsed."""
SILENT = 0.025
"""Share of the steps with trade in which something trades, below which a market counts as collapsed."""


class Activity(NamedTuple):
    """What happened in some episodes, on average.

    Attributes
    ----------
    buy_share
        Share of the orders that buy.
    fills
        Steps of an episode at which something trades.
    volume
        Shares traded in an episode.
    refused
        Orders of an episode whose price was beyond the grid of the book.
    mispricing
        Mean of ``|log(mid / value)|`` from the first session with trade on.
    one_sided
        Share of the steps with trade after which a side of the book is empty, so that there is no mid.
    """

    buy_share: float
    fills: float
    volume: float
    refused: float
    mispricing: float
    one_sided: float


def activity_of(batch: BookBatch) -> Activity:
    """The activity of all markets of a batch so far."""
    counts, state = batch.state.counts, batch.state
    orders, first = int(counts[:, N_ORDERS].sum()), batch.market.first_trade
    gaps = []
    for record, step in zip(state.record, counts[:, STEP], strict=True):
        seen = record[min(first, step) : step + 1]
        gaps.append(np.abs(np.log(seen[:, RECORD_MID] / seen[:, RECORD_VALUE])).mean())
    return Activity(
        buy_share=int(counts[:, N_BUYS].sum()) / orders if orders else float("nan"),
        fills=float(counts[:, N_TRADING].mean()),
        volume=float(counts[:, N_VOLUME].mean()),
        refused=float(counts[:, N_REFUSED].mean()),
        mispricing=float(np.mean(gaps)),
        one_sided=float(counts[:, N_EMPTY].mean()) / sum(batch.market.sessions[1::2]),
    )


def collapse(market: LearningMarket, activity: Activity) -> str | None:
    """Why these episodes are no market, in words with the number that shows it; None where they are one."""
    trading_steps = sum(market.sessions[1::2])
    if np.isnan(activity.buy_share):
        return "nobody sends an order"
    if activity.buy_share > ONE_SIDED:
        return f"{activity.buy_share:.1%} of the orders buy, with {activity.fills:.0f} fills per episode"
    if activity.buy_share < 1 - ONE_SIDED:
        return f"{1 - activity.buy_share:.1%} of the orders sell, with {activity.fills:.0f} fills per episode"
    if activity.fills < SILENT * trading_steps:
        return (
            f"there are {activity.fills:.0f} fills per episode of {trading_steps} steps with trade, and "
            f"{activity.buy_share:.1%} of the orders buy"
        )
    return None
