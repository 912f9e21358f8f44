"""Quadratic costs, the equilibrium of the discrete scheme: constants, optimality, convergence, the form in modes."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from optimality import first_order_residuals

from simcal.equilibrium import EquilibriumProblem, load_problem, solve
from simcal.errors import ParameterError

TEN = load_problem("lq-10")
TWO = load_problem("power-2").replace(power=2.0, cost_scale=None)
METHODS = ("discrete", "modal")
TIMINGS = ("pre-trade", "post-trade")


def random_problem(seed, n_agents=7, **changes):
    rng = np.random.default_rng(seed)
    xi = rng.normal(size=n_agents) * 8
    values = {"cost": 0.03, "horizon": 0.5, "supply": 2.5, "dividend_volatility": 0.8, "n_steps": 40, **changes}
    return EquilibriumProblem(rng.uniform(0.5, 3, n_agents), xi - xi.mean(), **values)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("problem", "price", "drift", "volatility"),
    [
        (TEN.replace(n_steps=50), 0.36103364, 0.21828152, 1.25257541),
        (TEN, 0.36109374, 0.21702847, 1.24897501),
        (TEN.replace(n_steps=200), 0.36112447, 0.21641102, 1.24719707),
        (TEN.replace(n_steps=400), 0.36114000, 0.21610459, 1.24631377),
        (TEN.replace(n_steps=1600), 0.36115172, 0.21587578, 1.24565379),
        (load_problem("lq-5"), 0.34127294, 0.30354659, 1.06380199),
        (TWO, 0.47188115, 0.84526624, 1.12601037),
    ],
)
def test_known_cases(problem, method, price, drift, volatility):
    found = solve(problem, method=method)
    assert (found.price, found.drift, found.volatility) == pytest.approx((price, drift, volatility), abs=5.5e-9)


def test_volatility_of_ten_agents_falls_to_that_of_the_dividend():
    path = solve(TEN, method="discrete").mean_volatility
    assert path[[0, 25, 50, 75, 99]] == pytest.approx([1.24898, 1.24195, 1.21174, 1.12861, 1.0], abs=6e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_its_own_paths_end_at_the_dividend_and_the_market_clears(method, timing, seed):
    errors = solve(random_problem(seed, timing=timing), method=method).errors(seed, 500)
    assert errors.terminal < 1e-25
    assert errors.clearing < 1e-25
    assert errors.excess < 1e-12
    assert solve(TEN.replace(timing=timing), method=method).errors(seed).terminal < 1e-25


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_agent_gains_by_another_rate(timing, seed):
    problem = random_problem(seed, 4, n_steps=8, timing=timing)
    mean, error = first_order_residuals(solve(problem, method="discrete"), (0, 3, 6, 7), seed)
    assert np.all(np.abs(mean) < 4.5 * error + 1e-12)
    # The check sees a difference: the equilibrium of the other timing does not pass it.
    other = "pre-trade" if timing == "post-trade" else "post-trade"
    wrong = solve(problem.replace(timing=other), method="discrete")
    object.__setattr__(wrong, "problem", problem)
    mean, error = first_order_residuals(wrong, (0, 3, 6, 7), seed)
    assert np.max(np.abs(mean) - 20 * error) > 0


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("method", METHODS)
def test_price_and_the_weighted_marginal_utilities_move_as_the_decoupled_martingale(timing, method):
    problem = random_problem(3, timing=timing)
    found = solve(problem, method=method)
    paths = found.simulate(0, 50)
    utility = problem.marginal_cost(paths.rates)
    if timing == "pre-trade":  # Y_k counts the reward of step k, which the rate of step k does not change
        risk = paths.volatility[..., None] * paths.positions[:, :-1] + problem.xi * paths.brownian[:, :-1, None]
        gain = paths.drift[..., None] - problem.gamma * paths.volatility[..., None] * risk
        utility = utility + gain * problem.step
    left = paths.price[:, :-1] + problem.aggregate_risk_aversion * (utility / problem.gamma).sum(axis=-1)
    ahead = np.cumsum(found.mean_volatility[::-1] ** 2)[::-1] * problem.step
    dividend = problem.dividend_mean * problem.horizon + problem.dividend_volatility * paths.brownian[:, :-1]
    expected = dividend - problem.aggregate_risk_aversion * problem.supply * ahead
    np.testing.assert_allclose(left, expected, atol=1e-12)


@pytest.mark.parametrize("timing", TIMINGS)
def test_drift_and_price_at_the_start_follow_from_the_volatility(timing):
    problem = random_problem(4, timing=timing)
    found, shares = solve(problem, method="discrete"), problem.aggregate_risk_aversion * problem.supply
    assert found.drift == pytest.approx(shares * found.volatility**2, rel=1e-14)
    variance = np.sum(found.mean_volatility**2) * problem.step
    assert found.price == pytest.approx(problem.dividend_mean * problem.horizon - shares * variance, rel=1e-14)
    assert found.simulate(0, 3).drift[:, 0] == pytest.approx(found.drift, rel=1e-12)


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("problem", [TEN, TWO, random_problem(5)])
def test_both_timings_converge_to_continuous_time_at_first_order(timing, problem):
    limit = solve(problem, method="riccati")
    wrong = []
    for n in (100, 200, 400, 800):
        found = solve(problem.replace(n_steps=n, timing=timing), method="modal")
        wrong.append((found.price - limit.price, found.volatility - limit.volatility))
    orders = np.log2(np.divide(wrong[:-1], wrong[1:]))
    assert np.all(np.abs(orders - 1) < 0.06)
    np.testing.assert_allclose(orders[-1], 1, atol=0.012)


def test_richardson_of_three_step_sizes_meets_continuous_time():
    limit = solve(TEN, method="riccati")
    coarse, middle, fine = (solve(TEN.replace(n_steps=n), method="modal") for n in (50, 100, 200))
    for name, tolerance in (("price", 1e-8), ("volatility", 1e-7), ("drift", 1e-7)):
        a, b, c = (getattr(x, name) for x in (coarse, middle, fine))
        assert (8 * c - 6 * b + a) / 3 == pytest.approx(getattr(limit, name), rel=10 * tolerance)


def test_ten_agents_after_the_trade():
    found = solve(TEN.replace(timing="post-trade"), method="discrete")
    assert (found.price, found.volatility) == pytest.approx((0.36138109, 1.24194758), abs=6e-9)


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize(("n_agents", "n_steps"), [(2, 30), (3, 1), (30, 50), (1000, 3)])
def test_modes_and_matrices_find_the_same(timing, n_agents, n_steps):
    problem = random_problem(6, n_agents, n_steps=n_steps, timing=timing)
    a, b = (solve(problem, method=method) for method in METHODS)
    assert b.price == pytest.approx(a.price, abs=1e-13)
    np.testing.assert_allclose(b.mean_volatility, a.mean_volatility, rtol=1e-12)
    rng = np.random.default_rng(7)
    positions = problem.initial_positions + rng.normal(size=(5, n_agents)) * 0.1
    positions += (problem.supply - positions.sum(axis=1, keepdims=True)) / n_agents
    for x, y in zip(a.policy(0, positions, np.arange(5.0)), b.policy(0, positions, np.arange(5.0)), strict=True):
        np.testing.assert_allclose(y, x, rtol=1e-9, atol=1e-9 * float(np.max(np.abs(x))))


def test_equal_risk_aversions_are_no_trouble_for_the_modes():
    problem = EquilibriumProblem((1.5,) * 4, (1.0, 2.0, 3.0, -6.0))
    found = solve(problem, method="modal")
    assert found.mean_volatility == pytest.approx(np.ones(100), rel=1e-14)
    assert found.price == pytest.approx(solve(problem, method="discrete").price, rel=1e-14)


def test_a_thousand_agents_in_modes():
    rng = np.random.default_rng(8)
    xi = rng.normal(size=1000) * 20
    problem = EquilibriumProblem(np.linspace(1, 1.9, 1000), xi - xi.mean(), supply=100.0)
    found = solve(problem, method="modal")
    errors = found.errors(0, 2)
    assert errors.terminal < 1e-25
    assert errors.excess < 1e-9
    assert found.drift == pytest.approx(problem.aggregate_risk_aversion * 100 * found.volatility**2, rel=1e-13)


def test_expected_goal_of_ten_agents():
    assert solve(TEN, method="modal").details["goal"] == pytest.approx(-42.12623, abs=5e-6)


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_expected_goal_is_the_mean_over_paths(timing, seed):
    found = solve(random_problem(seed, timing=timing), method="modal")
    errors = found.errors(seed, 6000)
    assert abs(errors.goal - found.details["goal"]) < 3.5 * errors.goal_se


@pytest.mark.parametrize("method", METHODS)
def test_costs_of_another_power_are_refused(method):
    with pytest.raises(ParameterError, match=rf"The method '{method}' needs costs of power 2, but power is 1\.5\."):
        solve("power-10", method=method)


@pytest.mark.parametrize("method", ["riccati", *METHODS])
def test_steps_longer_than_the_time_in_which_agents_trade_are_told(method):
    assert solve(TEN, method=method).status.endswith(("timing.", "1e-12."))
    assert "longer than the time of 7." in solve(TEN.replace(cost=1e-8), method=method).status


@pytest.mark.parametrize("method", METHODS)
def test_a_scheme_that_overflows_has_failed_and_says_so(method):
    found = solve(TEN.replace(exposure=tuple(1e5 * x for x in TEN.exposure)), method=method)
    assert found.failed
    assert "overflows" in found.status
