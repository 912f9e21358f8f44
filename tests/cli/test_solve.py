"""`simcal solve`: one method, all of them, and what is refused."""

import json
import subprocess
import sys

import pytest

import simcal
from simcal.equilibrium import load_problem


@pytest.fixture
def quick(keep_methods):
    """Without the methods that take longer than a moment."""
    keep_methods("frictionless", "riccati", "discrete", "modal")


def test_a_solution_shows_its_numbers_with_eight_decimals(command):
    done = command("solve", "lq-10", "--paths", "50")
    assert done.code == 0
    for number in ("0.36109374", "0.21702847", "1.24897501"):
        assert number in done.out
    assert "Solved exactly for the scheme with 100 steps in pre-trade timing." in done.err


def test_json_holds_what_python_returns(command):
    done = command("solve", "lq-5", "--method", "riccati", "--paths", "40", "--seed", "3", "--json")
    told = json.loads(done.out)
    found = simcal.solve("lq-5", method="riccati")
    assert told["price"] == found.price
    assert told["mean_volatility"] == found.mean_volatility.tolist()
    errors = found.errors(3, 40)
    assert (told["errors"]["terminal"], told["errors"]["goals"]) == (errors.terminal, errors.goals.tolist())


def test_steps_and_timing_replace_those_of_the_file(command):
    done = command("solve", "lq-10", "--steps", "50", "--timing", "post-trade", "--paths", "2", "--json")
    told = json.loads(done.out)
    assert (told["problem"]["n_steps"], told["problem"]["timing"]) == (50, "post-trade")
    problem = load_problem("lq-10").replace(n_steps=50, timing="post-trade")
    assert told["price"] == simcal.solve(problem).price


def test_a_file_of_ones_own_is_solved(command, tmp_path):
    (tmp_path / "mine.toml").write_text(
        'kind = "equilibrium"\nrisk_aversion = [1, 2]\nexposure = [1, -1]\nn_steps = 10\n'
    )
    done = command("solve", tmp_path / "mine.toml", "--paths", "2")
    assert done.code == 0
    assert "mine, 2 agents, power 2, 10 steps" in " ".join(done.out.split())


def test_all_puts_the_methods_beside_what_was_published(command, quick):
    done = command("solve", "lq-10", "--all", "--paths", "50")
    assert done.code == 0
    for text in ("0.36109374", "0.36115563", "0.37217474", "Ground truth *", "0.361213", "as published"):
        assert text in done.out
    assert "Solving by modal" in done.err
    told = json.loads(command("solve", "lq-10", "--all", "--paths", "50", "--json").out)
    assert [row["method"] for row in told["solved"]] == ["frictionless", "riccati", "discrete", "modal"]
    assert len(told["published"]) == 7


def test_all_of_a_case_without_a_table_promises_none(command, quick):
    done = command("solve", "lq-5", "--all", "--paths", "5")
    assert done.code == 0
    assert "published" not in done.out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("nosuch",), "lq-10"),
        (("stock",), "There is no equilibrium 'stock'"),
        (("lq-10", "--method", "leading-order"), "2 agents"),
        (("lq-10", "--method", "ricatti"), "did you mean 'riccati'"),
        (("lq-10", "--method", "riccati", "--all"), "only one of them"),
        (("lq-10", "--timing", "late"), "post-trade"),
        (("lq-10", "--steps", "0"), "n_steps"),
        (("lq-10", "--paths", "0"), "paths is 0"),
        (("lq-10", "--seed", "-1"), "seed is -1"),
    ],
)
def test_user_errors_end_with_one_sentence_and_exit_code_2(command, arguments, word):
    done = command("solve", *arguments)
    assert (done.code, done.out) == (2, "")
    assert word in done.err
    assert done.err.count("\n") == 1


def test_solving_exactly_needs_neither_torch_nor_numba():
    script = "import sys, simcal; simcal.solve('lq-10'); print([m for m in ('torch', 'numba') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_checks_come_with_the_solution_unless_they_are_not_wanted(command):
    done = command("solve", "lq-5", "--steps", "10", "--paths", "60")
    assert "duality gap" in done.out
    told = json.loads(command("solve", "lq-5", "--steps", "10", "--paths", "60", "--json").out)
    assert told["checks"]["good"] is True
    assert told["checks"]["n_paths"] == 60
    done = command("solve", "lq-5", "--steps", "10", "--paths", "60", "--no-checks")
    assert "duality gap" not in done.out


def test_out_writes_a_report(command, quick, tmp_path):
    done = command("solve", "lq-10", "--steps", "8", "--paths", "20", "--out", tmp_path / "one")
    assert "Report: " in done.err
    assert "duality gap" in (tmp_path / "one" / "report.html").read_text(encoding="utf-8")
    done = command("solve", "lq-10", "--all", "--steps", "8", "--paths", "20", "--out", tmp_path / "all", "--json")
    assert len(json.loads(done.out)["solved"]) == 4
    assert (tmp_path / "all" / "report.html").read_text(encoding="utf-8").count("duality gap, of") == 4


def test_help_shows_the_methods(command):
    done = command("solve", "--help")
    assert done.code == 0
    assert "riccati" in done.out
    assert "--json" in done.out
