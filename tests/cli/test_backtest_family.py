"""`simcal backtest-family`: from a run folder to tables, numbers and a report; mistakes end in one sentence."""

import json

import pandas as pd
import pytest

import simcal

FAMILY = '[[strategy]]\nname = "hold"\n[[strategy]]\nname = "reversion"\nwindow = [3, 6]\ngain = [10, 40]\n'


@pytest.fixture
def family(tmp_path):
    file = tmp_path / "family.toml"
    file.write_text(FAMILY)
    return file


def test_a_run_is_tested_on_its_own_held_out_prices(command, run_folder, workplace, family, tmp_path):
    out = tmp_path / "out"
    result = command(
        "backtest-family", run_folder, "--family", family, "--data", workplace / "series.csv", "--paths", 10,
        "--burn-in", 20, "--out", out,
    )  # fmt: skip
    assert result.code == 0, result.err
    assert "Rank correlation" in result.out
    assert "reversion" in result.out
    assert "held out" in result.err
    settings = json.loads((out / "family.json").read_text())["settings"]
    assert (settings["n_markets"], settings["train_share"], settings["n_steps"]) == (1, 0.7, 210)
    assert "Agreement with held-out prices" in (out / "report.html").read_text()
    assert len(pd.read_csv(out / "strategies.csv")) == 5
    assert simcal.load(out / "markets" / "start-0.toml") == simcal.load(run_folder)


def test_json_has_the_tables_of_several_markets(command, family):
    result = command(
        "backtest-family", "stock", "stock-sp500", "--family", family, "--paths", 5, "--steps", 40, "--burn-in", 10,
        "--json",
    )  # fmt: skip
    assert result.code == 0, result.err
    answer = json.loads(result.out)
    assert [row["strategy"] for row in answer["strategies"]] != []
    assert set(answer["markets"]) == {"stock", "stock-sp500"}
    assert answer["agreement"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["unheard-of"], "unheard-of"),
        (["rfq"], "kind 'rfq'"),
        (["stock", "--family", "nothing"], "no family 'nothing'"),
        (["stock", "--train-share", "0.5"], "--data"),
        (["stock", "--data", "nowhere.csv"], "nowhere.csv"),
        (["stock", "--execution", "later"], "execution"),
    ],
)
def test_mistakes_end_in_a_sentence(command, arguments, words):
    result = command("backtest-family", *arguments, "--paths", 5)
    assert result.code == 2
    assert words in result.err
    assert "Traceback" not in result.err


def test_the_folder_of_a_run_is_not_written_over(command, run_folder):
    result = command("backtest-family", run_folder, "--out", run_folder)
    assert result.code == 2
    assert "own folder" in result.err
