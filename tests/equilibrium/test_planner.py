"""The planner's allocation and multiplier are the equilibrium that the exact solvers find, from another side."""

import numpy as np
import pytest

from simcal.equilibrium import EquilibriumProblem, check, load_problem, solve
from simcal.errors import ParameterError

TIMINGS = pytest.mark.parametrize("timing", ["pre-trade", "post-trade"])
UNEVEN = EquilibriumProblem((0.5, 1.0, 4.0), (6.0, -9.0, 3.0), horizon=0.5, cost=0.03, supply=2.0, n_steps=10)


@TIMINGS
@pytest.mark.parametrize("problem", [load_problem("lq-5").replace(n_steps=12), UNEVEN], ids=["lq-5", "uneven"])
def test_quadratic_costs_give_the_equilibrium_of_the_scheme(problem, timing):
    problem = problem.replace(timing=timing)
    exact, found = solve(problem, method="discrete"), solve(problem, method="planner")
    assert found.price == pytest.approx(exact.price, abs=2e-6)
    assert found.drift == pytest.approx(exact.drift, rel=1e-5)
    assert found.volatility == pytest.approx(exact.volatility, rel=5e-6)
    np.testing.assert_allclose(found.mean_volatility, exact.mean_volatility, rtol=3e-5)
    wanted, rates = exact.simulate(5, 200).rates, found.simulate(5, 200).rates
    assert np.sqrt(np.mean((rates - wanted) ** 2)) < 1e-3 * np.sqrt(np.mean(wanted**2))
    checks = check(found, n_paths=100, n_fit=100)
    assert checks.good
    assert checks.relative_gap < 1e-6


@pytest.mark.parametrize(("power", "timing"), [(1.5, "pre-trade"), (2.5, "post-trade")])
def test_two_agents_with_power_costs_agree_with_quadrature(power, timing):
    problem = load_problem("power-2").replace(power=power, cost_scale=power / 2, n_steps=15, timing=timing)
    exact, found = solve(problem, method="quadrature", refinement=0.7), solve(problem, method="planner", n_points=600)
    assert found.price == pytest.approx(exact.price, abs=5e-5)
    assert found.volatility == pytest.approx(exact.volatility, rel=2e-3)
    assert found.drift == pytest.approx(exact.drift, rel=4e-3)
    wanted, rates = exact.simulate(5, 200).rates, found.simulate(5, 200).rates
    assert np.sqrt(np.mean((rates - wanted) ** 2)) < 0.03 * np.sqrt(np.mean(wanted**2))
    checks = check(found, n_paths=100, n_fit=100)
    assert checks.relative_gap < 3e-3
    assert checks.exploitability < 1e-5


@pytest.mark.slow
def test_ten_agents_with_power_costs_hold_their_checks_and_agree_with_collocation():
    found = solve("power-10", method="planner")
    assert found.price == pytest.approx(0.3692, abs=1e-4)
    assert found.volatility == pytest.approx(1.063, abs=5e-3)
    checks = check(found, n_paths=200)
    assert checks.relative_gap < 1e-3
    assert checks.exploitability < 1e-5
    assert checks.clearing < 1e-20
    other = solve("power-10", method="collocation")
    assert found.price == pytest.approx(other.price, abs=1e-4)
    assert found.volatility == pytest.approx(other.volatility, abs=2e-3)


@pytest.mark.slow
def test_a_hundred_agents_with_power_costs_have_a_small_gap():
    random = np.random.default_rng(0).normal(size=100) * 20
    problem = EquilibriumProblem(
        tuple(np.linspace(1, 1.9, 100)), tuple(random - random.mean()), supply=10.0, n_steps=20, power=1.5
    )
    checks = check(solve(problem, method="planner", n_rounds=8), n_paths=100, n_fit=100)
    assert checks.relative_gap < 2e-3
    assert checks.exploitability < 1e-4


def test_other_states_give_almost_the_same():
    problem = load_problem("power-2").replace(n_steps=8)
    one, other = (solve(problem, method="planner", seed=seed, n_points=600) for seed in (0, 1))
    assert one.price != other.price
    assert one.price == pytest.approx(other.price, abs=2e-5)
    assert one.volatility == pytest.approx(other.volatility, rel=5e-4)


def test_agents_without_exposure_need_no_trade():
    found = solve(EquilibriumProblem((1.0, 2.0), (0.0, 0.0), power=1.5, n_steps=5), method="planner")
    frictionless = solve(found.problem, method="frictionless")
    assert found.price == pytest.approx(frictionless.price, abs=1e-14)
    np.testing.assert_array_equal(found.simulate(0, 3).rates, 0)


def test_a_failure_is_told_and_not_raised():
    problem = load_problem("power-2").replace(power=1.05, cost_scale=None, cost=1e-4, n_steps=10)
    found = solve(problem, method="planner", n_points=400)
    assert found.failed
    assert "without bound" in found.status
    assert np.isnan(found.mean_volatility).all()


@pytest.mark.parametrize("options", [{"n_rounds": 0}, {"n_points": 100}, {"seed": -1}])
def test_arguments_too_small_are_refused(options):
    ((name, _),) = options.items()
    with pytest.raises(ParameterError, match=f"{name} is .*at least"):
        solve("lq-5", method="planner", **options)
