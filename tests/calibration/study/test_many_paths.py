"""The synthetic experiment: its data, its tables against closed forms, its folder, its continuation."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import simcal
from simcal import models
from simcal.calibration import (
    Estimate,
    Recipe,
    StudyResult,
    load_recipe,
    load_study,
    run_study,
    write_study_report,
)
from simcal.calibration.recipe import check_recipe
from simcal.calibration.study import Theory
from simcal.calibration.study import run as study
from simcal.calibration.study.data import largest_errors, size_of, whole_paths
from simcal.errors import DataError, ParameterError
from simcal.json_text import json_text

NAMES = ("public_weight", "private_weight", "trend_sensitivity")
ITERATIONS = 20


def small_recipe(**changes: Any) -> Recipe:
    """The paper's experiment with few and short games."""
    values = load_recipe("gan-mas-experiment").model_dump()
    values["experiment"] |= {"n_paths": 60, "replications": 2}
    for game in (values["game"], values["experiment"]["plain"]):
        game |= {"batch": 40, "warm_up": 10, "window": 30, "iterations": ITERATIONS}
    for place, value in changes.items():
        *path, last = place.split("__")
        inner = values
        for part in path:
            inner = inner[part]
        inner[last] = value
    return check_recipe(values)


@pytest.fixture(autouse=True)
def _short_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "BOUND_PATHS", 500)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudyResult]:
    folder = tmp_path_factory.mktemp("experiment")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "BOUND_PATHS", 500)
        return folder, run_study(small_recipe(), out=folder, jobs=1)


def made_up(errors: dict[str, list[float]], **changes: Any) -> StudyResult:
    """A result whose estimates of (b, c, d) miss (1, 1, 0.5) by given errors, with bounds of 0.03, 0.15 and 0.01."""
    truth = models.load("stock")
    details = {"iterations": 1000, "skipped steps": 0, "the same, median over paths": 0.01,
               "share of paths below": 0.5}  # fmt: skip
    found = []
    for r, (b, c, d) in enumerate(zip(*errors.values(), strict=True)):
        raw = {"public_weight": -(1.0 + b), "private_weight": 1.0 + c, "trend_sensitivity": 0.5 + d}
        values = np.array([size_of(name, value) for name, value in raw.items()])
        found.append(
            Estimate(
                "ours", NAMES, values, np.full((3, 3), np.nan), "all 2000 iterations played", True, 20.0,
                start=np.full(3, 0.1), replication=r,
                details={**details, "values": raw, "error on the same noise": 0.01 * (r + 1)},
            )
        )  # fmt: skip
    found = [dataclasses.replace(e, **changes) for e in found]
    errors_by_theory = np.array([0.03, 0.15, 0.01])
    bound = Theory("experiment", NAMES, np.array([1.0, 1.0, 0.5]), np.diag(errors_by_theory**2), errors_by_theory)
    return StudyResult(small_recipe(), truth, {"ours": bound}, tuple(found), pd.DataFrame())


# -- data and starts ----------------------------------------------------------------------------------------------


def test_real_windows_are_the_ends_of_the_paths_that_are_drawn() -> None:
    recipe, truth = small_recipe(), models.load("stock")
    tasks = list(study._ManyPaths(recipe, truth, None, 1, None).tasks().values())
    for task in tasks:
        whole = whole_paths(truth, recipe, task.number, 60)
        np.testing.assert_array_equal(task.data.train, whole[:, 10:])
    assert not np.array_equal(tasks[0].data.train, tasks[1].data.train)


def test_both_recipes_start_at_the_same_values_and_only_the_plain_one_moves_each_trader(
    finished: tuple[Path, StudyResult],
) -> None:
    _, result = finished
    ours, plain = result.of("ours"), result.of("plain")
    ours, plain = ([e.details for e in found] for found in (ours, plain))
    assert [o["start"] for o in ours] == [p["start"] for p in plain]
    assert ours[0]["start"] != ours[1]["start"]
    for o, p in zip(ours, plain, strict=True):
        assert all(isinstance(o["values"][n], float) for n in NAMES)
        assert [len(p["values"][n]) for n in NAMES] == [7, 7, 5]


def test_scattered_starts_leave_the_truth_out() -> None:
    recipe, truth = small_recipe(starts__law="scatter"), models.load("stock")
    starts = [task.market for task in study._ManyPaths(recipe, truth, None, 1, None).tasks().values()]
    assert all(getattr(start, n) != getattr(truth, n) for start in starts for n in NAMES)


# -- tables -------------------------------------------------------------------------------------------------------


def test_errors_are_of_sizes_and_the_ratio_is_root_mean_square_over_bound() -> None:
    result = made_up({"b": [0.03, -0.03], "c": [0.3, 0.0], "d": [0.006, -0.008]})
    table = result.summary().set_index("parameter")
    assert list(table.index) == list(NAMES)
    np.testing.assert_allclose(table["RMSE / s.e."], [1.0, np.sqrt(2.0), np.sqrt(0.5)])
    np.testing.assert_allclose(table["mean estimate"], [1.0, 1.15, 0.499])
    np.testing.assert_allclose(table["RMSE (%)"], [3.0, 100 * 0.3 / np.sqrt(2), 200 * np.sqrt(50e-6)])
    assert list(table["RMSE / s.e."] <= 1.25) == [True, False, True]
    assert not result.targets["RMSE at most 1.25 bounds"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_interval_of_the_ratio_holds_the_truth_in_95_of_100_experiments(seed: int) -> None:
    rng, held, n = np.random.default_rng(seed), 0, 100
    for _ in range(n):
        e = rng.standard_normal((3, 8)) * [[0.03], [0.15], [0.01]]
        table = made_up({"b": list(e[0]), "c": list(e[1]), "d": list(e[2])}).summary()
        held += int(((table["95 % low"] < 1) & (table["95 % high"] > 1)).sum())
    assert abs(held - 0.95 * 3 * n) < 4 * math.sqrt(0.95 * 0.05 * 3 * n)


@pytest.mark.parametrize(
    ("errors", "changes", "lost"),
    [
        ({"b": [0.149], "c": [0.0], "d": [0.049]}, {}, 0),
        ({"b": [0.151], "c": [0.0], "d": [0.0]}, {}, 1),
        ({"b": [0.0], "c": [0.0], "d": [-0.051]}, {}, 1),
        ({"b": [0.0], "c": [math.nan], "d": [0.0]}, {}, 1),
        ({"b": [0.0], "c": [0.0], "d": [0.0]}, {"succeeded": False}, 1),
    ],
)
def test_replication_is_lost_when_it_failed_or_ended_five_bounds_off(
    errors: dict[str, list[float]], changes: dict[str, Any], lost: int
) -> None:
    result = made_up(errors, **changes)
    assert result.games["lost"].iloc[0] == lost
    assert result.targets["no replication lost"] is (lost == 0)


def test_time_is_that_of_2000_iterations_and_the_median_replication_is_told() -> None:
    result = made_up({"b": [0.0] * 3, "c": [0.0] * 3, "d": [0.0] * 3})
    row = result.games.iloc[0]
    assert row["seconds per 2000 iterations, median"] == 40.0
    assert result.median_replication("ours").replication == 1
    assert row["error on the same noise (%), median replication"] == pytest.approx(2.0)
    assert not result.targets["error on the same noise below 1.5 %"]
    assert result.targets["2000 iterations within 60 s"]
    assert "missed are: error on the same noise below 1.5 %." in result.status


def test_largest_errors_follow_the_formula_of_figure_4() -> None:
    real = np.array([[100.0, 102.0, 98.0], [100.0, 100.0, 100.0], [100.0, 100.0, 100.0]])
    other = np.array([[100.0, 101.0, 99.96], [100.0, 100.0, 100.0], [100.0, math.nan, 100.0]])
    np.testing.assert_allclose(largest_errors(real, other), [0.02, 0.0, math.inf])


def test_calibrated_market_with_wrong_signs_has_no_error_on_the_same_noise() -> None:
    result = made_up({"b": [0.0], "c": [0.0], "d": [0.0]})
    assert result.estimates[0].details["values"]["public_weight"] == -1.0
    calibrated = result.market(result.estimates[0])
    paths = [whole_paths(market, result.recipe, 0, 5) for market in (result.truth, calibrated)]
    np.testing.assert_array_equal(*paths)


def test_changed_sign_leaves_the_law_of_the_prices() -> None:
    market, samples = models.load("stock"), []
    for weight, seed in ((1.0, 1), (-1.0, 2)):
        changed = market.replace(public_weight=weight, private_weight=-weight)
        samples.append(simcal.simulate(changed, 4000, 20, seed=seed, threads=1).prices[:, -1])
    assert stats.ks_2samp(*samples).pvalue > 1e-3


# -- from end to end ----------------------------------------------------------------------------------------------


def test_folder_is_complete_and_gives_the_result_back(finished: tuple[Path, StudyResult]) -> None:
    folder, result = finished
    report = write_study_report(folder, result)
    expected = {
        "study.json", "summary.csv", "estimates.csv", "history.csv", "market.toml", "origin.toml", "recipe.toml",
        "manifest.json", "report.html", "checkpoints",
    }  # fmt: skip
    assert {path.name for path in folder.iterdir()} == expected
    loaded = load_study(folder)
    assert json_text(loaded.to_dict()) == json_text(result.to_dict())
    assert loaded.recipe == result.recipe
    pd.testing.assert_frame_equal(loaded.history, result.history, check_dtype=False)
    for name in ("searches", "games", "correlations", "directions", "overview"):
        pd.testing.assert_frame_equal(getattr(loaded, name), getattr(result, name))
    assert simcal.load(folder) == result.market(result.of("ours")[0])
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["kind"] == "experiment"
    assert manifest["versions"]["simcal"] == simcal.__version__
    text = report.read_text(encoding="utf-8")
    assert write_study_report(folder).read_text(encoding="utf-8") == text
    assert all(
        heading in text for heading in ("Errors", "What is hardly seen", "Training", "The same noise", "One real path")
    )


def test_history_has_the_first_the_last_and_every_tenth_iteration(finished: tuple[Path, StudyResult]) -> None:
    _, result = finished
    for _, rows in result.history.groupby(["method", "replication"]):
        assert list(rows["iteration"]) == [1, 10, 20]
    last = result.history.query("method == 'plain' and replication == 1").iloc[-1]
    assert last["private_weight[6]"] == result.of("plain")[1].details["values"]["private_weight"][6]


class _Killed(Exception):
    pass


def test_interrupted_experiment_continues_to_the_same_end(finished: tuple[Path, StudyResult], tmp_path: Path) -> None:
    _, whole = finished
    heard: list[int] = []

    def interrupt(replication: int, row: Any) -> None:
        heard.append(replication)
        if len(heard) == 2 * ITERATIONS + 5:
            raise _Killed

    with pytest.raises(_Killed):
        run_study(small_recipe(), out=tmp_path, jobs=1, listen=interrupt)
    assert not (tmp_path / "manifest.json").exists()
    again: list[int] = []
    result = run_study(small_recipe(), out=tmp_path, jobs=1, listen=lambda r, row: again.append(r))
    assert again == [0] * ITERATIONS + [1] * ITERATIONS  # the plain games alone
    assert [o.details["values"] for o in result.estimates] == [o.details["values"] for o in whole.estimates]
    pd.testing.assert_frame_equal(result.history, whole.history)


def test_more_replications_leave_the_first_ones_as_they_were(
    finished: tuple[Path, StudyResult], tmp_path: Path
) -> None:
    _, whole = finished
    result = run_study(small_recipe(experiment__plain=None), out=tmp_path, replications=3, jobs=1)
    assert [list(o.values) for o in result.of("ours")[:2]] == [list(o.values) for o in whole.of("ours")]
    assert result.methods == ["ours"]
    assert len(result.summary()) == 3
    assert "plain" not in write_study_report(tmp_path).read_text(encoding="utf-8")


def test_iterations_override_those_of_both_games() -> None:
    result = run_study(small_recipe(), replications=1, iterations=2, jobs=1)
    assert [o.details["iterations"] for o in result.estimates] == [2, 2]


# -- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"experiment": None}, {}, r"has no section \[experiment\] or \[recovery\]; add one"),
        ({}, {"replications": 0}, "experiment.replications is 0: .* greater than or equal to 1."),
        ({}, {"iterations": 0}, "game.iterations is 0"),
        ({}, {"jobs": 0}, "jobs is 0, but must be a whole number from 1"),
        ({"starts__law": "market"}, {}, "starts.law is 'market', but in an experiment that is the truth"),
        ({"changes": {"public_weight": 0.0}}, {}, "public_weight is 0.0 in the true market"),
        ({"changes": {"trend_sensitivity": [0.5] * 5}}, {}, "trend_sensitivity is .* that all traders share"),
        ({"trainable": ("public_wieght",)}, {}, "did you mean 'public_weight'"),
    ],
)
def test_recipe_that_cannot_be_played_is_refused_by_a_sentence(
    changes: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        run_study(small_recipe(**changes), **options)


def test_checkpoints_of_another_experiment_are_refused(finished: tuple[Path, StudyResult]) -> None:
    folder, _ = finished
    with pytest.raises(ParameterError, match="was made by another recipe, seed or data set; give another folder"):
        run_study(small_recipe(seed=1), out=folder, jobs=1)


def test_folder_without_an_experiment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not the folder of a finished study"):
        load_study(tmp_path)
    with pytest.raises(DataError, match="is not the folder of a finished run"):
        write_study_report(tmp_path)
