"""Prices to train on and to judge by: windows of the real ones, and simulated windows and samples."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simcal.calibration.gan import GameData
from simcal.calibration.recipe import Bootstrap, Recipe
from simcal.data import PriceSeries
from simcal.errors import DataError, NumericalError, NumericalWarning
from simcal.facts import fit_baseline
from simcal.facts.bootstrap import block_indices
from simcal.models import Market
from simcal.simulation import simulate

SHORTEST_BOOTSTRAP = 250  # returns: about a year of days
_CHUNK = 20_000  # paths
#: samples are paths from this number on: no training reaches it, so their noise is new
FIRST_PATH = 1 << 40


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


@dataclass(frozen=True)
class Samples:
    """Simulated samples of a series' length.

    `prices` of the market, shape (n_samples, n); log returns of the `baselines` by name, each (n_samples, n - 1);
    how each baseline's fit ended; how many of the market's samples hold numbers that are not usable.
    """

    prices: np.ndarray
    baselines: dict[str, np.ndarray]
    fits: dict[str, str]
    n_failed: int

    @property
    def returns(self) -> np.ndarray:
        """Log returns of the market's samples, (n_samples, n - 1); nan where a price is not usable."""
        with np.errstate(divide="ignore", invalid="ignore"):
            r = np.diff(np.log(self.prices))
        return np.where(np.isfinite(r), r, np.nan)

    @property
    def usable(self) -> np.ndarray:
        """Which of the market's samples are finite, positive and move, (n_samples,)."""
        return _usable(self.returns)


def draw_samples(
    market: Market,
    series: PriceSeries,
    *,
    train_share: float,
    n_samples: int,
    burn_in: int,
    seed: int,
    baselines: Sequence[str],
) -> Samples:
    """Samples of the market after `burn_in` steps, and of baselines fitted to the first `train_share` of the series.

    Raises
    ------
    NumericalError
        Not one sample of the market is usable.
    """
    training = training_part(series, train_share)
    with warnings.catch_warnings():
        # Failed paths and fits that did not converge are part of the result.
        warnings.simplefilter("ignore", NumericalWarning)
        paths = simulate(market, n_samples, series.n - 1, seed=seed, burn_in=burn_in, first_path=FIRST_PATH)
        fitted = {name: fit_baseline(name, training.log_returns) for name in baselines}
    returns, fits = {}, {}
    for number, (name, model) in enumerate(fitted.items()):
        with np.errstate(over="ignore", invalid="ignore"):
            r = model.simulate(n_samples, series.n - 1, seed=seed + number)
        fits[name] = model.status
        if _usable(r).any():
            returns[name] = r
        else:
            fits[name] += "; none of its samples is finite, so it is not compared"
    samples = Samples(paths.prices, returns, fits, 0)
    failed = int(np.count_nonzero(~samples.usable))
    if failed == n_samples:
        raise NumericalError(
            f"None of the {n_samples} simulated samples of {series.n - 1} steps is finite and moves, so nothing can be "
            f"judged. {paths.status if paths.status != 'ok' else 'The simulated price stands still.'}"
        )
    return Samples(paths.prices, returns, fits, failed)


def _usable(returns: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.isfinite(returns).all(axis=1) & (returns.max(axis=1) > returns.min(axis=1))
