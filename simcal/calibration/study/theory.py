r"""The standard errors of a method by theory, and the directions in which it is blind.

With J the derivatives of the mean statistics, V their covariance over samples, W the weights that a method gives them
and S the simulated samples that it compares a sample with, an estimate from one sample has the covariance

.. math:: (1 + 1/S)\,(J'WJ)^{-1} J'W V W J (J'WJ)^{-1},

with efficient weights, W = V^-1, it is (1 + 1/S) (J' V^-1 J)^-1 (Hansen, Econometrica 50, 1982; Duffie and Singleton,
Econometrica 61, 1993). A linear Wasserstein discriminator gives weights to the statistics as they are normalised.
Linear around the truth, this says little where a standard error is as large as its parameter, other than that.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from simcal.calibration.bound import mean_derivatives
from simcal.calibration.moments import sample_moments
from simcal.calibration.recipe import GameSettings, Recipe, RecoveryRecipe
from simcal.calibration.statistics import statistics
from simcal.calibration.study.data import THEORY, disjoint_windows, overlapping_windows, seed_of
from simcal.errors import NumericalError
from simcal.models import Market

_STEP = 0.05  # of the derivatives, relative to a parameter
_CHUNK = 250  # samples at a time
_OVERLAPPED = 400  # samples for the covariance of the means over overlapping windows
_SHARE = 0.2  # of a direction, from which on a parameter is named in words
_TIGHT = 0.7  # correlation, from which on two parameters are named in words
_PAIRS = 6  # of these at most
_BLIND = 1.0  # relative standard error, from which on a direction is called weak


@dataclass(frozen=True)
class Theory:
    """What a method could reach: its own covariance of the estimates, and the efficient standard errors.

    `covariance` (parameters, parameters) is that of the method's own weights for one sample; `efficient` (parameters,)
    are the standard errors of the best weights on the same statistics.
    """

    method: str
    names: tuple[str, ...]
    truth: np.ndarray
    covariance: np.ndarray
    efficient: np.ndarray

    @property
    def standard_errors(self) -> np.ndarray:
        """Of the method's own weights, (parameters,)."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def correlations(self) -> np.ndarray:
        """Of the estimates, (parameters, parameters)."""
        errors = self.standard_errors
        return self.covariance / np.outer(errors, errors)

    def directions(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard errors along the principal directions (largest first) and the directions, one per row.

        Both are of relative changes, as parameters have different units: a direction (0.8, -0.6) means 80 % more of
        the first with 60 % less of the second, as a share of the true sizes. They are the eigenvectors of the
        information J'WJ (V^-1 for W) on that scale; the largest component of each is positive.
        """
        size = np.abs(self.truth)
        values, vectors = np.linalg.eigh(self.covariance / np.outer(size, size))
        rows = vectors.T[::-1]
        signs = np.sign(rows[np.arange(len(rows)), np.argmax(np.abs(rows), axis=1)])
        return np.sqrt(np.maximum(values[::-1], 0)), rows * signs[:, None]

    def direction_table(self) -> pd.DataFrame:
        """A row per direction, the weakest first: its standard error in per cent, its components."""
        errors, rows = self.directions()
        table = pd.DataFrame(rows, columns=list(self.names))
        table.insert(0, "standard error (%)", 100 * errors)
        table.insert(0, "method", self.method)
        return table

    def correlation_table(self) -> pd.DataFrame:
        """A row per parameter: its correlations with the others."""
        table = pd.DataFrame(self.correlations, columns=list(self.names))
        table.insert(0, "parameter", list(self.names))
        table.insert(0, "method", self.method)
        return table

    def in_words(self) -> list[str]:
        """Sentences: the weakest direction, others that are weak, pairs that stand in for each other."""
        errors, rows = self.directions()
        said = []
        for k, (error, row) in enumerate(zip(errors, rows, strict=True)):
            if k > 0 and error < _BLIND:
                break
            order = np.argsort(-np.abs(row))
            parts = [f"{self.names[i]} {100 * row[i]:+.0f} %" for i in order if abs(row[i]) >= _SHARE]
            which = "weakest direction" if k == 0 else "next weak direction"
            said.append(f"By {self.method}, the {which} is {', '.join(parts)} (standard error {100 * error:.0f} %).")
        pairs = [
            (float(self.correlations[i, j]), self.names[j], self.names[i])
            for i in range(len(self.names))
            for j in range(i)
        ]
        tight = sorted((pair for pair in pairs if abs(pair[0]) >= _TIGHT), key=lambda pair: -abs(pair[0]))[:_PAIRS]
        if tight:
            named = ", ".join(f"{one} {'against' if c < 0 else 'with'} {other} ({c:+.2f})" for c, one, other in tight)
            said.append(f"By {self.method}, errors are most tied to each other in {named}, correlations in brackets.")
        return said

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Theory:
        """What `to_dict` gave, also as JSON reads it."""
        arrays = {n: np.array(values[n], dtype=float) for n in ("truth", "covariance", "efficient")}
        return cls(method=values["method"], names=tuple(values["names"]), **arrays)


def theory(method: str, recipe: RecoveryRecipe, truth: Market) -> Theory:
    """The theory of one method at the truth of a study by long samples, by simulation.

    Raises
    ------
    NumericalError
        The statistics do not identify the parameters.
    """
    if method == "moments":
        return _of_moments(recipe, truth)
    return _of_game(recipe, truth)


def theory_of(
    method: str, recipe: Recipe, truth: Market, jacobian: np.ndarray, covariance: np.ndarray,
    weights: np.ndarray | None, factor: float,
) -> Theory:  # fmt: skip
    """The theory from J (m, parameters), V (m, m), W (m, m; None: efficient ones) and 1 + 1/S."""
    names = recipe.trainable
    values = np.array([float(getattr(truth, name)) for name in names])
    size = np.abs(values)  # equations in relative changes are better conditioned
    slopes = jacobian * size
    best = slopes.T @ np.linalg.solve(covariance, slopes)
    if not np.isfinite(best).all() or np.linalg.cond(best) > 1e12:
        raise NumericalError(
            f"The statistics of the method {method} do not identify {', '.join(names)} together; train fewer "
            "parameters or choose other statistics."
        )
    efficient = factor * np.linalg.inv(best)
    own = efficient
    if weights is not None:
        gain = np.linalg.solve(slopes.T @ weights @ slopes, slopes.T @ weights)
        own = factor * gain @ covariance @ gain.T
    return Theory(method, tuple(names), values, own * np.outer(size, size), np.sqrt(np.diag(efficient)) * size)


def _of_moments(recipe: RecoveryRecipe, truth: Market) -> Theory:
    def moments(market: Market) -> np.ndarray:
        return sample_moments(
            market, recipe.recovery.moments, n_steps=recipe.recovery.n_steps, warm_up=recipe.game.warm_up,
            n_samples=recipe.recovery.bound_samples, seed=seed_of(recipe, THEORY),
        )  # fmt: skip

    covariance = np.cov(moments(truth), rowvar=False)
    jacobian = mean_derivatives(truth, recipe.trainable, moments, _STEP)
    return theory_of("moments", recipe, truth, jacobian, covariance, None, 1 + 1 / recipe.recovery.simulated)


def _of_game(recipe: RecoveryRecipe, truth: Market) -> Theory:
    game = recipe.game
    measure = statistics(game.statistics)
    function = measure.fitted(overlapping_windows(_samples(recipe, truth, 0, 1)[0], game))

    def means(market: Market) -> np.ndarray:
        parts = []
        for first in range(0, recipe.recovery.bound_samples, _CHUNK):
            n = min(_CHUNK, recipe.recovery.bound_samples - first)
            windows = disjoint_windows(_samples(recipe, market, first, n), game)
            parts.append(function(windows.reshape(-1, game.window + 1)).reshape(n, game.windows_per_path, -1).mean(1))
        return np.concatenate(parts)

    observed, within = [], []
    for first in range(0, min(_OVERLAPPED, recipe.recovery.bound_samples), _CHUNK):
        n = min(_CHUNK, _OVERLAPPED - first, recipe.recovery.bound_samples - first)
        for prices in _samples(recipe, truth, first, n):
            features = function(overlapping_windows(prices, game))
            observed.append(features.mean(axis=0))
            within.append(np.cov(features, rowvar=False, bias=True))
    jacobian = mean_derivatives(truth, recipe.trainable, means, _STEP)
    covariance = np.cov(np.stack(observed), rowvar=False)
    # The many simulated windows of a game leave no noise of their own worth counting.
    return theory_of("adversarial", recipe, truth, jacobian, covariance, _weights(np.mean(within, axis=0), game), 1.0)


def _samples(recipe: RecoveryRecipe, market: Market, first: int, n: int) -> np.ndarray:
    return market.simulate_chunk(
        seed_of(recipe, THEORY), first, n, recipe.recovery.n_steps, save=(), every=1, burn_in=recipe.game.warm_up,
        dtype="float64", threads=1,
    )["prices"]  # fmt: skip


def _weights(covariance: np.ndarray, game: GameSettings) -> np.ndarray:
    """W of a discriminator on statistics that are normalised by their law within a sample."""
    scale = np.sqrt(np.diag(covariance))
    if game.normalise == "standardise":
        return np.diag(1 / scale**2)
    correlation = covariance / np.outer(scale, scale) * (1 - game.shrinkage)
    np.fill_diagonal(correlation, 1.0)
    return np.linalg.inv(correlation) / np.outer(scale, scale)
