"""Any simulator as a market, and our markets as simulators of other packages."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import simcal
from simcal.calibration import Recipe, Simulator, as_black_it, as_sbi
from simcal.errors import ParameterError
from simcal.parameters import Parameter

SPECS = [
    Parameter("sd", 0.02, "deviation of a return", low=0.0, open=True, unit="1"),
    Parameter("memory", 0.1, "correlation of neighbouring returns", low=-1.0, high=1.0, open=True),
]


def autoregressive(parameters, n_paths, n_steps, seed):
    noise = parameters["sd"] * np.random.default_rng(seed).standard_normal((n_paths, n_steps))
    r = np.zeros((n_paths, n_steps))
    for t in range(n_steps):
        r[:, t] = noise[:, t] + (parameters["memory"] * r[:, t - 1] if t else 0.0)
    return 100 * np.exp(np.cumsum(np.pad(r, ((0, 0), (1, 0))), axis=1))


market = Simulator(autoregressive, SPECS)


def two_numbers(prices):
    """Log deviation and first autocorrelation of the returns."""
    r = np.diff(np.log(prices), axis=-1)
    r = r - r.mean(axis=-1, keepdims=True)
    variance = (r**2).mean(axis=-1)
    return np.stack([0.5 * np.log(variance), (r[..., 1:] * r[..., :-1]).mean(axis=-1) / variance], axis=-1)


def recipe(**changes) -> Recipe:
    values = {
        "name": "own", "trainable": ["sd", "memory"], "estimator": "moments", "train_share": 0.8,
        "game": {"warm_up": 20}, "moments": {"simulated": 4, "candidates": 6, "searches": 1, "weight_samples": 200,
                                             "block": 50},
    }  # fmt: skip
    return Recipe.model_validate(values | changes)


def test_a_function_is_a_market_that_simulates_as_it_says():
    paths = simcal.simulate(market.replace(sd=0.01), 500, 100, seed=3, burn_in=5, every=2)
    assert paths.prices.shape == (500, 51)
    r = np.diff(np.log(simcal.simulate(market, 400, 100, seed=3).prices))
    assert r.std() == pytest.approx(0.02 / np.sqrt(1 - 0.1**2), rel=0.03)
    same, other = (simcal.simulate(market, 4, 10, seed=seed).prices for seed in (3, 4))
    np.testing.assert_array_equal(same, simcal.simulate(market, 4, 10, seed=3).prices)
    assert not np.array_equal(same, other)


def test_parameters_are_checked_and_described():
    assert market.sd == 0.02
    assert market.replace(memory=0.3).to_dict() == {"kind": "simulator", "sd": 0.02, "memory": 0.3}
    assert market.from_dict(market.replace(sd=0.5).to_dict()) == market.replace(sd=0.5)
    assert [row["parameter"] for row in market.describe()] == ["sd", "memory"]
    assert Simulator(autoregressive, {"sd": 0.1, "memory": 0.0}).sd == 0.1
    for changes, said in (({"sd": -1.0}, "sd is -1, but must be"), ({"sdd": 1.0}, "did you mean 'sd'")):
        with pytest.raises(ParameterError, match=said):
            market.replace(**changes)
    with pytest.raises(ParameterError, match="calibrate it with the estimator 'moments'"):
        market.twin(["sd"])


def test_a_function_that_gives_something_else_is_refused_by_a_sentence():
    short = Simulator(lambda parameters, n_paths, n_steps, seed: np.ones((n_paths, n_steps)), {"a": 1.0})
    with pytest.raises(ParameterError, match=r"gave an array of shape \(2, 10\), but must give prices of shape"):
        simcal.simulate(short, 2, 10)


@pytest.mark.parametrize("truth", [{"sd": 0.01, "memory": 0.3}, {"sd": 0.05, "memory": -0.2}])
def test_moments_find_the_parameters_of_any_simulator_within_their_standard_errors(truth, tmp_path):
    prices = simcal.simulate(market.replace(**truth), 1, 1500, seed=11, burn_in=20).prices[0]
    found = simcal.calibrate(market, prices, recipe=recipe(), statistics=two_numbers, out=tmp_path, jobs=1)
    table = found.parameters().set_index("parameter")
    assert found.estimate.succeeded, found.estimate.status
    for name, value in truth.items():
        error = table.loc[name, "standard error"]
        assert abs(table.loc[name, "calibrated"] - value) < 4 * error
    # Fisher: sd / sqrt(2 n) and sqrt((1 - memory^2) / n), here with 4 simulated samples.
    n, share = 1200, np.sqrt(1 + 1 / 4)
    assert table.loc["sd", "standard error"] == pytest.approx(share * truth["sd"] / np.sqrt(2 * n), rel=0.2)
    wanted = share * np.sqrt((1 - truth["memory"] ** 2) / n)
    assert table.loc["memory", "standard error"] == pytest.approx(wanted, rel=0.2)
    again = simcal.load(tmp_path, trust=True)
    assert again.to_dict() == found.market.to_dict()
    assert (tmp_path / "definition.py").read_text() == Path(__file__).read_text()


def test_a_simulator_is_validated_and_its_run_reported(tmp_path):
    prices = simcal.simulate(market, 1, 600, seed=5).prices[0]
    pd.DataFrame({"close": prices}).to_csv(tmp_path / "own.csv", index=False)
    settings = recipe(moments={"simulated": 2, "candidates": 2, "searches": 1, "weight_samples": 100})
    found = simcal.calibrate(
        market, tmp_path / "own.csv", recipe=settings, statistics=two_numbers, out=tmp_path / "run", jobs=1
    )
    judged = simcal.validate(found.market, prices, n_samples=5, n_resamples=5, baselines=(), jobs=1)
    assert judged.all_data.passed()[1] > 0
    from simcal.calibration import write_run_report

    page = write_run_report(tmp_path / "run", series=found.series, trust=True).read_text()
    assert "Log deviation and first autocorrelation" in page
    assert "standard error" in page


def test_moments_are_open_to_our_markets_too():
    prices = simcal.simulate(simcal.load("herding"), 1, 900, seed=2, burn_in=100).prices[0]
    settings = recipe(trainable=["chartist_sd"], market="herding", train_share=1.0)
    found = simcal.calibrate(None, prices, recipe=settings, jobs=1)
    assert np.isfinite(found.market.chartist_sd)
    assert found.starts_table().columns[2] == "objective"
    with pytest.raises(ParameterError, match="per_trader names parameters with a value per trader"):
        simcal.calibrate("stock", prices, recipe=recipe(trainable=["impact"], per_trader=["impact"]), jobs=1)


# -- for other packages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["stock", "herding"])
def test_black_it_gets_prices_of_any_length_that_only_the_seed_changes(source):
    ours = simcal.load(source)
    names = ["impact", "public_weight"] if source == "stock" else ["chartist_sd"]
    model = as_black_it(ours, names)
    theta = [getattr(ours, name) for name in names]
    found = model(theta, 40, 9)
    assert found.shape == (40, 1)
    np.testing.assert_array_equal(found[:, 0], simcal.simulate(ours, 1, 40, seed=9).prices[0, 1:])
    assert not np.array_equal(found, model(theta, 40, 10))
    with pytest.raises(ParameterError, match="is not a parameter of this market"):
        as_black_it(ours, ["nothing"])


def test_sbi_gets_a_row_of_observations_for_each_row_of_parameters():
    torch = pytest.importorskip("torch")
    simulator = as_sbi(market, ["sd", "memory"], n_steps=200, statistics=two_numbers)
    found = simulator(torch.tensor([[0.01, 0.0], [0.1, 0.5], [-1.0, 0.0]]))
    assert found.shape == (3, 2)
    assert found.dtype == torch.float32
    assert found[0, 0] == pytest.approx(np.log(0.01), abs=0.3)
    assert found[1, 1] == pytest.approx(0.5, abs=0.25)
    assert torch.isnan(found[2]).all()  # refused by the bounds
    again = as_sbi(market, ["sd", "memory"], n_steps=200, statistics=two_numbers)
    torch.testing.assert_close(again(torch.tensor([[0.01, 0.0]])), found[:1])
    assert as_sbi(market, ["sd"], n_steps=50)(torch.tensor([0.01])).shape == (50,)


def test_sbi_takes_our_simulator():
    pytest.importorskip("sbi")
    import torch
    from sbi.inference import NPE
    from torch.distributions import Uniform

    simulator = as_sbi(market, ["sd", "memory"], n_steps=200, statistics=two_numbers)
    prior = torch.distributions.Independent(Uniform(torch.tensor([0.005, -0.5]), torch.tensor([0.05, 0.5])), 1)
    theta = prior.sample((200,))
    posterior = NPE(prior).append_simulations(theta, simulator(theta)).train(max_num_epochs=5)
    assert posterior is not None
