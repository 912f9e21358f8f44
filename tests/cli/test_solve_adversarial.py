"""`simcal solve --method adversarial`: what it says, writes and refuses."""

import json
import signal
import subprocess
import sys
import time

import pytest

import simcal
from simcal.training import load_checkpoint

SHORT = ("--steps", "6", "--paths", "20", "--method", "adversarial", "--iterations", "8")


def test_a_training_writes_its_checkpoint_and_its_solution(command, tmp_path):
    done = command("solve", "lq-5", *SHORT, "--seed-of-training", "2", "--out", tmp_path / "run", "--json")
    assert done.code == 0
    told = json.loads(done.out)
    problem = simcal.equilibrium.load_problem("lq-5").replace(n_steps=6)
    found = simcal.solve(problem, method="adversarial", seed=2, iterations=8)
    assert told["price"] == found.price
    assert json.loads((tmp_path / "run" / "solution.json").read_text())["price"] == found.price
    assert (tmp_path / "run" / "checkpoint.safetensors").is_file()
    assert "interrupted, the same command continues" in done.err


def test_a_finished_training_is_shown_again_without_training(command, tmp_path):
    first = command("solve", "lq-5", *SHORT, "--out", tmp_path, "--json")
    again = command("solve", "lq-5", *SHORT, "--out", tmp_path, "--json")
    assert json.loads(again.out)["price"] == json.loads(first.out)["price"]
    other = command("solve", "lq-5", *SHORT, "--out", tmp_path, "--seed-of-training", "1")
    assert other.code == 2
    assert "was made for another problem, seed or setting" in " ".join(other.err.split())


def test_the_objective_and_the_budget_reach_the_training(command):
    done = command("solve", "lq-5", *SHORT[:-2], "--objective", "published", "--budget", "0.2", "--json")
    told = json.loads(done.out)
    assert told["details"]["objective"] == "published"
    assert "Stopped by the time budget" in told["status"]


# The command, saving after each iteration so that a short run has a checkpoint in its middle.
SAVING = """
import sys
import simcal.cli
from simcal import training

training._SAVE_EVERY = 0.0
sys.argv[0] = "simcal"
simcal.cli.main()
"""


@pytest.mark.slow
def test_a_killed_training_continues_bit_for_bit(command, tmp_path):
    killed, whole, iterations = tmp_path / "killed", tmp_path / "whole", 60
    arguments = ["solve", "lq-10", "--method", "adversarial", "--steps", "10", "--paths", "20", "--no-checks"]
    arguments += ["--iterations", str(iterations), "--out"]
    checkpoint = killed / "checkpoint.safetensors"
    process, limit = subprocess.Popen([sys.executable, "-c", SAVING, *arguments, str(killed)]), time.monotonic() + 120
    while not checkpoint.is_file() and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, state = load_checkpoint(checkpoint)
    assert 0 < state["learner"]["iteration"] < iterations
    assert not (killed / "solution.json").exists()

    found = []
    for folder in (killed, whole):
        assert command(*arguments, folder).code == 0
        solution = json.loads((folder / "solution.json").read_text())
        del solution["seconds"], solution["details"]["seconds"]
        assert len(solution["details"]["history"]) == iterations
        found.append(solution)
    assert found[0] == found[1]


@pytest.mark.parametrize("options", [("--budget", "3"), ("--drift", "known", "--method", "modal")])
def test_options_of_a_training_are_refused_without_one(command, options):
    done = command("solve", "lq-5", *options)
    assert done.code == 2
    told = f"{options[0]} belongs to a training; give --method adversarial with it."
    assert told in " ".join(done.err.split())
