"""Let traders who have learned trade, without learning on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from simcal.learning.activity import Activity, activity_of, collapse
from simcal.learning.books.batch import BookBatch
from simcal.learning.books.layout import (
    CASH,
    DISCOUNT,
    N_TRADES,
    NOISE,
    RECORD_MID,
    RECORD_PRICE,
    RECORD_VALUE,
    RISK,
    SHARES,
    START,
)
from simcal.learning.episodes import Episodes
from simcal.learning.ppo import squashed
from simcal.learning.rollout import Played, play
from simcal.learning.trained import TrainedMarket
from simcal.noise import check_integer, check_seed
from simcal.training import torch_threads

FIRST_EPISODE = 2**40
"""The number of the first episode: no training comes that far, so that equal seeds give other episodes."""

_TRAITS = {"risk_aversion": RISK, "discount": DISCOUNT, "noise": NOISE}
_SIDE_BY_SIDE = 64


def evaluate(trained: TrainedMarket, n_episodes: int, seed: int, *, deterministic: bool = True) -> Episodes:
    """Play episodes that no training has seen.

    Parameters
    ----------
    trained
        The traders.
    n_episodes, seed
        Episode k has the same bits whatever the number of episodes.
    deterministic
        Traders do what the policy means, without noise, once trade has begun. Before it they always act with noise, or
        the book would open with nothing but a few prices in it. They have learned with noise, which fills the book:
        without it a side of the book is empty in a third to a half of the steps (`Activity.one_sided`) of markets
        trained by default, instead of one in twenty or thirty.

    Raises
    ------
    ParameterError
        Where an argument is not allowed.
    """
    n_episodes, seed = check_integer("n_episodes", n_episodes, 1, 2**20), check_seed(seed)
    market, parts = trained.market, []
    with torch_threads(1):
        for first in range(0, n_episodes, _SIDE_BY_SIDE):
            count = min(_SIDE_BY_SIDE, n_episodes - first)
            batch = BookBatch(market, count, seed)
            numbers = np.arange(first, first + count) + FIRST_EPISODE
            after = market.first_trade if deterministic else None
            played = play(batch, trained.policy, numbers, means_after=after, accounts=True)
            parts.append((activity_of(batch), _of_batch(batch, played, first)))
    weights = [len(part["mids"]) for _, part in parts]
    mean = np.average(np.array([activity for activity, _ in parts]), axis=0, weights=weights)
    activity = Activity(*(float(x) for x in mean))
    why = collapse(market, activity)
    fills, decisions, accounts = (
        pd.concat([part[name] for _, part in parts], ignore_index=True) for name in ("fills", "decisions", "accounts")
    )
    mids, values, features = (
        np.concatenate([part[name] for _, part in parts]) for name in ("mids", "values", "features")
    )
    status = f"{n_episodes} episodes, {activity.fills:.0f} fills and {activity.volume:.0f} shares in each."
    if why is not None:
        status += f" The market has collapsed: {why}."
    return Episodes(
        market, seed, deterministic, status, why is not None, activity, fills, mids, values, decisions, features,
        accounts,
    )  # fmt: skip


def _of_batch(batch: BookBatch, played: Played, first: int) -> dict[str, Any]:
    return {
        "fills": _fills(batch, first),
        "mids": batch.state.record[:, :, RECORD_MID].copy(),
        "values": batch.state.record[:, :, RECORD_VALUE].copy(),
        "decisions": _decisions(batch, played, first),
        "features": np.ascontiguousarray(played.features.swapaxes(0, 1)).reshape(-1, played.features.shape[2]),
        "accounts": _accounts(batch, played, first),
    }


def _fills(batch: BookBatch, first: int) -> pd.DataFrame:
    counts = batch.state.counts[:, N_TRADES]
    rows = np.concatenate([trades[:count] for trades, count in zip(batch.state.trades, counts, strict=True)])
    columns = {name: rows[name] for name in ("step", "tick", "volume", "mid", "buyer", "seller")}
    episode = np.repeat(np.arange(first, first + batch.n_books), counts)
    found = pd.DataFrame({"episode": episode, **columns, "bought": rows["bought"] == 1})
    found.insert(3, "price", found["tick"] * batch.market.tick)
    return found


def _decisions(batch: BookBatch, played: Played, first: int) -> pd.DataFrame:
    assert played.accounts is not None
    n_steps, n_books = played.traders.shape
    rows, actions = played.accounts, squashed(played.raw)
    price = batch.state.record[:, :n_steps, RECORD_PRICE].T
    held = rows[..., SHARES] * price
    wealth = rows[..., CASH] + held
    columns = {
        "episode": np.broadcast_to(np.arange(first, first + n_books), (n_steps, n_books)),
        "step": np.broadcast_to(np.arange(n_steps)[:, None], (n_steps, n_books)),
        "trader": played.traders,
        **{name: rows[..., column] for name, column in _TRAITS.items()},
        "price": actions[..., 0],
        "volume": actions[..., 1],
        "wealth": wealth,
        "invested": np.divide(held, wealth, out=np.zeros_like(held), where=wealth != 0),
        "wealth_change": _next_wealth(batch, played.traders, wealth) - wealth,
    }
    return pd.DataFrame({name: values.T.ravel() for name, values in columns.items()})


def _next_wealth(batch: BookBatch, traders: np.ndarray, wealth: np.ndarray) -> np.ndarray:
    """Each trader's wealth at her next decision, or at the close with shares at the fundamental value."""
    state, found = batch.state, np.empty_like(wealth)
    books = np.arange(batch.n_books)
    ahead = state.traders[..., CASH] + state.traders[..., SHARES] * state.record[:, -1, RECORD_VALUE, None]
    for step in range(len(traders) - 1, -1, -1):
        found[step] = ahead[books, traders[step]]
        ahead[books, traders[step]] = wealth[step]
    return found


def _accounts(batch: BookBatch, played: Played, first: int) -> pd.DataFrame:
    rows, n_traders = batch.state.traders, batch.market.n_traders
    value = batch.state.record[:, -1, RECORD_VALUE, None]
    decided = np.stack([np.bincount(who, minlength=n_traders) for who in played.traders.T])
    columns = {
        "episode": np.broadcast_to(np.arange(first, first + batch.n_books)[:, None], decided.shape),
        "trader": np.broadcast_to(np.arange(n_traders), decided.shape),
        **{name: rows[..., column] for name, column in _TRAITS.items()},
        "start": rows[..., START],
        "end": rows[..., CASH] + rows[..., SHARES] * value,
        "shares": rows[..., SHARES],
        "cash": rows[..., CASH],
        "decisions": decided,
    }
    return pd.DataFrame({name: values.ravel() for name, values in columns.items()})
