"""The fair baselines: finite everywhere, near the truth, and they continue bit for bit."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
from equilibrium_baselines import BaselineSettings, Combo, DeepFBSDE, clear

from simcal.equilibrium import EquilibriumProblem, check, load_problem, problem_names, solve
from simcal.equilibrium.adversarial.units import Units
from simcal.errors import DataError, ParameterError

pytestmark = pytest.mark.usefixtures("baselines")
METHODS = pytest.mark.parametrize("method", ["combo", "fbsde"])
TIMINGS = pytest.mark.parametrize("timing", ["pre-trade", "post-trade"])
TWO = EquilibriumProblem((1.0, 2.0), (3.0, -3.0), horizon=0.4, n_steps=10)
THREE = EquilibriumProblem((0.5, 1.0, 4.0), (6.0, -9.0, 3.0), horizon=0.5, cost=0.03, supply=2.0, n_steps=8)
MILD = EquilibriumProblem((1.0, 1.5, 2.0), (6.0, -9.0, 3.0), horizon=0.3, cost=0.03, n_steps=6)
QUICK = BaselineSettings(batch=64, hidden=(8,), volatility_hidden=(8,), learning_rate=0.03)


# -- finite on every case and seed ------------------------------------------------------------------------------------


@METHODS
@pytest.mark.parametrize("name", problem_names())
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_case_is_finite_for_every_seed(method, name, seed):
    problem = load_problem(name).replace(n_steps=6)
    found = solve(problem, method=method, seed=seed, iterations=3)
    assert not found.failed
    errors = found.errors(0, 20)
    assert np.isfinite([errors.terminal, errors.goal, errors.clearing]).all()
    assert errors.clearing < 1e-20
    assert 0.2 <= found.volatility <= 5


@METHODS
@TIMINGS
@pytest.mark.parametrize("power", [1.2, 1.5, 3.0])
def test_any_power_and_both_timings_are_finite(method, timing, power):
    for problem in (TWO, THREE):
        found = solve(problem.replace(power=power, timing=timing), method=method, settings=QUICK, iterations=5)
        assert not found.failed
        assert math.isfinite(found.errors(0, 50).goal)


@METHODS
def test_a_learning_rate_far_too_large_leaves_finite_numbers_or_a_status(method):
    wild = BaselineSettings(batch=16, hidden=(4,), volatility_hidden=(4,), learning_rate=10.0)
    found = solve(TWO.replace(power=1.5), method=method, settings=wild, iterations=40)
    assert found.failed == ("not finite" in found.status)


# -- near the truth ---------------------------------------------------------------------------------------------------


def shares_of_the_discount(problem, method, exact, **options):
    """How far S_0 is from the truth, in liquidity discounts: 1 is where trainings start."""
    found = solve(problem, method=method, **options)
    return found, abs(found.price - exact.price) / abs(exact.liquidity_discount)


@METHODS
@TIMINGS
@pytest.mark.parametrize("seed", [0, 1])
def test_quadratic_costs_approach_the_equilibrium_of_the_scheme(method, timing, seed):
    problem = MILD.replace(timing=timing)
    exact = solve(problem, method="discrete")
    settings = BaselineSettings(batch=64, hidden=(), volatility_hidden=(), learning_rate=0.03)
    found, missed = shares_of_the_discount(problem, method, exact, seed=seed, settings=settings, iterations=200)
    assert missed < 0.05
    assert found.volatility == pytest.approx(exact.volatility, rel=0.01)
    assert found.drift == pytest.approx(exact.drift, rel=0.02)
    assert found.errors(0, 200).terminal < 1e-6


@METHODS
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_power_costs_of_two_agents_approach_quadrature(method, seed):
    problem = TWO.replace(power=1.5, n_steps=6, cost=0.03)
    exact = solve(problem, method="quadrature")
    found, missed = shares_of_the_discount(problem, method, exact, seed=seed, settings=QUICK, iterations=100)
    assert missed < 0.15
    assert found.volatility == pytest.approx(exact.volatility, rel=0.05)


@pytest.mark.slow
@METHODS
def test_power_costs_of_three_agents_approach_the_planner(method):
    problem = MILD.replace(power=1.5)
    exact = solve(problem, method="planner", n_points=400)
    found, missed = shares_of_the_discount(problem, method, exact, settings=QUICK, iterations=150)
    assert missed < 0.15
    assert found.volatility == pytest.approx(exact.volatility, rel=0.05)


def test_checks_are_made_as_of_other_methods():
    found = solve(TWO, method="combo", settings=QUICK, iterations=100)
    assert check(found, n_paths=100, n_fit=100).n_paths == 100


@pytest.mark.slow
@METHODS
@pytest.mark.parametrize(
    ("name", "price", "volatility"), [("lq-10", 5e-4, 5e-3), ("power-2", 3e-3, 5e-3), ("power-10", 3e-3, 1.5e-2)]
)
def test_default_settings_beat_the_published_baselines(method, name, price, volatility):
    exact, found = solve(name), solve(name, method=method)
    assert found.price == pytest.approx(exact.price, rel=price)
    assert found.volatility == pytest.approx(exact.volatility, rel=volatility)
    assert found.errors().clearing < 1e-20


# -- parts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("power", [1.5, 3.0])
def test_clearing_with_a_derivative(power):
    units = Units(THREE.replace(power=power), 2, torch.device("cpu"))
    values = torch.tensor([[0.3, -0.1, 0.25], [1.0, 2.0, -0.5]], dtype=torch.float64, requires_grad=True)
    assert units.rates(clear(units, values)).sum(-1).abs().max() < 1e-8
    assert torch.autograd.gradcheck(lambda y: clear(units, y), values, eps=1e-7, atol=1e-5)
    near = (clear(units, values) - values).detach()[:, :1] * 1.02
    torch.testing.assert_close(clear(units, values, near), clear(units, values), rtol=1e-6, atol=1e-9)


@TIMINGS
@pytest.mark.parametrize("parts", [1, 3])
def test_exact_coefficients_of_the_forward_simulation_end_at_zero(timing, parts):
    """With the exact Z of quadratic costs, found by regression, values end at zero and S at the dividend."""
    problem = MILD.replace(timing=timing)
    exact = solve(problem, method="discrete")
    learner = DeepFBSDE(problem, BaselineSettings(hidden=(), volatility_hidden=(), parts=parts), seed=0, device="cpu")
    with torch.no_grad():
        sigma, after = np.zeros(6), []
        for k in range(6):
            value, _, rates = exact.policy(k, problem.initial_positions[None], np.ones(1))
            none, _, still = exact.policy(k, problem.initial_positions[None], np.zeros(1))
            sigma[k] = np.ravel(none)[0]
            after.append(problem.cost_factor * (rates - still)[0])  # d c'(v) / dW
            assert np.ravel(value)[0] == pytest.approx(sigma[k])
        learner.volatility.level.free[:, 0] = torch.as_tensor(sigma) - 1
        slope = (learner.units.marginal / learner.units.displacement).mean()
        basis = (slope * learner.units.powers(learner.units.xi)).numpy()
        for k in range(6):
            # The value before step k + 1 moves with W as that after its trade does, less what holding costs.
            slopes = after[k + 1] if k < 5 else np.zeros(3)
            if timing == "pre-trade" and k < 5:
                carried = problem.gamma * sigma[k + 1] * problem.xi * problem.step
                slopes = slopes - (carried - carried.mean())
            coefficients = np.linalg.lstsq(basis, slopes, rcond=None)[0]
            np.testing.assert_allclose(basis @ coefficients, slopes, atol=1e-12)
            learner.noise.level.free[k] = torch.as_tensor(coefficients)
        learner.price.fill_((exact.price - float(learner.start)) / learner.price_unit)
        found = learner.simulated(learner.increments(100, 0))
        if parts == 1:
            assert found.gaps.abs().max() < 1e-10
            _, row = learner.losses(learner.increments(100, 0))
            assert row["terminal"] < 1e-18
        assert len(found.gaps) == parts


# -- trainings continue -----------------------------------------------------------------------------------------------


class Stop(Exception):
    """What interrupts a training in these tests."""


def stop_at(iteration):
    def listen(row):
        if row["iteration"] == iteration:
            raise Stop

    return listen


@METHODS
@pytest.mark.parametrize("problem", [TWO.replace(n_steps=4), THREE.replace(power=1.5, n_steps=4)], ids=["two", "three"])
def test_an_interrupted_training_continues_bit_for_bit(tmp_path, monkeypatch, method, problem):
    monkeypatch.setattr("simcal.training._SAVE_EVERY", 0.0)
    options = {"method": method, "iterations": 12, "seed": 3, "settings": QUICK}
    whole = solve(problem, **options)
    file = tmp_path / "training"
    for iteration in (4, 11):  # before and during the averaging
        with pytest.raises(Stop):
            solve(problem, checkpoint=file, listen=stop_at(iteration), **options)
    continued = solve(problem, checkpoint=file, **options)
    assert (continued.price, continued.volatility) == (whole.price, whole.volatility)
    np.testing.assert_array_equal(continued.mean_volatility, whole.mean_volatility)
    assert continued.details["history"] == whole.details["history"]
    again = solve(problem, checkpoint=file, **options)  # nothing is left to do
    assert again.price == whole.price


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    file = tmp_path / "training"
    solve(TWO, method="combo", iterations=2, settings=QUICK, checkpoint=file)
    for other in ({"method": "fbsde"}, {"method": "combo", "seed": 1}):
        with pytest.raises(ParameterError, match="made for another problem, seed or setting"):
            solve(TWO, iterations=2, settings=QUICK, checkpoint=file, **other)
    file.write_text("no checkpoint")
    with pytest.raises(DataError, match="not a checkpoint"):
        solve(TWO, method="combo", iterations=2, settings=QUICK, checkpoint=file)


@METHODS
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(method):
    prices = [solve(TWO, method=method, iterations=4, seed=s, settings=QUICK).price for s in (1, 1, 2)]
    assert prices[0] == prices[1]
    assert prices[0] != prices[2]


@METHODS
def test_a_budget_ends_the_training_and_the_status_tells(method):
    found = solve(TWO, method=method, settings=QUICK, iterations=100_000, budget=0.3)
    assert "Stopped by the time budget after" in found.status
    assert math.isfinite(found.price)
    none = solve(TWO, method=method, settings=QUICK, budget=0.0)
    assert none.failed
    assert "after 0 of" in none.status


@pytest.mark.parametrize(("method", "kind"), [("combo", Combo), ("fbsde", DeepFBSDE)])
def test_numbers_that_are_not_finite_are_explained(monkeypatch, method, kind):
    losses = kind.losses

    def broken(self, increments):
        loss, row = losses(self, increments)
        return loss * math.nan, row

    monkeypatch.setattr(kind, "losses", broken)
    found = solve(TWO, method=method, settings=QUICK, iterations=30)
    assert found.failed
    assert "The last 20 training steps gave numbers that are not finite" in found.status
    assert "iteration 20" in found.status


@METHODS
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"device": "abacus"}, "device is 'abacus', but must be 'cpu'"),
        ({"iterations": 0}, "iterations is 0, but must be a whole number of at least 1"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_a_sentence(method, options, sentence):
    with pytest.raises(ParameterError, match=sentence):
        solve(TWO, method=method, **options)


@pytest.mark.parametrize(
    "change",
    [
        {"batch": 7}, {"hidden": (0,)}, {"volatility_hidden": (1.5,)}, {"learning_rate": 0.0}, {"clip": math.nan},
        {"growth": -1.0}, {"parts": 0}, {"averaged": 0.0}, {"knots": 1}, {"degree": True},
    ],
)  # fmt: skip
def test_settings_are_checked(change):
    with pytest.raises(ParameterError, match=next(iter(change))):
        BaselineSettings(**change)
