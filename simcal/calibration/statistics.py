"""H of equation (1): what the discriminator sees of a window of prices.

A `Statistics` maps prices (n, length + 1), a tensor with gradients or an array, to features (n, m). All of them
except `identity` are made of the functions of `simcal.facts`, so that what is trained on and what is reported
are the same formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

from simcal import facts
from simcal.errors import ParameterError
from simcal.parameters import check_names

Array = Any


@dataclass(frozen=True)
class Statistics:
    """A named H: its function, the names of its features, the shortest window (in returns) that it can read."""

    name: str
    description: str
    labels: Callable[[int], list[str]]
    function: Callable[[Array], Array]
    shortest: int = 1

    def __call__(self, prices: Array) -> Array:
        length = prices.shape[-1] - 1
        if length < self.shortest:
            raise ParameterError(
                f"The window has {length} returns, but the statistics {self.name!r} need at least {self.shortest}; "
                "give a longer window or other statistics."
            )
        return self.function(prices)


def log_returns(prices: Array) -> Array:
    """ln P_t - ln P_{t-1} along the last axis."""
    logs = array_namespace(prices).log(prices)
    return logs[..., 1:] - logs[..., :-1]


def _identity(prices: Array) -> Array:
    return prices[..., 1:]


_EXPERIMENT_LAGS = range(1, 11)
_EXPERIMENT_ABS_LAGS = (1, 2, 5)


def _experiment(prices: Array) -> Array:
    """Seventeen statistics that identify b, c and d of the paper's experiment."""
    xp = array_namespace(prices)
    r = log_returns(prices)
    scale = xp.stack(
        [xp.std(r, axis=-1), xp.mean(xp.abs(r), axis=-1), xp.mean(r**4, axis=-1), xp.std(prices, axis=-1)], axis=-1
    )
    return xp.concat(
        [scale, facts.autocorrelation(r, _EXPERIMENT_LAGS), facts.autocorrelation(abs(r), _EXPERIMENT_ABS_LAGS)],
        axis=-1,
    )


def _experiment_labels(length: int) -> list[str]:
    return [
        "deviation", "mean |r|", "fourth moment", "price deviation",
        *(f"C_r({lag})" for lag in _EXPERIMENT_LAGS),
        *(f"C_|r|({lag})" for lag in _EXPERIMENT_ABS_LAGS),
    ]  # fmt: skip


STATISTICS: dict[str, Statistics] = {
    s.name: s
    for s in (
        Statistics("identity", "the prices themselves, as in the paper", lambda n: [f"P({t})" for t in range(1, n + 1)],
                   _identity),
        Statistics("experiment", "seventeen moments and autocorrelations of a short window", _experiment_labels,
                   _experiment, shortest=12),
    )
}  # fmt: skip


def statistics(name: str) -> Statistics:
    """The statistics of that name; `ParameterError` with the nearest name where there are none."""
    check_names([name], STATISTICS, "a set of statistics")
    return STATISTICS[name]
