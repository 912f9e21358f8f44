"""Measures of a track record against empyrical, ffn and scipy, by hand, and where they are not defined."""

import empyrical
import ffn
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from simcal.errors import ParameterError
from simcal.trading.records import (
    drawdown_length,
    longest_underwater,
    max_drawdown,
    path_measures,
    record_of_pnl,
    record_of_returns,
)

SEEDS = (1, 2, 3)
EXACT = {"rel": 1e-10, "abs": 1e-12}


def returns_of(seed, n_paths=4, n_steps=300):
    generator = np.random.default_rng(seed)
    return 0.0005 + 0.01 * generator.standard_t(5, (n_paths, n_steps))


def one(pnl, **options):
    return path_measures(record_of_pnl(pnl, **{"capital": 10.0, "periods_per_year": 252, **options})).iloc[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_compounded_records_agree_with_empyrical(seed):
    returns = returns_of(seed)
    table = path_measures(record_of_returns(returns, periods_per_year=252))
    for path, row in zip(returns, table.to_dict("records"), strict=True):
        assert row["total_pnl"] == pytest.approx(empyrical.cum_returns_final(path), **EXACT)
        assert row["annualised_return"] == pytest.approx(empyrical.annual_return(path), **EXACT)
        assert row["volatility"] == pytest.approx(empyrical.annual_volatility(path), **EXACT)
        assert row["sharpe"] == pytest.approx(empyrical.sharpe_ratio(path), **EXACT)
        assert row["sortino"] == pytest.approx(empyrical.sortino_ratio(path), **EXACT)
        # Losses are positive here, negative there.
        assert row["max_drawdown_share"] == pytest.approx(-empyrical.max_drawdown(path), **EXACT)
        assert row["calmar"] == pytest.approx(empyrical.calmar_ratio(path), **EXACT)
        assert row["value_at_risk"] == pytest.approx(-empyrical.value_at_risk(path, 0.05), **EXACT)
        # empyrical averages whole steps: the worst int((n - 1) 5 %) + 1; for n = 300 these are our 15.
        assert row["expected_shortfall"] == pytest.approx(-empyrical.conditional_value_at_risk(path, 0.05), **EXACT)
        assert row["skewness"] == pytest.approx(stats.skew(path), **EXACT)
        assert row["excess_kurtosis"] == pytest.approx(stats.kurtosis(path), **EXACT)


@pytest.mark.parametrize("seed", SEEDS)
def test_compounded_records_agree_with_ffn(seed):
    returns = returns_of(seed)
    table = path_measures(record_of_returns(returns, periods_per_year=252, risk_free=0.02))
    for path, row in zip(returns, table.to_dict("records"), strict=True):
        series = pd.Series(path)
        assert row["sharpe"] == pytest.approx(ffn.calc_sharpe(series, rf=0.02, nperiods=252), **EXACT)
        assert row["sortino"] == pytest.approx(ffn.calc_sortino_ratio(series, rf=0.02, nperiods=252), **EXACT)
        prices = pd.Series(np.cumprod(np.concatenate([[1.0], 1 + path])))
        assert row["max_drawdown_share"] == pytest.approx(-ffn.calc_max_drawdown(prices), **EXACT)
        assert row["total_pnl"] == pytest.approx(ffn.calc_total_return(prices), **EXACT)
        # ffn's growth and Calmar ratio count calendar days of 365.25, not steps: one step a day makes them ours.
        dated = prices.set_axis(pd.date_range("2001-01-01", periods=len(prices)))
        daily = path_measures(record_of_returns(path, periods_per_year=365.25)).iloc[0]
        assert daily["annualised_return"] == pytest.approx(ffn.calc_cagr(dated), **EXACT)
        assert daily["calmar"] == pytest.approx(ffn.calc_calmar_ratio(dated), **EXACT)


@pytest.mark.parametrize("seed", SEEDS)
def test_pnl_on_a_fixed_capital_has_the_ratios_of_its_returns(seed):
    # Both packages compound, so that return, drawdown and Calmar ratio differ; what looks at single steps does not.
    capital = np.array([50.0, 100.0, 200.0, 400.0])
    pnl = returns_of(seed) * capital[:, None]
    table = path_measures(record_of_pnl(pnl, capital, periods_per_year=252, risk_free=0.01))
    for path, money, row in zip(pnl, capital, table.to_dict("records"), strict=True):
        returns = path / money
        assert row["sharpe"] == pytest.approx(empyrical.sharpe_ratio(returns, risk_free=0.01 / 252), **EXACT)
        assert row["sortino"] == pytest.approx(empyrical.sortino_ratio(returns, required_return=0.01 / 252), **EXACT)
        assert row["annualised_return"] == pytest.approx(252 * returns.mean(), **EXACT)
        wealth = np.concatenate([[0.0], np.cumsum(path)])
        fall = max(wealth[i] - wealth[j] for i in range(wealth.size) for j in range(i, wealth.size))
        assert row["max_drawdown"] == pytest.approx(fall, **EXACT)
        assert row["calmar"] == pytest.approx(252 * path.mean() / fall, **EXACT)


def test_drawdowns_by_hand():
    #                    0  1  2  3  4  5  6  7  8
    wealth = np.array([[10, 12, 11, 12, 9, 8, 9, 13, 11.5], [10, 9, 8, 7, 7, 7, 8, 9, 10], [1, 1, 2, 3, 3, 4, 5, 6, 7]])
    assert max_drawdown(wealth).tolist() == [4, 3, 0]
    assert max_drawdown(wealth, relative=True).tolist() == pytest.approx([4 / 12, 0.3, 0])
    assert drawdown_length(wealth).tolist() == [2, 3, 0]  # from the last time at the peak to the first at the trough
    assert longest_underwater(wealth).tolist() == [3, 7, 0]


def test_turnover_hit_rate_and_totals_by_hand():
    pnl = np.array([[1.0, -1.0, 0.0, 2.0]])
    traded = np.array([[100.0, 0.0, 50.0, 50.0]])
    row = one(pnl, capital=100.0, periods_per_year=2, traded=traded)  # two years
    assert row["turnover"] == pytest.approx(1.0)
    assert row["hit_rate"] == pytest.approx(2 / 3)
    assert row["total_pnl"] == 2.0
    assert row["annualised_return"] == pytest.approx(0.01)


def test_money_scales_and_ratios_do_not():
    pnl = returns_of(4)
    small, large = (path_measures(record_of_pnl(k * pnl, 100.0 * k, periods_per_year=252)) for k in (1, 1000))
    money = ["total_pnl", "max_drawdown"]
    np.testing.assert_allclose(large[money], 1000 * small[money], rtol=1e-12)
    np.testing.assert_allclose(large.drop(columns=money), small.drop(columns=money), rtol=1e-10)


def test_the_capital_is_the_initial_price_unless_given():
    pnl = returns_of(5)
    by_price = path_measures(record_of_pnl(pnl, np.full(4, 25.0), periods_per_year=252))
    by_capital = path_measures(record_of_pnl(pnl, 3.0, capital=25.0, periods_per_year=252))
    pd.testing.assert_frame_equal(by_price, by_capital)


RATIOS = ("sharpe", "skewness", "excess_kurtosis")


def test_a_strategy_that_never_trades():
    row = one(np.zeros((1, 50)))
    zero = ("total_pnl", "annualised_return", "volatility", "max_drawdown", "drawdown_length", "value_at_risk")
    assert [row[name] for name in zero] == [0.0] * len(zero)
    assert np.isnan([row[name] for name in (*RATIOS, "sortino", "calmar", "hit_rate")]).all()


@pytest.mark.parametrize("step", [0.1, -0.1])
def test_a_constant_pnl_has_no_volatility_and_no_ratio_to_it(step):
    row = one(np.full((1, 77), step))  # 0.1 has no exact binary form: rounding must not pass for volatility
    assert row["volatility"] == 0
    assert np.isnan([row[name] for name in RATIOS]).all()
    assert row["value_at_risk"] == pytest.approx(-step / 10)
    assert row["hit_rate"] == (step > 0)
    assert np.isnan(row["calmar"]) == np.isnan(row["sortino"]) == (step > 0)


def test_a_single_step():
    row = one([[-0.5]])
    assert np.isnan([row[name] for name in (*RATIOS, "volatility")]).all()
    assert row["max_drawdown"] == 0.5
    assert row["drawdown_length"] == row["longest_underwater"] == 1
    assert row["expected_shortfall"] == row["value_at_risk"] == pytest.approx(0.05)


def test_a_lost_fortune_has_a_yearly_growth_of_minus_one():
    row = path_measures(record_of_returns([[0.1, -1.0, 0.3]], periods_per_year=252)).iloc[0]
    assert row["annualised_return"] == -1
    assert row["max_drawdown_share"] == 1
    assert row["calmar"] == -1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pnl": [[1.0, np.nan]]}, "not finite on 1 of 1 paths"),
        ({"pnl": np.zeros((2, 0))}, "shape"),
        ({"capital": 0.0}, "not above 0"),
        ({"capital": [1.0, 2.0]}, "one per path"),
        ({"capital": None}, "Neither capital nor initial_price"),
        ({"periods_per_year": 0}, "periods_per_year is 0"),
        ({"risk_free": -2.0}, "risk_free is -2"),
        ({"traded": [[-1.0, 0.0]]}, "traded"),
        ({"traded": [[1.0]]}, "traded"),
    ],
)
def test_records_that_make_no_sense_are_refused(options, words):
    pnl = options.pop("pnl", [[1.0, 2.0]])
    with pytest.raises(ParameterError, match=words):
        record_of_pnl(pnl, **{"capital": 1.0, "periods_per_year": 252, **options})


def test_compounded_losses_of_more_than_everything_are_refused():
    with pytest.raises(ParameterError, match=r"lowest of the returns is -1\.5"):
        record_of_returns([[-1.5]], periods_per_year=252)
