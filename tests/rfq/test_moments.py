"""Moments: expectations agree with samples at the truth, and the truth comes back."""

from dataclasses import replace

import numpy as np
import pytest
from rfq_samples import TRUTH, law, simulate

from simcal.rfq.estimators.likelihood import Laws
from simcal.rfq.estimators.moments import fit_moments, own_residuals, platform_residuals

HEAVY = np.array([0.1, 0.8, 0.6, 0.5, 0.6, 0.5])


@pytest.mark.parametrize("residuals", [own_residuals, platform_residuals])
@pytest.mark.parametrize("values", [TRUTH, HEAVY])
def test_outcomes_less_their_expectations_have_mean_zero_at_the_truth(residuals, values):
    panel = np.random.default_rng(3).integers(1, 7, 40_000)
    rows = residuals(simulate(40_000, values, n_dealers=panel, seed=8))(Laws.of(values))
    z = rows.mean(axis=0) / rows.std(axis=0) * np.sqrt(len(rows))
    assert np.all(np.abs(z) < 3.8)
    off = residuals(simulate(40_000, values, n_dealers=panel, seed=8))(Laws.of(values + 0.1 * np.eye(6)[3]))
    assert np.abs(off.mean(axis=0) / off.std(axis=0) * np.sqrt(len(off))).max() > 6  # the check can fail


def test_covers_that_are_told_now_and_then_are_taken_as_told_by_chance():
    sample = simulate(40_000, seed=9)
    told = np.random.default_rng(1).random(sample.n) < 0.4
    part = replace(
        sample, event=np.where(~told & (sample.event == 1), 0, sample.event), other=np.where(told, sample.other, np.nan)
    )
    rows = own_residuals(part)(Laws.of(TRUTH))
    assert np.all(np.abs(rows.mean(axis=0) / rows.std(axis=0) * np.sqrt(len(rows))) < 3.8)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("platform", [False, True])
def test_six_parameters_come_back_within_their_standard_errors(seed, platform):
    found = fit_moments(simulate(12_000, seed=seed, own=law(0.5, 0.7, 1.5)), platform=platform)
    assert found.succeeded
    # In logarithms, where the estimate of a scale or shape is nearer to normal.
    slopes = np.where([0, 1, 1, 0, 1, 1], found.values, 1.0)
    distance = np.where([0, 1, 1, 0, 1, 1], np.log(found.values / TRUTH), found.values - TRUTH)
    assert np.all(np.abs(distance) < 3.3 * found.standard_errors / slopes)
    assert np.all(found.standard_errors[3:] < [0.03, 0.05, 0.2])
