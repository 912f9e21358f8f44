"""Checks are zero for an exact solution, and for a wrong one what matrices say they must be."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from linear_quadratic import LinearModel

from simcal.equilibrium import EquilibriumProblem, check, load_problem, solve
from simcal.equilibrium.deviations import look_back
from simcal.errors import ParameterError
from simcal.json_text import json_text

FIVE = load_problem("lq-5").replace(n_steps=20)
TIMINGS = pytest.mark.parametrize("timing", ["pre-trade", "post-trade"])


def changed(solution, volatility=1.0, rates=1.0):
    def policy(k, positions, brownian):
        sigma, mu, v = solution.policy(k, positions, brownian)
        return sigma * volatility, mu, v * rates

    return replace(solution, policy=policy, method="wrong")


@TIMINGS
@pytest.mark.parametrize("method", ["discrete", "modal"])
@pytest.mark.parametrize("name", ["lq-5", "lq-10"])
def test_an_exact_solution_holds_to_rounding(name, method, timing):
    problem = load_problem(name).replace(n_steps=20, timing=timing)
    found = check(solve(problem, method=method), seed=3, n_paths=300, n_fit=200)
    assert abs(found.relative_gap) < 1e-15
    assert abs(found.exploitability) < 1e-14
    assert found.residual < 1e-10
    assert found.drift_identity == pytest.approx(0, abs=1e-12)
    assert abs(found.price_identity) < 1e-13
    assert found.terminal < 1e-25
    assert found.volatility_bias < 1e-13
    assert found.good


@TIMINGS
@pytest.mark.parametrize(("volatility", "rates"), [(1.0, 1.1), (1.05, 1.0), (0.9, 0.8)])
def test_gap_and_gain_of_a_wrong_linear_policy_are_those_of_matrices(timing, volatility, rates):
    wrong = changed(solve(FIVE.replace(timing=timing), method="discrete"), volatility, rates)
    exact = LinearModel(wrong)
    gains = np.array([exact.goals(n, best=True) - exact.goals(n, best=False) for n in range(5)])
    found = check(wrong, seed=0, n_paths=2000, n_fit=300)
    assert np.all(np.abs(found.gaps - exact.duality_gaps()) < 4 * found.gaps_se)
    assert np.all(np.abs(found.gains - gains) < 4 * found.gains_se)
    assert np.all(found.gains_se < 0.1 * gains)
    assert np.all(gains < exact.duality_gaps())
    assert np.all(np.abs(found.goals - [exact.goals(n, best=False) for n in range(5)]) < 0.2)
    assert not found.good


def test_gap_and_gain_grow_with_the_square_of_the_error():
    exact = solve(FIVE, method="modal")
    small, large = (check(changed(exact, rates=1 + e), n_paths=500, n_fit=200) for e in (0.005, 0.01))
    assert large.gap / small.gap == pytest.approx(4, rel=0.02)
    assert large.gains.sum() / small.gains.sum() == pytest.approx(4, rel=0.02)
    assert large.residual / small.residual == pytest.approx(2, rel=0.01)


def test_a_wrong_volatility_shows_in_identities_and_terminal_error():
    exact = solve(FIVE, method="modal")
    found = check(changed(exact, volatility=1.01), n_paths=4000)
    assert found.drift_identity == pytest.approx(1 / 1.01**2 - 1, rel=1e-9)
    shares, sigma = FIVE.aggregate_risk_aversion * FIVE.supply, exact.mean_volatility
    # The first of the marginal values knows of the error in its own step.
    assert found.price_identity == pytest.approx(shares * 0.0201 * np.sum(sigma[1:] ** 2) * FIVE.step, rel=1e-9)
    assert abs(found.terminal - np.sum((0.01 * sigma) ** 2) * FIVE.step) < 4 * found.terminal_se
    # The drift is that of the right volatility, so sigma alone is off.
    assert abs(found.volatility_bias - 0.01 * np.sqrt(np.mean(sigma**2))) < 4 * found.volatility_bias_se


def test_rates_that_do_not_clear_are_seen():
    exact = solve(FIVE, method="modal")

    def policy(k, positions, brownian):
        sigma, mu, v = exact.policy(k, positions, brownian)
        return sigma, mu, v + 0.3

    table = check(replace(exact, policy=policy), n_paths=50).table().set_index("quantity")
    assert table.loc["clearing: mean (mean rate)^2", "value"] == pytest.approx(0.09)
    assert not table.loc["clearing: mean (mean rate)^2", "holds"]


def test_two_agents_with_power_costs_hold_their_checks_and_their_expansion_does_not():
    problem = load_problem("power-2").replace(n_steps=50)
    good = check(solve(problem, method="quadrature"), n_paths=500, n_fit=300)
    assert good.relative_gap < 3e-4
    assert good.exploitability < 1e-6
    assert good.residual < 0.02
    assert abs(good.price_identity) < 4 * good.price_identity_se
    rough = check(solve(problem, method="leading-order"), n_paths=500, n_fit=300)
    assert rough.relative_gap > 0.1
    assert 0 < rough.gains.sum() < rough.gap


def test_control_variates_take_noise_away_and_no_mean():
    wrong = changed(solve(load_problem("power-2").replace(n_steps=10)), rates=1.3)
    paths = wrong.simulate(0, 4000)
    random = np.random.default_rng(0)
    some = [random.normal(size=(2, 4)) for _ in range(10)]
    none = [np.zeros((2, 4))] * 10
    (*_, odd), (*_, plain) = look_back(wrong, paths, some), look_back(wrong, paths, none)
    difference = odd.value - plain.value
    se = difference.std(axis=0) / np.sqrt(4000)
    assert np.all(se > 0)
    assert np.all(np.abs(difference.mean(axis=0)) < 4 * se)
    assert np.all(plain.value.std(axis=0) < 0.3 * odd.value.std(axis=0))


def test_many_agents_are_checked():
    gamma, random = np.linspace(1, 2, 30), np.random.default_rng(0)
    exposure = random.normal(size=30)
    problem = EquilibriumProblem(tuple(gamma), tuple(exposure - exposure.mean()), supply=3.0, n_steps=10)
    assert check(solve(problem), n_paths=60, n_fit=60).good
    assert not check(changed(solve(problem), rates=1.1), n_paths=60, n_fit=60).good


def test_numbers_do_not_depend_on_how_many_paths_are_held_at_a_time(monkeypatch):
    wrong = changed(solve(FIVE), rates=1.1)
    whole = check(wrong, seed=2, n_paths=50, n_fit=60).to_dict()
    monkeypatch.setattr("simcal.equilibrium.solution._NUMBERS", 20 * 5 * 7)
    parts = check(wrong, seed=2, n_paths=50, n_fit=60).to_dict()
    for name, value in whole.items():
        if not isinstance(value, str):
            np.testing.assert_allclose(parts[name], value, rtol=1e-9, atol=1e-15)


def test_checks_become_json_and_a_table():
    found = check(solve(FIVE), n_paths=20, n_fit=50)
    assert json.loads(json_text(found.to_dict()))["good"] is True
    assert list(found.table().columns) == ["quantity", "value", "standard_error", "limit", "holds"]


def test_agents_without_exposure_trade_nothing_and_hold_their_checks():
    still = EquilibriumProblem((1.0, 2.0), (0.0, 0.0), n_steps=5)
    assert check(solve(still, method="modal"), n_paths=20, n_fit=50).good


def test_what_cannot_be_checked_is_told():
    good = solve(FIVE)
    with pytest.raises(ParameterError, match="has failed"):
        check(replace(good, price=float("nan")))
    with pytest.raises(ParameterError, match="n_paths is 1"):
        check(good, n_paths=1)
    with pytest.raises(ParameterError, match="n_fit is 3"):
        check(good, n_fit=3)
