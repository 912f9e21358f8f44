"""What a study begins with: its truth, data that this makes, places where searches begin, windows of a sample."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from simcal.calibration.recipe import ExperimentRecipe, Recipe, RecoveryRecipe
from simcal.calibration.settings import GameSettings
from simcal.calibration.starts import start_markets
from simcal.calibration.windows import simulated_windows
from simcal.errors import NumericalError, ParameterError, check_names
from simcal.files import write_atomically
from simcal.json_text import json_text
from simcal.models import Market

# They keep the seeds of data, searches, starts and theory apart from each other and from all others.
PATHS, SAMPLE, MOMENTS, STARTS, THEORY = 0xDA7A, 0xDA7C, 0xDA7D, 0xDA7E, 0xDA7F

#: the signals that these weigh are symmetric: with the sign of one changed, the market has the same law
UP_TO_SIGN = ("public_weight", "private_weight")


def seed_of(recipe: Recipe, stream: int, number: int = 0) -> int:
    """The seed of the noise of a stream in a replication."""
    sequence = np.random.SeedSequence(recipe.seed, spawn_key=(stream, number))
    return int(sequence.generate_state(1, np.uint64)[0])


def check_truth(recipe: Recipe, truth: Market) -> None:
    """`ParameterError` unless every trainable parameter of the truth is one number other than 0."""
    check_names(recipe.trainable, truth.SPECS, "a parameter of this market")
    for name in recipe.trainable:
        value = getattr(truth, name)
        if not isinstance(value, (int, float)) or value == 0:
            raise ParameterError(
                f"{name} is {value!r} in the true market, but a study finds numbers again that all traders share and "
                "that are not 0; set one in the recipe's [changes], or leave it out of trainable."
            )


def _usable(prices: np.ndarray) -> np.ndarray:
    if not np.isfinite(prices).all() or prices.min() <= 0:
        raise NumericalError(
            "The true market makes prices that are zero or not finite, so there is nothing to calibrate to; choose "
            "milder parameters in the recipe's [changes]."
        )
    return prices


# -- many paths -----------------------------------------------------------------------------------------------------


def unsigned(market: Market) -> Market:
    """The market with the same law in which the signs that are not identified are positive."""
    return market.replace(**{n: np.abs(getattr(market, n)) for n in UP_TO_SIGN if n in market.SPECS})


def size_of(name: str, value: Any) -> float:
    """The mean over traders of a value, or of its size where the sign is not identified."""
    value = np.asarray(value, dtype=float)
    return float(np.mean(np.abs(value) if name in UP_TO_SIGN else value))


def real_windows(recipe: ExperimentRecipe, truth: Market, replication: int, game: GameSettings) -> np.ndarray:
    """The windows (n_paths, window + 1) of a replication, as a game sees them."""
    return _usable(
        simulated_windows(
            truth, window=game.window, warm_up=game.warm_up, n_paths=recipe.experiment.n_paths,
            seed=seed_of(recipe, PATHS, replication),
        )
    )  # fmt: skip


def whole_paths(market: Market, recipe: Recipe, replication: int, n_paths: int) -> np.ndarray:
    """Prices (n_paths, warm_up + window + 1) of a market on the noise of the replication's real paths, from step 0."""
    length = recipe.game.warm_up + recipe.game.window
    seed = seed_of(recipe, PATHS, replication)
    return simulated_windows(market, window=length, warm_up=0, n_paths=n_paths, seed=seed)


def largest_errors(real: np.ndarray, calibrated: np.ndarray) -> np.ndarray:
    """The largest |P_r(t) - P_c(t)| / P_r(t) along each path, (n_paths,); infinite where a price is not finite."""
    errors = np.max(np.abs(real - calibrated) / real, axis=1)
    return np.where(np.isfinite(errors), errors, math.inf)


def path_starts(recipe: ExperimentRecipe, truth: Market) -> list[Market]:
    """Where the games of each replication begin, by the recipe's law; never at the truth."""
    if recipe.starts.law == "market":
        raise ParameterError(
            "The recipe's starts.law is 'market', but in an experiment that is the truth itself; choose 'normal' or "
            "'scatter'."
        )
    skipped = 1 if recipe.starts.law == "scatter" else 0  # the first of the scattered starts is the truth
    law = recipe.starts.model_copy(update={"count": recipe.experiment.replications + skipped})
    return start_markets(truth, recipe.trainable, recipe.per_trader, law, recipe.seed)[skipped:]


# -- one long sample ------------------------------------------------------------------------------------------------


def sample(recipe: RecoveryRecipe, truth: Market, replication: int) -> np.ndarray:
    """Prices (n_steps + 1,) of one sample of the true market, after the warm-up."""
    seed = seed_of(recipe, SAMPLE, replication)
    size = {"window": recipe.recovery.n_steps, "warm_up": recipe.game.warm_up}
    return _usable(simulated_windows(truth, **size, n_paths=1, seed=seed))[0]


def sample_starts(recipe: RecoveryRecipe, truth: Market, replication: int) -> list[Market]:
    """Where the searches of a replication begin: each parameter times a factor, uniform in its logarithm.

    The factor is turned over where it would leave the parameter's bounds. The game has the first of the starts, the
    method of moments takes the best.
    """
    settings = recipe.recovery
    rng = np.random.default_rng(seed_of(recipe, STARTS, replication))
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


# -- parts that are finished -----------------------------------------------------------------------------------------


def read_finished(path: Path | None, identity: Mapping[str, Any]) -> dict[str, Any] | None:
    """What `write_finished` left there, or None; `ParameterError` where it is of another recipe or sample."""
    if path is None or not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        same = found["identity"] == json.loads(json_text(identity))
        result = found["result"]
    except (ValueError, KeyError, TypeError):
        return None  # it is made anew
    if not same:
        raise ParameterError(
            f"{path} was made by another recipe, seed or market; give another folder, or delete this one to begin anew."
        )
    return result


def write_finished(path: Path | None, identity: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Keep a result for a study that continues."""
    if path is not None:
        write_atomically(path, json_text({"identity": identity, "result": result}))
