"""Methods side by side, beside the rows that were published."""

import math
from dataclasses import replace

import pytest

from simcal.equilibrium import (
    METHODS,
    EquilibriumSolution,
    Method,
    compare,
    load_problem,
    published_rows,
    solve,
    solve_and_measure,
)


def test_published_rows_belong_to_a_problem_whatever_its_name_steps_timing_and_cost_scale():
    two = load_problem("power-2")
    rows = published_rows(two.replace(name="mine", n_steps=7, timing="post-trade", cost_scale=1.0))
    assert [row.method for row in rows] == [row.method for row in published_rows(two)]
    assert rows[-1] == published_rows(two)[-1]
    assert rows[-1].price == 0.41504
    assert len(published_rows(load_problem("lq-10"))) == 7
    assert len(published_rows(load_problem("power-10"))) == 4


@pytest.mark.parametrize("change", [{"cost": 0.02}, {"horizon": 0.3}, {"supply": 2.0}, {"power": 1.6}])
def test_a_problem_of_ones_own_has_no_published_rows(change):
    assert published_rows(load_problem("power-2").replace(**change)) == []
    assert published_rows(load_problem("lq-5")) == []


def test_the_published_benchmark_of_ten_agents_lies_beside_the_truth():
    (row,) = (row for row in published_rows(load_problem("lq-10")) if row.method == "Ground truth")
    truth, limit = solve("lq-10", method="modal"), solve("lq-10", method="riccati")
    assert abs(row.goal - truth.details["goal"]) < 3 * row.goal_se
    assert row.price == pytest.approx(limit.price, rel=2e-4)
    assert row.drift == pytest.approx(limit.drift, rel=2e-4)


def test_a_comparison_solves_every_method_on_the_same_paths():
    problem, heard = load_problem("lq-10").replace(n_steps=20), []
    found = compare(problem, ["frictionless", "discrete", "modal"], seed=4, n_paths=30, listen=heard.append)
    assert heard == ["frictionless", "discrete", "modal"]
    table = found.table()
    assert list(table["source"]) == ["simcal"] * 3 + ["published"] * 7
    assert table["goal"][1] == pytest.approx(table["goal"][2], rel=1e-9)
    assert table["goal"][1] == pytest.approx(solve(problem, method="modal").errors(4, 30).goal, rel=1e-9)
    assert set(found.to_dict()["solved"][0]) == set(table.columns) - {"source"}


def test_a_method_that_fails_is_a_row_with_its_status(monkeypatch):
    def failing(problem):
        return EquilibriumSolution(
            problem, "frictionless", math.nan, math.nan, math.nan, problem.gamma, None, "It diverged."
        )

    monkeypatch.setattr("simcal.equilibrium.quadratic.solve_frictionless", failing)
    solved = solve_and_measure(load_problem("lq-5"), "frictionless")
    assert solved.errors is None
    assert solved.row()["status"] == "It diverged."
    assert solved.row()["terminal"] is None


def test_a_method_that_learns_is_not_compared_unasked(monkeypatch, keep_methods):
    keep_methods("frictionless", "modal", "riccati")
    monkeypatch.setitem(METHODS, "taught", replace(METHODS["frictionless"], learns=True))
    problem = load_problem("lq-5").replace(n_steps=5)
    assert "taught" not in [x.solution.method for x in compare(problem, n_paths=5).solved]
    assert compare(problem, ["taught"], n_paths=5).solved[0].errors is not None


def test_options_of_a_training_reach_only_the_methods_that_learn(monkeypatch):
    heard = []

    def teachable(problem, **options):
        heard.append(options)
        return solve(problem, method="modal")

    monkeypatch.setitem(METHODS, "taught", Method(teachable, learns=True))
    monkeypatch.setitem(METHODS, "frictionless", Method(teachable))
    problem = load_problem("lq-5").replace(n_steps=5)
    compare(problem, ["modal", "taught", "frictionless"], n_paths=5, training={"budget": 2.0})
    assert heard == [{"budget": 2.0}, {}]
