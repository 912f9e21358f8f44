"""The likelihood finds the truth within its standard errors, and says where it cannot."""

from dataclasses import replace

import numpy as np
import pytest
from rfq_samples import TRUTH, law, simulate
from scipy import stats

from simcal.errors import DataError
from simcal.rfq.estimators.likelihood import fit_likelihood, fit_quotes
from simcal.rfq.estimators.sample import Event


def z_scores(estimate, truth=TRUTH):
    return (estimate.values - truth) / estimate.standard_errors


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_six_parameters_come_back_within_three_standard_errors(seed):
    found = fit_likelihood(simulate(20_000, seed=seed))
    assert found.succeeded
    assert np.all(np.abs(z_scores(found)) < 3)
    assert np.all(found.standard_errors < [0.04, 0.12, 1.0, 0.02, 0.03, 0.1])  # that the table tells them at all


def test_statuses_alone_tell_the_six_parameters_less_sharply():
    sample = simulate(12_000, seed=4)
    with_covers, without = fit_likelihood(sample), fit_likelihood(sample.statuses_only())
    assert np.all(np.abs(z_scores(without)) < 3)
    assert np.all(without.standard_errors[3:] > 1.5 * with_covers.standard_errors[3:])


@pytest.mark.parametrize("seed", [0, 1])
def test_panels_of_different_sizes_and_requests_without_rivals_are_understood(seed):
    panel = np.random.default_rng(seed).integers(1, 7, 15_000)
    found = fit_likelihood(simulate(15_000, n_dealers=panel, seed=seed, own=law(0.5, 0.6, 1.5)))
    assert np.all(np.abs(z_scores(found)) < 3.3)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_platform_tells_more(seed):
    sample = simulate(10_000, seed=seed)
    own, platform = fit_likelihood(sample), fit_likelihood(sample, platform=True)
    assert np.all(np.abs(z_scores(platform)) < 3.3)
    assert np.all(platform.standard_errors[3:] < 0.5 * own.standard_errors[3:])


@pytest.mark.slow
def test_errors_over_many_tables_are_as_large_as_the_standard_errors():
    z = np.concatenate([z_scores(fit_likelihood(simulate(10_000, seed=100 + s))) for s in range(12)]).reshape(12, 6)
    # Each mean of 12 squares is chi-square over 12; the tails hold one in a thousand, shapes are a little skewed.
    mean_squares = np.delete((z**2).mean(axis=0), 2)
    assert np.all(mean_squares < stats.chi2.ppf(0.999, 12) / 12)
    assert np.all(mean_squares > stats.chi2.ppf(0.001, 12) / 12)


def test_statuses_of_constant_margins_are_two_numbers_and_cannot_tell_six():
    sample = simulate(5000, seed=1, own=stats.uniform(0.5, 0.0), covers=False)
    found = fit_likelihood(sample)
    assert not found.succeeded
    assert np.isnan(found.standard_errors).any()
    assert "identify" in found.status or "edge" in found.status


def test_lost_requests_are_used_for_what_they_say():
    sample = simulate(12_000, seed=2)
    lost = np.where(sample.done, sample.event, Event.LOST)
    found, all_told = fit_likelihood(replace(sample, event=lost), TRUTH), fit_likelihood(sample, TRUTH)
    assert np.all(np.abs(z_scores(found)) < 3.5)
    assert np.all(found.standard_errors[[0, 1, 3, 4, 5]] > all_told.standard_errors[[0, 1, 3, 4, 5]])


def test_prior_keeps_shapes_inside_and_hardly_moves_what_the_table_tells():
    short, long = simulate(600, seed=7), simulate(10_000, seed=7)
    free, held = fit_likelihood(long), fit_likelihood(long, shape_prior=1.0)
    assert np.all(np.abs(free.values - held.values) < 0.25 * free.standard_errors)
    found = fit_likelihood(short, shape_prior=1.0)
    assert np.all((found.values[[2, 5]] > 0.3) & (found.values[[2, 5]] < 15))
    assert np.isfinite(found.standard_errors).all()


@pytest.mark.parametrize("shape", [0.7, 1.2, 5.0, 20.0])
def test_own_quotes_give_the_law_they_come_from(shape):
    margins = law(0.4, 0.7, shape).rvs(20_000, random_state=np.random.default_rng(int(10 * shape)))
    found = fit_quotes(margins)
    assert found.succeeded
    assert np.all(np.abs(found.values - [0.4, 0.7, shape]) < 4 * found.standard_errors + 1e-3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.take(np.arange(100)), "holds 100 requests"),
        (lambda s: replace(s, rivals=0 * s.rivals), "No request of the table went to another dealer"),
        (lambda s: replace(s, event=np.full(s.n, Event.NOT_TRADED)), "none were done"),
        (lambda s: replace(s, event=np.full(s.n, Event.DONE)), "all were done"),
    ],
)
def test_samples_that_tell_nothing_are_refused_by_a_sentence(change, said):
    with pytest.raises(DataError, match=said):
        fit_likelihood(change(simulate(500, seed=0)))


def test_constant_own_quotes_are_refused_by_a_sentence():
    with pytest.raises(DataError, match="margins are all the same"):
        fit_quotes(np.full(500, 0.3))
