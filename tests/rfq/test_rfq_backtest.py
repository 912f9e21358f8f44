"""Backtests in the dealer market against closed forms, and what a user is told who made a mistake."""

import json
import re

import numpy as np
import pytest
from numba import njit

import simcal.rfq.backtest as run
from simcal.errors import NumericalWarning, ParameterError
from simcal.json_text import json_text
from simcal.models import load
from simcal.rfq.closed_forms import hit_curve, optimal_margin
from simcal.rfq.market import RfqMarket
from simcal.rfq.measures import profit_and_loss
from simcal.rfq.policies import best_margin, fixed, skewed
from simcal.rfq.simulated import request_table
from simcal.trading import backtest

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


# -- the result -----------------------------------------------------------------------------------------------------


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
    assert load(folder) == WALK


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
