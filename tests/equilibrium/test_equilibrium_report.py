"""The report of solutions holds the table, what was published, figures and checks."""

import re
from dataclasses import replace

import pytest

from simcal.equilibrium import Comparison, Solved, compare, load_problem, solve, write_equilibrium_report


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    comparison = compare(
        load_problem("lq-10").replace(n_steps=10), ["frictionless", "riccati", "modal"], n_paths=20, checks=True
    )
    path = write_equilibrium_report(tmp_path_factory.mktemp("report"), comparison)
    assert path.name == "report.html"
    return path.read_text(encoding="utf-8"), comparison


def test_all_solutions_and_published_rows_are_in_the_table(page):
    text, comparison = page
    for word in ("frictionless", "riccati", "modal", "GAN (mu unknown)", "Ground truth"):
        assert f">{word}</td>" in text
    assert comparison.solved[2].solution.status in text


def test_numbers_on_top_are_those_of_a_solution_of_the_problem_itself(page):
    text, comparison = page
    top = text[: text.index("<nav")]
    assert f"{comparison.solved[1].solution.price:.6f}" in top
    assert "frictionless" not in top


def test_it_holds_figures_and_the_checks_of_each(page):
    text, _ = page
    assert text.count("<img src=") == 6
    assert text.count("duality gap, of the planner") == 3
    assert "fail" in text
    assert "pass" in text
    assert not re.search(r'(src|href)="(?!data:|#)', text)


def test_a_failed_solution_is_told_without_figures(tmp_path):
    problem = load_problem("lq-5").replace(n_steps=4)
    failed = replace(solve(problem), price=float("nan"), status="It diverged.")
    comparison = Comparison(problem, [Solved(failed, None, 0.1)], [])
    text = write_equilibrium_report(tmp_path, comparison).read_text(encoding="utf-8")
    assert "It diverged." in text
    assert "<img" not in text
