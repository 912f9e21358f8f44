"""Quadratic costs in continuous time: constants, closed forms, and what a change of labels must not change."""

import numpy as np
import pytest

from simcal.equilibrium import EquilibriumProblem, load_problem, solve
from simcal.errors import ParameterError

TWO = load_problem("power-2").replace(power=2.0, cost_scale=None)


@pytest.mark.parametrize(
    ("problem", "price", "drift", "volatility"),
    [
        (load_problem("lq-10"), 0.36115563, 0.21579970, 1.24543427),
        (load_problem("lq-5"), 0.34129199, 0.30311183, 1.06303989),
        (TWO, 0.47317226, 0.84010797, 1.12256935),
    ],
)
def test_known_cases(problem, price, drift, volatility):
    found = solve(problem, method="riccati")
    assert (found.price, found.drift, found.volatility) == pytest.approx((price, drift, volatility), abs=6e-9)
    assert found.drift == pytest.approx(
        problem.aggregate_risk_aversion * problem.supply * found.volatility**2, rel=1e-14
    )


def test_integrated_variance_of_ten_agents():
    assert solve("lq-10", method="riccati").details["integrated_variance"] == pytest.approx(0.27920219, abs=6e-9)


def test_the_published_row_is_one_step_late():
    found = solve("lq-10", method="riccati")
    assert found.policy(1, np.zeros((1, 10)), np.zeros(1))[0] == pytest.approx(1.2453525, abs=6e-8)
    assert found.volatility == pytest.approx(1.2454343, abs=6e-8)


def test_equal_risk_aversions_leave_the_price_as_without_costs_and_the_rates_follow_a_hyperbolic_tangent():
    problem = EquilibriumProblem((1.5, 1.5, 1.5), (4.0, -1.0, -3.0), cost=0.02, horizon=0.7, dividend_volatility=1.3)
    found = solve(problem, method="riccati")
    assert found.mean_volatility == pytest.approx(np.full(100, 1.3), rel=1e-14)
    assert found.liquidity_discount == pytest.approx(0, abs=1e-14)
    rng = np.random.default_rng(0)
    moved, brownian = rng.normal(size=(4, 3)), rng.normal(size=4)
    moved -= moved.mean(axis=1, keepdims=True)
    for k in (0, 40, 99):
        left = problem.horizon - k * problem.step
        root = np.sqrt(1.5 / 0.02) * 1.3
        # One mode: F = lambda root tanh(root tau), and the aim is the frictionless position.
        rates = -root * np.tanh(root * left) * (moved + brownian[:, None] * problem.xi / 1.3)
        got = found.policy(k, problem.initial_positions + moved, brownian)[2]
        np.testing.assert_allclose(got, rates, rtol=1e-9)


def test_the_order_of_the_agents_does_not_matter():
    rng = np.random.default_rng(1)
    gamma, xi = rng.uniform(0.5, 3, 6), rng.normal(size=6) * 10
    xi -= xi.mean()
    one = solve(EquilibriumProblem(gamma, xi), method="riccati")
    order = rng.permutation(6)
    other = solve(EquilibriumProblem(gamma[order], xi[order]), method="riccati")
    assert other.price == pytest.approx(one.price, abs=1e-12)
    np.testing.assert_allclose(other.mean_volatility, one.mean_volatility, rtol=1e-11)
    positions, brownian = one.problem.initial_positions + rng.normal(size=(3, 6)), rng.normal(size=3)
    positions += (1 - positions.sum(axis=1, keepdims=True)) / 6
    for a, b in zip(one.policy(20, positions, brownian), other.policy(20, positions[:, order], brownian), strict=True):
        np.testing.assert_allclose(b, a[:, order] if np.ndim(a) == 2 else a, rtol=1e-9)


def test_simulated_on_a_grid_its_terminal_error_is_that_of_the_scheme_and_falls_with_the_square_of_the_step():
    problem = load_problem("lq-10")
    errors = [solve(problem.replace(n_steps=n), method="riccati").errors(n_paths=2000).terminal for n in (50, 100, 200)]
    assert errors[1] == pytest.approx(1.8e-6, rel=0.1)
    assert np.divide(errors[:-1], errors[1:]) == pytest.approx([4, 4], rel=0.1)


def test_costs_of_another_power_are_refused():
    with pytest.raises(ParameterError, match=r"The method 'riccati' needs costs of power 2, but power is 1\.5\."):
        solve("power-2", method="riccati")


def test_an_integration_that_stops_early_is_a_status(monkeypatch):
    class Stopped:
        success, message, nfev = False, "Required step size is less than spacing between numbers.", 7

    monkeypatch.setattr("scipy.integrate.solve_ivp", lambda *arguments, **options: Stopped)
    found = solve("lq-10", method="riccati")
    assert found.failed
    assert found.status == f"The Riccati equations could not be integrated to the end: {Stopped.message}"
