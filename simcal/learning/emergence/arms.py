"""The days of each arm: what its traders do, as steps with a trade and as mispricing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from simcal.learning.activity import SILENT
from simcal.learning.emergence.bars import Trades
from simcal.learning.emergence.settings import EmergenceSettings
from simcal.learning.episodes import Episodes
from simcal.learning.market import LearningMarket
from simcal.learning.ppo import Learner
from simcal.learning.settings import PpoSettings
from simcal.learning.specs import ACTIONS, FEATURES
from simcal.learning.trained import TrainedMarket
from simcal.models.book.market import BookMarket
from simcal.noise import check_seed

_VALUE_STREAM = 0x5A1E  # keeps the volatilities of the fundamental value apart from all else of a seed


class Days(NamedTuple):
    """Days of trade.

    Attributes
    ----------
    trades
        See `Trades`.
    mispricing
        Mean of ``|log(mid / value)|`` from the first session on.
    collapsed
        Why there is no market, in words; empty where there is one.
    one_sided
        Share of the steps with trade after which a side of the book is empty; None where it is not known.
    """

    trades: Trades
    mispricing: float
    collapsed: str
    one_sided: float | None = None


def untrained(market: LearningMarket, settings: PpoSettings, seed: int) -> TrainedMarket:
    """Traders who have not learned: with the weights that a training of that seed begins with."""
    net = Learner(len(FEATURES), len(ACTIONS), settings, check_seed(seed)).policy.net
    weights = {name: tensor.detach().clone() for name, tensor in net.state_dict().items()}
    return TrainedMarket(market, settings, seed, "Nobody has learned.", True, None, pd.DataFrame(), weights)


def days_of(episodes: Episodes) -> Days:
    """The days that learning traders made."""
    ends = np.cumsum(episodes.market.sessions)
    fills = episodes.fills.groupby(["episode", "step"], sort=True).agg(mid=("mid", "last"), volume=("volume", "sum"))
    day, step = (fills.index.get_level_values(k).to_numpy() for k in range(2))
    trades = Trades(
        day.astype(np.int64), (np.searchsorted(ends, step, side="right") - 1) // 2,
        fills["mid"].to_numpy(float), fills["volume"].to_numpy(float), episodes.n_episodes,
    )  # fmt: skip
    why = episodes.status.partition("The market has collapsed: ")[2] if episodes.collapsed else ""
    return Days(trades, episodes.activity.mispricing, why, episodes.activity.one_sided)


def rule_days(settings: EmergenceSettings, seed: int) -> Days:
    """The days of traders by rule, whose fundamental value moves as that of the learning market.

    Its volatility is uniform between 0 and ``fundamental_volatility``, each day anew.
    """
    market, n_days = settings.rule_market, settings.days
    highest = settings.learning_market.fundamental_volatility
    volatility = np.random.default_rng((seed, _VALUE_STREAM)).uniform(0.0, highest, n_days)
    n_sessions = len(settings.bars)
    parts = [_rule_day(market, n_sessions, seed, day, float(s)) for day, s in enumerate(volatility)]
    day = np.concatenate([np.full(len(part.trades.mid), k) for k, part in enumerate(parts)])
    session, mid, volume = (np.concatenate([part.trades[k] for part in parts]) for k in (1, 2, 3))
    mispricing = float(np.mean([part.mispricing for part in parts]))
    steps, fills = n_sessions * market.session_steps, len(mid) / n_days
    why = "" if fills >= SILENT * steps else f"there are {fills:.0f} steps with a trade in a day of {steps}"
    return Days(Trades(day, session, mid, volume, n_days), mispricing, why)


def _rule_day(market: BookMarket, n_sessions: int, seed: int, number: int, volatility: float) -> Days:
    market = market.replace(variance_mean=volatility**2)
    length = market.session_steps + market.break_steps
    saved = market.simulate_chunk(
        seed, number, 1, n_sessions * length - market.break_steps, save=("mid", "volume", "trades", "fundamental_value")
    )
    mid, volume, trades, value = (saved[k][0] for k in ("mid", "volume", "trades", "fundamental_value"))
    steps = np.flatnonzero(trades > 0)
    session = np.maximum(steps - 1, 0) // length
    gaps = np.abs(np.log(mid / value))
    return Days(Trades(np.zeros(len(steps), np.int64), session, mid[steps], volume[steps], 1), float(gaps.mean()), "")
