"""A day's trades cut into bars, on two clocks: trade time, and a day that is busy at its ends.

On both clocks a session's steps with a trade are dealt out to its bars in order. In trade time every bar gets the same
share of them. On the resampled day a bar gets a share that depends on its place in the day, as real minutes do; that
alone makes returns of busy minutes larger than those of quiet ones, whatever the traders do: statistics of that clock
say less about the traders.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

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
