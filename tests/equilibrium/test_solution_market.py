"""A solution with any costs as a market in memory: its own paths, and what other markets' paths go through."""

import numpy as np
import pytest

import simcal
from simcal import facts, models
from simcal.equilibrium import SolutionMarket, load_problem, solve, to_market
from simcal.errors import ParameterError

SOLUTION = solve(load_problem("power-2").replace(n_steps=12), refinement=0.4)
MARKET = to_market(SOLUTION, initial_price=50.0)
EVERYTHING = ["drift", "volatility", "volume", "position_1", "position_2"]


def test_the_first_period_is_that_of_the_solution():
    assert isinstance(MARKET, SolutionMarket)
    paths, wanted = (
        simcal.simulate(MARKET, 70, 12, seed=3, first_path=5, save=EVERYTHING),
        SOLUTION.simulate(3, 70, first_path=5),
    )
    np.testing.assert_allclose(paths.prices - 50.0, wanted.price - SOLUTION.price, atol=1e-11)
    np.testing.assert_allclose(paths.outputs["volatility"][:, 1:], wanted.volatility, atol=1e-12)
    np.testing.assert_allclose(paths.outputs["drift"][:, 1:], wanted.drift, atol=1e-11)
    volume = np.abs(wanted.rates[:, :, 0]) * SOLUTION.problem.step
    np.testing.assert_allclose(paths.outputs["volume"][:, 1:], volume, atol=1e-11)
    np.testing.assert_allclose(paths.outputs["position_2"], wanted.positions[:, :, 1], atol=1e-11)


def test_where_both_markets_exist_they_agree():
    solution = solve(load_problem("lq-5").replace(n_steps=10))
    tables, memory = to_market(solution), SolutionMarket(solution)
    a, b = (simcal.simulate(m, 10, 35, seed=2, burn_in=3, save=["volume"]) for m in (tables, memory))
    np.testing.assert_allclose(a.prices, b.prices, atol=1e-11)
    np.testing.assert_allclose(a.outputs["volume"], b.outputs["volume"], atol=1e-11)


def test_bits_do_not_depend_on_the_number_of_paths_the_chunk_or_what_is_saved():
    whole = simcal.simulate(MARKET, 140, 30, seed=7, save=EVERYTHING)
    np.testing.assert_array_equal(simcal.simulate(MARKET, 1, 30, seed=7, first_path=101).prices[0], whole.prices[101])
    np.testing.assert_array_equal(simcal.simulate(MARKET, 140, 30, seed=7, chunk=9).prices, whole.prices)
    thin = simcal.simulate(MARKET, 140, 20, seed=7, every=5, burn_in=10, save=EVERYTHING)
    for name in EVERYTHING:
        np.testing.assert_array_equal(thin.outputs[name], whole.outputs[name][:, 10::5])


def test_its_paths_have_facts_and_a_file(tmp_path):
    simcal.simulate(MARKET, 3, 400, out=tmp_path / "p.parquet", save=["volume"])
    assert (tmp_path / "p.parquet").is_file()
    table = facts.fact_table(simcal.simulate(MARKET, 1, 400).log_returns[0])
    assert len(table) > 5


def test_what_cannot_be_saved_or_changed_says_so(tmp_path):
    with pytest.raises(ParameterError, match="cannot be saved"):
        models.save(MARKET, tmp_path / "m.toml")
    with pytest.raises(ParameterError, match="solve the problem again"):
        models.from_dict(MARKET.to_dict())
    with pytest.raises(ParameterError, match="cost cannot be changed alone"):
        MARKET.replace(cost=1.0)
    with pytest.raises(ParameterError, match="no differentiable twin"):
        MARKET.twin(["cost"])
    assert MARKET.rescaled(2.0).initial_price == 25.0
    assert {row["parameter"] for row in MARKET.describe()} >= {"cost", "power", "initial_price"}
