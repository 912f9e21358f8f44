"""How far days of returns are from real ones: optimal transport between clouds of points, beside its floor.

Two finite samples of one law are not at distance 0. The floor is the distance of real days from other real days at the
same number of points: what a perfect market would be expected to have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from simcal.errors import DataError, ParameterError
from simcal.learning.emergence.settings import ARMS
from simcal.noise import check_integer

CLOUDS = {"returns": "returns", "tails": "tail of |returns|", "lags": "|returns| now and later"}
"""The clouds, and words for them."""
LATER = (1, *range(10, 71, 10))
"""Lags in bars at which the third cloud looks at |returns| beside the present one."""
N_POINTS = 1500
_TAIL = 0.05
_FEWEST = 20  # points of a cloud


class Distance(NamedTuple):
    """Distances, sums of the squared ones of all clouds.

    Attributes
    ----------
    total
        Between market and real days, mean over draws of the points.
    floor
        Between real days and other real days, likewise.
    table
        A row per cloud: cloud, points, distance, its deviation over draws, floor, its deviation.
    """

    total: float
    floor: float
    table: pd.DataFrame


@dataclass(frozen=True)
class Distances:
    """Distances of runs to a real series.

    Attributes
    ----------
    name, kind, n_days
        Of the series: its name, "intraday days" or "windows of daily prices", and how many.
    runs, floors
        (arm, seed, acting, clock) to the distance, and to the floor at the same numbers of points.
    """

    name: str
    kind: str
    n_days: int
    runs: Mapping[tuple[str, int, str, str], float]
    floors: Mapping[tuple[str, int, str, str], float]

    def table(self, clock: str) -> list[dict[str, Any]]:
        """A row per arm and acting: median distance over runs, the smallest and largest, and the median floor."""
        rows = []
        for arm in ARMS:
            for acting in dict.fromkeys(key[2] for key in self.runs if key[0] == arm):
                keys = [key for key in self.runs if (key[0], key[2], key[3]) == (arm, acting, clock)]
                found = np.array([self.runs[key] for key in keys])
                rows.append({
                    "arm": arm, "acting": acting, "distance": float(np.median(found)),
                    "smallest": float(found.min()), "largest": float(found.max()),
                    "floor": float(np.median([self.floors[key] for key in keys])), "runs": len(keys),
                })  # fmt: skip
        return rows


def squared_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Squared 2-Wasserstein distance per dimension of two clouds of equally many points, exact.

    Parameters
    ----------
    first, second
        (n,) or (n, d); every point has the same mass.

    Raises
    ------
    ParameterError
        The clouds differ in shape.
    """
    x, y = np.asarray(first, float), np.asarray(second, float)
    if x.shape != y.shape or x.ndim > 2 or not x.size:
        raise ParameterError(
            f"The clouds have shapes {x.shape} and {y.shape}, but must be alike, (n,) or (n, d): draw the same number "
            "of points from both."
        )
    if x.ndim == 1 or x.shape[1] == 1:
        return float(np.mean((np.sort(x, axis=0) - np.sort(y, axis=0)) ** 2))
    costs = cdist(x, y, "sqeuclidean")
    return float(costs[linear_sum_assignment(costs)].mean() / x.shape[1])


def clouds(z: np.ndarray) -> dict[str, np.ndarray]:
    """The three clouds of z-scored returns of days, with all their points.

    Parameters
    ----------
    z
        (n_days, n), more than 70 returns a day.

    Returns
    -------
    ``returns`` (m,); ``tails`` (k,): log(x / x_min) of the largest 5 % of |returns|; ``lags`` (l, 9): |returns| of a
    bar and of those 1, 10, 20, ..., 70 bars later on the same day.

    Source: the code of arXiv 2511.05207.
    """
    z = np.asarray(z, float)
    if z.ndim != 2 or z.shape[1] <= LATER[-1] or not len(z):
        raise DataError(
            f"Returns have shape {z.shape}, but must be (days, bars) with more than {LATER[-1]} bars a day and at "
            "least one day."
        )
    sizes = np.abs(z)
    ordered = np.sort(sizes, axis=None)
    k = max(int(_TAIL * ordered.size), 1)
    tail = ordered[-k:]
    n = z.shape[1] - LATER[-1]
    lags = np.stack([sizes[:, lag : lag + n] for lag in (0, *LATER)], axis=-1).reshape(-1, 1 + len(LATER))
    return {"returns": z.ravel(), "tails": np.log(tail / tail[0]), "lags": lags}


def distance(
    market: np.ndarray,
    real: np.ndarray,
    *,
    n_points: int = N_POINTS,
    draws: int = 3,
    seed: int = 0,
    floors: dict[tuple[str, int, int], float] | None = None,
) -> Distance:
    """The distance between days of a market and real days, with its floor.

    In each draw the points of a real cloud are split at random: the market is compared with one part, and the other
    part with that too. Both have the same number of points, `n_points` or what half the real cloud has.

    Parameters
    ----------
    market, real
        z-scored returns, (n_days, n); the numbers of days and of bars may differ.
    n_points, draws, seed
        Points at most, draws of them, and the seed of these.
    floors
        Where what is found of the real days alone is kept: give the same one with every market that is compared with
        the same real days by the same seed, and the floor is found once.

    Raises
    ------
    DataError
        Too few returns.
    """
    n_points, draws = check_integer("n_points", n_points, 2, 10**5), check_integer("draws", draws, 1, 10**4)
    floors = {} if floors is None else floors
    ours, theirs, rows = clouds(market), clouds(real), []
    for number, name in enumerate(CLOUDS):
        x, y = ours[name], theirs[name]
        n = min(n_points, len(x), len(y) // 2)
        if n < _FEWEST:
            raise DataError(
                f"There are {len(y)} points of real {CLOUDS[name]} and {len(x)} of the market, but {2 * _FEWEST} and "
                f"{_FEWEST} are needed; give a longer series or more days."
            )
        found = []
        for draw in range(draws):
            generator = np.random.default_rng((seed, number, draw))
            split, picked = generator.permutation(len(y)), generator.permutation(len(x))[:n]
            one, other = y[split[:n]], y[split[n : 2 * n]]
            if (name, n, draw) not in floors:
                floors[name, n, draw] = squared_distance(other, one)
            found.append((squared_distance(x[picked], one), floors[name, n, draw]))
        means, sds = np.mean(found, axis=0), np.std(found, axis=0)
        rows.append({"cloud": name, "points": n, "distance": means[0], "sd": sds[0], "floor": means[1],
                     "floor sd": sds[1]})  # fmt: skip
    table = pd.DataFrame(rows)
    return Distance(sum(row["distance"] for row in rows), sum(row["floor"] for row in rows), table)
