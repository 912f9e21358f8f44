"""Many agents, any power: against exact solutions, against two agents on a grid, first-order conditions on paths."""

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from optimality import first_order_residuals

from simcal.equilibrium import EquilibriumProblem, load_problem
from simcal.equilibrium.collocation import solve_collocation
from simcal.equilibrium.quadratic import solve_discrete
from simcal.equilibrium.quadrature import solve_quadrature
from simcal.errors import ParameterError

TIMINGS = ["pre-trade", "post-trade"]
TWO = EquilibriumProblem((1.0, 2.0), (3.0, -3.0), horizon=0.4, power=1.5, n_steps=15)
THREE = EquilibriumProblem((1.0, 1.5, 2.5), (8.0, -3.0, -5.0), horizon=0.3, power=1.5, n_steps=12)


@cache
def fitted(problem):
    """By fewer functions and points than what comes without a word, which is enough for few steps."""
    return solve_collocation(problem, n_random=60, n_points=1000)


@cache
def on_grid(problem):
    return solve_quadrature(problem, refinement=0.5)


@pytest.mark.parametrize("timing", TIMINGS)
def test_ten_agents_with_quadratic_costs_get_the_exact_equilibrium_of_the_scheme(timing):
    problem = load_problem("lq-10").replace(n_steps=10, timing=timing)
    found, exact = fitted(problem), solve_discrete(problem)
    assert found.price == pytest.approx(exact.price, abs=1e-8)
    assert found.volatility == pytest.approx(exact.volatility, abs=1e-7)
    assert found.drift == pytest.approx(exact.drift, abs=1e-7)
    assert found.mean_volatility == pytest.approx(exact.mean_volatility, abs=1e-6)
    errors = found.errors(0, 500)
    assert errors.terminal < 1e-12
    assert errors.clearing < 1e-25


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize(
    ("changes", "price", "volatility"),
    [
        ({}, 3e-5, 3e-4),
        ({"power": 1.2}, 1e-4, 1e-3),
        ({"power": 3.0}, 3e-4, 2e-3),
        ({"cost": 1e-3, "exposure": (-3.0, 3.0)}, 1e-4, 3e-4),
        ({"cost": 1.0}, 3e-4, 1e-3),
    ],
)
def test_two_agents_get_what_the_grid_gives(timing, changes, price, volatility):
    problem = TWO.replace(timing=timing, **changes)
    found, grid = fitted(problem), on_grid(problem)
    assert found.price == pytest.approx(grid.price, abs=price)
    assert found.volatility == pytest.approx(grid.volatility, abs=volatility)
    assert found.mean_volatility == pytest.approx(grid.mean_volatility, abs=2 * volatility)


def test_two_agents_and_the_grid_trade_alike_on_the_same_path():
    found, grid = (s.simulate(3, 400) for s in (fitted(TWO), on_grid(TWO)))
    scale = np.sqrt(np.mean(grid.rates**2))
    assert np.sqrt(np.mean((found.rates - grid.rates) ** 2)) < 0.02 * scale
    assert np.sqrt(np.mean((found.positions - grid.positions) ** 2)) < 0.005 * np.std(grid.positions)


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize(
    ("copies", "n_steps", "tolerance"), [(2, 15, 1e-4), pytest.param(5, 40, 4e-5, marks=pytest.mark.slow)]
)
def test_agents_split_into_equal_parts_leave_the_price_as_it_is(timing, copies, n_steps, tolerance):
    one = TWO.replace(timing=timing, cost_scale=1.0, n_steps=n_steps)
    split = one.replace(
        risk_aversion=tuple(copies * g for g in one.risk_aversion for _ in range(copies)),
        exposure=tuple(x / copies for x in one.exposure for _ in range(copies)),
        cost=one.cost * copies ** (one.power - 1),
    )
    found, grid = fitted(split) if copies == 2 else solve_collocation(split), on_grid(one)
    assert found.price == pytest.approx(grid.price, abs=tolerance)
    assert found.volatility == pytest.approx(grid.volatility, abs=7 * tolerance)


@pytest.mark.parametrize("timing", TIMINGS)
def test_no_agent_of_three_gains_by_another_rate(timing):
    problem = THREE.replace(timing=timing)
    solution = fitted(problem)
    mean, error = first_order_residuals(solution, steps=(0, 5, 9), n_paths=4000)
    assert np.abs(mean / np.maximum(error, 1e-6)).max() < 4.5


def test_clearing_is_exact_on_paths():
    errors = fitted(THREE).errors(0, 500)
    assert errors.clearing < 1e-24
    assert errors.excess < 1e-11


def test_ten_agents_with_power_costs_do_not_depend_on_the_seed():
    problem = load_problem("power-10").replace(n_steps=8)
    first, second = (solve_collocation(problem, seed=seed, n_random=100, n_points=1500) for seed in (0, 7))
    assert first.price == pytest.approx(second.price, abs=2e-5)
    assert first.volatility == pytest.approx(second.volatility, abs=1e-3)
    assert first.drift == pytest.approx(
        problem.aggregate_risk_aversion * problem.supply * first.volatility**2, abs=1e-12
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("timing", "price", "volatility"), [("pre-trade", 0.369182, 1.0643), ("post-trade", 0.369421, 1.0596)]
)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_published_ten_agents_with_power_costs_hold_to_the_promised_accuracy(timing, price, volatility, seed):
    found = solve_collocation(load_problem("power-10").replace(timing=timing), seed=seed)
    assert found.price == pytest.approx(price, abs=2e-5)
    assert found.volatility == pytest.approx(volatility, abs=5e-4)


@pytest.mark.slow
def test_both_timings_of_ten_agents_have_the_same_continuous_limit():
    limits = []
    for timing in TIMINGS:
        coarse, fine = (
            solve_collocation(load_problem("power-10").replace(timing=timing, n_steps=n)) for n in (50, 100)
        )
        limits.append((2 * fine.price - coarse.price, 2 * fine.volatility - coarse.volatility))
    assert limits[0][0] == pytest.approx(limits[1][0], abs=2e-5)
    assert limits[0][1] == pytest.approx(limits[1][1], abs=2e-3)


@pytest.mark.slow
def test_hundred_agents_with_quadratic_costs_get_the_exact_equilibrium_of_the_scheme():
    exposure = np.random.default_rng(0).normal(size=100) * 10
    problem = EquilibriumProblem(
        tuple(np.linspace(1, 1.9, 100)), tuple(exposure - exposure.mean()), supply=10.0, n_steps=20
    )
    found, exact = solve_collocation(problem), solve_discrete(problem)
    assert found.price == pytest.approx(exact.price, abs=1e-6)
    assert found.volatility == pytest.approx(exact.volatility, abs=1e-6)


@pytest.mark.parametrize("n_steps", [1, 2])
def test_few_steps_give_the_exact_equilibrium(n_steps):
    problem = TWO.replace(n_steps=n_steps)
    found, grid = fitted(problem), on_grid(problem)
    assert found.price == pytest.approx(grid.price, abs=1e-6)
    assert found.volatility == pytest.approx(grid.volatility, abs=1e-5)


def test_nothing_to_hedge_means_no_trade():
    found = fitted(THREE.replace(exposure=(0.0, 0.0, 0.0)))
    assert found.price == pytest.approx(found.price + found.liquidity_discount, abs=1e-6)
    assert np.abs(found.simulate(0, 5).rates).max() < 1e-6


def test_a_problem_that_explodes_is_a_status_and_not_a_silent_number():
    found = solve_collocation(TWO.replace(risk_aversion=(3.0, 0.05), exposure=(-60.0, 60.0), horizon=5.0))
    assert "more steps" in found.status


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"max_sweeps": 0}, "max_sweeps is 0"),
        ({"n_random": -1}, "n_random is -1"),
        ({"n_points": 10}, "n_points is 10"),
    ],
)
def test_impossible_requests_are_refused_in_a_sentence(arguments, words):
    with pytest.raises(ParameterError, match=words):
        solve_collocation(TWO, **arguments)
