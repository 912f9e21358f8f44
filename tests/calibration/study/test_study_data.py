"""Samples, starts and windows of a recovery."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from simcal import models
from simcal.calibration.study.data import (
    MOMENTS,
    PATHS,
    SAMPLE,
    THEORY,
    check_truth,
    disjoint_windows,
    overlapping_windows,
    sample,
    sample_starts,
    seed_of,
)
from simcal.errors import ParameterError

sys.path.insert(0, str(Path(__file__).parent))
from small import small_recipe


def test_no_two_seeds_of_a_recovery_are_the_same():
    for seed in (0, 1, 2**63):
        recipe = small_recipe(seed=seed)
        seeds = [seed_of(recipe, stream, r) for stream in (PATHS, SAMPLE, MOMENTS) for r in range(50)]
        assert len({seed, seed_of(recipe, THEORY), *seeds}) == 152
        assert all(0 <= s < 2**64 for s in seeds)


def test_every_sample_is_another_one_and_the_same_when_made_again():
    recipe, truth = small_recipe(), models.load("herding")
    made = [sample(recipe, truth, r) for r in (0, 1, 0)]
    assert made[0].shape == (1201,)
    np.testing.assert_array_equal(made[0], made[2])
    assert not np.array_equal(made[0], made[1])


@pytest.mark.parametrize("factor", [1.3, 2.0])
def test_starts_are_the_truth_times_factors_uniform_in_their_logarithm(factor):
    recipe = small_recipe(trainable=["fundamental_sd", "predisposition"], recovery__start_factor=factor)
    truth = models.load("herding")
    found = [sample_starts(recipe, truth, r)[0] for r in range(400)]
    for name in recipe.trainable:
        powers = np.log([getattr(m, name) / getattr(truth, name) for m in found]) / np.log(factor)
        assert np.abs(powers).max() <= 1 + 1e-12
        assert abs(powers.mean()) < 4 / np.sqrt(3 * 400)  # U(-1, 1) has variance 1/3
        assert powers.std() == pytest.approx(3**-0.5, rel=0.1)
    assert found[0].chartist_sd == truth.chartist_sd


def test_starts_stay_inside_the_bounds_and_the_first_does_not_depend_on_their_number():
    recipe = small_recipe(
        market="stock-sp500", trainable=["leverage_correlation"], changes={"leverage_correlation": -0.8},
        recovery__candidates=3,
    )  # fmt: skip
    truth = models.load("stock-sp500").replace(leverage_correlation=-0.8)
    found = [m.leverage_correlation for r in range(40) for m in sample_starts(recipe, truth, r)]
    assert len(set(found)) == 120
    assert min(found) > -1
    one = small_recipe(
        market="stock-sp500", trainable=["leverage_correlation"], changes={"leverage_correlation": -0.8},
        recovery__candidates=1,
    )  # fmt: skip
    assert sample_starts(one, truth, 3)[0] == sample_starts(recipe, truth, 3)[0]


def test_windows_reach_from_the_first_to_the_last_price():
    game = small_recipe().game
    prices = np.arange(1201.0)
    windows = overlapping_windows(prices, game)
    assert windows.shape == (24, 301)
    assert windows[0, 0] == 0
    assert windows[-1, -1] == 1200
    assert set(np.diff(windows[:, 0])) <= {39.0, 40.0}


def test_disjoint_windows_are_those_that_the_game_takes_from_a_path():
    game = small_recipe().game
    paths = np.random.default_rng(0).standard_normal((3, 1301))
    found = disjoint_windows(paths, game)
    unfolded = torch.as_tensor(paths[:, :1201]).unfold(1, 301, 300)
    np.testing.assert_array_equal(found, unfolded.numpy())


@pytest.mark.parametrize(
    ("changes", "trainable", "message"),
    [
        ({"herding": 0.0}, ["herding"], r"herding is 0.0 in the true market, .* \[changes\]"),
        ({}, ["fundamental_ds"], "did you mean 'fundamental_sd'"),
    ],
)
def test_truths_that_cannot_be_recovered_are_refused(changes, trainable, message):
    with pytest.raises(ParameterError, match=message):
        check_truth(small_recipe(trainable=trainable), models.load("herding").replace(**changes))
