"""Backtests in the dealer market against closed forms, and what a user is told who made a mistake."""

import json
import re

import numpy as np
import pytest
from numba import njit

import simcal.trading.dealers.run as run
from simcal.dealing import profit_and_loss
from simcal.errors import NumericalWarning, ParameterError
from simcal.json_text import json_text
from simcal.models import load
from simcal.models.dealers.closed_forms import hit_curve, optimal_margin
from simcal.models.dealers.market import RfqMarket
from simcal.models.dealers.request_table import request_table
from simcal.trading import backtest
from simcal.trading.dealers import averse, best_margin, fixed, skewed

WALK = RfqMarket(mid_law="walk", mid_volatility=0.01)
SMALL = {"n_paths": 40, "n_steps": 30}


def by_inventory(side, size, n_dealers, mid, half_spread, inventory, step):
    wider = np.where(size > 1.0, 0.1, 0.0) + 0.01 * (n_dealers - 3) + 0.0001 * step + 0.001 * (mid - 100) / half_spread
    return 0.4 - 0.05 * side * inventory + wider


@njit
def by_inventory_compiled(side, size, n_dealers, mid, half_spread, inventory, step):
    large = 0.1 if size > 1.0 else 0.0
    wider = large + 0.01 * (n_dealers - 3) + 0.0001 * step + 0.001 * (mid - 100) / half_spread
    return 0.4 - 0.05 * side * inventory + wider


# -- against closed forms -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("margin", "changes"),
    [
        (0.3, {}),
        (-0.2, {"n_dealers": 3, "size_log_sd": 0.6}),
        (0.8, {"n_dealers": 2, "client_shape": 0.8, "quote_shape": 4.0}),
        (0.5, {"panel_weights": [1, 2, 0, 3, 1], "quote_mean": [0, 0.3, 0.6, 0.9, 1.2], "size_median": 3.0}),
        (1.1, {"n_dealers": 1, "buy_share": 0.8}),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_spread_captured_at_one_margin_is_that_of_the_hit_curve(margin, changes, seed):
    market = WALK.replace(**changes)
    result = backtest(fixed(margin), market, n_paths=2000, n_steps=25, seed=seed, baseline=None)
    size = market.size_median * np.exp(0.5 * market.size_log_sd**2)
    hit = float(hit_curve(market, margin))
    row = result.summary.loc["hit_ratio"]
    assert abs(row["value"] - hit) < 3.3 * row["standard_error"]
    row = result.summary.loc["spread_pnl"]
    assert abs(row["value"] - 25 * margin * market.half_spread * size * hit) < 3.3 * row["standard_error"]
    assert result["average_margin"] == pytest.approx(margin)


@pytest.mark.parametrize("changes", [{}, {"n_dealers": 2, "quote_shape": 2.0}])
def test_the_optimal_margin_earns_most_by_as_much_as_the_closed_form_says(changes):
    market = WALK.replace(**changes)
    best = optimal_margin(market)
    shifts = [-0.3, -0.15, 0.15, 0.3]
    result = backtest("optimal", market, n_paths=4000, n_steps=25, baseline=None, shifts=shifts)
    assert result.shifts is not None
    for shift in shifts:
        row = result.shifts.loc[(shift, "spread_pnl")]
        margin = best + shift
        exact = 25 * market.half_spread * (margin * hit_curve(market, margin) - best * hit_curve(market, best))
        assert abs(row["difference"] - exact) < 3.3 * row["difference_standard_error"]
        assert row["difference_high"] < 0
    curve = result.shift_curve()
    assert curve["shift"].tolist() == [-0.3, -0.15, 0, 0.15, 0.3]
    assert curve.loc[curve["spread_pnl"].idxmax(), "shift"] == 0


def test_the_best_margin_at_no_cost_is_that_of_the_closed_forms():
    for market in (WALK, WALK.replace(n_dealers=1), WALK.replace(client_shape=0.7, quote_shape=5.0)):
        assert best_margin(market) == optimal_margin(market)
        assert best_margin(market, 0.2) > best_margin(market)


@pytest.mark.parametrize("information", [0.4, -0.3])
def test_information_moves_the_carry_by_its_closed_form(information):
    market = WALK.replace(information=information, mid_volatility=0.002, size_log_sd=0.4)
    result = backtest(fixed(0.3), market, n_paths=3000, n_steps=20, baseline=None)
    lost = 19 * float(hit_curve(market, 0.3)) * np.exp(0.5 * 0.4**2) * information * market.half_spread
    row = result.summary.loc["carry_pnl"]
    assert abs(row["value"] + lost) < 3.3 * row["standard_error"]
    assert abs(lost) > 10 * row["standard_error"]


def test_every_path_earns_spread_and_carry_and_nothing_else():
    paths = backtest(by_inventory, WALK.replace(size_log_sd=0.5), **SMALL, burn_in=7).paths
    np.testing.assert_allclose(paths["pnl"], paths["spread_pnl"] + paths["carry_pnl"], atol=1e-10)


@pytest.mark.parametrize("quoting", [None, by_inventory], ids=["own", "function"])
def test_a_path_earns_what_dealers_measure_from_its_request_table(quoting):
    market = load("rfq-desk")
    table = profit_and_loss(request_table(market, 200, path=3, quoting=quoting))
    result = backtest(quoting or "own", market, n_paths=1, n_steps=200, first_path=3, baseline=None)
    assert result["spread_pnl"] == pytest.approx(table["spread"].sum(), abs=1e-9)
    assert result["pnl"] == pytest.approx(table["total"].sum(), abs=1e-9)
    assert result.paths["last_inventory"][0] == pytest.approx(table["inventory"].iloc[-1])


# -- the same noise -------------------------------------------------------------------------------------------------


def test_a_python_and_a_compiled_strategy_make_the_same_trades():
    market = WALK.replace(panel_weights=[0, 1, 1, 2, 2], size_log_sd=0.5, inventory_skew=0.02)
    python = backtest(by_inventory, market, **SMALL, baseline=None, shifts=[-0.1])
    compiled = backtest(by_inventory_compiled, market, **SMALL, baseline=None, shifts=[-0.1])
    for name in ("trades", "requests_held", "times_flat"):
        np.testing.assert_array_equal(python.paths[name], compiled.paths[name])
    np.testing.assert_allclose(python.paths, compiled.paths, rtol=1e-9, atol=1e-10)
    assert python.shifts is not None
    assert compiled.shifts is not None
    np.testing.assert_allclose(python.shifts["value"], compiled.shifts["value"], rtol=1e-9)


def test_a_strategy_that_quotes_as_the_own_law_makes_the_same_trades():
    market = WALK.replace(quote_scale=[1e-9, 0.8, 0.8, 0.8, 0.8], quote_mean=[0.2, 0.6, 0.6, 0.6, 0.6])
    market = market.replace(inventory_skew=[0.05, 0, 0, 0, 0])
    result = backtest(skewed(0.2, 0.05), market, **SMALL, shifts=[-0.1, 0.2])
    own = backtest("own", market, **SMALL, baseline=skewed(0.2, 0.05), shifts=[-0.1, 0.2])
    np.testing.assert_array_equal(result.paths["volume"], own.paths["volume"])
    np.testing.assert_allclose(result.summary["difference"], 0, atol=1e-6)
    assert result.shifts is not None
    assert own.shifts is not None
    np.testing.assert_allclose(result.shifts["value"], own.shifts["value"], atol=1e-6)


def test_a_paired_difference_is_far_tighter_than_the_two_bands():
    result = backtest(fixed(0.40), WALK, n_paths=300, n_steps=50, baseline=fixed(0.42))
    row = result.summary.loc["pnl"]
    assert row["difference_standard_error"] < 0.5 * row["standard_error"]
    assert row["difference"] == pytest.approx(row["value"] - row["baseline"])


def test_chunks_change_nothing(monkeypatch):
    whole = backtest(by_inventory, WALK, **SMALL)
    monkeypatch.setattr(run, "CHUNK", 7 * SMALL["n_steps"])
    parts = backtest(by_inventory, WALK, **SMALL)
    assert parts.paths.equals(whole.paths)
    assert parts.series["difference"].equals(whole.series["difference"])


def test_first_path_and_seed_choose_the_requests():
    later = backtest(by_inventory, WALK, n_paths=10, n_steps=30, first_path=30)
    assert later.paths.equals(backtest(by_inventory, WALK, **SMALL).paths[30:].reset_index(drop=True))
    assert not later.paths["pnl"].equals(backtest(by_inventory, WALK, n_paths=10, n_steps=30, seed=1).paths["pnl"])


def test_burn_in_leaves_its_inventory_and_does_not_count():
    long = backtest(by_inventory, WALK, n_paths=20, n_steps=50, baseline=None)
    late = backtest(by_inventory, WALK, n_paths=20, n_steps=20, burn_in=30, baseline=None)
    np.testing.assert_allclose(late.paths["last_inventory"], long.paths["last_inventory"])
    assert (late.paths["requests"] == 20).all()


# -- policies -------------------------------------------------------------------------------------------------------


def test_leaning_against_the_inventory_lowers_the_risk():
    market = WALK.replace(mid_volatility=0.02)
    for strategy, options in (("skewed", {"skew": 0.03}), ("averse", {"risk_aversion": 0.02})):
        result = backtest(strategy, market, n_paths=400, n_steps=100, options=options, baseline="optimal")
        for name in ("pnl_deviation", "mean_abs_inventory", "expected_shortfall"):
            assert result.summary.at[name, "difference_high"] < 0, (strategy, name)
        assert result["pnl"] > 0.5 * result.summary.at["pnl", "baseline"]


def test_without_risk_aversion_the_averse_policy_is_the_best_margin():
    quote = averse(WALK.replace(information=0.1), 0.0)
    margins = quote(np.array([1.0, -1.0]), np.ones(2), np.full(2, 5), np.full(2, 100.0), 0.05, np.array([5.0, 9.0]), 1)
    np.testing.assert_allclose(margins, best_margin(WALK, 0.1), atol=1e-4)


def test_the_averse_policy_sells_cheaper_when_long_and_compiles():
    quote = averse(WALK, 0.05)
    state = (np.array([1.0, -1.0]), np.ones(2), np.full(2, 5), np.full(2, 100.0), 0.05, np.full(2, 4.0), 1)
    sell, buy = quote(*state)
    assert sell < best_margin(WALK) < buy
    assert njit(quote)(1.0, 1.0, 5, 100.0, 0.05, 4.0, 1) == pytest.approx(sell, rel=1e-12)


# -- mistakes -------------------------------------------------------------------------------------------------------


def raises_late(side, size, n_dealers, mid, half_spread, inventory, step):
    if step == 3:
        raise KeyError("my table")
    return 0.5 + 0 * side


def raises_for_one(side, size, n_dealers, mid, half_spread, inventory, step):
    if step == 2 and (mid == MID_OF_PATH_5).any():
        raise ValueError("no such mid")
    return 0.5


MID_OF_PATH_5 = float(WALK.simulate_chunk(0, 5, 1, 2, quoting=lambda *state: 0.5)["prices"][0, 2])


def nan_for_one(side, size, n_dealers, mid, half_spread, inventory, step):
    return np.where((step == 4) & (np.arange(side.size) == 7), np.nan, 0.5)


@njit
def compiled_trouble(side, size, n_dealers, mid, half_spread, inventory, step):
    if step == 6 and n_dealers == 1:
        raise ValueError("no competition")
    return np.nan if step == 8 else 0.5


@pytest.mark.parametrize(
    ("strategy", "sentence"),
    [
        (raises_late, r"raises_late raised KeyError \('my table'\) at step 3 for paths 0 to 39"),
        (raises_for_one, r"raises_for_one raised ValueError \(no such mid\) at step 2 for path 5;"),
        (nan_for_one, r"nan_for_one returned nan for path 7 at step 4; return one finite margin .* such as 1e6"),
        (lambda *state: np.inf, r"returned inf for path 0 at step 1; return one finite margin"),
        (lambda *state: np.zeros(3), r"returned an array of shape \(3,\) at step 1 for paths 0 to 39, but must .* 40"),
        (lambda *state: np.zeros((40, 1)), r"returned an array of shape \(40, 1\) at step 1"),
        (lambda *state: "cheap", r"returned 'cheap' at step 1 for paths 0 to 39"),
        (lambda *state: None, r"returned None at step 1 for paths 0 to 39"),
        (lambda side: 0.5, r"raised TypeError .* at step 1 .* it is called as \(side, size, n_dealers, mid"),
    ],
)
def test_a_misbehaving_strategy_is_told_with_path_step_and_remedy(strategy, sentence):
    with pytest.raises(ParameterError, match=sentence):
        backtest(strategy, WALK, **SMALL)


@pytest.mark.parametrize(
    ("n_dealers", "sentence"),
    [
        (5, "compiled_trouble returned nan for path 0 at step 8; return one finite margin"),
        (1, r"compiled_trouble raised ValueError \(no competition\) at step 6 for paths 0 to 39; it is called as"),
    ],
)
def test_a_misbehaving_compiled_strategy_is_told_likewise(n_dealers, sentence):
    with pytest.raises(ParameterError, match=sentence):
        backtest(compiled_trouble, WALK.replace(n_dealers=n_dealers), **SMALL)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"strategy": "clever"}, "no strategy 'clever'; known are own, fixed, optimal, skewed, averse"),
        ({"strategy": 3.0}, "The strategy is of type float, but must be a function"),
        ({"strategy": "fixed"}, "The strategy fixed needs margin"),
        ({"strategy": "fixed", "options": {"margin": 1.0, "skew": 2.0}}, "fixed has no option skew; it takes margin"),
        ({"strategy": "fixed", "options": {"margin": "wide"}}, "margin is 'wide', but must be a finite number"),
        ({"strategy": "averse", "options": {"risk_aversion": -1.0}}, "risk_aversion is -1, but must be at least 0"),
        ({"strategy": by_inventory, "options": {"margin": 1.0}}, "options margin belong to a strategy known by name"),
        ({"market": load("stock")}, "There is no backtest yet in a market of kind 'stock'; give a dealer market"),
        ({"market": 3}, "There is no backtest yet in 3"),
        ({"n_paths": 0}, "n_paths is 0, but must be a whole number from 1"),
        ({"shifts": [np.nan]}, "shifts is .* finite numbers"),
        ({"shifts": 0.1}, "shifts is 0.1, but must be a list"),
        ({"shifts": ["tight"]}, "shifts is .'tight'., but must be a list"),
        ({"shifts": range(300)}, "shifts has 300 numbers, but may have at most 200"),
        ({"risk_level": 95}, "risk_level is 95, but must be a number between 0 and 1"),
        ({"strategy": "optimal", "market": WALK.replace(rule="smoothed")}, "closed forms are those of the hard rule"),
    ],
)
def test_arguments_that_cannot_be_are_told_in_one_sentence(arguments, sentence):
    arguments = {"strategy": fixed(0.5), "market": WALK, **SMALL, **arguments}
    with pytest.raises(ParameterError, match=sentence):
        backtest(arguments.pop("strategy"), arguments.pop("market"), **arguments)


def test_paths_whose_mid_leaves_the_range_are_left_out_and_counted():
    market = WALK.replace(initial_price=1.0, mid_volatility=0.2)
    with pytest.warns(NumericalWarning, match="of 40 paths are left out because their mid left the range"):
        result = backtest(fixed(0.5), market, **SMALL)
    kept = len(result.paths)
    assert 0 < kept < 40
    assert np.isfinite(result.summary["value"]).all()
    assert any("left out" in note for note in result.notes)


def test_a_mid_drawn_anew_is_noted():
    assert any("noise without a meaning" in n for n in backtest("own", RfqMarket(), **SMALL).notes)
    assert backtest("own", WALK, **SMALL).notes == ()


# -- the result -----------------------------------------------------------------------------------------------------


def test_the_result_is_saved_and_loads_as_a_market(tmp_path):
    result = backtest("optimal", WALK, **SMALL, shifts=[0.1])
    folder = result.save(tmp_path / "bt")
    told = json.loads((folder / "backtest.json").read_text())
    assert told == json.loads(json_text(result.to_dict()))
    assert told["summary"]["pnl"]["value"] == result["pnl"]
    assert {p.name for p in folder.iterdir()} == {
        "backtest.json", "market.toml", "paths.csv", "baseline_paths.csv", "series.csv", "shifts.csv",
    }  # fmt: skip
    assert (folder / "paths.csv").read_text().count("\n") == 41


def test_the_smoothed_rule_shares_trades():
    result = backtest(fixed(0.3), WALK.replace(rule="smoothed"), **SMALL)
    assert result.paths["trades"].map(lambda x: x != round(x)).all()


def test_the_table_reads_as_words():
    table = backtest(fixed(0.3), WALK, **SMALL).table()
    assert table.columns.tolist() == [
        "measure", "unit", "value", "low", "high", "baseline", "difference", "difference low", "difference high",
    ]  # fmt: skip
    assert not any(re.search("_", label) for label in table["measure"])


def test_a_measure_that_is_not_there_is_told():
    with pytest.raises(ParameterError, match="no measure 'sharpe'; known are pnl"):
        backtest(fixed(0.3), WALK, **SMALL)["sharpe"]
