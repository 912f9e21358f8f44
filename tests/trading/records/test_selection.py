"""Probabilistic and deflated Sharpe ratios: published numbers, ffn, and their laws without skill."""

import ffn
import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from simcal.errors import ParameterError
from simcal.trading.records import (
    deflate,
    deflated_sharpe_ratio,
    expected_max_sharpe,
    min_track_record_length,
    probabilistic_sharpe_ratio,
    sharpe_ratio,
)


def test_probabilistic_sharpe_ratio_of_the_paper():
    # Bailey and López de Prado 2012: 24 months with a Sharpe ratio of 0.458, as normal and with their true moments.
    assert probabilistic_sharpe_ratio(0.458, 24) == pytest.approx(0.982, abs=5e-4)
    skewed = probabilistic_sharpe_ratio(0.458, 24, skewness=-2.448, excess_kurtosis=7.164)
    assert skewed == pytest.approx(0.913, abs=5e-4)


@pytest.mark.parametrize(("per_year", "years"), [(252, 2.73), (52, 2.83), (12, 3.24)])
def test_minimum_track_record_lengths_of_the_paper(per_year, years):
    # Yearly Sharpe ratio 2 against 1, normal returns.
    root = np.sqrt(per_year)
    assert min_track_record_length(2 / root, benchmark=1 / root) / per_year == pytest.approx(years, abs=0.005)


def test_minimum_track_record_length_of_the_paper_with_its_moments():
    root = np.sqrt(12)
    steps = min_track_record_length(2 / root, benchmark=1 / root, skewness=-0.72, excess_kurtosis=2.78)
    assert steps / 12 == pytest.approx(4.99, abs=0.005)


@pytest.mark.parametrize(
    ("n_trials", "skewness", "excess", "published"), [(100, -3, 7, 0.9004), (46, -3, 7, 0.9505), (88, 0, 0, 0.9505)]
)
def test_deflated_sharpe_ratio_of_the_paper(n_trials, skewness, excess, published):
    # Bailey and López de Prado 2014: yearly Sharpe ratio 2.5, five years of 250 days, variance 1/2 over trials a year.
    value = deflated_sharpe_ratio(
        2.5 / np.sqrt(250), 1250, n_trials=n_trials, trial_variance=0.5 / 250, skewness=skewness, excess_kurtosis=excess
    )
    assert value == pytest.approx(published, abs=5e-5)
    assert expected_max_sharpe(100, 0.5 / 250) == pytest.approx(0.1132, abs=5e-5)


@pytest.mark.parametrize("n_trials", [5, 10, 46, 100, 1000])
def test_the_hurdle_is_near_the_exact_mean_of_the_largest_of_normal_numbers(n_trials):
    exact, _ = integrate.quad(
        lambda x: x * n_trials * stats.norm.pdf(x) * stats.norm.cdf(x) ** (n_trials - 1), -10, 12, limit=200
    )
    assert expected_max_sharpe(n_trials, 1.0) == pytest.approx(exact, rel=0.026)
    assert expected_max_sharpe(n_trials, 4.0) == pytest.approx(ffn.core.calc_expected_max_sharpe(n_trials, 2.0))


def test_the_length_at_which_the_probability_reaches_the_level():
    shape = {"skewness": -0.5, "excess_kurtosis": 2.0}
    steps = min_track_record_length(0.1, benchmark=0.02, level=0.99, **shape)
    assert probabilistic_sharpe_ratio(0.1, steps, benchmark=0.02, **shape) == pytest.approx(0.99, abs=1e-10)
    assert min_track_record_length(np.array([0.1, 0.1, np.nan]), benchmark=[0.1, 0.2, 0.0]).tolist()[:2] == [np.inf] * 2


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_deflating_agrees_with_ffn_but_for_its_moments(seed):
    trials = 0.001 + 0.01 * np.random.default_rng(seed).standard_t(6, (12, 250))
    table = deflate(trials, names=[f"trial {i}" for i in range(12)])
    best = int(table["sharpe"].to_numpy().argmax())
    series = pd.Series(trials[best])
    theirs = ffn.core.calc_deflated_sharpe_ratio(series, table["sharpe"], nperiods=1, annualized_trials=False)
    # ffn corrects skewness and kurtosis for the size of the sample, the paper and we take the plain ones.
    mine = deflated_sharpe_ratio(
        table["sharpe"].iloc[best], 250, n_trials=12, trial_variance=table["sharpe"].var(),
        skewness=series.skew(), excess_kurtosis=series.kurt(),
    )  # fmt: skip
    assert mine == pytest.approx(theirs, rel=1e-10)
    assert table["deflated"].iloc[best] == pytest.approx(theirs, abs=0.002)
    assert table["skewness"].iloc[best] == pytest.approx(stats.skew(trials[best]), rel=1e-10)


@pytest.mark.parametrize("seed", [1, 2])
def test_without_skill_the_probabilistic_ratio_is_uniform(seed):
    returns = np.random.default_rng(seed).normal(size=(2000, 250))
    values = probabilistic_sharpe_ratio(sharpe_ratio(returns, 1.0), 250)
    assert stats.kstest(values, "uniform").pvalue > 0.01


@pytest.mark.parametrize("seed", [1, 2])
def test_without_skill_the_deflated_ratio_has_the_law_of_the_largest_of_normal_numbers(seed):
    # With M the largest of N normal numbers and e its expected value it is Phi(M - e): around 1/2 and not uniform.
    n_trials, n_steps = 20, 250
    returns = np.random.default_rng(seed).normal(size=(1500, n_trials, n_steps))
    best = sharpe_ratio(returns, 1.0).max(axis=1)
    known = {"n_trials": n_trials, "trial_variance": 1 / (n_steps - 1)}
    values = deflated_sharpe_ratio(best, n_steps, **known)
    hurdle = expected_max_sharpe(n_trials, 1.0)
    assert stats.kstest(values, lambda u: stats.norm.cdf(stats.norm.ppf(u) + hurdle) ** n_trials).pvalue > 0.01
    assert np.mean(values > 0.95) < 0.05


@pytest.mark.parametrize("seed", [1, 2])
def test_skill_is_seen_through_the_selection(seed):
    generator = np.random.default_rng(seed)
    trials = generator.normal(size=(20, 1000))
    trials[7] += 0.25
    table = deflate(trials)
    assert table["deflated"].idxmax() == 7
    assert table["deflated"].iloc[7] > 0.95
    assert (table["deflated"].drop(7) < 0.95).all()
    assert (table["deflated"] <= table["probabilistic"]).all()


def test_constant_trials_are_missing_without_warnings():
    trials = np.vstack([np.zeros(50), np.full(50, 0.1), np.random.default_rng(1).normal(size=50)])
    table = deflate(trials)
    assert table.drop(columns="hurdle").iloc[:2].isna().all(axis=None)
    assert table["deflated"].iloc[2] == table["probabilistic"].iloc[2]  # one trial is no selection


def test_moments_that_no_law_has_are_refused():
    with pytest.raises(ParameterError, match="at least skewness"):
        probabilistic_sharpe_ratio(0.1, 100, skewness=-3, excess_kurtosis=0)
    with pytest.raises(ParameterError, match="n_trials is 0"):
        expected_max_sharpe(0, 1.0)
    with pytest.raises(ParameterError, match=r"above 0\.5"):
        min_track_record_length(0.1, level=0.3)
