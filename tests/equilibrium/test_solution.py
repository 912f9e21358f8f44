"""What every solution does: it simulates in the timing of the problem and measures itself."""

import math

import numpy as np
import pytest

from simcal.equilibrium import (
    METHODS,
    EquilibriumProblem,
    EquilibriumSolution,
    default_method,
    load_problem,
    methods_for,
    solve,
)
from simcal.errors import ParameterError
from simcal.noise import normals

FIVE = load_problem("lq-5").replace(n_steps=20)


@pytest.mark.parametrize("timing", ["pre-trade", "post-trade"])
def test_paths_obey_the_scheme_with_the_draws_of_the_seed(timing):
    problem = FIVE.replace(timing=timing)
    paths = solve(problem, method="modal").simulate(3, 7, first_path=2)
    delta = problem.step
    moved = normals(3, 2, 7, 1, 20, 1)[:, 0].T * math.sqrt(delta)
    np.testing.assert_allclose(np.diff(paths.brownian), moved, atol=1e-15)
    np.testing.assert_allclose(np.diff(paths.price), paths.drift * delta + paths.volatility * moved, atol=1e-15)
    np.testing.assert_allclose(np.diff(paths.positions, axis=1), paths.rates * delta, atol=1e-14)
    np.testing.assert_array_equal(paths.positions[:, 0], np.tile(problem.initial_positions, (7, 1)))
    assert paths.price.shape == (7, 21)
    assert paths.rates.shape == (7, 20, 5)
    assert paths.time[-1] == problem.horizon
    held = paths.positions[:, 1:] if timing == "post-trade" else paths.positions[:, :-1]
    risk = paths.volatility[..., None] * held + problem.xi * paths.brownian[:, :-1, None]
    np.testing.assert_allclose(paths.drift, (problem.gamma * paths.volatility[..., None] * risk).mean(-1), atol=1e-12)


def test_a_path_is_the_same_whatever_the_number_of_paths():
    found = solve(FIVE, method="modal")
    many, few = found.simulate(1, 9), found.simulate(1, 4, first_path=5)
    np.testing.assert_allclose(few.price, many.price[5:], atol=1e-14)
    np.testing.assert_allclose(few.positions, many.positions[5:], atol=1e-13)
    assert not np.allclose(found.simulate(2, 4, first_path=5).price, few.price)


@pytest.mark.parametrize("timing", ["pre-trade", "post-trade"])
def test_errors_are_those_of_the_paths(timing):
    problem = FIVE.replace(timing=timing)
    found = solve(problem, method="riccati")
    errors, paths = found.errors(5, 50), found.simulate(5, 50)
    miss = paths.price[:, -1] - problem.dividend_mean * problem.horizon - paths.brownian[:, -1]
    assert errors.terminal == pytest.approx(np.mean(miss**2), rel=1e-10)
    assert errors.terminal_se == pytest.approx(np.std(miss**2, ddof=1) / math.sqrt(50), rel=1e-10)
    assert errors.terminal_bias == pytest.approx(miss.mean(), rel=1e-9)
    goals = np.zeros((50, 5))
    for k in range(problem.n_steps):
        held = paths.positions[:, k + 1 if timing == "post-trade" else k]
        for n in range(5):
            risk = paths.volatility[:, k] * held[:, n] + problem.exposure[n] * paths.brownian[:, k]
            reward = held[:, n] * paths.drift[:, k] - problem.risk_aversion[n] / 2 * risk**2
            goals[:, n] += (reward - 0.005 * paths.rates[:, k, n] ** 2) * problem.step
    np.testing.assert_allclose(errors.goals, goals.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(errors.goals_se, goals.std(axis=0, ddof=1) / math.sqrt(50), rtol=1e-9)
    assert errors.goal == pytest.approx(goals.sum(axis=1).mean(), rel=1e-10)
    assert errors.published_goal == pytest.approx(errors.goal / (5 * 20 * 0.2), rel=1e-14)


def test_clearing_error_is_the_mean_square_of_the_mean_rate_and_excess_that_of_the_positions():
    def policy(k, positions, brownian):
        return 1.0, 0.0, np.full_like(positions, 3.0)

    wrong = EquilibriumSolution(FIVE, "wrong", 0.0, 0.0, 1.0, np.ones(20), policy)
    errors = wrong.errors(0, 10)
    assert errors.clearing == pytest.approx(9.0)
    assert errors.clearing_se == pytest.approx(0, abs=1e-12)
    assert errors.excess == pytest.approx(5 * 3.0 * 0.2)
    assert errors.terminal == pytest.approx((2.0 * 0.2) ** 2)


def test_one_path_has_no_standard_error():
    errors = solve(FIVE, method="modal").errors(0, 1)
    assert (errors.terminal_se, errors.goal_se, errors.goals_se) == (None, None, None)


def test_a_solution_with_a_number_missing_has_failed():
    good = solve(FIVE, method="modal")
    assert not good.failed
    assert EquilibriumSolution(FIVE, "x", math.nan, 0.0, 1.0, np.ones(20), good.policy, "It diverged.").failed
    assert EquilibriumSolution(FIVE, "x", 0.0, 0.0, 1.0, np.full(20, np.nan), good.policy, "It diverged.").failed


def test_no_paths_are_refused():
    with pytest.raises(ParameterError, match="n_paths is 0"):
        solve(FIVE, method="modal").errors(0, 0)


@pytest.mark.parametrize(
    ("name", "price", "drift"),
    [("lq-10", 0.372174742, 0.139126), ("power-2", 0.533333, 2 / 3), ("lq-5", 0.346354, 0.268228)],
)
def test_frictionless_prices(name, price, drift):
    found = solve(name, method="frictionless")
    assert found.price == pytest.approx(price, abs=6e-7 if name != "lq-10" else 6e-10)
    assert found.drift == pytest.approx(drift, abs=6e-7)
    assert found.liquidity_discount == pytest.approx(0, abs=1e-15)
    errors = found.errors(0, 100)
    assert errors.terminal < 1e-25
    assert errors.excess < 1e-12


def test_frictionless_positions_solve_the_problem_of_each_agent_without_costs():
    problem = load_problem("lq-10").replace(timing="post-trade")
    paths = solve(problem, method="frictionless").simulate(0, 20)
    risk = paths.volatility[..., None] * paths.positions[:, 1:] + problem.xi * paths.brownian[:, :-1, None]
    gain = paths.drift[..., None] - problem.gamma * paths.volatility[..., None] * risk
    np.testing.assert_allclose(gain, 0, atol=1e-11)


def test_frictionless_goals_count_the_costs_of_its_jumps_as_the_published_row_does():
    problem = load_problem("power-10").replace(timing="post-trade")
    errors = solve(problem, method="frictionless").errors(0, 3000)
    se = errors.goal_se / (problem.n_agents * problem.n_steps * problem.horizon)
    assert abs(errors.published_goal + 0.479819) < 4 * math.hypot(se, 0.000952)


def test_costless_limit_of_the_exact_equilibrium_is_the_frictionless_one():
    problem = load_problem("lq-10").replace(cost=1e-12, timing="post-trade")
    found, limit = solve(problem, method="modal"), solve(problem, method="frictionless")
    assert found.price == pytest.approx(limit.price, abs=1e-6)
    np.testing.assert_allclose(found.simulate(0, 5).positions[:, 1:], limit.simulate(0, 5).positions[:, 1:], atol=1e-4)


def test_the_exact_method_follows_from_the_problem():
    two, ten = load_problem("power-2"), load_problem("power-10")
    assert default_method(FIVE) == "modal"
    assert default_method(two) == "quadrature"
    assert default_method(ten) == "collocation"
    assert solve(FIVE).method == "modal"
    assert set(methods_for(FIVE)) == {"frictionless", "riccati", "discrete", "modal", "collocation", "planner"}
    assert set(methods_for(two)) == {"frictionless", "quadrature", "collocation", "planner", "leading-order"}
    assert set(methods_for(two.replace(power=2.0))) >= {"riccati", "quadrature", "leading-order"}
    assert not any(METHODS[name].learns for name in methods_for(two))


def test_an_unknown_method_gets_the_nearest_known_one():
    with pytest.raises(ParameterError, match=r"'ricati' is not a method; did you mean 'riccati'\?"):
        solve("lq-5", method="ricati")


def test_plain_values_of_a_solution_hold_the_problem_and_the_numbers():
    found = solve(FIVE, method="riccati").to_dict()
    assert EquilibriumProblem.from_dict(found["problem"]) == FIVE
    assert (found["method"], len(found["mean_volatility"])) == ("riccati", 20)
