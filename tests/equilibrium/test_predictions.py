"""What costs do to volatility, price and volume: exact solutions beside the theory of small costs."""

import numpy as np
import pytest

from simcal.equilibrium import EquilibriumProblem, load_problem, predictions, solve, write_equilibrium_report
from simcal.equilibrium.predictions import EXPONENTS
from simcal.errors import ParameterError

TWO = EquilibriumProblem((1.0, 2.0), (3.0, -3.0), cost=1e-4, power=2.0, n_steps=2000)


def test_small_quadratic_costs_have_the_exponents_and_levels_of_theory():
    found = predictions(TWO.replace(horizon=1.0, n_steps=1500), [5e-5, 1e-4], n_paths=100)
    exponents = found.exponents()
    np.testing.assert_allclose(exponents["smallest costs"], exponents["theory"], atol=0.01)
    assert list(exponents["theory"]) == [0.5, 0.5, -0.25, 0.5]
    row = found.rows[0]
    # What is left is the time near both ends, one per cent of the horizon.
    for name in EXPONENTS:
        assert row[name] == pytest.approx(found.leading_order[name][0], rel=0.05), name


def test_rows_are_the_solutions():
    found = predictions(load_problem("lq-5"), [0.01, 0.1], n_paths=2)
    exact = solve(load_problem("lq-5").replace(cost=0.1, n_steps=800))
    assert found.rows[1]["price"] == exact.price
    assert found.rows[1]["liquidity_discount"] == exact.liquidity_discount
    assert found.leading_order == {}
    heard = []
    predictions(load_problem("lq-5"), [0.01, 0.1], n_paths=2, listen=heard.append)
    assert heard == [0.01, 0.1]


@pytest.mark.slow
def test_costs_of_another_power_have_their_own_exponents():
    problem = load_problem("power-2").replace(n_steps=40)
    found = predictions(problem, [2e-4, 4e-4, 8e-4], n_paths=300, refinement=0.7)
    exponents = found.exponents()
    np.testing.assert_allclose(exponents["theory"], np.array([2, 2, -1, 2]) / 3.5)
    np.testing.assert_allclose(exponents["smallest costs"], exponents["theory"], atol=0.04)
    assert found.rows[0]["volume"] == pytest.approx(found.leading_order["volume"][0], rel=0.03)


def test_the_stationary_volume_of_quadratic_costs_is_that_of_the_normal_law():
    # Far from both ends the rate is normal with variance (xi / sigma)^2 sigma sqrt(gamma / lambda) / 2.
    found = predictions(TWO, [1e-6, 1e-4], n_paths=2)
    rate = np.sqrt(3.0**2 * np.sqrt(1.5 / 1e-4) / 2)
    assert found.leading_order["volume"][1] == pytest.approx(np.sqrt(2 / np.pi) * rate, rel=1e-6)
    assert found.leading_order["costs"][1] == pytest.approx(2 * 1e-4 / 2 * rate**2, rel=1e-6)


def test_figure_and_report(tmp_path):
    found = predictions(load_problem("lq-5"), [0.005, 0.01, 0.1], n_paths=20)
    assert found.plot().shape == (2, 2)
    page = write_equilibrium_report(tmp_path, found).read_text()
    for words in ("liquidity discount", "smallest costs", "Cost 0.1: Solved exactly"):
        assert words in page
    assert set(found.to_dict()) == {"problem", "rows", "leading_order", "exponents"}


@pytest.mark.parametrize("costs", [[0.1], [0.1, 0.01], [0.0, 1.0], [float("nan"), 1.0]])
def test_costs_must_increase(costs):
    with pytest.raises(ParameterError, match="increase"):
        predictions(TWO, costs)
