"""The price that clears: one shift for all agents, after which rates sum to zero, for arrays and for tensors."""

import numpy as np
import pytest
import torch

from simcal.equilibrium import load_problem
from simcal.equilibrium.numerics import cleared, clearing_rates

RANDOM = np.random.default_rng(1)
MANY_SIZES = RANDOM.normal(size=(200, 10)) * np.logspace(-9, 2, 200)[:, None]
FAR_FROM_ZERO = np.vstack([np.full((1, 10), 2.0), RANDOM.normal(size=(500, 10)) ** 3 + 5])


@pytest.mark.parametrize("power", [1.1, 1.5, 2.0, 3.0, 6.0])
@pytest.mark.parametrize("marginal", [MANY_SIZES, FAR_FROM_ZERO])
def test_shift_makes_the_rates_of_every_state_sum_to_zero_and_is_common_to_all(power, marginal):
    problem = load_problem("power-10").replace(power=power)
    found, rates = clearing_rates(problem, marginal)
    implied = problem.rate_of(found)
    rounding = 1e-9 + 10 * 1e-15 ** min(1 / (power - 1), 1)  # R is steep at 0 for powers above 2
    assert np.all(np.abs(implied.sum(axis=1)) <= rounding * np.abs(implied).max(axis=1))
    assert np.all(np.abs(rates.sum(axis=1)) <= 1e-14 * np.abs(rates).max(axis=1) * 10)
    assert np.all(np.ptp(found - marginal, axis=1) <= 1e-14 * np.abs(marginal).max(axis=1))


@pytest.mark.parametrize("power", [1.2, 1.5, 3.0, 4.0, 10.0])
def test_hard_clearing_sums_rates_to_zero_and_moves_all_values_alike(power):
    values = torch.randn(2000, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    values[0], values[1], values[2, :3] = 0.0, 7.0, 1.0
    values[3:1000] += 30.0
    found = cleared(values, power)

    def excess(shifted):
        return (shifted.sign() * shifted.abs() ** (1 / (power - 1))).sum(-1)

    assert (excess(found + 1e-12) >= 0).all()  # for powers above 2 rates are steep: a bracket, not a small sum
    assert (excess(found - 1e-12) <= 0).all()
    moved = found - values
    assert (moved - moved[:, :1]).abs().max() < 1e-12
