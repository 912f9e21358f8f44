"""Simulated moments: the free scale, weights, and parameters found again at two truths."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from simcal import models
from simcal.calibration.moments import bootstrap_moments, fit_moments, sample_moments
from simcal.calibration.scale import FreeScale
from simcal.calibration.study.data import MOMENTS, sample, sample_starts, seed_of
from simcal.calibration.study.theory import theory
from simcal.errors import NumericalError, ParameterError

sys.path.insert(0, str(Path(__file__).parent))
from small import small_recipe

TRUTH = models.load("herding")


def test_the_free_scale_goes_there_and_back():
    names = ("value_sensitivity", "trend_sensitivity", "misalignment")
    free = FreeScale(TRUTH, names)
    market = TRUTH.replace(value_sensitivity=0.3, trend_sensitivity=-4.0, misalignment=60.0)
    vector = free.free_of(market)
    specs = market.SPECS
    np.testing.assert_allclose(
        vector, [np.log(0.3), -4.0 / specs["trend_sensitivity"].scale, 60.0 / specs["misalignment"].scale]
    )
    again = free.market(vector)
    for name in names:
        assert getattr(again, name) == pytest.approx(getattr(market, name), rel=1e-12)
    with pytest.raises(ParameterError):
        free.market(np.array([np.nan, 0.0, 0.0]))


def test_moments_do_not_depend_on_how_many_samples_are_made_at_once():
    size = {"n_steps": 600, "warm_up": 10, "seed": 3}
    whole = sample_moments(TRUTH, "franke-westerhoff", n_samples=300, **size)
    assert whole.shape == (300, 9)
    np.testing.assert_allclose(
        sample_moments(TRUTH, "franke-westerhoff", n_samples=5, first=248, **size), whole[248:253], rtol=1e-9
    )


def test_a_market_that_explodes_is_a_numerical_error():
    with pytest.raises(NumericalError, match="not finite"):
        sample_moments(
            TRUTH.replace(trend_sensitivity=1e6), "franke-westerhoff", n_steps=600, warm_up=0, n_samples=2, seed=0
        )


@pytest.mark.parametrize("seed", [0, 1])
def test_the_bootstrap_of_independent_returns_has_their_mean_size_and_its_standard_error(seed):
    r = 0.01 * np.random.default_rng(seed).standard_normal(1200)
    prices = np.exp(np.concatenate([[0.0], np.cumsum(r)]))
    drawn = bootstrap_moments(prices, "franke-westerhoff", block=5, count=600, seed=seed)
    size = 100 * np.abs(r)
    error = size.std() / np.sqrt(1200)
    assert abs(drawn[:, 0].mean() - size.mean()) < 4 * error / np.sqrt(600)
    # Blocks of five of independent values vary as single ones, to some per cent in one sample.
    assert drawn[:, 0].std() / error == pytest.approx(1, abs=0.2)


TRUTHS = pytest.mark.parametrize("changes", [{}, {"fundamental_sd": 1.2, "chartist_sd": 1.6, "herding": 1.2}])


def estimate(recipe, truth, replication):
    return fit_moments(
        sample(recipe, truth, replication), sample_starts(recipe, truth, replication), recipe.trainable,
        recipe.recovery, warm_up=100, seed=seed_of(recipe, MOMENTS, replication), replication=replication,
    )  # fmt: skip


@TRUTHS
def test_one_parameter_is_found_again_within_its_standard_error(changes):
    recipe = small_recipe(trainable=["chartist_sd"], recovery__n_steps=2500, recovery__bound_samples=200)
    truth = TRUTH.replace(**changes)
    error = theory("moments", recipe, truth).standard_errors[0]
    for r in range(3):
        fit = estimate(recipe, truth, r)
        assert fit.succeeded, fit.status
        assert abs(fit.value("chartist_sd") - truth.chartist_sd) < 4 * error


@pytest.mark.slow
@TRUTHS
def test_what_is_found_fits_the_moments_as_the_truth_does(changes):
    # At the truth g' W g / (1 + 1/S) is chi-square with 9 degrees of freedom; the least over two parameters is less.
    # A place that it is larger than at is no minimum. The two deviations can change places: the moments alone do not
    # tell who is who in every sample, so that the parameters themselves are not compared here.
    recipe = small_recipe(recovery__n_steps=2500, recovery__simulated=5, recovery__candidates=10, recovery__searches=2)
    for r in range(2):
        fit = estimate(recipe, TRUTH.replace(**changes), r)
        assert fit.succeeded, fit.status
        assert fit.objective / (1 + 1 / 5) < stats.chi2.ppf(0.9999, 9)


def test_a_spent_budget_is_said_and_the_start_or_better_is_kept():
    recipe = small_recipe()
    begin = sample_starts(recipe, TRUTH, 0)
    fit = fit_moments(
        sample(recipe, TRUTH, 0), begin, recipe.trainable, recipe.recovery, warm_up=100, seed=1,
        budget=1e-9,
    )  # fmt: skip
    assert not fit.succeeded
    assert "time budget" in fit.status
    assert fit.value("chartist_sd") == pytest.approx(begin[0].chartist_sd)
