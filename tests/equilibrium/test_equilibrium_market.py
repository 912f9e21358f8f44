"""An equilibrium as a market: the paths are those of the solution, period after period, and everything comes back."""

import numpy as np
import pytest

import simcal
from simcal import models
from simcal.equilibrium import EquilibriumProblem, SolutionMarket, load_problem, solve, to_market
from simcal.errors import NumericalWarning, ParameterError

PROBLEM = load_problem("lq-5").replace(n_steps=20)
MARKET = to_market(solve(PROBLEM))
POSITIONS = [f"position_{n}" for n in range(1, 6)]
EVERYTHING = ["drift", "volatility", "volume", *POSITIONS]


@pytest.mark.parametrize("timing", ["pre-trade", "post-trade"])
@pytest.mark.parametrize("method", ["modal", "riccati"])
def test_the_first_period_is_that_of_the_solution(method, timing):
    solution = solve(PROBLEM.replace(timing=timing), method=method)
    paths = simcal.simulate(to_market(solution, initial_price=50.0), 30, 20, seed=4, first_path=3, save=EVERYTHING)
    wanted = solution.simulate(4, 30, first_path=3)
    np.testing.assert_allclose(paths.prices - 50.0, wanted.price - solution.price, atol=1e-12)
    np.testing.assert_allclose(paths.outputs["drift"][:, 1:], wanted.drift, atol=1e-11)
    np.testing.assert_allclose(paths.outputs["volatility"][:, 1:], wanted.volatility, atol=1e-12)
    volume = np.abs(wanted.rates).sum(axis=2) * PROBLEM.step / 2
    np.testing.assert_allclose(paths.outputs["volume"][:, 1:], volume, atol=1e-11)
    np.testing.assert_array_equal(paths.outputs["volume"][:, 0], 0)
    for n, name in enumerate(POSITIONS):
        np.testing.assert_allclose(paths.outputs[name], wanted.positions[:, :, n], atol=1e-11)


def test_a_period_pays_what_the_model_promises():
    solution = solve(PROBLEM)
    prices = simcal.simulate(to_market(solution), 4000, 40, seed=1).prices
    change = np.diff(prices[:, [0, 20, 40]], axis=1)
    # The dividend is beta T + alpha W_T, the price before it S_0.
    mean, sd = PROBLEM.dividend_mean * PROBLEM.horizon - solution.price, np.sqrt(PROBLEM.horizon)
    assert np.all(np.abs(change.mean(axis=0) - mean) < 4 * sd / np.sqrt(4000))
    assert np.all(np.abs(change.std(axis=0) / sd - 1) < 4 / np.sqrt(8000))
    assert abs(np.corrcoef(change.T)[0, 1]) < 4 / np.sqrt(4000)


def test_each_period_begins_anew_where_the_price_is():
    paths = simcal.simulate(MARKET, 5, 60, save=EVERYTHING)
    for name in POSITIONS[:2]:
        later = paths.outputs[name][:, 21] - MARKET.initial_positions[int(name[-1]) - 1]
        np.testing.assert_allclose(later, 0, atol=1e-12)  # W = 0: nobody trades in the first step
    np.testing.assert_allclose(paths.outputs["volatility"][0, 1:21], paths.outputs["volatility"][0, 41:61])


def test_bits_do_not_depend_on_the_number_of_paths_the_chunk_or_what_is_saved():
    whole = simcal.simulate(MARKET, 40, 150, seed=7, save=EVERYTHING)
    one = simcal.simulate(MARKET, 1, 150, seed=7, first_path=11)
    np.testing.assert_array_equal(one.prices[0], whole.prices[11])
    parts = simcal.simulate(MARKET, 40, 150, seed=7, chunk=9, save=["position_2"])
    np.testing.assert_array_equal(parts.prices, whole.prices)
    np.testing.assert_array_equal(parts.outputs["position_2"], whole.outputs["position_2"])
    thin = simcal.simulate(MARKET, 40, 100, seed=7, every=5, burn_in=50, save=EVERYTHING)
    np.testing.assert_array_equal(thin.prices, whole.prices[:, 50::5])
    for name in EVERYTHING:
        np.testing.assert_array_equal(thin.outputs[name], whole.outputs[name][:, 50::5])
    single = simcal.simulate(MARKET, 40, 150, seed=7, dtype="float32").prices
    np.testing.assert_array_equal(single, whole.prices.astype("float32"))


def test_a_market_comes_back_from_its_file(tmp_path):
    models.save(MARKET, tmp_path / "m.toml")
    again = simcal.load(tmp_path / "m.toml")
    assert again == MARKET
    np.testing.assert_array_equal(simcal.simulate(again, 2, 30).prices, simcal.simulate(MARKET, 2, 30).prices)


def test_returns_scale_with_the_level_of_the_price():
    small, large = simcal.simulate(MARKET, 3, 40), simcal.simulate(MARKET.rescaled(2.0), 3, 40)
    np.testing.assert_allclose(np.diff(large.prices), np.diff(small.prices), atol=1e-12)
    assert large.prices[0, 0] == 50.0


def test_prices_below_zero_are_told():
    with pytest.warns(NumericalWarning, match="left the range"):
        paths = simcal.simulate(MARKET.replace(initial_price=0.1), 20, 40)
    assert paths.n_failed > 0


def test_facts_of_its_paths_are_those_of_nearly_independent_returns():
    paths = simcal.simulate(MARKET, 200, 400)
    returns = paths.log_returns
    assert abs(returns.std() / (np.sqrt(np.mean(np.square(MARKET.volatility)) * MARKET.step) / 100) - 1) < 0.03
    assert abs(np.mean(returns[:, 1:] * returns[:, :-1]) / returns.var()) < 0.02


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"cost": 0.02}, "cost cannot be changed alone"),
        ({"cots": 0.02}, "did you mean 'cost'"),
    ],
)
def test_what_the_solution_fixes_cannot_be_changed_alone(changes, sentence):
    with pytest.raises(ParameterError, match=sentence):
        MARKET.replace(**changes)


def test_wrong_descriptions_are_refused():
    values = MARKET.to_dict()
    for change, sentence in (
        ({"hedge": [[0.0] * 5] * 19}, r"hedge has shape \(19, 5\), but must have \(20, 5\)"),
        ({"volatility": [float("nan")] * 20}, "not finite"),
        ({"feedback": "x"}, "table of numbers"),
        ({"timing": "late"}, "post-trade"),
        ({"exposure": [1.0]}, "exposure lists 1 values"),
    ):
        with pytest.raises(ParameterError, match=sentence):
            models.from_dict({**values, **change})
    with pytest.raises(ParameterError, match="has no hedge"):
        models.from_dict({k: v for k, v in values.items() if k != "hedge"})
    with pytest.raises(ParameterError, match="no differentiable twin"):
        MARKET.twin(["cost"])
    with pytest.raises(ParameterError, match="not an output"):
        simcal.simulate(MARKET, 1, 5, save=["position_6"])


def test_more_agents_than_a_file_holds_make_a_market_in_memory():
    many = EquilibriumProblem((1.0,) * 101, (0.0,) * 101, n_steps=2)
    assert isinstance(to_market(solve(many)), SolutionMarket)
