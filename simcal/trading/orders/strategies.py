"""Strategies that come with simcal: functions of the prices so far, what is held, the cash and the step.

They are written once for both forms: ``prices.T[-1]`` is the price now, an array over paths or a number, so that
``numba.njit(crossover())`` is the same strategy, compiled, and makes the same trades bit for bit. Means are summed from
the newest price to the oldest one in both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from simcal.errors import ParameterError
from simcal.noise.counters import MASK, key_of, philox
from simcal.trading.bands import is_number

if TYPE_CHECKING:
    from simcal.trading.bands import Noise

NAN = float("nan")
_STREAM = 2**32 - 1  # of noise that no market draws from
_MOST = 2**31 - 1
_WHOLE = {"short": 1, "long": 2, "window": 2, "start": 0, "duration": 1, "holding": 1, "seed": 0}  # and the least

Decision = Callable[..., Any]

BUILT_IN: dict[str, dict[str, float]] = {
    "hold": {"units": 1.0},
    "crossover": {"short": 10, "long": 50, "lowest": -1.0},
    "reversion": {"window": 50, "gain": 20.0, "value": NAN},
    "twap": {"units": 1.0, "duration": NAN, "start": 0},
    "vwap": {"units": 1.0, "duration": NAN, "start": 0, "curvature": NAN},
    "metaorder": {"units": 1.0, "duration": NAN, "start": NAN},
    "random": {"holding": 10, "seed": 0},
}
"""Strategies by name, with their options; the value of an option of NaN follows from the market and the steps."""


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


def build(name: str, market: Any, noise: Noise, options: dict[str, Any]) -> tuple[str, Decision]:
    """What to call a built-in strategy, and its function.

    Raises
    ------
    ParameterError
        An option that the strategy does not have, or a value that is not allowed.
    """
    allowed = BUILT_IN[name]
    unknown = [key for key in options if key not in allowed]
    if unknown:
        raise ParameterError(f"The strategy {name} has no option {unknown[0]}; it takes {', '.join(allowed)}.")
    given = {key: _checked(name, key, value) for key, value in options.items()}
    label = f"{name} ({', '.join(f'{k} {v:.6g}' for k, v in given.items())})" if given else name
    o: dict[str, Any] = {key: given.get(key, value) for key, value in allowed.items()}
    if name in ("twap", "vwap", "metaorder"):
        return label, _execution(name, market, noise, o)
    if name == "crossover" and o["short"] >= o["long"]:
        raise ParameterError(
            f"The strategy crossover has short {o['short']} and long {o['long']}, but its short window must be shorter "
            "than its long one."
        )
    if name == "reversion":
        value = o.pop("value")
        if value <= 0:
            raise ParameterError(f"The option value of reversion is {value:g}, but must be a price above 0.")
        return label, reversion(**o, value=None if np.isnan(value) else value)
    return label, {"hold": hold, "crossover": crossover, "random": random}[name](**o)


def _execution(name: str, market: Any, noise: Noise, options: dict[str, Any]) -> Decision:
    """TWAP and VWAP use all steps unless told; a metaorder a fifth, after a tenth, so that one sees it come and go."""
    steps = noise.n_steps
    if np.isnan(options["start"]):
        options["start"] = steps // 10
    start = options["start"]
    if np.isnan(options["duration"]):
        options["duration"] = max(steps // 5 if name == "metaorder" else steps - start, 1)
    duration = options["duration"]
    if start + duration > steps:
        raise ParameterError(
            f"The strategy {name} trades from step {start} on for {duration} steps, but there are {steps}; give more "
            "steps, or another start or duration."
        )
    if name != "vwap":
        profile = equal_profile(duration)
    elif np.isnan(options["curvature"]):
        profile = volume_profile(market, noise.burn_in, start, duration)
    else:
        profile = u_profile(duration, options["curvature"])
    return execution(options["units"], profile, start)


def _checked(name: str, key: str, value: Any) -> float:
    whole, low = key in _WHOLE, _WHOLE.get(key, 0 if key == "curvature" else -np.inf)
    if not is_number(value) or not np.isfinite(value) or not low <= value <= _MOST or (whole and value != int(value)):
        kind = "a whole number" if whole else "a finite number"
        least = f" of at least {low}" if low > -np.inf else ""
        raise ParameterError(f"The option {key} of {name} is {value!r}, but must be {kind}{least}.")
    return int(value) if whole else float(value)
