"""The exponential power law against scipy's generalised normal, and where that loses digits."""

import numpy as np
import pytest
from scipy import integrate, special, stats

from simcal.rfq.laws import (
    cdf,
    central_distance,
    pdf,
    sf,
    tail_distance,
)

SHAPES = (0.3, 0.7, 1.0, 1.5, 2.0, 4.0, 20.0)


@pytest.mark.parametrize("shape", SHAPES)
def test_density_and_probabilities_are_those_of_the_generalised_normal(shape):
    law = stats.gennorm(shape, loc=0.4, scale=1.7 * shape ** (1 / shape))
    x = np.linspace(-4, 5, 41)
    np.testing.assert_allclose(pdf(x, 0.4, 1.7, shape), law.pdf(x), rtol=1e-12)
    np.testing.assert_allclose(cdf(x, 0.4, 1.7, shape), law.cdf(x), rtol=1e-10)
    np.testing.assert_allclose(sf(x, 0.4, 1.7, shape), law.sf(x), rtol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_density_integrates_to_one(shape):
    total = 2 * sum(integrate.quad(pdf, a, b, (0.0, 1.0, shape))[0] for a, b in ((0, 1), (1, 20), (20, np.inf)))
    assert total == pytest.approx(1.0, abs=1e-7)


def test_special_cases_are_normal_and_laplace():
    x = np.linspace(-3, 3, 13)
    np.testing.assert_allclose(sf(x, 0.2, 1.3, 2.0), stats.norm.sf(x, 0.2, 1.3), rtol=1e-12)
    np.testing.assert_allclose(sf(x, 0.2, 1.3, 1.0), stats.laplace.sf(x, 0.2, 1.3), rtol=1e-12)


@pytest.mark.parametrize("shape", [0.3, 1.0, 20.0, 60.0])
def test_distances_keep_their_relative_accuracy_for_small_shares(shape):
    share = np.array([1e-12, 1e-9, 1e-6])
    near = central_distance(share, shape)
    k = np.arange(12)[:, None]  # the series of the integral of exp(-y^a / a)
    series = np.sum((-1) ** k * near ** (1 + k * shape) / (special.factorial(k) * shape**k * (1 + k * shape)), axis=0)
    np.testing.assert_allclose(2 * pdf(0.0, 0.0, 1.0, shape) * series, share, rtol=1e-11)
    np.testing.assert_allclose(2 * sf(tail_distance(share, shape), 0.0, 1.0, shape), share, rtol=1e-10)


@pytest.mark.parametrize("shape", [0.3, 2.0, 50.0])
def test_far_from_the_mean_density_and_tail_are_zero_without_a_warning(shape):
    far = np.array([-np.inf, -1e300, -1e30, 1e30, 1e300, np.inf])
    np.testing.assert_array_equal(pdf(far, 0.1, 0.01, shape), 0.0)
    np.testing.assert_array_equal(sf(far, 0.1, 0.01, shape), [1, 1, 1, 0, 0, 0])
    np.testing.assert_array_equal(cdf(far, 0.1, 0.01, shape), [0, 0, 0, 1, 1, 1])
