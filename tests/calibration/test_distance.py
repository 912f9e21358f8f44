"""The energy distance against its closed form for Gaussians."""

import math

import numpy as np
import pytest
import torch

from simcal.calibration.discriminator import energy_distance


def normals(seed: int, n: int, m: int, shift: float = 0.0) -> torch.Tensor:
    return torch.as_tensor(np.random.default_rng(seed).standard_normal((n, m)) + shift)


def closed_form(shift: float) -> float:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'| for N(0, 1) and N(shift, 1): differences are N(shift, 2) and N(0, 2)."""

    def mean_absolute(mean: float) -> float:
        s = math.sqrt(2)
        return s * math.sqrt(2 / math.pi) * math.exp(-(mean**2) / 4) + mean * math.erf(mean / 2)

    return 2 * mean_absolute(shift) - 2 * mean_absolute(0)


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
def test_the_mean_over_samples_is_the_closed_form_for_two_shifted_gaussians(shift):
    found = [energy_distance(normals(seed, 40, 1), normals(1000 + seed, 60, 1, shift)) for seed in range(300)]
    error = np.std(found) / len(found) ** 0.5
    assert np.mean(found) == pytest.approx(closed_form(shift), abs=4 * error)
    assert error < 0.03  # so that the line above says something


def test_the_mean_over_samples_of_one_law_in_ten_dimensions_is_zero():
    found = [energy_distance(normals(seed, 30, 10), normals(1000 + seed, 30, 10)) for seed in range(200)]
    assert np.mean(found) == pytest.approx(0, abs=4 * np.std(found) / len(found) ** 0.5)


def test_it_is_the_double_sum_written_out():
    x, y = normals(1, 7, 3), normals(2, 5, 3)

    def mean(a, b, pairs):
        return sum(float((a[i] - b[j]).norm()) for i in range(len(a)) for j in range(len(b))) / pairs

    assert energy_distance(x, y) == pytest.approx(2 * mean(x, y, 35) - mean(x, x, 42) - mean(y, y, 20), rel=1e-12)


def test_one_far_outlier_in_float32_does_not_cost_the_digits_of_the_others():
    x, y = normals(1, 200, 3).float(), normals(2, 200, 3).float()
    x[0] = y[0] = 3e4
    exact = energy_distance(x.double(), y.double())
    assert energy_distance(x, y) == pytest.approx(exact, abs=1e-6)


def test_fewer_than_two_rows_have_no_distance():
    assert math.isnan(energy_distance(normals(1, 1, 2), normals(2, 5, 2)))
    assert math.isnan(energy_distance(normals(1, 5, 2), torch.empty(0, 2)))
