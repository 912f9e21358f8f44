"""`simcal backtest` in a market with a price: tables, folder, report, and sentences for mistakes."""

import json
import re

import pandas as pd
import pytest

import simcal

QUICK = ("--paths", 20, "--steps", 15, "--burn-in", 60, "--seed", 1)

STRATEGIES = """
import numpy as np

def buys(prices, position, cash, step):
    return 0.1

def broken(prices, position, cash, step):
    return np.where(step == 5, np.nan, 0.4) + 0 * position

class Policy:
    def predict(self, observation, deterministic):
        return np.sign(observation[:, :1]), None

trained = Policy()
number = 3
"""


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """A file with strategies."""
    file = tmp_path_factory.mktemp("orders") / "mine.py"
    file.write_text(STRATEGIES)
    return file


def test_the_table_has_measures_bands_replay_and_baseline_within_80_columns(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    done = command(
        "backtest", "stock-sp500", "--strategy", "crossover", "--strategy", "random", "--sizes", "0.1,1", "--level",
        0.995, *QUICK,
    )  # fmt: skip
    assert done.code == 0, done.err
    for words in ("P&L", "Sharpe ratio", "P(Sharpe < 0)", "replayed", "hold", "(±: 99.5 % bands)", "other sizes"):
        assert words in done.out
    assert "All strategies, in the same market" in done.out
    assert max(len(line.rstrip()) for line in done.out.splitlines()) <= 80
    assert "…" not in done.out
    assert "Its orders' own impact is" in done.err
    assert "Real metaorders show about 0.5" in done.err


def test_json_is_the_result_of_the_function(command):
    done = command(
        "backtest", "stock-sp500", "--strategy", "twap", "--set", "duration=5", "--size", "0.5", "--execution", "mid",
        "--fixed-cost", "0.1", "--proportional-cost", "0.001", "--quadratic-cost", "0.2", "--periods-per-year", "12",
        "--baseline", "none", "--sizes", "1,2", *QUICK, "--json",
    )  # fmt: skip
    result = simcal.backtest(
        "twap", "stock-sp500", n_paths=20, n_steps=15, burn_in=60, seed=1, options={"duration": 5}, size=0.5,
        execution="mid", fixed_cost=0.1, proportional_cost=0.001, quadratic_cost=0.2, periods_per_year=12,
        baseline=None, sizes=[1, 2],
    )  # fmt: skip
    told = json.loads(done.out)
    assert told["summary"]["pnl"]["value"] == result["pnl"]
    assert told["settings"] == result.settings
    assert set(told) == set(result.to_dict())
    assert {row["size"] for row in told["capacity"]} == {1.0, 2.0}


@pytest.mark.parametrize("sizes", [(), ("--sizes", "0.5,1,2")])
def test_a_folder_holds_numbers_a_market_and_a_report_without_a_network(command, mine, tmp_path, sizes):
    done = command(
        "backtest", "stock-sp500", "--strategy", f"{mine}:buys", "--returns", "order", *sizes, "--out", tmp_path / "bt",
        *QUICK,
    )  # fmt: skip
    assert done.code == 0, done.err
    page = (tmp_path / "bt" / "report.html").read_text()
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!data:|#)", page)
    assert page.count("data:image/") == (7 if sizes else 5)
    for words in ("Drawdowns", "Impact over time", "Replayed is the same strategy"):
        assert words in page
    assert simcal.load(tmp_path / "bt") == simcal.load("stock-sp500")
    assert pd.read_csv(tmp_path / "bt" / "paths.csv")["last_position"].tolist() == pytest.approx(20 * [1.5])


def test_a_policy_from_a_file_is_a_strategy(command, mine):
    done = command("backtest", "stock-sp500", "--strategy", f"{mine}:trained", *QUICK, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["summary"]["mean_abs_position"]["value"] == pytest.approx(1)


def test_each_strategy_may_have_its_size(command):
    arguments = ("--strategy", "hold", "--strategy", "twap", "--size", "1", "--size", "2")
    done = command("backtest", "stock-sp500", *arguments, *QUICK, "--json")
    assert json.loads(done.out)["settings"]["size"] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--strategy", "own"), "no strategy 'own' for a market with a price; known are hold, crossover"),
        (("--strategy", "hold", "--set", "long=5"), "hold has no option long; it takes units"),
        (("--strategy", "hold", "--size", "-1"), "size is -1"),
        (("--strategy", "hold", "--size", "1", "--size", "2"), "size lists 2 numbers for 1 strategies"),
        (("--strategy", "hold", "--sizes", "big"), "--sizes big is not understood; give numbers of sizes"),
        (("--strategy", "hold", "--sizes", "0,1"), "must be a list of finite numbers above 0"),
        (("--strategy", "hold", "--execution", "soon"), "execution is 'soon', but must be 'next'"),
        (("--strategy", "hold", "--returns", "profit", "--baseline", "MINE:buys"), "^$"),
        (("--strategy", "MINE:buys", "--returns", "profit"), "returns is 'profit', but must be 'target'"),
        (("--strategy", "hold", "--shift", "0.1"), "shifts are half spreads"),
        (("--strategy", "hold", "--history", "x.csv"), "--history holds a dealer's own requests"),
        (("--strategy", "MINE:broken"), "returned nan for path 0 at step 5; return one finite number per path"),
        (("--strategy", "MINE:number"), "is of type int, but a strategy must be a function, or an object with predict"),
        (("--strategy", "hold", "--size", "1e9"), "counts as 1e.09 traders and takes the price from"),
        (("--strategy", "hold", "--baseline", "clever"), "There is no strategy 'clever'"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(command, mine, arguments, sentence):
    done = command("backtest", "stock-sp500", *[a.replace("MINE", str(mine)) for a in arguments], *QUICK)
    if sentence == "^$":
        assert done.code == 0, done.err
        return
    assert done.code == 2
    assert re.search(sentence, done.err), done.err
    assert done.err.startswith("simcal: ")
    assert "Traceback" not in done.err


@pytest.mark.parametrize("option", [("--size", "2"), ("--sizes", "1,2"), ("--execution", "mid"), ("--fixed-cost", "1")])
def test_a_dealer_market_refuses_what_belongs_to_orders(command, option):
    done = command("backtest", "rfq-desk", "--strategy", "own", *option, *QUICK)
    assert done.code == 2
    assert "belongs to strategies whose orders move a price, but this is a dealer market" in done.err
