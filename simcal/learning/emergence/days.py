"""The days of each arm and of a real series, as steps with a trade that are cut into bars on two clocks.

On both clocks a session's steps with a trade are dealt out to its bars in order. In trade time every bar gets the same
share of them. On the resampled day a bar gets a share that depends on its place in the day, as real minutes do; that
alone makes returns of busy minutes larger than those of quiet ones, whatever the traders do: statistics of that clock
say less about the traders.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from simcal.book import BookMarket, z_scores
from simcal.data import PriceSeries
from simcal.errors import DataError
from simcal.learning.emergence.settings import EmergenceSettings
from simcal.learning.evaluate import Episodes
from simcal.learning.market import ACTIONS, FEATURES, LearningMarket
from simcal.learning.play import SILENT
from simcal.learning.ppo import PpoLearner
from simcal.learning.settings import PpoSettings
from simcal.learning.trained import TrainedMarket
from simcal.noise import check_seed

CLOCKS = ("trade time", "resampled day")


class Trades(NamedTuple):
    """The steps with a trade of some days, day by day, session by session.

    Attributes
    ----------
    day, session
        (n,) int64, from 0.
    mid
        (n,) float64: mid right after the step's trades.
    volume
        (n,) float64: shares that traded.
    n_days
        How many days there are; some may lack trades.
    """

    day: np.ndarray
    session: np.ndarray
    mid: np.ndarray
    volume: np.ndarray
    n_days: int


class Bars(NamedTuple):
    """Closes and volumes of bars, both (n_days, n_bars); closes are NaN where a session had no trade."""

    closes: np.ndarray
    volumes: np.ndarray


def curve(bars: tuple[int, ...], busyness: float) -> list[np.ndarray]:
    r"""The share of a session's trades that each of its bars holds: a U over the day, of our own making.

    With u the middle of a bar in the day, from 0 to 1, the share is proportional to

    .. math:: 1 + (b - 1) (2 u - 1)^2,

    b times as much at the ends of the day as in its middle. No data stand behind it but what is known of all exchanges:
    trade is heaviest at the open and towards the close.
    """
    n = sum(bars)
    weight = 1.0 + (busyness - 1.0) * (2.0 * (np.arange(n) + 0.5) / n - 1.0) ** 2
    sessions = np.split(weight, np.cumsum(bars)[:-1])
    return [w / w.sum() for w in sessions]


def cut(trades: Trades, shares: list[np.ndarray]) -> Bars:
    """Bars of each session, which hold these shares of its steps with a trade, rounded.

    A bar closes at the last mid up to its end; those that begin a session without a trade take its first one.
    """
    closes, volumes = [], []
    places = trades.day * len(shares) + trades.session
    begins = np.searchsorted(places, np.arange(trades.n_days * len(shares) + 1))
    for number, share in enumerate(shares):
        part, sums = np.full((trades.n_days, share.size), np.nan), np.zeros((trades.n_days, share.size))
        ends = np.cumsum(share)
        ends[-1] = 1.0
        for day in range(trades.n_days):
            own = slice(*begins[day * len(shares) + number :][:2])
            mid, volume = trades.mid[own], np.append(0.0, np.cumsum(trades.volume[own]))
            if mid.size:
                upto = np.ceil(ends * mid.size - 1e-9).astype(int)
                part[day] = mid[np.maximum(upto, 1) - 1]
                sums[day] = np.diff(volume[upto], prepend=0.0)
        closes.append(part)
        volumes.append(sums)
    return Bars(np.concatenate(closes, axis=1), np.concatenate(volumes, axis=1))


def both_clocks(trades: Trades, bars: tuple[int, ...], busyness: float) -> dict[str, Bars]:
    """Bars in trade time and of the resampled day."""
    return {name: cut(trades, curve(bars, b)) for name, b in zip(CLOCKS, (1.0, busyness), strict=True)}


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
    net = PpoLearner(len(FEATURES), len(ACTIONS), settings, check_seed(seed)).policy.net
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


FEWEST_PRICES = 80
"""Of a day that counts."""


def real_days(series: PriceSeries, n_bars: int) -> np.ndarray:
    """z-scored returns of a real series, (n_days, n).

    Intraday prices are taken day by day: those of a day are dealt out to `n_bars` bars, or to as many as the day with
    the fewest has prices, each bar with the same number of prices; days with fewer than 80 are left out. Of a daily
    series (or a rarer one) each window of `n_bars` prices stands for a day, about a year of them: daily prices are not
    intraday ones, and what is compared is shape and memory on the scale of bars.

    Raises
    ------
    DataError
        Where there is no day.
    """
    if series.frequency != "intraday" or not isinstance(series.dates, pd.DatetimeIndex):
        return z_scores(series.windows(n_bars - 1))
    _, starts = np.unique(series.dates.normalize().asi8, return_index=True)
    parts = [part for part in np.split(series.prices, starts[1:]) if len(part) >= FEWEST_PRICES]
    if not parts:
        raise DataError(
            f"'{series.name}' has no day of {FEWEST_PRICES} or more prices; give prices at shorter intervals, or daily "
            "ones."
        )
    n = min(n_bars, *(len(part) for part in parts))
    return z_scores(np.array([part[-(-np.arange(1, n + 1) * len(part) // n) - 1] for part in parts]))
