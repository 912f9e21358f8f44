"""`simcal solve` with methods of an example and `--all --budget`: what they say, write and refuse."""

import json

import pytest

import simcal
from simcal.equilibrium import load_problem

pytestmark = pytest.mark.usefixtures("baselines")
SHORT = ("--steps", "6", "--paths", "20", "--no-checks")


@pytest.fixture
def few(keep_methods, baselines):
    """One exact method and the baselines."""
    keep_methods("modal", "combo", "fbsde")


@pytest.mark.parametrize("method", ["combo", "fbsde"])
def test_a_training_writes_its_checkpoint_and_its_solution(command, tmp_path, method):
    options = (*SHORT, "--method", method, "--iterations", "3", "--seed-of-training", "2", "--out", tmp_path, "--json")
    done = command("solve", "lq-5", *options)
    assert done.code == 0
    told = json.loads(done.out)
    found = simcal.solve(load_problem("lq-5").replace(n_steps=6), method=method, seed=2, iterations=3)
    assert (told["method"], told["price"]) == (method, found.price)
    assert (tmp_path / "checkpoint.safetensors").is_file()
    again = command("solve", "lq-5", *options)  # continues where nothing is left to do
    assert json.loads(again.out)["price"] == found.price
    assert json.loads((tmp_path / "solution.json").read_text())["price"] == found.price


def test_a_checkpoint_of_another_method_is_refused(command, tmp_path):
    for method, code in (("combo", 0), ("fbsde", 2)):
        done = command("solve", "lq-5", *SHORT, "--method", method, "--iterations", "1", "--out", tmp_path)
        assert done.code == code
    assert "was made for another problem, seed or setting" in " ".join(done.err.split())


def test_all_trains_nothing_unless_a_budget_is_given(command, few):
    done = command("solve", "lq-10", "--all", *SHORT, "--json")
    assert [row["method"] for row in json.loads(done.out)["solved"]] == ["modal"]
    done = command("solve", "lq-10", "--all", *SHORT, "--budget", "0.2", "--seed-of-training", "1", "--json")
    told = json.loads(done.out)
    assert [row["method"] for row in told["solved"]] == ["modal", "combo", "fbsde"]
    assert all("Stopped by the time budget" in row["status"] for row in told["solved"][1:])
    assert "FBSDE (mu unknown)" in [row["method"] for row in told["published"]]


def test_the_table_shows_the_baselines_beside_what_was_published(command, few):
    done = command("solve", "power-2", "--all", *SHORT, "--budget", "0.2")
    assert done.code == 0
    for text in ("combo", "fbsde", "Combo (mu unknown) *", "FBSDE (mu unknown) *", "n/a"):
        assert text in done.out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--all", "--iterations", "5"), "with --all, give --budget SECONDS to train as well"),
        (("--all", "--budget", "5", "--drift", "known"), "--drift belongs to the adversarial training"),
        (("--method", "combo", "--objective", "published"), "give --method adversarial with it"),
        (("--method", "fbsde", "--device", "abacus"), "device is 'abacus'"),
        (("--method", "combo", "--iterations", "0"), "iterations is 0"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_a_sentence(command, options, sentence):
    done = command("solve", "lq-5", *SHORT, *options)
    assert (done.code, done.out) == (2, "")
    assert sentence in " ".join(done.err.split())
