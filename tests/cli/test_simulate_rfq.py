"""`simcal simulate` of a dealer market: a summary of requests, paths as a file, dealer 0's own table."""

import json

import numpy as np
import pytest

import simcal
from simcal.rfq.simulated import request_summary, request_table
from simcal.rfq.table import load_requests


def test_the_summary_speaks_of_requests_and_not_of_returns(command):
    done = command("simulate", "rfq", "--paths", 20, "--steps", 50)
    assert done.code == 0
    assert "acceptance" in done.out
    assert "hit ratio" in done.out
    assert "log returns" not in done.out


def test_paths_of_a_dealer_market_are_written_and_read_back(command, tmp_path):
    file = tmp_path / "p.parquet"
    done = command("simulate", "rfq", "--paths", 12, "--steps", 30, "--seed", 4, "--save", "best_quote", "--save",
                   "winner", "--out", file, "--json")  # fmt: skip
    assert json.loads(done.out)["outputs"] == ["best_quote", "winner"]
    paths, again = simcal.Paths.load(file), simcal.simulate(simcal.load("rfq"), 12, 30, seed=4, save=["best_quote"])
    np.testing.assert_array_equal(paths.outputs["best_quote"], again.outputs["best_quote"])


@pytest.mark.parametrize("name", ["own.csv", "own.parquet"])
def test_requests_writes_the_table_of_dealer_0(command, tmp_path, name):
    file = tmp_path / name
    done = command("simulate", "rfq-desk", "--steps", 200, "--seed", 3, "--requests", "--out", file, "--json")
    assert done.code == 0
    table = request_table(simcal.load("rfq-desk"), 200, seed=3)
    assert load_requests(file).sha256 == table.sha256
    printed = json.loads(done.out)
    assert (printed["n"], printed["sha256"]) == (200, table.sha256)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rfq", "--requests"], "give its file, CSV or Parquet, as --out too."),
        (["stock", "--requests", "--out", "a.csv"], "--requests needs a market of dealers, such as rfq"),
        (["rfq", "--requests", "--out", "a.csv", "--every", 2], "leave out --save, --every and --burn-in."),
        (["rfq", "--save", "best_quotes"], "did you mean 'best_quote'?"),
    ],
)
def test_what_does_not_fit_ends_with_one_sentence(command, arguments, sentence):
    done = command("simulate", *arguments)
    assert done.code == 2
    assert sentence in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("name", ["rfq", "rfq-desk"])
def test_the_summarys_errors_are_those_of_means_over_seeds(name):
    market = simcal.load(name)
    tables = [request_summary(market, 40, 50, seed=seed).set_index("quantity") for seed in range(60)]
    values = np.array([table["value"] for table in tables])
    errors = np.array([table["standard error"] for table in tables])
    random = values.std(axis=0) > 1e-9
    ratio = values.std(axis=0, ddof=1)[random] / np.sqrt((errors**2).mean(axis=0)[random])
    assert random.sum() >= 9
    assert np.all((ratio > 0.65) & (ratio < 1.4)), ratio  # 60 seeds know a deviation to 9 %


def test_the_summary_of_one_dealer_and_of_one_path_has_gaps_instead_of_numbers():
    table = request_summary(simcal.RfqMarket(n_dealers=1), 1, 100).set_index("quantity")
    assert table["value"]["hit ratio: share done by dealer 0"] == table["value"]["acceptance: share that trades"]
    assert np.isnan(table["value"]["cover gap: second best less best"])
    assert np.isnan(table["standard error"]["acceptance: share that trades"])
