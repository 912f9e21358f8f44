"""The description of the equilibrium: what it computes, what it refuses, how it is found."""

import math

import numpy as np
import pytest
import tomli_w

import simcal
from simcal import models
from simcal.equilibrium import EquilibriumProblem, load_problem, problem_names
from simcal.errors import ParameterError


@pytest.mark.parametrize("name", problem_names())
def test_every_equilibrium_that_comes_along_comes_back_from_its_file(name, tmp_path):
    problem = load_problem(name)
    assert problem.name == name
    path = tmp_path / "copy.toml"
    path.write_text(tomli_w.dumps(problem.to_dict()))
    assert load_problem(path) == load_problem(str(path)) == problem


def test_the_published_cases_are_there():
    assert problem_names() == ["lq-10", "lq-5", "power-10", "power-2"]
    ten = load_problem("lq-10")
    assert ten.risk_aversion == tuple(round(1 + i / 10, 1) for i in range(10))
    shown = (-2.89, -1.49, -1.18, 1.4, 1.91, 2.7, -2.22, -3.15, 2.63, 2.29)
    assert ten.exposure == pytest.approx([-10 * x for x in shown], abs=1e-12)
    assert ten.replace(power=1.5, cost_scale=0.75, name="power-10") == load_problem("power-10")
    assert load_problem("power-2").horizon == 0.4


@pytest.mark.parametrize(("name", "expected"), [("lq-10", 0.13912629), ("power-2", 2 / 3), ("lq-5", 0.26822778)])
def test_aggregate_risk_aversion_is_the_harmonic_sum(name, expected):
    assert load_problem(name).aggregate_risk_aversion == pytest.approx(expected, abs=5e-9)


def test_initial_positions_share_the_supply_by_risk_tolerance():
    problem = load_problem("lq-5").replace(supply=3.0)
    positions = problem.initial_positions
    assert math.fsum(positions) == pytest.approx(3.0, rel=1e-15)
    assert np.ptp(positions * problem.gamma) < 1e-15


@pytest.mark.parametrize("power", [1.2, 1.5, 2.0, 3.0])
def test_rate_inverts_marginal_cost_and_marginal_cost_is_the_slope_of_the_cost(power):
    problem = load_problem("lq-5").replace(power=power, cost_scale=0.8)
    rate = np.array([-30.0, -0.4, 0.0, 1e-3, 2.0])
    np.testing.assert_allclose(problem.rate_of(problem.marginal_cost(rate)), rate, rtol=1e-13)
    moving, h = rate[rate != 0], 1e-6
    slope = (problem.cost_of(moving * (1 + h)) - problem.cost_of(moving * (1 - h))) / (2 * h * moving)
    np.testing.assert_allclose(problem.marginal_cost(moving), slope, rtol=1e-9)
    assert problem.marginal_cost(np.array([1.0]))[0] == pytest.approx(0.8 * 0.01)


def test_without_a_scale_the_cost_is_half_lambda_times_the_power_of_the_rate():
    problem = load_problem("power-2").replace(cost_scale=None)
    assert problem.cost_of(np.array([4.0]))[0] == pytest.approx(0.005 * 8)
    assert problem.replace(power=2.0).cost_of(np.array([4.0]))[0] == pytest.approx(0.005 * 16)
    assert "cost_scale" not in problem.to_dict()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"risk_aversion": (1.0,), "exposure": (0.0,)}, r"risk_aversion is \(1\.0,\), but must be a list with one"),
        ({"risk_aversion": 1.0}, r"risk_aversion is 1\.0, but must be a list with one number per agent"),
        ({"exposure": 3.0}, r"exposure is 3\.0, but must be a list with one number per agent"),
        ({"risk_aversion": (1.0, -2.0)}, r"risk_aversion\[1\] is -2, but must be a number above 0"),
        ({"exposure": (1.0, -2.0, 1.0)}, r"exposure lists 3 values, but n_agents is 2"),
        ({"exposure": (1.0, -2.0)}, r"The exposures sum to -1, but must sum to 0"),
        ({"exposure": (math.nan, 0.0)}, r"exposure\[0\] is nan"),
        ({"cost": 0.0}, r"cost is 0, but must be a number above 0"),
        ({"power": 1.0}, r"power is 1, but must be a number above 1"),
        ({"cost_scale": -1.0}, r"cost_scale is -1, but must be a number above 0"),
        ({"n_steps": 1.5}, r"n_steps is 1\.5, but must be a whole number of at least 1"),
        ({"horizon": math.inf}, r"horizon is inf, but must be a number above 0"),
        ({"timing": "late"}, r"timing is 'late', but must be 'pre-trade' or 'post-trade'"),
        ({"name": ""}, r"name is '', but must be a text"),
        ({"horizn": 1.0}, r"'horizn' is not a parameter of the equilibrium; did you mean 'horizon'\?"),
    ],
)
def test_a_value_that_is_not_allowed_is_one_sentence(change, sentence):
    with pytest.raises(ParameterError, match=rf"^{sentence}[^\n]*$"):
        load_problem("power-2").replace(**change)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kind = 'stock'", r"The kind is 'stock', but that of an equilibrium is 'equilibrium'\."),
        ("kind = 'equilibrium'", r"The equilibrium has no risk_aversion; give a list"),
        ("kind = ", r".*a\.toml is not a TOML file"),
    ],
)
def test_a_file_that_describes_no_equilibrium_is_one_sentence(tmp_path, text, sentence):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ParameterError, match=rf"^{sentence}[^\n]*$"):
        load_problem(tmp_path / "a.toml")


def test_an_unknown_name_gets_the_nearest_known_one():
    with pytest.raises(ParameterError, match=r"There is no equilibrium 'lq-1'; known are .*; did you mean 'lq-10'\?"):
        load_problem("lq-1")


def test_an_equilibrium_is_not_among_the_markets_and_load_says_what_it_is():
    assert not set(models.names()) & set(problem_names())
    with pytest.raises(ParameterError, match=r"equilibrium with trading costs, which is solved .* simcal\.solve"):
        simcal.load("lq-10")


def test_plain_values_become_tuples_and_problems_can_be_keys():
    problem = EquilibriumProblem(risk_aversion=[1, 2], exposure=np.array([1.0, -1.0]))
    assert problem.risk_aversion == (1.0, 2.0)
    assert hash(problem) == hash(EquilibriumProblem((1.0, 2.0), (1.0, -1.0)))
