"""Strategies that come with simcal: functions of the prices so far, what is held, the cash and the step.

They are written once for both forms: ``prices.T[-1]`` is the price now, an array over paths or a number, so that
``numba.njit(crossover())`` is the same strategy, compiled, and makes the same trades bit for bit. Means are summed from
the newest price to the oldest one in both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from simcal.errors import ParameterError
from simcal.noise.counters import MASK, key_of, philox

_STREAM = 2**32 - 1  # of noise that no market draws from

Decision = Callable[..., Any]


def hold(units: float = 1.0) -> Decision:
    """Buy at the first step, and hold."""

    def decide(prices, position, cash, step):
        return units + 0.0 * position

    return decide


def crossover(short: int = 10, long: int = 50, lowest: float = -1.0) -> Decision:
    """Hold 1 unit while the mean of the last `short` prices is above that of the last `long`, `lowest` while below.

    -1 sells short, 0 stays out. Nothing is held before there are `long` prices.
    """

    def decide(prices, position, cash, step):
        recent = prices.T
        if recent.shape[0] < long:
            return 0.0 * position
        total = recent[-1] + 0.0
        for j in range(2, short + 1):
            total = total + recent[-j]
        fast = total / short
        for j in range(short + 1, long + 1):
            total = total + recent[-j]
        return np.maximum(np.sign(fast - total / long), lowest)

    return decide


def reversion(window: int = 50, gain: float = 20.0, value: float | None = None) -> Decision:
    """Hold more the cheaper the price is: `gain` times (estimate / price - 1), at most 1 unit either way.

    The estimate of the fundamental value is `value` where it is given, else the mean of the last `window` prices;
    nothing is held before there are that many.
    """
    known = -1.0 if value is None else value

    def decide(prices, position, cash, step):
        recent = prices.T
        if known > 0.0:
            estimate = known + 0.0 * recent[-1]
        else:
            if recent.shape[0] < window:
                return 0.0 * position
            total = recent[-1] + 0.0
            for j in range(2, window + 1):
                total = total + recent[-j]
            estimate = total / window
        return np.minimum(np.maximum(gain * (estimate / recent[-1] - 1.0), -1.0), 1.0)

    return decide


def execution(units: float, profile: np.ndarray, start: int = 0) -> Decision:
    """Trade `units` in parts: from step `start` on, the share ``profile[j]`` of them (sum 1), then hold.

    Source of the profiles: equal parts are TWAP (time-weighted average price), parts in proportion to volume are VWAP;
    see R. Almgren and N. Chriss, "Optimal execution of portfolio transactions", Journal of Risk 3 (2001).
    """
    done = units * np.cumsum(profile)
    done[-1] = units
    last = done.size - 1

    def decide(prices, position, cash, step):
        if step < start:
            return 0.0 * position
        return done[min(step - start, last)] + 0.0 * position

    return decide


def equal_profile(duration: int) -> np.ndarray:
    """(duration,) equal shares."""
    return np.full(duration, 1.0 / duration)


def u_profile(duration: int, curvature: float) -> np.ndarray:
    """(duration,) shares of a volume 1 + c u^2, u from -1 to 1: at both ends 1 + c times that of the middle."""
    u = np.linspace(-1.0, 1.0, duration) if duration > 1 else np.zeros(1)
    volume = 1.0 + curvature * u**2
    return volume / volume.sum()


def volume_profile(market: Any, burn_in: int, first: int, duration: int) -> np.ndarray:
    """(duration,) shares of the market's own volume after step ``burn_in + first``: its mean over 1024 paths.

    The paths are those of another seed, as a trader knows the volumes of the past and not those to come.
    """
    names = [name for name in getattr(market, "OUTPUTS", ()) if name.startswith("volume_")]
    if not names:
        raise ParameterError("There are no volumes of a market for vwap to follow; give its option curvature.")
    out = market.simulate_chunk(
        2**64 - 1, 0, 1024, first + duration, save=names, every=1, burn_in=burn_in, dtype="float64", threads=1
    )
    volume = np.sum([out[name][:, first + 1 :].mean(axis=0) for name in names], axis=0)
    return volume / volume.sum()


def random(holding: int = 10, seed: int = 0) -> Decision:
    """Hold +1 or -1 unit by the toss of a coin, tossed again every `holding` steps: what no skill earns.

    The coin is a draw of `simcal.noise` of the path's number, the time and the seed, so that a path has the same trades
    in every run.
    """
    from numba.extending import register_jitable

    key, draw = key_of(seed), register_jitable(philox)

    def decide(prices, position, cash, step, path):
        word = draw(key, (path & MASK, path >> 32, step // holding, _STREAM))[0]
        return 2.0 * ((word >> 31) & 1) - 1.0

    return decide
