"""The moments of prices and volume: closed forms beside simulation, and their covariances."""

import numpy as np
import pytest

from simcal.equilibrium.moments import (
    Moments,
    bootstrap_covariance,
    simulate_law,
    simulated_covariance,
)
from simcal.equilibrium.two_groups import TradeLaw

LAW = TradeLaw(0.06, 1.0, 0.9, 0.1, 0.35)
MOMENTS = Moments((1, 2, 5, 10, 20), 0.85)


@pytest.mark.parametrize(
    ("law", "background"),
    [(LAW, 0.0), (LAW, 0.07), (TradeLaw(0.5, 2.0, 0.3, 3.0, -1.0), 0.0), (TradeLaw(0.01, 0.1, 0.97, 1.0, 0.6), 2.0)],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_moments_of_simulated_series_are_the_closed_forms(law, background, seed):
    changes, volume = simulate_law(law, 150, 3000, seed)
    means = MOMENTS.contributions(changes, volume + background).mean(axis=1)
    found, wanted = MOMENTS.of_means(means.mean(axis=0)), MOMENTS.expected(law, background)
    # Errors of the pooled moments, from those with one series left out.
    left_out = MOMENTS.of_means((means.sum(axis=0) - means) / 149)
    errors = left_out.std(axis=0) * np.sqrt(149)
    assert np.all(np.abs(found - wanted) < 4.5 * errors), dict(
        zip(MOMENTS.names, (found - wanted) / errors, strict=True)
    )


def test_contributions_are_what_they_are_called():
    changes, volume = simulate_law(LAW, 1, 120, 0)
    short = Moments((1, 3), 0.5)
    rows = short.contributions(changes, volume)[0]
    u, v, start = changes[0], volume[0], short.start
    t = start + 4
    past = sum(0.5**j * u[t - 1 - j] for j in range(short.memory))
    wanted = [
        u[t],
        u[t] ** 2,
        v[t],
        v[t] ** 2,
        v[t] * v[t - 1],
        v[t] * v[t - 3],
        v[t] * u[t - 1] ** 2,
        v[t] * u[t - 3] ** 2,
    ]
    np.testing.assert_allclose(rows[4], [*wanted, u[t] * past], rtol=1e-10)
    assert len(rows) == 120 - start
    assert len(short.names) == rows.shape[1]


def test_block_bootstrap_and_simulation_agree_on_the_covariance():
    model = simulated_covariance(MOMENTS, LAW, 0.0, n_steps=2000, n_series=500, seed=0)
    found = []
    for seed in range(4):
        changes, volume = simulate_law(LAW, 1, 40_000, seed + 10)
        data = MOMENTS.contributions(changes[0], volume[0])
        found.append(np.sqrt(np.diag(bootstrap_covariance(MOMENTS, data, 400, 400, seed))))
    np.testing.assert_allclose(np.mean(found, axis=0) / np.sqrt(np.diag(model)), 1, atol=0.2)
