"""The strategies that come with simcal by name, and their options."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from simcal.errors import ParameterError
from simcal.trading.orders import strategies

if TYPE_CHECKING:
    from simcal.trading.noise import Noise

NAN = float("nan")
WHOLE = {"short", "long", "window", "start", "duration", "holding", "seed"}
AT_LEAST = {"short": 1, "long": 2, "window": 2, "start": 0, "duration": 1, "holding": 1, "seed": 0, "curvature": 0}
MOST = 2**31 - 1

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


def build(name: str, market: Any, noise: Noise, options: dict[str, Any]) -> tuple[str, Callable[..., Any]]:
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
        return label, strategies.reversion(**o, value=None if np.isnan(value) else value)
    return label, getattr(strategies, name)(**o)


def _execution(name: str, market: Any, noise: Noise, options: dict[str, Any]) -> Callable[..., Any]:
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
        profile = strategies.equal_profile(duration)
    elif np.isnan(options["curvature"]):
        profile = strategies.volume_profile(market, noise.burn_in, start, duration)
    else:
        profile = strategies.u_profile(duration, options["curvature"])
    return strategies.execution(options["units"], profile, start)


def _checked(name: str, key: str, value: Any) -> float:
    low = AT_LEAST.get(key, -np.inf)
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not np.isfinite(value) or not low <= value <= MOST or (key in WHOLE and value != int(value)):
        kind = "a whole number" if key in WHOLE else "a finite number"
        least = f" of at least {low}" if low > -np.inf else ""
        raise ParameterError(f"The option {key} of {name} is {value!r}, but must be {kind}{least}.")
    return int(value) if key in WHOLE else float(value)
