"""`simcal backtest` prints measures with bands, writes a folder with a report, and speaks in sentences."""

import json
import re

import numpy as np
import pandas as pd
import pytest

import simcal
from simcal.rfq import RfqMarket

QUICK = ("--paths", 30, "--steps", 20, "--seed", 1)

STRATEGIES = """
import numpy as np

def lean(side, size, n_dealers, mid, half_spread, inventory, step):
    return 0.4 - 0.1 * side * inventory

def broken(side, size, n_dealers, mid, half_spread, inventory, step):
    return np.where(step == 5, np.nan, 0.4)

number = 3
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a market's TOML file, strategies and a dealer's own requests."""
    import tomli_w

    folder = tmp_path_factory.mktemp("backtest")
    market = RfqMarket(mid_law="walk", mid_volatility=0.01)
    (folder / "walk.toml").write_text(tomli_w.dumps({k: v for k, v in market.to_dict().items() if v is not None}))
    (folder / "mine.py").write_text(STRATEGIES)
    (folder / "fails.py").write_text("import a_module_that_is_not_there\n")
    names = ("side", "own_quote", "own_status", "n_dealers")
    out = market.simulate_chunk(0, 0, 1, 600, save=names)
    side, quote, status, n = (out[name][0, 1:] for name in names)
    frame = pd.DataFrame(
        {
            "side": np.where(side > 0, "B", "S"), "n_dealers": n.astype(int), "bid": out["prices"][0, 1:] - 0.05,
            "ask": out["prices"][0, 1:] + 0.05, "price": quote,
            "status": [{0: "DONE", 1: "COVER", 2: "TRADED_AWAY", 3: "NOT_TRADED"}[int(s)] for s in status],
        }
    )  # fmt: skip
    frame.to_csv(folder / "history.csv", index=False)
    return folder


def test_the_table_has_measures_bands_and_the_difference_to_the_baseline(command, place):
    done = command("backtest", place / "walk.toml", "--strategy", "optimal", "--level", 0.995, *QUICK)
    assert done.code == 0, done.err
    for words in ("P&L", "hit ratio by volume", "expected shortfall", "difference", "requests (±: 99.5 % bands)"):
        assert words in done.out


def test_what_is_no_terminal_gets_no_bar(command, place, monkeypatch):
    monkeypatch.setattr("simcal.cli.backtest._PATIENCE", -1.0)
    assert command("backtest", place / "walk.toml", "--strategy", "optimal", *QUICK).err == ""


def test_json_is_the_result_of_the_function(command, place):
    done = command(
        "backtest", place / "walk.toml", "--strategy", "fixed", "--set", "margin=0.5", "--shift", "-0.1,0.1", *QUICK,
        "--json",
    )  # fmt: skip
    result = simcal.backtest(
        "fixed", place / "walk.toml", n_paths=30, n_steps=20, seed=1, options={"margin": 0.5}, shifts=[-0.1, 0.1]
    )
    told = json.loads(done.out)
    assert told["summary"]["pnl"]["value"] == result["pnl"]
    assert set(told) == set(result.to_dict())
    assert {row["shift"] for row in told["shifts"]} == {-0.1, 0.0, 0.1}


def test_a_folder_holds_numbers_a_market_and_a_report_without_a_network(command, place, tmp_path):
    done = command(
        "backtest", place / "walk.toml", "--strategy", f"{place / 'mine.py'}:lean", "--shift", "-0.1,0.1",
        "--history", place / "history.csv", "--map", "quote=price", "--out", tmp_path / "bt", *QUICK,
    )  # fmt: skip
    assert done.code == 0, done.err
    names = {path.name for path in (tmp_path / "bt").iterdir()}
    assert {"report.html", "backtest.json", "paths.csv", "shifts.csv", "history.csv", "market.toml"} <= names
    page = (tmp_path / "bt" / "report.html").read_text()
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!data:|#)", page)
    assert page.count("data:image/") == 5
    assert simcal.load(tmp_path / "bt") == simcal.load(place / "walk.toml")
    history = pd.read_csv(tmp_path / "bt" / "history.csv")
    assert history["shift"].tolist() == [-0.1, 0.0, 0.1]
    assert history["hit_ratio"].is_monotonic_decreasing


def test_without_a_report_there_is_none(command, place, tmp_path):
    command("backtest", place / "walk.toml", "--strategy", "own", "--no-report", "--out", tmp_path / "bt", *QUICK)
    assert not (tmp_path / "bt" / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--strategy", "clever"), "There is no strategy 'clever'; known are own"),
        (("--strategy", "fixed"), "needs margin; give .* --set margin=... in a command"),
        (("--strategy", "fixed", "--set", "margin"), "--set margin is not understood"),
        (("--strategy", "fixed", "--set", "margin=wide"), "--set margin=wide is not understood"),
        (("--strategy", "fixed", "--set", "=5"), "--set =5 is not understood"),
        (("--strategy", "skewed", "--set", "skew=.1,margin=1"), "is not understood; .* and --set again for each"),
        (("--strategy", "fixed", "--set", "margin=1", "--set", "margin=2"), "--set gives margin twice"),
        (("--strategy", "own", "--shift", "tight"), "--shift tight is not understood"),
        (("--strategy", "own", "--map", "quote=price"), "--map names the columns of a history"),
        (("--strategy", "PLACE/none.py:lean"), "There is no file .*none.py to take lean from"),
        (("--strategy", "PLACE/mine.py:bend"), "has no bend; it has lean, broken"),
        (("--strategy", "PLACE/mine.py:number"), "number in .* is of type int, but a strategy must be a function"),
        (("--strategy", "PLACE/mine.py:broken"), "returned nan for path 0 at step 5; return one finite margin"),
        (("--strategy", "PLACE/mine.py"), "no strategy .*mine.py'; known are"),
        (("--strategy", "PLACE/mine.txt:lean"), "is not understood; give a file and a name in it as FILE.py:NAME"),
        (("--strategy", "PLACE/fails.py:lean"), r"fails when it is run \(ModuleNotFoundError"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(command, place, arguments, sentence):
    arguments = [a.replace("PLACE", str(place)) for a in arguments]
    done = command("backtest", place / "walk.toml", *arguments, *QUICK)
    assert done.code == 2
    assert re.search(sentence, done.err), done.err
    assert done.err.startswith("simcal: ")
    assert "Traceback" not in done.err


def test_a_history_is_read_before_anything_is_played(command, place):
    strategy = f"{place / 'mine.py'}:broken"
    done = command("backtest", place / "walk.toml", "--strategy", strategy, "--history", place / "none.csv", *QUICK)
    assert done.code == 2
    assert "none.csv' is neither a file" in done.err


def test_the_run_s_own_folder_is_not_written_over(command, place):
    folder = place / "run"
    folder.mkdir()
    (folder / "market.toml").write_text((place / "walk.toml").read_text())
    done = command("backtest", folder, "--strategy", "own", "--out", folder, *QUICK)
    assert done.code == 2
    assert "the run's own folder" in done.err


def test_several_strategies_are_too_many_for_a_dealer(command, place):
    done = command("backtest", place / "walk.toml", "--strategy", "own", "--strategy", "optimal", *QUICK)
    assert done.code == 2
    assert "in a dealer market one dealer tries one strategy" in done.err
