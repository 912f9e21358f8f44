"""Gradients of the game by differences beside those along the paths."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from simcal import models
from simcal.calibration.gan import Game, GameData
from simcal.calibration.study.data import overlapping_windows, sample

sys.path.insert(0, str(Path(__file__).parent))
from small import small_recipe


def gradients(difference, iteration, seed, **changes):
    """Of the generator's loss under the first discriminator, on the noise of an iteration."""
    recipe = small_recipe(trainable=["fundamental_sd", "chartist_sd", "trend_sensitivity"], game__dtype="float64")
    truth = models.load("herding").replace(**changes)
    settings = recipe.game.model_copy(update={"difference": difference, "generator_rate": 1e-9})
    windows = overlapping_windows(sample(recipe, truth, 0), recipe.game)
    game = Game(truth, recipe.trainable, GameData(windows), settings, seed=seed)
    game.iteration = iteration  # even or odd: the side; the noise is that of iteration 0
    with torch.set_grad_enabled(difference is None):
        fake = game.normaliser(game._features(game._simulate(0)))
    simulate = game._simulate
    game._simulate = lambda _: simulate(0)
    game._generator_step(fake)
    return np.array([float(p.grad) for p in game.twin.parameters()])


@pytest.mark.parametrize("seed", [0, 1])
def test_the_mean_of_both_sides_is_the_gradient_along_the_paths_where_herding_is_mild(seed):
    exact = gradients(None, 0, seed, herding=1.0)
    # So small a step that hardly a return changes its sign: |r| has a kink there.
    both = [gradients(1e-6, side, seed, herding=1.0) for side in (0, 1)]
    np.testing.assert_allclose(np.mean(both, axis=0), exact, rtol=1e-4, atol=1e-5 * np.abs(exact).max())
    assert not np.array_equal(*both)  # one side, then the other


def test_parameters_are_put_back_to_the_bit():
    recipe = small_recipe(game__generator_rate=1e-30)
    truth = models.load("herding")
    game = Game(truth, recipe.trainable, GameData(overlapping_windows(sample(recipe, truth, 0),
                recipe.game)), recipe.game)  # fmt: skip
    before = game.values()
    game.step()
    assert game.values() == pytest.approx(before, rel=1e-12)
