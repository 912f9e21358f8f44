"""Probability of backtest overfitting: ffn, one half without skill, near 0 with it, near 1 where the past turns."""

import ffn
import numpy as np
import pandas as pd
import pytest

from simcal.errors import ParameterError
from simcal.trading.records import cross_validate, distribution, overfitting


@pytest.mark.parametrize(("seed", "n_strategies", "copies"), [(1, 10, 1), (2, 7, 1), (3, 7, 3)])
def test_splits_agree_with_ffn(seed, n_strategies, copies):
    returns = np.random.default_rng(seed).normal(0.01, 1.0, (n_strategies, 205))  # 5 steps fill no block
    returns = np.repeat(returns, copies, axis=0)  # equals share their rank
    mine = cross_validate(returns, n_blocks=8)
    theirs = ffn.core.calc_prob_backtest_overfitting(pd.DataFrame(returns.T), n_blocks=8, full_output=True)
    assert len(mine) == 70
    np.testing.assert_allclose(mine["logit"], theirs["logits"], atol=1e-10)
    summary = overfitting(returns, n_blocks=8).iloc[0]
    assert summary["pbo"] == pytest.approx(theirs["pbo"], abs=1e-10)
    assert summary["mean_rank"] == pytest.approx(theirs["mean_oos_rank"], abs=1e-10)


def test_sharpe_ratios_from_sums_are_those_of_the_halves():
    returns = 100 + np.random.default_rng(3).normal(size=(4, 60))  # a mean that would spoil a difference of squares
    mine = cross_validate(returns, n_blocks=6)
    plain = cross_validate(returns, n_blocks=6, performance=lambda x: x.mean(axis=1) / x.std(axis=1, ddof=1))
    pd.testing.assert_frame_equal(mine, plain, rtol=1e-10)


@pytest.mark.parametrize(("seed", "n_strategies"), [(1, 10), (2, 20), (3, 5)])
def test_without_skill_the_mean_over_paths_is_one_half(seed, n_strategies):
    returns = np.random.default_rng(seed).normal(size=(300, n_strategies, 64))
    table = distribution(overfitting(returns, n_blocks=8))
    expected = 0.5 if n_strategies % 2 == 0 else (n_strategies + 1) / (2 * n_strategies)
    assert table.at["pbo", "mean"] == pytest.approx(expected, abs=4 * table.at["pbo", "standard_error"])
    assert table.at["mean_rank", "mean"] == pytest.approx(0.5, abs=4 * table.at["mean_rank", "standard_error"])
    assert table.at["pbo", "standard_error"] < 0.02


@pytest.mark.parametrize("seed", [1, 2])
def test_one_skilled_strategy_is_chosen_for_good_reasons(seed):
    returns = np.random.default_rng(seed).normal(size=(10, 800))
    returns[3] += 0.3
    assert overfitting(returns).at[0, "pbo"] < 0.01
    assert (cross_validate(returns)["winner"] == 3).mean() > 0.99


def test_strategies_that_live_on_one_block_each_are_overfitted():
    returns = 0.1 * np.random.default_rng(1).normal(size=(8, 80))
    for strategy in range(8):  # a gain in its block, a small loss in the others
        returns[strategy] -= 0.05
        returns[strategy, 10 * strategy : 10 * strategy + 10] += 1
    summary = overfitting(returns, n_blocks=8).iloc[0]
    assert summary["pbo"] == 1
    assert summary["loss"] == 1


def test_halves_of_a_record_share_its_sum():
    # Where one strategy always wins and its mean counts, what it has in one half it lacks in the other.
    returns = np.random.default_rng(1).normal(size=(3, 80))
    returns[1] += 3
    table = overfitting(returns, n_blocks=8, performance=lambda x: x.mean(axis=1))
    assert table.at[0, "slope"] == pytest.approx(-1, abs=1e-10)


def test_strategies_that_do_not_trade_rank_between_gains_and_losses():
    up = 1 + np.random.default_rng(1).normal(size=40)
    late = np.concatenate([np.zeros(20), np.tile([0.1, 0.2], 10)])
    returns = np.vstack([np.zeros(40), up, -up, late, np.full(40, 0.1)])
    table = cross_validate(returns, n_blocks=4)
    assert (table["winner"] == 4).all()  # a sure gain
    assert np.isinf(table["in_sample"]).all()
    alone = cross_validate(returns[[0, 2]], n_blocks=4)
    assert (alone["winner"] == 0).all()
    assert (alone["out_of_sample"] == 0).all()
    first_half = cross_validate(returns[[0, 3]], n_blocks=4).iloc[0]
    assert first_half["winner"] == 0  # late is 0 as well in this half, of equals the first
    assert first_half["in_sample"] == 0
    assert first_half["rank"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("n_blocks", [3, 0, 22, 2.5])
def test_odd_numbers_of_blocks_are_refused(n_blocks):
    with pytest.raises(ParameterError, match="even number from 2 to 20"):
        cross_validate(np.zeros((3, 100)), n_blocks=n_blocks)


def test_data_that_cannot_be_split_are_refused():
    with pytest.raises(ParameterError, match="at least 2 strategies"):
        cross_validate(np.zeros((1, 100)))
    with pytest.raises(ParameterError, match="2 steps for each"):
        cross_validate(np.zeros((3, 20)))
    with pytest.raises(ParameterError, match="performance must give one number"):
        cross_validate(np.zeros((3, 100)), n_blocks=4, performance=lambda x: x.mean(axis=1) * np.nan)
