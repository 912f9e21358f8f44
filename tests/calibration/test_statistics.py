"""Every H: shapes, names, gradients, the same on arrays and tensors; and each is what it says."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from simcal import facts
from simcal.calibration.statistics import STATISTICS, log_returns, statistics
from simcal.errors import ParameterError

sys.path.insert(0, str(Path(__file__).parent))
import lognormal

EVERY = pytest.mark.parametrize("name", [name for name, s in STATISTICS.items() if s.windows == "prices"])


def windows(name: str, n: int = 30, seed: int = 0, extra: int = 0) -> np.ndarray:
    return 100 * lognormal.windows(n, max(STATISTICS[name].shortest + extra, 25), 0.01, seed)


@EVERY
def test_there_is_one_label_per_feature_and_one_row_per_window(name):
    prices = windows(name)
    labels = STATISTICS[name].labels(prices.shape[1] - 1)
    features = STATISTICS[name].fitted(prices)(prices)
    assert features.shape == (30, len(labels))
    assert len(set(labels)) == len(labels)
    assert np.isfinite(features).all()


@EVERY
def test_arrays_and_tensors_give_the_same_features(name):
    prices = windows(name)
    array = STATISTICS[name].fitted(prices)(prices)
    tensor = STATISTICS[name].fitted(torch.as_tensor(prices))(torch.as_tensor(prices))
    assert tensor.dtype == torch.float64
    np.testing.assert_allclose(tensor.numpy(), array, rtol=1e-9, atol=1e-12)


@EVERY
def test_single_precision_stays_single_and_gives_the_same_to_its_digits(name):
    prices = windows(name)
    single = STATISTICS[name].fitted(torch.as_tensor(prices))(torch.as_tensor(prices, dtype=torch.float64))
    half = torch.as_tensor(prices, dtype=torch.float32)
    found = STATISTICS[name].fitted(half)(half)
    assert found.dtype == torch.float32
    scale = single.abs().amax(dim=0)
    torch.testing.assert_close(found.double() / scale, single / scale, rtol=0, atol=5e-3)


@EVERY
def test_the_gradients_are_finite_and_those_of_finite_differences(name):
    prices = torch.as_tensor(windows(name, n=6)).requires_grad_(True)
    function = STATISTICS[name].fitted(prices.detach())
    features = function(prices)
    weights = torch.randn(features.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    (gradient,) = torch.autograd.grad((features * weights).sum(), prices)
    assert torch.isfinite(gradient).all()
    direction = torch.randn(prices.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    h = 1e-6
    with torch.no_grad():
        up, down = ((function(prices + sign * h * direction) * weights).sum() for sign in (1, -1))
    assert float((gradient * direction).sum()) == pytest.approx(float((up - down) / (2 * h)), rel=1e-4)


@EVERY
def test_a_window_of_the_shortest_length_works_and_one_shorter_is_refused(name):
    shortest = STATISTICS[name].shortest
    prices = lognormal.windows(30, shortest, 0.01, 1)
    assert np.isfinite(STATISTICS[name].fitted(prices)(prices)).all()
    with pytest.raises(ParameterError, match=rf"at least {shortest}"):
        STATISTICS[name].fitted(prices[:, :-1])


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(ParameterError, match="did you mean 'identity'"):
        statistics("identiti")


def test_the_identity_is_the_prices_after_the_first():
    prices = windows("identity")
    np.testing.assert_array_equal(STATISTICS["identity"].fitted(prices)(prices), prices[:, 1:])


def test_log_returns_add_up_to_the_whole_move():
    prices = windows("identity")
    np.testing.assert_allclose(log_returns(prices).sum(axis=1), np.log(prices[:, -1] / prices[:, 0]), rtol=1e-10)


def test_the_experiments_statistics_are_moments_and_the_autocorrelations_of_facts():
    prices = windows("experiment", extra=30)
    labels = STATISTICS["experiment"].labels(prices.shape[1] - 1)
    found = dict(zip(labels, STATISTICS["experiment"].fitted(prices)(prices).T, strict=True))
    r = np.diff(np.log(prices), axis=1)
    assert len(labels) == 17
    np.testing.assert_allclose(found["deviation"], r.std(axis=1))
    np.testing.assert_allclose(found["mean |r|"], abs(r).mean(axis=1))
    np.testing.assert_allclose(found["fourth moment"], (r**4).mean(axis=1))
    np.testing.assert_allclose(found["price deviation"], prices.std(axis=1))
    for lag in range(1, 11):
        np.testing.assert_allclose(found[f"C_r({lag})"], facts.autocorrelation(r, lag), rtol=1e-10)
    for lag in (1, 2, 5):
        np.testing.assert_allclose(found[f"C_|r|({lag})"], facts.autocorrelation(abs(r), lag), rtol=1e-10)


def innovation_moments(fitted_on: np.ndarray, prices: np.ndarray) -> np.ndarray:
    return STATISTICS["experiment-innovations"].fitted(fitted_on)(prices)[:, 17:]


def autoregressive(n: int, length: int, weight: float, seed: int) -> np.ndarray:
    noise = 0.01 * np.random.default_rng(seed).standard_normal((n, length))
    r = np.zeros((n, length))
    r[:, 0] = noise[:, 0] / (1 - weight**2) ** 0.5
    for t in range(1, length):
        r[:, t] = weight * r[:, t - 1] + noise[:, t]
    return np.exp(np.concatenate([np.zeros((n, 1)), np.cumsum(r, axis=1)], axis=1))


@pytest.mark.parametrize("weight", [0.0, 0.6, -0.6])
def test_the_innovations_of_autoregressive_returns_are_the_standard_noise_behind_them(weight):
    n, length = 300, 120
    prices = autoregressive(n, length, weight, seed=2)
    moments = np.exp(innovation_moments(prices, prices))
    # E|z|^p of a standard normal; the error of a mean of n (length - 10) of them, doubled for the fit.
    exact = np.array([(2 / np.pi) ** 0.5, 1.0, 2 * (2 / np.pi) ** 0.5, 3.0, 15.0])
    errors = np.array([1 - 2 / np.pi, 2, 15 - 8 / np.pi, 96, 10395 - 225]) ** 0.5 / (n * (length - 10)) ** 0.5
    assert np.all(abs(moments.mean(axis=0) - exact) < 6 * errors)


def test_the_forecast_is_that_of_the_real_windows_and_stays_fixed():
    real, other = autoregressive(200, 60, 0.8, seed=3), autoregressive(200, 60, -0.8, seed=4)
    own, foreign = innovation_moments(other, other), innovation_moments(real, other)
    # The wrong forecast leaves errors r - 0.8 r' = -1.6 r' + z, far larger than the noise.
    assert foreign[:, 1].mean() > own[:, 1].mean() + 1
    one_by_one = np.concatenate([innovation_moments(real, other[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(one_by_one, foreign[:5], rtol=1e-9)
