"""Two agents on a grid: exact for quadratic costs, converged for others, first-order conditions on paths."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from optimality import first_order_residuals

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.quadratic import solve_discrete
from simcal.equilibrium.quadrature import solve_quadrature
from simcal.errors import ParameterError

QUADRATIC = EquilibriumProblem((1.0, 2.0), (3.0, -3.0), horizon=0.4, n_steps=50)
POWER = QUADRATIC.replace(power=1.5)
SHORT = POWER.replace(n_steps=15)


def numbers(solution):
    return np.array([solution.price, solution.drift, solution.volatility])


@pytest.mark.parametrize("timing", ["pre-trade", "post-trade"])
@pytest.mark.parametrize("n_steps", [1, 2, 50, 100])
def test_quadratic_costs_give_the_exact_equilibrium_of_the_scheme(timing, n_steps):
    problem = QUADRATIC.replace(timing=timing, n_steps=n_steps)
    found, exact = solve_quadrature(problem, refinement=0.5), solve_discrete(problem)
    assert numbers(found) == pytest.approx(numbers(exact), abs=1e-11)
    assert found.mean_volatility == pytest.approx(exact.mean_volatility, abs=1e-11)


def test_quadratic_costs_with_other_scales_give_the_exact_equilibrium_of_the_scheme():
    problem = QUADRATIC.replace(
        risk_aversion=(0.3, 0.1), exposure=(-20.0, 20.0), supply=4.0, dividend_volatility=2.0, horizon=1.5, cost=0.3
    )
    assert numbers(solve_quadrature(problem)) == pytest.approx(numbers(solve_discrete(problem)), abs=1e-9)


@pytest.mark.parametrize(
    ("kappa", "n_steps", "price", "drift", "volatility"),
    [
        (0.75, 50, 0.502837, 0.755114, 1.064270),
        (0.75, 100, 0.504508, 0.752232, 1.062237),
        (1.0, 100, 0.499821, 0.767638, 1.073060),
        pytest.param(0.75, 200, 0.505303, 0.751192, 1.061503, marks=pytest.mark.slow),
        pytest.param(1.0, 50, 0.498199, 0.770395, 1.074985, marks=pytest.mark.slow),
        pytest.param(1.0, 200, 0.500599, 0.766628, 1.072353, marks=pytest.mark.slow),
    ],
)
def test_published_case_with_seven_nodes_gives_the_known_table(kappa, n_steps, price, drift, volatility):
    found = solve_quadrature(POWER.replace(n_steps=n_steps, cost_scale=kappa), gauss_hermite=7)
    assert found.price == pytest.approx(price, abs=1.1e-6)
    assert found.drift == pytest.approx(drift, abs=1.5e-5)
    assert found.volatility == pytest.approx(volatility, abs=1.1e-5)


def test_seven_gauss_nodes_miss_the_volatility_at_the_kink_by_more_than_the_default_rule():
    default, seven, fine = (solve_quadrature(SHORT, gauss_hermite=n).volatility for n in (None, 7, 61))
    assert abs(seven - fine) > 3e-4
    assert abs(default - fine) < 2e-5


@pytest.mark.parametrize("timing", ["pre-trade", "post-trade"])
def test_twice_as_many_nodes_change_the_published_case_by_less_than_a_millionth(timing):
    problem = SHORT.replace(timing=timing, n_steps=8)
    coarse, fine = solve_quadrature(problem), solve_quadrature(problem, refinement=2.0)
    assert numbers(coarse) == pytest.approx(numbers(fine), abs=1e-6)
    assert abs(coarse.details["grid_change"][0]) < 1e-7
    assert abs(coarse.details["grid_change"][1]) < 1e-6


def test_both_timings_have_the_same_continuous_limit():
    limits = []
    for timing in ("pre-trade", "post-trade"):
        coarse, middle, fine = (
            numbers(solve_quadrature(POWER.replace(timing=timing, n_steps=n), refinement=0.5)) for n in (20, 40, 80)
        )
        limits.append((4 * (2 * fine - middle) - (2 * middle - coarse)) / 3)  # orders 1 and 2 eliminated
    assert limits[0] == pytest.approx(limits[1], abs=1e-4)
    assert limits[0] == pytest.approx([0.5061, 0.7505, 1.061], abs=1e-3)


@pytest.mark.parametrize(
    ("changes", "tolerance"),
    [
        ({"power": 1.2, "n_steps": 15}, 1e-7),
        ({"power": 1.2, "cost": 0.1}, 1e-5),
        ({"power": 3.0}, 2e-4),
        ({"power": 2.5, "timing": "post-trade"}, 2e-4),
        ({"cost": 1e-4}, 1e-6),
        ({"cost": 1.0}, 2e-4),
        ({"exposure": (-3.0, 3.0)}, 1e-6),
        ({"horizon": 0.01}, 1e-7),
        ({"horizon": 1.0}, 1e-3),
    ],
)
def test_grid_follows_the_scales_of_other_problems(changes, tolerance):
    problem = SHORT.replace(**{"n_steps": 8, **changes})
    coarse, fine = solve_quadrature(problem), solve_quadrature(problem, refinement=1.5)
    assert numbers(coarse) == pytest.approx(numbers(fine), rel=tolerance)
    assert coarse.details["unsolved_nodes"] == 0


def test_shares_may_be_counted_in_other_units():
    split = 1000.0
    other = SHORT.replace(
        risk_aversion=tuple(g / split for g in SHORT.risk_aversion), exposure=tuple(x * split for x in SHORT.exposure),
        supply=split, cost=SHORT.cost * split ** (1 - SHORT.power),
    )  # fmt: skip
    assert numbers(solve_quadrature(other)) == pytest.approx(numbers(solve_quadrature(SHORT)), abs=1e-9)


def test_the_order_of_the_agents_does_not_matter():
    other = SHORT.replace(risk_aversion=SHORT.risk_aversion[::-1], exposure=SHORT.exposure[::-1])
    assert numbers(solve_quadrature(other)) == pytest.approx(numbers(solve_quadrature(SHORT)), abs=1e-10)


@pytest.mark.parametrize("timing", ["pre-trade", "post-trade"])
@pytest.mark.parametrize("power", [1.4, 3.0])
def test_no_agent_gains_by_another_rate(timing, power):
    problem = SHORT.replace(timing=timing, power=power, n_steps=12)
    mean, error = first_order_residuals(solve_quadrature(problem), steps=(0, 5, 10))
    assert np.abs(mean / np.maximum(error, 1e-6)).max() < 4.5


def test_paths_end_at_the_dividend_on_average_and_with_the_error_of_the_scheme():
    found = solve_quadrature(POWER.replace(n_steps=100))
    errors = found.errors(seed=0, n_paths=3000)
    assert abs(errors.terminal_bias) < 4 * np.sqrt(errors.terminal / errors.n_paths)
    assert errors.terminal == pytest.approx(5e-6, abs=8e-7)
    assert errors.clearing < 1e-25
    shares = found.problem.aggregate_risk_aversion * found.problem.supply
    assert found.drift == pytest.approx(shares * found.volatility**2, abs=1e-6)


def test_nothing_to_hedge_means_no_trade():
    found = solve_quadrature(SHORT.replace(exposure=(0.0, 0.0)))
    assert numbers(found) == pytest.approx([0.8 - 0.4 * 2 / 3, 2 / 3, 1.0], abs=1e-9)
    assert np.abs(found.simulate(0, 5).rates).max() < 1e-9


def test_a_volatility_that_the_steps_are_too_long_for_is_reported():
    found = solve_quadrature(SHORT.replace(risk_aversion=(1.0, 50.0), exposure=(30.0, -30.0), n_steps=20))
    assert "more steps" in found.status


@pytest.mark.parametrize(
    ("changes", "arguments", "words"),
    [
        ({"risk_aversion": (1.0, 1.0, 1.0), "exposure": (1.0, 0.0, -1.0)}, {}, "two agents"),
        ({}, {"refinement": 0.1}, "refinement is 0.1"),
        ({}, {"gauss_hermite": 2}, "gauss_hermite is 2"),
    ],
)
def test_impossible_requests_are_refused_in_a_sentence(changes, arguments, words):
    with pytest.raises(ParameterError, match=words):
        solve_quadrature(SHORT.replace(**changes), **arguments)
