"""`simcal train`: its folder, its JSON, and what is refused."""

import json

import pytest
import tomli_w

from simcal.learning import LearningMarket, PpoSettings, arm, load_trained, train

SMALL = LearningMarket(n_traders=12, sessions=(20, 60, 5, 60), order_lifetime=15)
OPTIONS = ("--iterations", "2", "--episodes", "3", "--width", "16")


@pytest.fixture
def market(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(tomli_w.dumps(SMALL.to_dict()))
    return path


def test_json_and_folder_hold_what_python_returns(command, market, tmp_path):
    done = command("train", market, *OPTIONS, "--arm", "noise-only", "--seed", "4", "--out", tmp_path / "r", "--json")
    assert done.code == 0
    told = json.loads(done.out)
    found = train(arm(SMALL, "noise-only"), PpoSettings(iterations=2, episodes=3, width=16), seed=4).to_dict()
    assert {k: v for k, v in told.items() if k != "seconds"} == {k: v for k, v in found.items() if k != "seconds"}
    assert load_trained(tmp_path / "r").to_dict() == told
    assert "All 2 iterations done." in done.err
    again = command("train", market, *OPTIONS, "--arm", "noise-only", "--seed", "4", "--out", tmp_path / "r", "--json")
    assert json.loads(again.out)["last"] == told["last"]


def test_a_table_shows_the_training(command, market, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command("train", market, *OPTIONS)
    assert done.code == 0
    assert "mispricing" in done.out
    assert (tmp_path / "runs/small-both-0/manifest.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["book-lerning"], "did you mean 'book-learning'?"),
        (["stock"], "There is no market of learning traders 'stock'"),
        (["book-learning", "--arm", "bth"], "did you mean 'both'?"),
        (["book-learning", "--iterations", "0"], "iterations is 0"),
        (["book-learning", "--seed", "-1"], "seed is -1"),
    ],
)
def test_what_is_wrong_is_one_sentence(command, tmp_path, arguments, words):
    done = command("train", *arguments, "--out", tmp_path / "r")
    assert done.code == 2
    assert words in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "r").exists()


def test_a_market_that_must_be_trained_says_so(command):
    done = command("simulate", "book-learning", "--out", "never.parquet")
    assert done.code == 2
    assert "simcal train" in done.err


@pytest.fixture
def experiment(market, tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(
        f'kind = "emergence"\nmarket = "{market}"\nseeds = 1\nsteps = 600\ndays = 3\nbars = [40, 40]\n'
        '[changes]\nn_cara = 20\n[training]\nepisodes = 2\nwidth = 8\n'
    )  # fmt: skip
    return path


def test_an_experiment_is_run_resumed_and_reported(command, experiment, tmp_path):
    done = command("train", experiment, "--jobs", "1", "--out", tmp_path / "r", "--json")
    assert done.code == 0
    told = json.loads(done.out)
    assert told["status"].startswith("4 of 4 runs are done.")
    assert (tmp_path / "r" / "report.html").is_file()
    more = command("train", experiment, "--jobs", "1", "--seeds", "2", "--out", tmp_path / "r")
    assert more.code == 0
    assert "The claim of arXiv 2511.05207" in more.out
    assert "8 of 8 runs are done." in more.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["book-learning", "--seeds", "2"], "--seeds is an option of an experiment"),
        (["learning-emergence", "--arm", "noise-only"], "--arm is an option of a single training"),
        (["learning-emergence", "--days", "1"], "days is 1"),
        (["learning-emergence", "--data", "sp5000"], "sp5000"),
    ],
)
def test_what_is_wrong_with_an_experiment_is_one_sentence(command, tmp_path, arguments, words):
    done = command("train", *arguments, "--out", tmp_path / "r")
    assert done.code == 2
    assert words in done.err
    assert "Traceback" not in done.err
