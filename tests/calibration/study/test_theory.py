"""Standard errors by theory against Monte Carlo of linear estimators and against a closed form; directions in words."""

import sys
from pathlib import Path

import numpy as np
import pytest

from simcal import models
from simcal.calibration.study.theory import Theory, theory, theory_of
from simcal.errors import NumericalError

sys.path.insert(0, str(Path(__file__).parent))
from small import small_recipe

NAMES = ("fundamental_sd", "chartist_sd")
TRUTH = models.load("herding")


def linear_problem(seed):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((5, 5))
    return rng, rng.standard_normal((5, 2)), root @ root.T + 0.1 * np.eye(5)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_own_and_efficient_standard_errors_are_those_of_linear_estimators(seed):
    rng, jacobian, covariance = linear_problem(seed)
    weights = np.diag(1 / np.diag(covariance))
    found = theory_of("adversarial", small_recipe(), TRUTH, jacobian, covariance, weights, 1.0)
    draws = rng.multivariate_normal(np.zeros(5), covariance, 20_000)
    gain = np.linalg.solve(jacobian.T @ weights @ jacobian, jacobian.T @ weights)
    spread = (draws @ gain.T).std(axis=0)
    np.testing.assert_allclose(found.standard_errors / spread, 1, atol=4 / np.sqrt(2 * 20_000))
    best = np.linalg.inv(covariance)
    gain = np.linalg.solve(jacobian.T @ best @ jacobian, jacobian.T @ best)
    spread = (draws @ gain.T).std(axis=0)
    np.testing.assert_allclose(found.efficient / spread, 1, atol=4 / np.sqrt(2 * 20_000))
    assert (found.efficient <= found.standard_errors * (1 + 1e-9)).all()


def test_efficient_weights_reach_the_bound_and_simulation_adds_its_share():
    _, jacobian, covariance = linear_problem(3)
    one = theory_of("moments", small_recipe(), TRUTH, jacobian, covariance, None, 1.0)
    same = theory_of("moments", small_recipe(), TRUTH, jacobian, covariance, np.linalg.inv(covariance), 1.0)
    np.testing.assert_allclose(one.covariance, same.covariance, rtol=1e-8)
    more = theory_of("moments", small_recipe(), TRUTH, jacobian, covariance, None, 1.1)
    np.testing.assert_allclose(more.standard_errors / one.standard_errors, np.sqrt(1.1))


@pytest.mark.parametrize("seed", [0, 1])
def test_a_scale_of_normal_returns_is_told_between_the_bound_of_fisher_and_the_mean_size_alone(seed):
    # Without chartists' noise and without switching r = mu sigma_f z / 2, n of them. Fisher: sigma_f / sqrt(2 n); the
    # mean of |r| alone: sigma_f sqrt(pi / 2 - 1) / sqrt(n). The covariance of 400 samples is good to 1 / sqrt(800).
    changes = dict.fromkeys(("chartist_sd", "trend_sensitivity", "value_sensitivity", "herding", "predisposition"), 0.0)
    truth = TRUTH.replace(misalignment=0.0, **changes)
    recipe = small_recipe(trainable=["fundamental_sd"], recovery__bound_samples=400, recovery__simulated=4, seed=seed)
    found = theory("moments", recipe, truth).standard_errors[0]
    relative = found / truth.fundamental_sd * np.sqrt(1200) / np.sqrt(1 + 1 / 4)
    assert np.sqrt(0.5) * (1 - 4 / np.sqrt(800)) < relative < np.sqrt(np.pi / 2 - 1) * (1 + 4 / np.sqrt(800))


def test_the_theory_of_the_game_is_finite_and_not_better_than_its_statistics_allow():
    recipe = small_recipe()
    found = theory("adversarial", recipe, TRUTH)
    assert (found.efficient > 0).all()
    assert (found.standard_errors >= found.efficient * (1 - 1e-9)).all()


def test_parameters_that_do_the_same_are_not_identified():
    _, jacobian, covariance = linear_problem(4)
    with pytest.raises(NumericalError, match="do not identify fundamental_sd, chartist_sd together"):
        theory_of("moments", small_recipe(), TRUTH, jacobian[:, [0, 0]], covariance, None, 1.0)


def test_directions_are_of_relative_changes_and_said_in_words():
    # Errors of 200 % along (0.8, -0.6) and of 10 % along (0.6, 0.8), for true values 2 and -50.
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    relative = turn.T @ np.diag([4.0, 0.01]) @ turn
    size = np.array([2.0, 50.0])
    found = Theory("moments", NAMES, np.array([2.0, -50.0]), relative * np.outer(size, size), size)
    errors, rows = found.directions()
    np.testing.assert_allclose(errors, [2.0, 0.1])
    np.testing.assert_allclose(rows, [[0.8, -0.6], [0.6, 0.8]], atol=1e-9)
    assert found.in_words()[0] == (
        "By moments, the weakest direction is fundamental_sd +80 %, chartist_sd -60 % (standard error 200 %)."
    )
    assert "fundamental_sd against chartist_sd (-0.9" in found.in_words()[-1]
    assert len(found.in_words()) == 2
    back = Theory.from_dict(found.to_dict())
    np.testing.assert_array_equal(back.covariance, found.covariance)
