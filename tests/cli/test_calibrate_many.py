"""Many series in one call: what is done is kept, what changed is done again, what fails says why."""

import json

import numpy as np
import pandas as pd
import pytest

import simcal
from simcal.calibration import Recipe, calibrate_many, read_run
from simcal.errors import ParameterError

RECIPE = Recipe.model_validate(
    {
        "name": "one", "market": "herding-today", "estimator": "likelihood", "trainable": ["chartist_sd"],
        "starts": {"count": 1}, "match_scale": True,
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def paths():
    return simcal.simulate(simcal.load("herding-today"), 2, 600, seed=2).prices


def write(folder, name, prices):
    file = folder / f"{name}.csv"
    pd.DataFrame({"date": pd.bdate_range("2001-01-01", periods=len(prices)), "close": prices}).to_csv(file, index=False)
    return file


def test_what_is_done_is_kept_and_what_changed_is_done_again(paths, tmp_path):
    first = calibrate_many({"a": paths[0], "b": paths[1]}, out=tmp_path, recipe=RECIPE, jobs=2)
    assert first.status.to_list() == ["calibrated", "calibrated"]
    again = calibrate_many({"a": paths[0], "b": paths[1][:-1]}, out=tmp_path, recipe=RECIPE, jobs=1)
    assert again.status.to_list() == ["kept", "calibrated"]
    assert again.chartist_sd[0] == first.chartist_sd[0] != again.chartist_sd[1]
    other = calibrate_many({"a": paths[0]}, out=tmp_path, recipe=RECIPE, market="herding-today", seed=1, jobs=1)
    assert other.status.to_list() == ["calibrated"]  # another seed
    single = simcal.calibrate(None, paths[0], recipe=RECIPE.model_copy(update={"seed": 1}))
    assert other.chartist_sd[0] == single.market.chartist_sd
    assert other.log_likelihood[0] == single.estimate.details["log_likelihood"] / single.estimate.n
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "calibrations.csv"), other)


def test_the_command_names_the_series_that_failed_and_keeps_the_others(paths, tmp_path, command):
    files = [write(tmp_path, name, path) for name, path in zip("ab", paths, strict=True)]
    (tmp_path / "c.csv").write_text("date,close\n2001-01-01,100\n2001-01-02,-5\n")
    recipe = tmp_path / "one.toml"
    recipe.write_text(RECIPE.to_toml())
    out = tmp_path / "runs"
    options = ("--recipe", recipe, "--out", out, "--json")
    found = command("calibrate", *files, tmp_path / "c.csv", *options, "--no-report")
    assert found.code == 2
    assert "1 of 3 series could not be calibrated" in found.err
    rows = json.loads(found.out)["series"]
    assert [row["status"] for row in rows[:2]] == ["calibrated", "calibrated"]
    assert "-5" in rows[2]["status"]
    assert {run.name for run in out.iterdir() if run.is_dir()} >= {"a", "b"}
    assert read_run(out / "a").recipe == RECIPE
    found = command("calibrate", *files, *options)
    assert found.code == 0
    assert [row["status"] for row in json.loads(found.out)["series"]] == ["kept", "kept"]
    assert (out / "a" / "report.html").is_file()
    assert (out / "b" / "report.html").is_file()


def test_series_that_cannot_be_told_apart_are_refused(paths, tmp_path):
    with pytest.raises(ParameterError, match="Two of the series have the name 'a'"):
        calibrate_many([tmp_path / "a.csv", tmp_path / "x" / "a.csv"], out=tmp_path, recipe=RECIPE)
    with pytest.raises(ParameterError, match="recipe for prices"):
        calibrate_many([np.ones(3)], out=tmp_path, recipe="rfq")
