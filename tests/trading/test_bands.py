"""Measures over paths: standard errors that are right, differences on the same paths, risk of the tails."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from simcal.errors import ParameterError
from simcal.trading.bands import (
    Measure,
    check_level,
    difference,
    estimate,
    expected_shortfall,
    summarise,
    value_at_risk,
)

MEAN = Measure("pnl", "P&L", "money", "pnl")
RATIO = Measure("hit_ratio", "hit ratio", "", "trades", per="requests")


def frame(seed, n=400):
    generator = np.random.default_rng(seed)
    requests = generator.integers(5, 50, n).astype(float)
    trades = generator.binomial(requests.astype(int), 0.3).astype(float)
    return pd.DataFrame({"pnl": generator.normal(1.0, 2.0, n) + 0.2 * trades, "trades": trades, "requests": requests})


@pytest.mark.parametrize("measure", [MEAN, RATIO], ids=["mean", "ratio"])
def test_standard_errors_are_the_deviation_of_the_estimate_over_samples(measure):
    estimates = [estimate(measure, frame(seed)) for seed in range(400)]
    claimed = np.mean([e.standard_error for e in estimates])
    assert claimed == pytest.approx(np.std([e.value for e in estimates]), rel=4 / np.sqrt(2 * 400))


def test_standard_errors_of_the_tail_are_the_deviation_over_samples():
    measure = Measure("es", "", "", "pnl", statistic=expected_shortfall(0.9))
    estimates = [estimate(measure, frame(seed, 200)) for seed in range(60)]
    claimed = np.mean([e.standard_error for e in estimates])
    assert claimed == pytest.approx(np.std([e.value for e in estimates]), rel=4 / np.sqrt(2 * 60))


def test_a_difference_on_the_same_paths_has_the_error_of_the_differences():
    first, second = frame(1), frame(2)
    second["pnl"] = first["pnl"] + 0.01 * second["pnl"]
    paired = difference(estimate(MEAN, first), estimate(MEAN, second))
    differences = first["pnl"] - second["pnl"]
    assert paired.value == pytest.approx(differences.mean())
    assert paired.standard_error == pytest.approx(differences.std() / 20)
    assert paired.standard_error < 0.1 * estimate(MEAN, first).standard_error


def test_tails_of_a_normal_law_are_those_of_the_law():
    pnl = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    assert value_at_risk(0.95)(pnl) == pytest.approx(stats.norm.ppf(0.95), abs=1e-4)
    assert expected_shortfall(0.95)(pnl) == pytest.approx(stats.norm.pdf(stats.norm.ppf(0.95)) / 0.05, abs=1e-3)


def test_expected_shortfall_takes_a_fraction_of_a_path_where_the_tail_ends_inside_it():
    # The worst 15 % of ten paths: the worst one whole, half of the next.
    pnl = -np.array([10.0, 6.0, *np.zeros(8)])
    assert expected_shortfall(0.85)(pnl) == pytest.approx((1.0 * 10 + 0.5 * 6) / 1.5)
    assert expected_shortfall(0.95)(pnl) == pytest.approx(10)  # half a path: the worst one


def test_a_summary_without_trades_has_missing_ratios_and_no_warnings():
    paths = pd.DataFrame({"pnl": np.zeros(5), "trades": np.zeros(5), "requests": np.zeros(5)})
    summary = summarise([MEAN, RATIO], paths, paths, 0.95)
    assert np.isnan(summary.at["hit_ratio", "value"])
    assert summary.at["pnl", "difference"] == 0


def test_a_single_path_has_no_standard_error():
    summary = summarise([MEAN, RATIO], frame(0, 1), None, 0.95)
    assert np.isnan(summary["standard_error"]).all()
    assert np.isfinite(summary["value"]).all()


@pytest.mark.parametrize("level", [0, 1, 95, "high", True])
def test_levels_outside_zero_and_one_are_refused(level):
    with pytest.raises(ParameterError, match=r"level is .* between 0 and 1"):
        check_level("level", level)
