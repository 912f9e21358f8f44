"""The verb on request tables: a market, every method's estimates, a folder; and what is refused."""

import json

import numpy as np
import pytest

import simcal
from simcal.calibration import load_recipe
from simcal.calibration.recipe import EarlyStopping, check_recipe
from simcal.errors import DataError, NumericalWarning, ParameterError
from simcal.rfq import judge_rfq_run, read_rfq_run, write_rfq_report
from simcal.rfq.estimators.calibrate import exogenous, own_dealer
from simcal.rfq.market import RfqMarket
from simcal.rfq.simulated import request_table
from simcal.rfq.table import load_requests


def recipe(**changes):
    values = load_recipe("rfq").model_dump()
    values["game"]["iterations"] = 15
    values["requests"]["told"] = ("covers",)
    for key, value in changes.items():
        values[key] = values[key] | value if isinstance(value, dict) else value
    return check_recipe(values)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("requests") / "run"
    return simcal.calibrate(None, "rfq-example", recipe=recipe(), out=folder, jobs=1), folder


def test_the_result_has_every_method_beside_the_truth(run):
    calibration, _ = run
    table = calibration.estimates
    assert list(table.columns) == [
        "parameter", "method", "estimate", "standard error", "seconds", "truth", "error"
    ]  # fmt: skip
    assert len(table) == 18
    likelihood = table[table["method"] == "likelihood"]
    assert np.all(np.abs(likelihood["error"]) < 3)
    assert calibration.chosen == "likelihood"
    assert calibration.truth == simcal.load("rfq-example")


def test_the_market_has_the_chosen_estimates_and_the_own_dealer(run):
    calibration, _ = run
    market, fit = calibration.market, calibration.fit("likelihood")
    assert market.rule == "hard"
    assert market.n_dealers == 5
    assert market.client_mean == fit.value("client_mean")
    assert market.quote_scale[1:] == (fit.value("quote_scale"),) * 4
    truth = simcal.load("rfq-example")
    assert market.quote_mean[0] == pytest.approx(truth.quote_mean[0], abs=0.03)
    assert market.mid_law == "walk"
    assert market.information == pytest.approx(truth.information, abs=0.02)
    assert simcal.simulate(market, 2, 10, seed=1).prices.shape == (2, 11)


def test_the_folder_is_read_back_and_reported(run):
    calibration, folder = run
    assert simcal.load(folder) == calibration.market
    names = {"market.toml", "origin.toml", "recipe.toml", "estimates.csv", "history.csv", "manifest.json",
             "weights.safetensors", "truth.toml"}  # fmt: skip
    assert names <= {path.name for path in folder.iterdir()}
    back = read_rfq_run(folder)
    np.testing.assert_array_equal(back.estimates["estimate"], calibration.estimates["estimate"])
    assert json.loads((folder / "manifest.json").read_text())["seed"] == 0
    validation = judge_rfq_run(folder, n_samples=40)
    inside, n = validation.passed()
    assert inside > 0.7 * n
    page = write_rfq_report(folder).read_text()
    for said in ("Client and rivals", "What can be told from which data", "facts lie inside", "n_dealers"):
        assert said in page


def test_the_same_command_again_ends_with_the_same_bits(run):
    calibration, folder = run
    again = simcal.calibrate(None, "rfq-example", recipe=recipe(), out=folder, jobs=1)
    assert again.market == calibration.market
    np.testing.assert_array_equal(again.history.to_numpy(), calibration.history.to_numpy())


def test_data_that_have_changed_are_refused(run):
    _, folder = run
    with pytest.raises(DataError, match="is not the one that"):
        read_rfq_run(folder, request_table(simcal.load("rfq"), 500))


def test_a_table_of_won_and_lost_leaves_the_game_out_with_a_warning(tmp_path):
    frame = load_requests("rfq-example").to_pandas().iloc[:2000]
    frame["won"] = frame.pop("status") == "DONE"
    frame = frame.drop(columns="traded_price")
    frame.to_csv(tmp_path / "won.csv", index=False)
    with pytest.warns(NumericalWarning, match="adversarial method is left out"):
        found = simcal.calibrate(None, tmp_path / "won.csv", recipe=recipe(), mapping={"status": "won"})
    assert [f.method for f in found.fits] == ["likelihood", "moments"]
    chosen = recipe(requests={"chosen": "adversarial"})
    with pytest.raises(DataError, match="status LOST"):
        simcal.calibrate(None, tmp_path / "won.csv", recipe=chosen, mapping={"status": "won"})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"requests": {"methods": ["moments"]}}, "'likelihood', which is not among requests.methods"),
        ({"trainable": ["client_mean"]}, "a calibration to requests estimates client_mean, client_scale"),
        ({"game": {"windows_per_path": 2}}, "windows_per_path must be 1"),
        ({"early_stopping": EarlyStopping(every=10), "validation_share": 0.1}, "early_stopping has no meaning"),
        ({"requests": {"methods": ["likelihood", "likelihood"]}}, "names a method more than once"),
    ],
)
def test_recipes_that_contradict_themselves_are_refused_by_a_sentence(changes, said):
    with pytest.raises(ParameterError, match=said):
        recipe(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"game": {"statistics": "stylised", "window": 600}}, "game.statistics 'stylised'.*need 'requests' or"),
        ({"game": {"statistics": "requests-platform"}}, "its view of the requests \\('own'\\)"),
        ({"market": "stock"}, "has a section \\[requests\\], but the market 'stock' is calibrated to prices"),
    ],
)
def test_recipes_that_do_not_fit_requests_are_refused_by_a_sentence(changes, said):
    with pytest.raises(ParameterError, match=said):
        simcal.calibrate(None, "rfq-example", recipe=recipe(**changes))


def test_statistics_of_requests_are_no_statistics_of_prices():
    values = load_recipe("sp500").model_dump()
    values["game"] |= {"statistics": "requests"}
    with pytest.raises(ParameterError, match="are those of requests"):
        simcal.calibrate(None, "sp500", recipe=check_recipe(values))


@pytest.mark.parametrize("skew", [0.0, 0.1])
def test_own_dealers_lean_is_found_where_there_is_one(skew):
    market = RfqMarket(inventory_skew=(skew, *[0.05] * 4), quote_mean=(0.4, *[0.6] * 4))
    table = request_table(market, 8000, seed=4)
    own = own_dealer(table)
    assert own.skew == pytest.approx(skew, abs=0.02)
    assert own.law.value("quote_mean") == pytest.approx(0.4, abs=0.04)


def test_what_nobody_decides_is_counted_in_the_table():
    weights = (0.0, 1.0, 3.0, 1.0)
    market = RfqMarket(n_dealers=4, panel_weights=weights, buy_share=0.7, size_median=3.0, size_log_sd=0.5)
    found = exogenous(request_table(market, 6000, seed=2))
    assert found["n_dealers"] == 4
    np.testing.assert_allclose(found["panel_weights"], np.array(weights) / 5, atol=0.03)
    assert found["buy_share"] == pytest.approx(0.7, abs=0.025)
    assert found["size_median"] == pytest.approx(3.0, rel=0.03)
    assert found["size_log_sd"] == pytest.approx(0.5, abs=0.02)
    assert found["half_spread"] == pytest.approx(0.05)
    assert found["mid_law"] == "uniform"
    walk = RfqMarket(mid_law="walk", mid_volatility=0.02, information=0.3)
    found = exogenous(request_table(walk, 6000, seed=2))
    assert found["mid_law"] == "walk"
    assert found["mid_volatility"] == pytest.approx(0.02, rel=0.05)
    assert found["information"] == pytest.approx(0.3, abs=0.03)
