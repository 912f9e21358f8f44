"""Windows of prices: the real ones that a recipe trains on, and simulated ones."""

from __future__ import annotations

import numpy as np

from simcal.calibration.gan import GameData
from simcal.calibration.recipe import Bootstrap, Recipe
from simcal.data import PriceSeries
from simcal.errors import DataError
from simcal.facts.bootstrap import block_indices
from simcal.models import Market

SHORTEST_BOOTSTRAP = 250  # returns: about a year of days
_CHUNK = 20_000  # paths


def training_windows(series: PriceSeries, recipe: Recipe) -> GameData:
    """Windows of the first part of a series: to train on and, if the recipe says so, to validate on.

    Validation windows lie around the middle of every so many windows' length, spread evenly over the training part; no
    return is in a training and in a validation window.
    """
    length = recipe.game.window
    part = training_part(series, recipe.train_share)
    needed = SHORTEST_BOOTSTRAP if recipe.bootstrap is not None else 2 * length
    if part.n - 1 < needed:
        raise DataError(
            f"The series {series.name} has {part.n - 1} returns to train on, but the recipe {recipe.name} needs "
            f"at least {needed}; give a longer series or another recipe."
        )
    if recipe.bootstrap is not None:
        return GameData(_bootstrap(part.log_returns, recipe.bootstrap, length, recipe.seed))
    starts = np.arange(0, part.n - length, recipe.window_stride)
    prices = part.prices
    if recipe.validation_share == 0:
        return GameData(prices[starts[:, None] + np.arange(length + 1)])
    every = round(1 / recipe.validation_share)
    reach = length // 4  # validation windows start up to so far before and after their place
    held = np.arange(every // 2, (part.n - 1) // length, every) * length
    apart = np.all(np.abs(starts[:, None] - held) >= length + reach, axis=1)
    near = np.any(np.abs(starts[:, None] - held) <= reach, axis=1)
    if apart.sum() < 2 or near.sum() < 2:
        raise DataError(
            f"The series {series.name} is too short for a validation_share of {recipe.validation_share:g}; "
            "set it to 0, or give a longer series, a shorter game.window or a smaller window_stride."
        )
    index = np.arange(length + 1)
    return GameData(prices[starts[apart][:, None] + index], prices[starts[near][:, None] + index])


def training_part(series: PriceSeries, share: float) -> PriceSeries:
    """The first `share` of a series' returns, all of it where the share is 1."""
    return series.split(share)[0] if share < 1 else series


def _bootstrap(returns: np.ndarray, rule: Bootstrap, length: int, seed: int) -> np.ndarray:
    """Windows of prices (count, length + 1) that start at 100."""
    rng = np.random.default_rng([seed, length])
    positions = block_indices(len(returns), min(rule.block, len(returns) // 2), rule.count, rng, length)
    return 100 * np.exp(np.concatenate([np.zeros((rule.count, 1)), np.cumsum(returns[positions], axis=1)], axis=1))


def simulated_windows(market: Market, *, window: int, warm_up: int, n_paths: int, seed: int) -> np.ndarray:
    """Prices (n_paths, window + 1) after the warm-up, one window per path, from the kernel in float64."""
    parts = []
    for first in range(0, n_paths, _CHUNK):
        prices = market.simulate_chunk(
            seed, first, min(_CHUNK, n_paths - first), window,
            save=(), every=1, burn_in=warm_up, dtype="float64", threads=None,
        )["prices"]  # fmt: skip
        parts.append(prices)
    return np.concatenate(parts)
