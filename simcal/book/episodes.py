"""Days of an order-book market as studies of the microstructure take them: bars in trade time or clock time, z-scored.

A path is an episode, its sessions are cut into bars, and a bar closes at its last mid.
"""

from __future__ import annotations

import numpy as np

from simcal.book.market import BookMarket
from simcal.errors import ParameterError

LAGS = 70  # over which the decay of the autocorrelation is measured


def trade_time_closes(market: BookMarket, mid: np.ndarray, trades: np.ndarray, bars: tuple[int, ...]) -> np.ndarray:
    """Closes of bars that hold the same share of a session's steps with a trade.

    Parameters
    ----------
    market
        With sessions that end.
    mid, trades
        Outputs of these names, every step from time 0, (n_episodes, n_steps + 1).
    bars
        How many for each session: (151, 150) are the minutes of a day in Tokyo.

    Returns
    -------
    (n_episodes, sum of bars); NaN where a session had no trade.
    """
    closes = []
    for session, count in zip(_sessions(market, len(bars)), bars, strict=True):
        part = np.full((len(mid), count), np.nan)
        for row, prices, traded in zip(part, mid[:, session], trades[:, session] > 0, strict=True):
            at = prices[traded]
            if at.size:
                row[:] = at[-(-np.arange(1, count + 1) * at.size // count) - 1]
        closes.append(part)
    return np.concatenate(closes, axis=1)


def clock_closes(market: BookMarket, mid: np.ndarray, every: int, sessions: int) -> np.ndarray:
    """Closes of bars of `every` steps of each session; (n_episodes, number of bars)."""
    return np.concatenate([mid[:, s][:, every - 1 :: every] for s in _sessions(market, sessions)], axis=1)


def _sessions(market: BookMarket, count: int) -> list[slice]:
    if market.session_steps == 0:
        raise ParameterError("session_steps is 0, so that a day never ends; give the market sessions to cut into bars.")
    length = market.session_steps + market.break_steps
    return [slice(1 + k * length, 1 + k * length + market.session_steps) for k in range(count)]


def z_scores(closes: np.ndarray) -> np.ndarray:
    """(n, n_bars - 1) log returns of every episode with returns, less their mean, over their deviation."""
    returns = np.diff(np.log(closes), axis=1)
    returns = returns[returns.std(axis=1) > 0]
    return (returns - returns.mean(axis=1, keepdims=True)) / returns.std(axis=1, keepdims=True)


def size_autocorrelation(z: np.ndarray, n_lags: int = LAGS) -> np.ndarray:
    """(n_lags,) autocorrelation of |z|, (n_episodes, n): mean and variance of all episodes, products inside one."""
    centred = np.abs(z) - np.abs(z).mean()
    products = [(centred[:, lag:] * centred[:, :-lag]).mean() for lag in range(1, min(n_lags, z.shape[1] - 1) + 1)]
    return np.array(products) / centred.var()


def episode_statistics(closes: np.ndarray) -> dict[str, float]:
    """Statistics of log returns that are z-scored episode by episode; episodes without returns are left out.

    Returns
    -------
    ``kurtosis`` (excess, mean over episodes), ``hill`` (of the largest 5 % of all absolute returns), ``acf_1``,
    ``acf_10``, ``acf_30`` (of absolute returns, with mean and variance of all episodes and products inside one),
    ``first_negative`` (the first lag at which that autocorrelation is not above 0, ``LAGS + 1`` for none), ``decay``
    (minus the slope of its logarithm on that of the lag, before that lag; NaN below two lags).
    """
    from simcal.facts import excess_kurtosis

    z = z_scores(closes)
    if not len(z):
        raise ParameterError("No episode has returns; give more steps, or a market in which somebody trades.")
    ordered = np.sort(np.abs(z), axis=None)[::-1]
    k = int(0.05 * ordered.size)
    acf = size_autocorrelation(z)
    first = int(np.argmax(np.append(acf, -1.0) <= 0)) + 1
    lags = np.arange(1, first)
    decay = -np.polyfit(np.log(lags), np.log(acf[: first - 1]), 1)[0] if first > 2 else np.nan
    return {
        "kurtosis": float(np.mean(excess_kurtosis(z))),
        "hill": float(1 / np.mean(np.log(ordered[:k] / ordered[k]))),
        "acf_1": float(acf[0]),
        "acf_10": float(acf[9]),
        "acf_30": float(acf[29]),
        "decay": float(decay),
        "first_negative": float(first),
    }
