"""What orders do to the price: the difference of log prices with and without them on the same noise, path by path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from simcal.trading.bands import Noise, check_level, half_width
from simcal.trading.orders.engine import play
from simcal.trading.orders.forms import Strategy
from simcal.trading.orders.strategies import equal_profile, execution
from simcal.trading.orders.terms import Terms
from simcal.trading.result import over_time

DURATION, AFTER, PATHS = 20, 40, 500


@dataclass(frozen=True, eq=False)
class ImpactExponent:
    """The slope of a line through log impact against log size.

    Parameters
    ----------
    value, standard_error, low, high
        By least squares on the mean impacts; the standard error is that of the noise over paths (by its influence
        function, the sizes sharing their noise), not of a power law that does not hold.
    n_sizes
        Points of the line: sizes with a mean impact above 0.
    """

    value: float
    standard_error: float
    low: float
    high: float
    n_sizes: int

    def __str__(self) -> str:
        if self.value != self.value:
            return "that cannot be told, as fewer than two sizes have a mean impact above 0"
        from simcal.report import give_or_take

        return give_or_take(self.value, self.high)


@dataclass(frozen=True, eq=False)
class ImpactLaw:
    """How the impact of a metaorder, bought in equal parts over `duration` steps, grows with its size.

    Parameters
    ----------
    curve
        A row per size (traders): ``size``, ``impact`` (mean log price difference when the last part is bought) with
        ``standard_error``, ``low``, ``high``, and ``left``, what is left of it `after` steps later, likewise.
    over_time
        A row per size and step: ``size``, ``step``, ``mean``, ``standard_error``, ``low``, ``high``.
    by_speed
        Exponent over sizes bought in the same time: larger is faster.
    by_length
        Exponent over sizes bought at the same speed, that of the largest: larger takes longer.
    duration, after
        Steps of buying, and steps looked at afterwards.
    """

    curve: pd.DataFrame
    over_time: pd.DataFrame
    by_speed: ImpactExponent
    by_length: ImpactExponent
    duration: int
    after: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values; the curve as a list of rows."""
        return {
            "curve": self.curve.to_dict("records"), "by_speed": vars(self.by_speed), "by_length": vars(self.by_length),
            "duration": self.duration, "after": self.after,
        }  # fmt: skip

    def summary(self) -> list[str]:
        """What came out of the check against the square root, in sentences."""
        last = self.curve.iloc[-1]
        kept = last["left"] / last["impact"] if last["impact"] > 0 else float("nan")
        left = f"{100 * kept:.2g} %" if abs(kept) >= 0.001 else "less than 0.1 %"
        return [
            f"Bought in the same {self.duration} steps, a metaorder moves the price in proportion to its size to the "
            f"power {self.by_speed}; bought at the same speed, so that a larger one takes longer, to the power "
            f"{self.by_length}. Real metaorders show about 0.5.",
            f"{self.after} steps after the last part {left} of the impact is left.",
        ]


def impact_law(
    market: Any,
    sizes: Sequence[float],
    *,
    noise: Noise,
    duration: int = DURATION,
    after: int = AFTER,
    level: float = 0.95,
    told: Callable[[int], None] | None = None,
) -> ImpactLaw:
    """Buy metaorders of several sizes on the same noise, and fit impact against size.

    Parameters
    ----------
    market
        With a ``stepper``.
    sizes
        Traders of the model, above 0.
    noise
        Its seed, first path and burn-in; at most `PATHS` of its paths.
    duration, after
        Steps of buying, and steps to look at afterwards.
    level
        Of the bands.
    told
        Called with the number of paths of each play.

    Notes
    -----
    Impact of real metaorders grows like the square root of their size: B. Toth and others, "Anomalous price impact and
    the critical nature of liquidity in financial markets", Physical Review X 1 (2011). A market whose price answers in
    proportion to the excess demand has an exponent near 1 by speed.
    """
    check_level("level", level)
    some = replace(noise, n_paths=min(noise.n_paths, PATHS), n_steps=duration + after)
    order = Strategy("metaorder", execution(1.0, equal_profile(duration)), "arrays")
    plays = []
    for size, frozen in ((sizes[-1], True), *((size, False) for size in sizes)):
        plays.append(play([order], market, some, Terms((size,)), frozen=frozen))
        if told is not None:
            told(some.n_paths)
    good = np.all([p.failed == 0 for p in plays], axis=0)
    base, *logs = (np.log(p.prices[good]) for p in plays)
    moved = [log - base for log in logs]  # (n, steps + 1) per size
    steps = np.arange(duration + after + 1)
    frames, rows = [], []
    for size, m in zip(sizes, moved, strict=True):
        frames.append(
            banded_over_time(steps, m, level)[["step", "mean", "standard_error", "low", "high"]].assign(size=size)
        )
        top, left = (frames[-1].loc[t] for t in (duration, duration + after))
        rows.append({
            "size": size, "impact": top["mean"], **{k: top[k] for k in ("standard_error", "low", "high")},
            "left": left["mean"], **{f"left_{k}": left[k] for k in ("standard_error", "low", "high")},
        })  # fmt: skip
    bought = steps[1 : duration + 1]
    return ImpactLaw(
        pd.DataFrame(rows),
        pd.concat(frames, ignore_index=True),
        fit_exponent(np.array(sizes), np.stack([m[:, duration] for m in moved], axis=1), level),
        fit_exponent(sizes[-1] * bought / duration, moved[-1][:, bought], level),
        duration,
        after,
    )


def fit_exponent(sizes: np.ndarray, impacts: np.ndarray, level: float = 0.95) -> ImpactExponent:
    """The slope of log mean impact on log size, with its standard error over paths.

    Parameters
    ----------
    sizes
        (n_sizes,) above 0.
    impacts
        (n_paths, n_sizes) impact of each size on each path.
    """
    mean = impacts.mean(axis=0)
    usable = mean > 0
    if usable.sum() < 2:
        nothing = float("nan")
        return ImpactExponent(nothing, nothing, nothing, nothing, int(usable.sum()))
    x = np.log(sizes[usable])
    weights = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    value = float(weights @ np.log(mean[usable]))
    influence = (impacts[:, usable] / mean[usable] - 1) @ weights
    n = len(influence)
    error = float(influence.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    half = float(half_width(error, level))
    return ImpactExponent(value, error, value - half, value + half, int(usable.sum()))


def banded_over_time(steps: np.ndarray, values: np.ndarray, level: float) -> pd.DataFrame:
    """Differences of log prices (n_paths, n_steps) as a frame: the columns of `over_time`, and of their mean's band.

    ``low``, ``high`` and ``magnitude``, the mean of the absolute difference: strategies that buy and sell have a mean
    near zero. A row ``step`` is the price after so many steps.
    """
    frame = over_time(steps, values)
    half = half_width(frame["standard_error"], level)
    return frame.assign(
        low=frame["mean"] - half, high=frame["mean"] + half, magnitude=np.abs(values).mean(axis=0)
    )  # fmt: skip
