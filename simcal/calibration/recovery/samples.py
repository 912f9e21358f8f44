"""What a recovery begins with: samples of the true market, where searches start, and windows of a sample."""

from __future__ import annotations

import numpy as np

from simcal.calibration.recipe import GameSettings, Recipe, RecoverySettings
from simcal.calibration.windows import simulated_windows
from simcal.errors import NumericalError, ParameterError
from simcal.models import Market
from simcal.parameters import check_names

_DATA, _MOMENTS, _STARTS, _THEORY = 0xDA7C, 0xDA7D, 0xDA7E, 0xDA7F  # keep the seeds apart from each other


def check_truth(recipe: Recipe, truth: Market) -> None:
    """`ParameterError` unless every trainable parameter of the truth is one number other than 0."""
    check_names(recipe.trainable, truth.SPECS, "a parameter of this market")
    for name in recipe.trainable:
        value = getattr(truth, name)
        if not isinstance(value, (int, float)) or value == 0:
            raise ParameterError(
                f"{name} is {value!r} in the true market, but a recovery is about single numbers that are not 0; set "
                "one in the recipe's [changes], or leave it out of trainable."
            )


def data_seed(recipe: Recipe, replication: int) -> int:
    """The seed of the noise of a replication's sample."""
    return _seed(recipe, _DATA, replication)


def moments_seed(recipe: Recipe, replication: int) -> int:
    """The seed of the noise that all markets are compared on in a replication's search by moments."""
    return _seed(recipe, _MOMENTS, replication)


def theory_seed(recipe: Recipe) -> int:
    """The seed of the samples that the standard errors by theory are made of."""
    return _seed(recipe, _THEORY, 0)


def sample(recipe: Recipe, settings: RecoverySettings, truth: Market, replication: int) -> np.ndarray:
    """Prices (n_steps + 1,) of one sample of the true market, after the warm-up."""
    prices = simulated_windows(
        truth, window=settings.n_steps, warm_up=recipe.game.warm_up, n_paths=1, seed=data_seed(recipe, replication)
    )[0]
    if not np.isfinite(prices).all() or prices.min() <= 0:
        raise NumericalError(
            "A sample of the true market holds prices that are zero or not finite, so there is nothing to calibrate "
            "to; choose milder parameters in the recipe's [changes]."
        )
    return prices


def starts(recipe: Recipe, settings: RecoverySettings, truth: Market, replication: int) -> list[Market]:
    """Where the searches of a replication begin: each parameter times a factor, uniform in its logarithm.

    The factor is turned over where it would leave the parameter's bounds. The game has the first of the starts, the
    method of moments takes the best.
    """
    rng = np.random.default_rng(_seed(recipe, _STARTS, replication))
    found = []
    for _ in range(settings.candidates):
        changes = {}
        for name, power in zip(recipe.trainable, rng.uniform(-1, 1, len(recipe.trainable)).tolist(), strict=True):
            spec, value, factor = truth.SPECS[name], float(getattr(truth, name)), settings.start_factor**power
            inside = spec.low < value * factor < spec.high
            changes[name] = value * factor if inside else value / factor
        found.append(truth.replace(**changes))
    return found


def overlapping_windows(prices: np.ndarray, game: GameSettings) -> np.ndarray:
    """As many windows (batch, window + 1) of a sample as the game simulates, spread evenly over it."""
    first = np.linspace(0, len(prices) - 1 - game.window, game.batch).round().astype(int)
    return prices[first[:, None] + np.arange(game.window + 1)]


def disjoint_windows(prices: np.ndarray, game: GameSettings) -> np.ndarray:
    """The windows (n, windows per path, window + 1) of samples (n, steps + 1) as the game takes them from a path."""
    starts = np.arange(game.windows_per_path) * game.window
    return prices[:, starts[:, None] + np.arange(game.window + 1)]


def _seed(recipe: Recipe, stream: int, number: int) -> int:
    sequence = np.random.SeedSequence(recipe.seed, spawn_key=(stream, number))
    return int(sequence.generate_state(1, np.uint64)[0])
