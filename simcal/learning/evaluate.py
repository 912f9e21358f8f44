"""Let traders who have learned trade, without learning on: trades, prices, decisions and accounts, to be studied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from simcal.learning.books import layout as at
from simcal.learning.books.batch import BookBatch
from simcal.learning.market import LearningMarket
from simcal.learning.play import Activity, PlayedEpisodes, activity_of, collapse, play
from simcal.learning.ppo import squashed
from simcal.learning.trained import TrainedMarket
from simcal.noise import check_integer, check_seed
from simcal.training import torch_threads


@dataclass(frozen=True, eq=False)
class Episodes:
    """What happened in some episodes of a market.

    Attributes
    ----------
    market, seed, deterministic
        What was played, and how.
    status
        A sentence; with the number that shows it where there was no market.
    collapsed
        Whether there was none.
    activity
        See `Activity`.
    fills
        A row per trade, in order: episode, step, tick, price, volume, mid (right after the order), buyer, seller,
        bought (whether the incoming order bought).
    mids, values
        (n_episodes, n_steps + 1) mid and fundamental value as a step begins. Here and in `fills` the market price
        stands in for the mid where a side of the book is empty, as it does for the traders.
    decisions
        A row per decision: episode, step, trader, risk_aversion, discount, noise; price and volume (the action), wealth
        and invested (its share in shares) as she decided, at market prices, and wealth_change in money until her next
        decision, or until the close. Rows go episode by episode, step by step.
    features
        (n_decisions, 11) float32, see `simcal.learning.FEATURES`.
    accounts
        A row per episode and trader: traits, start (wealth at the start), end (at the close, shares at the fundamental
        value), shares, cash and decisions.
    """

    market: LearningMarket
    seed: int
    deterministic: bool
    status: str
    collapsed: bool
    activity: Activity
    fills: pd.DataFrame
    mids: np.ndarray
    values: np.ndarray
    decisions: pd.DataFrame
    features: np.ndarray
    accounts: pd.DataFrame

    @property
    def n_episodes(self) -> int:
        """How many."""
        return len(self.mids)


FIRST_EPISODE = 2**40
"""The number of the first episode: no training comes that far, so that equal seeds give other episodes."""

_TRAITS = {"risk_aversion": at.RISK, "discount": at.DISCOUNT, "noise": at.NOISE}
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
    market, activities, parts = trained.market, [], []
    with torch_threads(1):
        for first in range(0, n_episodes, _SIDE_BY_SIDE):
            batch = BookBatch(market, min(_SIDE_BY_SIDE, n_episodes - first), seed)
            numbers = np.arange(first, first + batch.n_books) + FIRST_EPISODE
            after = market.first_trade if deterministic else None
            played = play(batch, trained.policy, numbers, means_after=after, accounts=True)
            activities.append(activity_of(batch))
            parts.append(_of_batch(batch, played, first))
    mean = np.average(np.array(activities), axis=0, weights=[len(part["mids"]) for part in parts])
    activity = Activity(*(float(x) for x in mean))
    why = collapse(market, activity)
    status = f"{n_episodes} episodes, {activity.fills:.0f} fills and {activity.volume:.0f} shares in each."
    if why is not None:
        status += f" The market has collapsed: {why}."
    whole = {name: _joined([part[name] for part in parts]) for name in parts[0]}
    return Episodes(market, seed, deterministic, status, why is not None, activity, **whole)


def _joined(parts: list[Any]) -> Any:
    """Tables or arrays of all batches, one below the other."""
    return pd.concat(parts, ignore_index=True) if isinstance(parts[0], pd.DataFrame) else np.concatenate(parts)


def _of_batch(batch: BookBatch, played: PlayedEpisodes, first: int) -> dict[str, Any]:
    return {
        "fills": _fills(batch, first),
        "mids": batch.state.record[:, :, at.RECORD_MID].copy(),
        "values": batch.state.record[:, :, at.RECORD_VALUE].copy(),
        "decisions": _decisions(batch, played, first),
        "features": np.ascontiguousarray(played.features.swapaxes(0, 1)).reshape(-1, played.features.shape[2]),
        "accounts": _accounts(batch, played, first),
    }


def _fills(batch: BookBatch, first: int) -> pd.DataFrame:
    counts = batch.state.counts[:, at.N_TRADES]
    rows = np.concatenate([trades[:count] for trades, count in zip(batch.state.trades, counts, strict=True)])
    columns = {name: rows[name] for name in ("step", "tick", "volume", "mid", "buyer", "seller")}
    episode = np.repeat(np.arange(first, first + batch.n_books), counts)
    found = pd.DataFrame({"episode": episode, **columns, "bought": rows["bought"] == 1})
    found.insert(3, "price", found["tick"] * batch.market.tick)
    return found


def _decisions(batch: BookBatch, played: PlayedEpisodes, first: int) -> pd.DataFrame:
    assert played.accounts is not None
    n_steps, n_books = played.traders.shape
    rows, actions = played.accounts, squashed(played.raw)
    price = batch.state.record[:, :n_steps, at.RECORD_PRICE].T
    held = rows[..., at.SHARES] * price
    wealth = rows[..., at.CASH] + held
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
    ahead = state.traders[..., at.CASH] + state.traders[..., at.SHARES] * state.record[:, -1, at.RECORD_VALUE, None]
    for step in range(len(traders) - 1, -1, -1):
        found[step] = ahead[books, traders[step]]
        ahead[books, traders[step]] = wealth[step]
    return found


def _accounts(batch: BookBatch, played: PlayedEpisodes, first: int) -> pd.DataFrame:
    rows, n_traders = batch.state.traders, batch.market.n_traders
    value = batch.state.record[:, -1, at.RECORD_VALUE, None]
    decided = np.stack([np.bincount(who, minlength=n_traders) for who in played.traders.T])
    columns = {
        "episode": np.broadcast_to(np.arange(first, first + batch.n_books)[:, None], decided.shape),
        "trader": np.broadcast_to(np.arange(n_traders), decided.shape),
        **{name: rows[..., column] for name, column in _TRAITS.items()},
        "start": rows[..., at.START],
        "end": rows[..., at.CASH] + rows[..., at.SHARES] * value,
        "shares": rows[..., at.SHARES],
        "cash": rows[..., at.CASH],
        "decisions": decided,
    }
    return pd.DataFrame({name: values.ravel() for name, values in columns.items()})
