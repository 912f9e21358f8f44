"""A small recovery from end to end: tables, resumption, folder, report, command, refusals."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import simcal
from simcal.calibration import Estimate, StudyResult, load_study, read_run, run_study, write_study_report
from simcal.calibration.study import Theory
from simcal.cli import app
from simcal.errors import DataError, ParameterError
from simcal.json_text import json_text

sys.path.insert(0, str(Path(__file__).parent))
from small import small_recipe


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, StudyResult]:
    folder = tmp_path_factory.mktemp("recovery")
    return folder, run_study(small_recipe(), out=folder, jobs=1)


def test_bias_spread_and_errors_are_what_their_names_say():
    truth = np.array([2.0, 0.5])
    found = Theory("moments", ("a", "b"), truth, np.diag([0.25, 0.01]), np.array([0.4, 0.1]))
    values = np.array([[2.5, 0.4], [3.5, 0.6], [3.0, 1.1]])
    fits = [
        Estimate(
            "moments",
            ("a", "b"),
            np.array([a, b]),
            np.full((2, 2), np.nan),
            "",
            True,
            1.0,
            start=np.array([2 * a, 1.0]),
            objective=1.0,
            replication=r,
        )
        for r, (a, b) in enumerate(values.tolist())
    ]
    result = StudyResult(small_recipe(), simcal.load("herding"), {"moments": found}, tuple(fits), pd.DataFrame())
    table = result.summary().set_index("parameter")
    np.testing.assert_allclose(table["bias"], [1.0, 0.2])
    np.testing.assert_allclose(table["spread"], values.std(axis=0, ddof=1))
    np.testing.assert_allclose(table["s.e. of bias"], values.std(axis=0, ddof=1) / np.sqrt(3))
    np.testing.assert_allclose(table["RMSE"], np.sqrt(((values - truth) ** 2).mean(axis=0)))
    np.testing.assert_allclose(table["standard error"], [0.5, 0.1])
    assert list(table["far off"]) == [0, 1]
    np.testing.assert_allclose(table["tie to start"], [1.0, np.nan])


def test_every_method_begins_at_random_and_moves(finished):
    _, result = finished
    assert result.methods == ["moments", "adversarial"]
    assert len({f.began("chartist_sd") for f in result.of("adversarial")}) == 2
    for fit in result.estimates:
        assert not np.array_equal(fit.values, fit.start)
        for name in fit.names:
            assert 0.5 <= fit.began(name) / getattr(result.truth, name) <= 2
    assert len(result.summary()) == 4
    assert result.weak[0].startswith("By moments, the weakest direction is")


def test_the_folder_gives_the_result_back_and_the_report_has_tables_and_figures(finished):
    folder, result = finished
    back = load_study(folder)
    assert json_text(back.to_dict()) == json_text(result.to_dict())
    page = write_study_report(folder).read_text(encoding="utf-8")
    for heading in ("Errors", "What is hardly seen", "Training", "Every replication"):
        assert heading in page
    assert page.count("<figure") >= 4
    assert (folder / "summary.csv").is_file()


def test_a_recovery_goes_on_where_it_was_and_more_replications_leave_the_first_as_they_are(finished):
    folder, result = finished
    heard = []
    again = run_study(
        small_recipe(), out=folder, replications=3, jobs=1, listen=lambda r, row: heard.append((r, row["iteration"]))
    )
    assert {r for r, iteration in heard if iteration > 0} == {2}
    for method in result.methods:
        assert [list(f.values) for f in again.of(method)[:2]] == [list(f.values) for f in result.of(method)]


def test_another_seed_in_the_same_folder_is_refused(finished):
    folder, _ = finished
    with pytest.raises(ParameterError, match="made by another recipe, seed or market; give another folder"):
        run_study(small_recipe(seed=1), out=folder, jobs=1)
    with pytest.raises(DataError, match="is not the folder of a finished study"):
        load_study(folder / "nothing")


def test_one_method_alone_and_another_truth_are_changes_of_the_recipe():
    recipe = small_recipe(recovery__methods=["adversarial"], changes={"fundamental_sd": 1.1}, game__iterations=2)
    result = run_study(recipe, replications=1, jobs=1)
    assert result.truth.fundamental_sd == 1.1
    assert list(result.summary()["truth"]) == [1.1, 2.087]
    assert 0.55 <= result.estimates[0].began("fundamental_sd") <= 2.2


def test_the_command_runs_a_recovery_and_prints_json(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(small_recipe(game__iterations=2, recovery__replications=1).to_toml())
    out = tmp_path / "run"
    run = CliRunner().invoke(app, ["calibrate", "--recipe", str(path), "--out", str(out), "--jobs", "1", "--json"])
    assert run.exit_code == 0, run.output
    found = json.loads(run.stdout)
    assert found["kind"] == "recovery"
    assert {"truth", "bias", "s.e. of bias", "spread", "standard error", "RMSE"} <= set(found["summary"][0])
    assert (out / "report.html").is_file()
    assert CliRunner().invoke(app, ["report", str(out)]).exit_code == 0
    with pytest.raises(DataError, match="is an experiment on simulated data, which has none to judge a market by"):
        read_run(out)


def test_a_command_with_nothing_to_calibrate_to_says_what_to_give():
    run = CliRunner().invoke(app, ["calibrate"])
    assert isinstance(run.exception, ParameterError)
    assert "give DATA, or --recipe" in str(run.exception)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"game__hidden": [8]}, r"linear Wasserstein discriminator only; set game.hidden = \[\]"),
        ({"game__window": 500}, "windows_per_path times game.window is 2000 steps, longer than a sample of 1200"),
        ({"recovery__methods": ["moments", "moments"]}, "names a method more than once"),
        ({"bootstrap": {"block": 5}}, "bootstrap has no meaning in a recovery"),
        ({"starts": {"count": 3}}, "starts has no meaning in a recovery"),
        ({"recovery__start_factor": 1.0}, "recovery.start_factor is 1.0"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(ParameterError, match=message):
        small_recipe(**changes)


def test_recipes_without_the_section_are_refused():
    with pytest.raises(ParameterError, match=r"has no section \[experiment\] or \[recovery\]; add one"):
        run_study("sp500")
