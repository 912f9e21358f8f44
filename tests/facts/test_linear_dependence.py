import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import kstest
from statsmodels.stats.diagnostic import acorr_ljungbox
from statsmodels.tsa.stattools import acf

import simcal.facts as facts
from simcal.errors import ParameterError

SEEDS = [0, 1, 2]


@pytest.mark.parametrize("seed", SEEDS)
def test_autocorrelation_of_an_autoregression_is_its_power(seed):
    phi = 0.6
    noise = np.random.default_rng(seed).normal(size=(200, 3000))
    x = lfilter([1.0], [1.0, -phi], noise, axis=-1)[:, 500:]
    c = facts.autocorrelation(x, [1, 2, 5])
    error = c.std(axis=0) / np.sqrt(len(c))
    # the bias of the estimator is of order (1 + phi) / (1 - phi) / n
    assert np.all(np.abs(c.mean(axis=0) - phi ** np.array([1, 2, 5])) < 4 * error + 2 * 4.0 / 2500)


@pytest.mark.parametrize("n", [151, 256, 1000])
def test_products_and_fourier_transform_give_the_same_autocorrelations(n):
    x = np.random.default_rng(n).standard_t(3, size=(2, 3, n))
    many = facts.autocorrelation(x, range(1, 101))
    few = np.stack([facts.autocorrelation(x, lag) for lag in range(1, 101)], axis=-1)
    assert np.abs(many - few).max() < 1e-13


def test_autocorrelation_agrees_with_statsmodels():
    x = np.random.default_rng(0).normal(size=500)
    assert facts.autocorrelation(x, range(1, 41)) == pytest.approx(acf(x, nlags=40)[1:], rel=1e-10)


def test_smoothing_averages_three_lags_but_not_at_lag_one():
    x = np.random.default_rng(0).normal(size=500)
    plain = facts.autocorrelation(x, range(1, 12))
    smooth = facts.smoothed_autocorrelation(x, [1, 5, 10])
    assert smooth == pytest.approx([plain[0], plain[3:6].mean(), plain[8:11].mean()], rel=1e-12)


def test_ljung_box_agrees_with_statsmodels():
    x = np.random.default_rng(1).normal(size=500)
    assert facts.ljung_box(x) == pytest.approx(acorr_ljungbox(x, [20])["lb_stat"].iloc[0], rel=1e-10)


def test_robust_portmanteau_is_chi_squared_under_clustering_where_ljung_box_is_not():
    rng = np.random.default_rng(2)
    volatility = np.exp(lfilter([0.3], [1.0, -0.9], rng.normal(size=(400, 2000)), axis=-1))
    r = volatility * rng.normal(size=volatility.shape)
    assert kstest(facts.robust_box(r, 10), "chi2", args=(10,)).pvalue > 1e-3
    assert kstest(facts.ljung_box(r, 10), "chi2", args=(10,)).pvalue < 1e-6


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("horizon", [5, 21])
def test_variance_ratio_of_independent_returns_is_one(seed, horizon):
    ratio = facts.variance_ratio(np.random.default_rng(seed).normal(size=(400, 2000)), horizon)
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(400)


def test_variance_ratio_of_a_moving_average_is_its_closed_form():
    theta, q = 0.5, 5
    noise = np.random.default_rng(3).normal(size=(400, 4001))
    ratio = facts.variance_ratio(noise[:, 1:] + theta * noise[:, :-1], q)
    expected = 1 + 2 * (1 - 1 / q) * theta / (1 + theta**2)
    assert abs(ratio.mean() - expected) < 4 * ratio.std() / np.sqrt(400) + 1e-3


def test_largest_autocorrelation_is_the_largest_in_size():
    x = np.random.default_rng(4).normal(size=300)
    assert facts.largest_autocorrelation(x) == np.abs(facts.autocorrelation(x, range(2, 21))).max()


@pytest.mark.parametrize("lag", [0, -1, 100])
def test_a_lag_outside_the_series_is_refused(lag):
    with pytest.raises(ParameterError, match=rf"Lag {lag} was asked of a series of 100 values"):
        facts.autocorrelation(np.zeros(100), lag)


def test_a_constant_series_has_no_autocorrelation_and_no_warning():
    assert np.isnan(facts.autocorrelation(np.zeros((2, 100)), 1)).all()
