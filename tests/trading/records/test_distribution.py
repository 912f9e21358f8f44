"""Bands over paths and over markets: the house's estimates, missing values, the law of total variance."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from simcal.errors import ParameterError
from simcal.trading.bands import Measure, estimate, summarise
from simcal.trading.records import distribution, over_markets, path_measures, record_measures, record_of_pnl


def table_of(seed, n_paths=300, drift=0.0):
    pnl = drift + np.random.default_rng(seed).normal(size=(n_paths, 50))
    pnl[0] = 0.0  # a path without a trade has no Sharpe ratio
    return path_measures(record_of_pnl(pnl, capital=100.0, periods_per_year=252, traded=np.abs(pnl)))


def markets_of(seed, n_markets=8, n_paths=40, between=0.0, within=1.0):
    generator = np.random.default_rng(seed)
    means = between * generator.normal(size=n_markets)
    return {
        str(i): pd.DataFrame({"path": range(n_paths), "pnl": m + within * generator.normal(size=n_paths)})
        for i, m in enumerate(means)
    }


def test_rows_hold_what_they_say():
    paths = table_of(1)
    table = distribution(paths, level=0.9, quantiles=(0.1, 0.5))
    sharpe = paths["sharpe"].dropna()
    row = table.loc["sharpe"]
    assert list(table.index) == list(paths.columns)
    assert row["n_paths"] == 299
    assert row["undefined"] == 1
    assert row["mean"] == pytest.approx(sharpe.mean())
    assert row["standard_error"] == pytest.approx(sharpe.sem(), rel=1e-2)
    assert row["high"] - row["mean"] == pytest.approx(stats.norm.ppf(0.95) * row["standard_error"])
    assert row["q0.1"] == pytest.approx(sharpe.quantile(0.1))
    assert row["below_zero"] == pytest.approx((sharpe < 0).mean())
    wilson = stats.binomtest(int((sharpe < 0).sum()), 299).proportion_ci(0.9, method="wilson")
    assert row["below_zero_low"] == pytest.approx(wilson.low)
    assert row["below_zero_high"] == pytest.approx(wilson.high)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_share_of_sharpe_ratios_below_zero_is_that_of_the_law(seed):
    # Fifty normal steps with a drift: sqrt(50) times the Sharpe ratio of a step has Student's non-central law.
    row = distribution(table_of(seed, 2000, drift=0.1)).loc["sharpe"]
    exact = stats.nct.cdf(0, 49, 0.1 * np.sqrt(50))
    assert row["below_zero"] == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 2000))


def test_record_measures_make_a_summary_beside_a_baseline():
    mine, baseline = table_of(1, drift=0.05), table_of(1)
    summary = summarise(record_measures(0.95, turnover=True), mine, baseline, 0.95)
    assert set(mine.columns) <= set(summary.index)
    assert summary["value"].notna().all()
    assert summary.at["total_pnl", "difference"] == pytest.approx(0.05 * 50 * 299 / 300, rel=1e-9)
    assert summary.at["sharpe", "value"] == pytest.approx(mine["sharpe"].mean())
    assert summary.at["sharpe_below_zero", "value"] == pytest.approx((mine["sharpe"].dropna() < 0).mean())
    losses = np.sort(-mine["total_pnl"].to_numpy())[::-1]
    assert summary.at["pnl_expected_shortfall", "value"] == pytest.approx(losses[:15].mean())
    assert summary.at["pnl_value_at_risk", "value"] == pytest.approx(-mine["total_pnl"].quantile(0.05))


def test_the_error_of_a_mean_with_missing_paths_is_its_deviation_over_samples():
    measure, values, errors = Measure("x", "", "", "x"), [], []
    for seed in range(400):
        generator = np.random.default_rng(seed)
        x = np.where(generator.random(100) < 0.4, np.nan, generator.normal(3.0, 1.0, 100))
        found = estimate(measure, pd.DataFrame({"x": x}))
        values.append(found.value)
        errors.append(found.standard_error)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=4 / np.sqrt(2 * 400))


@pytest.mark.parametrize("known", [0, 1])
def test_a_mean_of_at_most_one_path_has_no_error(known):
    x = np.full(5, np.nan)
    x[:known] = 2.0
    row = distribution(pd.DataFrame({"x": x})).loc["x"]
    assert np.isnan(row[["standard_error", "low", "high", "deviation"]].to_numpy(float)).all()
    assert row["n_paths"] == known
    assert (row["mean"] == 2.0) == bool(known)


def test_the_band_of_the_mean_over_markets_is_students():
    markets = markets_of(3, n_markets=4)
    means = [frame["pnl"].mean() for frame in markets.values()]
    ends = stats.ttest_1samp(means, 0.0).confidence_interval(0.9)
    assert over_markets(markets, level=0.9).loc["pnl", ["low", "high"]].tolist() == pytest.approx([ends.low, ends.high])


@pytest.mark.parametrize("between", [0.0, 0.5, 2.0])
def test_variances_within_and_between_markets_are_recovered(between):
    tables = [over_markets(markets_of(seed, between=between)) for seed in range(200)]
    within = np.array([t.at["pnl", "within"] for t in tables])
    assert within.mean() == pytest.approx(1.0, abs=4 * within.std() / np.sqrt(200))
    found = np.array([t.at["pnl", "between"] for t in tables])
    if between:
        # Cut at 0, which happens seldom here, it is a little high at most.
        assert found.mean() == pytest.approx(between**2, abs=4 * found.std() / np.sqrt(200))
    else:
        assert found.mean() < 0.01  # the means alone would vary by 1/40


def test_the_law_of_total_variance_holds_for_many_paths():
    markets = markets_of(1, n_markets=5, n_paths=40_000, between=1.0, within=2.0)
    row = over_markets(markets).loc["pnl"]
    pooled = pd.concat(markets.values())["pnl"]
    # Over these five markets as the whole population: divisor 5 in place of 4.
    assert row["within"] + row["between"] * 4 / 5 == pytest.approx(pooled.var(), rel=1e-3)
    assert row["total"] == row["within"] + row["between"]
    assert row["q0.5"] == pytest.approx(pooled.median(), abs=1e-3)
    assert row["below_zero"] == pytest.approx((pooled < 0).mean())


def test_the_band_of_the_mean_over_markets_covers():
    held = 0
    for seed in range(300):
        row = over_markets(markets_of(seed, n_markets=4, n_paths=10, between=1.0), level=0.9).loc["pnl"]
        held += row["low"] <= 0 <= row["high"]
    assert held / 300 == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 300))


def test_markets_count_alike_whatever_their_paths():
    row = over_markets({"a": pd.DataFrame({"x": np.full(99, 1.0)}), "b": pd.DataFrame({"x": [-1.0, -1.0]})}).loc["x"]
    assert row["mean"] == 0
    assert row["below_zero"] == pytest.approx(0.5)
    assert row["within"] == 0
    assert row["between"] == 2
    assert row["between_share"] == 1
    assert (row["lowest"], row["highest"]) == (-1, 1)


def test_a_single_market_has_no_variance_between():
    row = over_markets(markets_of(1, n_markets=1)).loc["pnl"]
    assert np.isnan(row[["standard_error", "low", "between", "total", "between_share"]].to_numpy(float)).all()
    assert row["within"] > 0
    nothing = over_markets({"a": pd.DataFrame({"x": [np.nan, np.nan]})}).loc["x"]
    assert nothing["undefined"] == 2
    assert nothing.drop(["n_markets", "undefined"]).isna().all()


def test_other_measures_in_another_market_are_refused():
    with pytest.raises(ParameterError, match="all with the same measures"):
        over_markets({"a": pd.DataFrame({"x": [1.0]}), "b": pd.DataFrame({"y": [1.0]})})
    with pytest.raises(ParameterError, match="0 markets"):
        over_markets({})
    with pytest.raises(ParameterError, match="quantiles is 2"):
        distribution(pd.DataFrame({"x": [1.0]}), quantiles=[2])
