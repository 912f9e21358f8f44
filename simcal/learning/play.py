"""Episodes played by one policy: decisions with what each earned, and whether there was a market at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from simcal.learning.books import layout as at
from simcal.learning.books.batch import BookBatch
from simcal.learning.market import LearningMarket
from simcal.learning.ppo import END, OPEN, Rollout, SharedPolicy, squashed

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
    orders, first = int(counts[:, at.N_ORDERS].sum()), batch.market.first_trade
    gaps = []
    for record, step in zip(state.record, counts[:, at.STEP], strict=True):
        seen = record[min(first, step) : step + 1]
        gaps.append(np.abs(np.log(seen[:, at.RECORD_MID] / seen[:, at.RECORD_VALUE])).mean())
    return Activity(
        buy_share=int(counts[:, at.N_BUYS].sum()) / orders if orders else float("nan"),
        fills=float(counts[:, at.N_TRADING].mean()),
        volume=float(counts[:, at.N_VOLUME].mean()),
        refused=float(counts[:, at.N_REFUSED].mean()),
        mispricing=float(np.mean(gaps)),
        one_sided=float(counts[:, at.N_EMPTY].mean()) / sum(batch.market.sessions[1::2]),
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


class PlayedEpisodes(NamedTuple):
    """What `play` saw, in the order of steps: arrays (n_steps, n_books, ...).

    Attributes
    ----------
    features, raw, noise
        As in `Rollout`.
    traders
        int64: who decided.
    earned
        float64: what her decision before this one earned; 0 without one.
    accounts
        float64, (n_steps, n_books, N_TRADER): her row of `Books.traders` as she decided; None unless wanted.
    """

    features: np.ndarray
    raw: np.ndarray
    noise: np.ndarray
    traders: np.ndarray
    earned: np.ndarray
    accounts: np.ndarray | None = None


def play(
    batch: BookBatch,
    policy: SharedPolicy,
    numbers: Sequence[int] | np.ndarray,
    *,
    means_after: int | None = None,
    accounts: bool = False,
) -> PlayedEpisodes:
    """Play episodes to their close.

    Parameters
    ----------
    batch
        Where; it stands at the close afterwards.
    policy
        Of all traders.
    numbers
        Of the episodes, (n_books,).
    means_after
        From this step on traders do what the policy means, without noise; None: never.
    accounts
        Whether accounts are kept of.
    """
    batch.begin(numbers)
    n_steps, shape = batch.market.n_steps, (batch.market.n_steps, batch.n_books)
    features = np.empty((*shape, batch.features.shape[1]), np.float32)
    raw, noise = (np.empty((*shape, batch.noise.shape[1]), np.float32) for _ in range(2))
    traders, earned = np.empty(shape, np.int64), np.empty(shape)
    rows = np.empty((*shape, at.N_TRADER)) if accounts else None
    for step in range(n_steps):
        features[step], noise[step], traders[step] = batch.features, batch.noise, batch.acting
        if means_after is not None and step >= means_after:
            noise[step] = 0.0
        if rows is not None:
            rows[step] = batch.state.traders[np.arange(batch.n_books), batch.acting]
        raw[step] = policy.raw(features[step], noise[step])
        earned[step] = batch.advance(squashed(raw[step]))
    return PlayedEpisodes(features, raw, noise, traders, earned, rows)


def rollout(batch: BookBatch, policy: SharedPolicy, numbers: Sequence[int] | np.ndarray) -> tuple[Rollout, Activity]:
    """What the policy learns from: the decisions of episodes, and whether there was a market at all.

    With reward "gains" a trader's last decision earns what the close brings. With reward "wealth" its reward is not
    known, because it would come with a decision after it; it counts by its value only.
    """
    played = play(batch, policy, numbers)
    last = END if batch.market.reward == "gains" else OPEN
    following, rewards = link(played.traders, played.earned, batch.close(), last)
    discounts = batch.state.traders[np.arange(batch.n_books), played.traders, at.DISCOUNT]
    features, raw, noise = (x.reshape(-1, x.shape[-1]) for x in (played.features, played.raw, played.noise))
    found = Rollout(features, raw, noise, rewards.ravel(), discounts.ravel(), following.ravel())
    return found, activity_of(batch)


@njit(cache=True, error_model="numpy", nogil=True)
def link(traders, earned, closing, last):
    """The place of each trader's next decision, step * n_books + book, and what was earned until then.

    Parameters
    ----------
    traders, earned
        (n_steps, n_books): who decided, and what her decision before this one had earned.
    closing
        (n_books, n_traders): what last decisions earn.
    last
        The place behind a last decision.
    """
    n_steps, n_books = traders.shape
    following, rewards = np.empty((n_steps, n_books), np.int64), np.empty((n_steps, n_books))
    upcoming = np.full((n_books, closing.shape[1]), -1)
    for step in range(n_steps - 1, -1, -1):
        for b in range(n_books):
            j = traders[step, b]
            then = upcoming[b, j]
            following[step, b] = then * n_books + b if then >= 0 else last
            rewards[step, b] = earned[then, b] if then >= 0 else closing[b, j]
            upcoming[b, j] = step
    return following, rewards
