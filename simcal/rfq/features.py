"""The functions of requests whose means are matched, by moments and by the game, and the game's statistics of them.

All take NumPy arrays or tensors. Functions of quotes grow slowly, so that their means exist for every shape, and span
what the scores of an exponential power law look like: signs, sizes and squares of distances. The statistics are H of
equation (1): means over a window. Outcomes (done, traded) enter linearly, so that the twin may put their expectations
in place of ones and zeros. What is only given, the own quotes, is among the features too: whitened with the others, it
takes its noise out of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace, to_device

from simcal.rfq.rules import SEEN

if TYPE_CHECKING:
    from simcal.calibration.statistics import Statistics

Array = Any

INSTRUMENTS = ("1", "t", "t²", "t³", "n", "n t")
QUOTE_FUNCTIONS = ("x", "|x|", "tanh 2x", "log(1 + 4x²)", "x² / (1 + |x|)")
GAP_FUNCTIONS = ("d", "exp(-d)", "exp(-3d)")
FLOW_LAGS = ((1, 1), (2, 5), (6, 20))
_LONGEST_LAG = FLOW_LAGS[-1][1]


@dataclass(frozen=True)
class Scales:
    """Constants that bring numbers to order one: where quotes lie, how far they spread, how large a gap is.

    `panel` and `panel_spread` are mean and deviation of the number of rivals, the deviation 1 where it never varies.
    """

    centre: float
    spread: float
    gap: float
    panel: float
    panel_spread: float

    @classmethod
    def of(cls, quotes: np.ndarray, rivals: np.ndarray, gaps: np.ndarray | None = None) -> Scales:
        """From quotes (n,), numbers of rivals (k,), and gaps between best and second best where there are any."""
        low, centre, high = np.quantile(quotes, [0.16, 0.5, 0.84])
        spread = float(max((high - low) / 2, 1e-6 * max(abs(centre), 1.0)))
        gap = float(np.mean(gaps)) if gaps is not None and len(gaps) else spread
        panel_spread = float(np.std(rivals)) or 1.0
        return cls(float(centre), spread, max(gap, 1e-6 * spread), float(np.mean(rivals)), panel_spread)


def instruments(quotes: Array, rivals: Array, scales: Scales) -> list[Array]:
    """`INSTRUMENTS`: functions of a known quote and the number of rivals that outcomes are multiplied by."""
    xp = array_namespace(quotes)
    t = xp.tanh((quotes - scales.centre) / (2 * scales.spread))
    n = (rivals - scales.panel) / scales.panel_spread
    return [xp.ones_like(quotes), t, t**2, t**3, n, n * t]


def quote_functions(quotes: Array, scales: Scales) -> list[Array]:
    """`QUOTE_FUNCTIONS` of a quote that is itself to be explained."""
    xp = array_namespace(quotes)
    x = (quotes - scales.centre) / scales.spread
    size = xp.abs(x)
    return [x, size, xp.tanh(2 * x), xp.log1p(4 * x**2), x**2 / (1 + size)]


def gap_functions(gaps: Array, scales: Scales) -> list[Array]:
    """`GAP_FUNCTIONS` of the gap d > 0 from the best to the second-best quote."""
    xp = array_namespace(gaps)
    d = gaps / scales.gap
    return [d, xp.exp(-d), xp.exp(-3 * d)]


def _channels(windows: Array) -> dict[str, Array]:
    """Each channel of windows (n, channels, length + 1) as (n, length): the first entry is that before the window."""
    return {name: windows[:, k, 1:] for k, name in enumerate(SEEN)}


def _fit(*, platform: bool, serial: bool) -> Callable[[Array], Callable[[Array], Array]]:
    def fit(real: Array) -> Callable[[Array], Array]:
        numbers = {k: np.asarray(to_device(v, "cpu"), dtype=float).ravel() for k, v in _channels(real).items()}
        quotes, rivals = numbers["rival" if platform else "own"], numbers["n_dealers"] - 1
        gaps = numbers["cover"] - (numbers["best"] if platform else numbers["own"])
        told = np.isfinite(gaps) & (platform | (numbers["done"] > 0))
        scales = Scales.of(quotes[np.isfinite(quotes)], rivals, gaps[told])
        size = float(np.mean(numbers["size"]))

        def function(windows: Array) -> Array:
            seen = _channels(windows)
            columns = _platform(seen, scales) if platform else _own(seen, scales)
            if serial:
                columns += _serial(seen, scales, size, platform=platform)
            return array_namespace(windows).stack(columns, axis=-1)

        return function

    return fit


def _own(seen: dict[str, Array], scales: Scales) -> list[Array]:
    """What one dealer learns: done, traded, the gap to the cover where it was done; and its own quotes."""
    xp = array_namespace(seen["own"])
    known = instruments(seen["own"], seen["n_dealers"] - 1, scales)
    done, traded = seen["done"], seen["traded"]
    told = xp.isfinite(seen["cover"])
    gaps = xp.where(told, xp.clip(xp.where(told, seen["cover"], seen["own"]) - seen["own"], min=0.0), 0.0)
    covered = xp.where(told, done, 0.0)
    # Real covers are told to some dealers only; their share in all those that could be stands for the rest.
    share = xp.sum(covered) / xp.clip(xp.sum(xp.where(seen["n_dealers"] > 1, done, 0.0)), min=1e-9)
    covered = covered / xp.clip(share, min=1e-9)
    columns = known[1:] + [done * w for w in known] + [traded * w for w in known]
    columns += [covered * f * w for f in gap_functions(gaps, scales) for w in known[:2]]
    return [xp.mean(column, axis=-1) for column in columns]


def _platform(seen: dict[str, Array], scales: Scales) -> list[Array]:
    """What a platform sees: the best rival's and the second-best quote, their gap, and whether the best was taken."""
    xp = array_namespace(seen["own"])
    known = instruments(seen["best"], seen["n_dealers"] - 1, scales)
    columns = instruments(seen["own"], seen["n_dealers"] - 1, scales)[1:]
    columns += [seen["traded"] * w for w in known]
    for name in ("rival", "cover"):
        there = xp.isfinite(seen[name])
        quotes = xp.where(there, seen[name], scales.centre)
        columns += [xp.where(there, f, 0.0) for f in quote_functions(quotes, scales)]
    there = xp.isfinite(seen["cover"])
    gaps = xp.where(there, seen["cover"], seen["best"]) - seen["best"]
    columns += [xp.where(there, f, 0.0) for f in gap_functions(gaps, scales)[1:]]
    return [xp.mean(column, axis=-1) for column in columns]


def _serial(seen: dict[str, Array], scales: Scales, size: float, *, platform: bool) -> list[Array]:
    """How outcomes and quotes go with the client flow that rivals took before: the mark of their inventories."""
    xp = array_namespace(seen["own"])
    flow = seen["side"] * seen["size"] / size * (seen["traded"] - seen["done"])
    total = xp.cumulative_sum(flow, axis=-1) if hasattr(xp, "cumulative_sum") else xp.cumsum(flow, axis=-1)
    n = flow.shape[-1]
    answers = [seen["done"], seen["traded"]]
    if platform:
        there = xp.isfinite(seen["rival"])
        quotes = (xp.where(there, seen["rival"], scales.centre) - scales.centre) / scales.spread
        answers.append(xp.where(there, quotes, 0.0))
    columns = []
    for nearest, farthest in FLOW_LAGS:
        # Sums over the lags from nearest to farthest, at every step that has all of them in the window.
        first = _LONGEST_LAG + 1
        past = total[..., first - nearest : n - nearest] - total[..., first - farthest - 1 : n - farthest - 1]
        signal = seen["side"][..., first:] * past / (farthest - nearest + 1) ** 0.5
        columns += [xp.mean(answer[..., first:] * signal, axis=-1) for answer in answers]
    return columns


def _labels(*, platform: bool, serial: bool) -> Callable[[int], list[str]]:
    def labels(length: int) -> list[str]:
        names = [f"own: {w}" for w in INSTRUMENTS[1:]]
        if platform:
            names += [f"traded: {w}" for w in INSTRUMENTS]
            names += [f"{quote}: {f}" for quote in ("best rival", "second best") for f in QUOTE_FUNCTIONS]
            names += [f"gap: {f}" for f in GAP_FUNCTIONS[1:]]
        else:
            names += [f"{outcome}: {w}" for outcome in ("done", "traded") for w in INSTRUMENTS]
            names += [f"cover gap: {f} {w}" for f in GAP_FUNCTIONS for w in INSTRUMENTS[:2]]
        if serial:
            answers = ["done", "traded", *(["best rival"] if platform else [])]
            names += [f"{answer} with flow {a} to {b} before" for a, b in FLOW_LAGS for answer in answers]
        return names

    return labels


def rfq_statistics() -> tuple[Statistics, ...]:
    """The game's statistics of requests: what one dealer learns or a platform sees, without or with the flow before."""
    # Imported late: the calibration's table of statistics asks for these while it is being made.
    from simcal.calibration.statistics import Statistics

    own, seen = "what one dealer learns", "what a platform sees"
    descriptions = {
        (False, False): f"{own}: done, traded, cover gaps, by its own quotes",
        (False, True): f"{seen}: best and second-best quotes, their gap, acceptance",
        (True, False): f"{own}, and how it goes with the flow before",
        (True, True): f"{seen}, and how it goes with the flow before",
    }
    return tuple(
        Statistics(
            "requests" + "-inventory" * serial + "-platform" * platform, descriptions[serial, platform],
            _labels(platform=platform, serial=serial), fit=_fit(platform=platform, serial=serial),
            shortest=_LONGEST_LAG + 5 if serial else 2, windows="requests",
        )
        for serial, platform in product((False, True), repeat=2)
    )  # fmt: skip


OWN, PLATFORM, OWN_INVENTORY, PLATFORM_INVENTORY = rfq_statistics()  # by which the registry finds them
