"""The small-cost expansion of two agents: its function, its constants, and the truth it tends to."""

import numpy as np
import pytest

from simcal.equilibrium import EquilibriumProblem, load_problem, solve
from simcal.equilibrium.leading_order import stationary_shape
from simcal.errors import ParameterError

TWO = load_problem("power-2")


def test_constants_of_power_three_halves():
    shape = stationary_shape(1.5)
    assert shape.slope_at_zero == pytest.approx(-1.7711332, abs=5.5e-8)
    assert shape.mean_slope == pytest.approx(-1.5181142, abs=5.5e-8)
    assert shape.variance == pytest.approx(0.759057, abs=6e-7)


@pytest.mark.parametrize("power", [1.15, 1.3, 1.5, 1.75, 2.5, 4.0])
def test_the_function_satisfies_its_equation_and_is_odd_and_falls(power):
    shape, p = stationary_shape(power), 1 / (power - 1)
    x, h = np.linspace(0.05, 11.9, 300), 1e-3
    second = (shape.slope(x + h) - shape.slope(x - h)) / (2 * h)
    first = (shape.value(x + h) - shape.value(x - h)) / (2 * h)
    pull = shape.slope(x) * np.abs(shape.value(x) / power) ** p
    np.testing.assert_allclose(second - pull, 2 * x, rtol=2e-3, atol=2e-4)
    np.testing.assert_allclose(first, shape.slope(x), rtol=2e-4)
    np.testing.assert_array_equal(shape.value(-x), -shape.value(x))
    assert shape.value(np.zeros(1)) == 0
    assert np.all(shape.slope(x) < 0)


@pytest.mark.parametrize("power", [1.3, 1.5, 2.5, 3.0])
def test_the_stationary_variance_is_minus_half_the_mean_slope(power):
    shape = stationary_shape(power)
    assert shape.variance == pytest.approx(-shape.mean_slope / 2, abs=1e-9)


@pytest.mark.parametrize("power", [1.3, 1.5, 3.0])
def test_beyond_the_interval_the_function_goes_on_smoothly_to_its_far_field(power):
    shape = stationary_shape(power)
    x = np.array([11.999, 12.001])
    assert np.diff(shape.value(x))[0] == pytest.approx(0.002 * shape.slope(np.array(12.0)), rel=1e-2)
    assert np.diff(shape.slope(x))[0] == pytest.approx(0, abs=1e-2 * abs(float(shape.slope(np.array(12.0)))))
    far = np.array([1e4])
    expected = -power * (power - 1) ** (-(power - 1) / power) * far ** (2 * (power - 1) / power)
    np.testing.assert_allclose(shape.value(far), expected, rtol=1e-4)


def test_for_power_two_the_function_is_a_line():
    x = np.linspace(-20, 20, 41)
    np.testing.assert_allclose(stationary_shape(2.0).value(x), -2 * x, atol=1e-8)
    assert stationary_shape(2.0).mean_slope == pytest.approx(-2, abs=1e-10)


@pytest.mark.parametrize(
    ("scale", "price", "drift", "volatility"), [(0.75, 0.50537, 0.75072, 1.06117), (1.0, 0.50038, 0.76626, 1.07210)]
)
def test_known_cases(scale, price, drift, volatility):
    found = solve(TWO.replace(cost_scale=scale), method="leading-order")
    assert (found.price, found.drift, found.volatility) == pytest.approx((price, drift, volatility), abs=6e-6)


def test_for_power_two_volatility_is_exact_away_from_the_end_and_the_price_misses_the_next_order():
    problem = TWO.replace(power=2.0, cost_scale=None)
    errors = []
    for cost in (1e-3, 1e-4, 1e-5):
        exact = solve(problem.replace(cost=cost), method="riccati")
        found = solve(problem.replace(cost=cost), method="leading-order")
        assert found.volatility == pytest.approx(exact.volatility, abs=1e-9)
        errors.append(exact.price - found.price)
    assert np.divide(errors[:-1], errors[1:]) == pytest.approx([10, 10], rel=0.01)


@pytest.mark.parametrize("power", [1.3, 1.5, 2.0, 3.0])
def test_exchanging_the_agents_changes_nothing(power):
    one = solve(EquilibriumProblem((0.7, 2.0), (3.0, -3.0), power=power, supply=1.4), method="leading-order")
    two = solve(EquilibriumProblem((2.0, 0.7), (-3.0, 3.0), power=power, supply=1.4), method="leading-order")
    assert (two.price, two.volatility) == pytest.approx((one.price, one.volatility), rel=1e-13)
    positions = one.problem.initial_positions + np.array([[0.3, -0.3], [-2.0, 2.0]])
    a = one.policy(0, positions, np.array([0.2, -0.1]))
    b = two.policy(0, positions[:, ::-1], np.array([0.2, -0.1]))
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(y, x[:, ::-1] if x.ndim == 2 else x, rtol=1e-12)


@pytest.mark.parametrize(
    ("power", "horizon"), [(1.5, 0.04), (3.0, 0.2)]
)  # many times of relaxation, small steps in them
def test_simulated_distances_have_the_stationary_variance(power, horizon):
    problem = EquilibriumProblem((1.0, 1.0), (3.0, -3.0), power=power, cost=1e-4, horizon=horizon, n_steps=600)
    found = solve(problem, method="leading-order")
    paths = found.simulate(0, 1500)
    distance = paths.positions[:, -1, 0] - problem.initial_positions[0] + 3.0 * paths.brownian[:, -1]
    # z = B x; with equal risk aversions volatility is 1 and x moves as in the expansion.
    scale = 2 ** ((power - 1) / (power + 2)) * (power / problem.cost_factor) ** (1 / (power + 2))
    z = scale * 3.0 ** (-2 * power / (power + 2)) * distance
    error = np.std(z**2, ddof=1) / np.sqrt(z.size)
    assert abs(np.mean(z**2) - found.details["stationary_variance"]) < 3.5 * error


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (load_problem("lq-10"), r"The method 'leading-order' needs 2 agents, but there are 10\."),
        (TWO.replace(exposure=(0.0, 0.0)), r"needs agents who trade, but the exposures are 0\."),
        (TWO.replace(power=5.0), r"power is 5, but the small-cost expansion is solved for 1\.15 to 4\."),
    ],
)
def test_problems_outside_its_domain_are_refused(problem, sentence):
    with pytest.raises(ParameterError, match=sentence):
        solve(problem, method="leading-order")
