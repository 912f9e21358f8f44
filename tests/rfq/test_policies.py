"""Policies that come with simcal, and what a user is told whose strategy or arguments are wrong."""

import numpy as np
import pytest
from numba import njit

from simcal.errors import ParameterError
from simcal.models import load
from simcal.rfq.market import RfqMarket
from simcal.rfq.policies import averse, best_margin, fixed
from simcal.trading import backtest

WALK = RfqMarket(mid_law="walk", mid_volatility=0.01)
SMALL = {"n_paths": 40, "n_steps": 30}


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


@pytest.mark.parametrize("number", [np.int64(1), np.float32(1), 1, 1.0])
def test_numbers_of_any_kind_are_options_and_levels(number):
    result = backtest("fixed", WALK, **SMALL, options={"margin": number}, level=number / 2)
    assert result.strategy == "fixed (margin 1)"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"strategy": "clever"}, "no strategy 'clever'; known are own, fixed, optimal, skewed, averse"),
        ({"strategy": 3.0}, "The strategy is of type float, but must be a function"),
        ({"strategy": "fixed"}, "The strategy fixed needs margin"),
        ({"strategy": "fixed", "options": {"margin": 1.0, "skew": 2.0}}, "fixed has no option skew; it takes margin"),
        ({"strategy": "fixed", "options": {"margin": "wide"}}, "margin is 'wide', but must be a finite number"),
        ({"strategy": "fixed", "options": [("margin", 1)]}, "options is .* but must be a mapping such as"),
        ({"strategy": "averse", "options": {"risk_aversion": -1.0}}, "risk_aversion is -1, but must be at least 0"),
        ({"strategy": raises_late, "options": {"margin": 1.0}}, "options margin belong to a strategy known by name"),
        ({"market": load("stock")}, r"quote raised TypeError .* called as \(prices, position, cash, step\)"),
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
