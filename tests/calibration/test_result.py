"""A run folder holds the calibrated market and all that is needed to know how it was found."""

import json
import math
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import simcal
from simcal import models
from simcal.calibration import Recipe, read_run
from simcal.errors import DataError, ParameterError
from simcal.training import load_checkpoint

RECIPE = Recipe.model_validate(
    {
        "name": "tiny", "trainable": ("public_weight", "impact"), "per_trader": ("public_weight",),
        "game": {"window": 20, "warm_up": 5, "batch": 30, "iterations": 12, "hidden": (4,), "twin": {"engine": "auto"}},
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def prices_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("prices") / "made.csv"
    logs = np.cumsum(0.01 * np.random.default_rng(0).standard_normal(600))
    dates = pd.bdate_range("2015-01-01", periods=600)
    pd.DataFrame({"date": dates, "close": 100 * np.exp(logs)}).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def run(prices_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "a"
    return folder, simcal.calibrate(None, prices_file, recipe=RECIPE, starts=2, jobs=1, out=folder)


def test_the_folder_gives_back_the_market_the_recipe_and_the_data(run):
    folder, calibration = run
    read = read_run(folder)
    assert read.market == calibration.market == simcal.load(folder)
    assert read.recipe == calibration.recipe
    assert read.recipe.starts.count == 2
    assert read.series.sha256 == calibration.series.sha256


def test_the_folder_has_its_files_and_nothing_half_written(run):
    folder, _ = run
    assert sorted(p.name for p in folder.iterdir()) == [
        "checkpoints", "history.csv", "manifest.json", "market.toml", "origin.toml", "recipe.toml",
        "starts", "weights.safetensors",
    ]  # fmt: skip
    assert sorted(p.name for p in (folder / "checkpoints").iterdir()) == ["start-0.safetensors", "start-1.safetensors"]
    assert sorted(p.name for p in (folder / "starts").iterdir()) == ["start-0.toml", "start-1.toml"]


def test_the_history_on_disk_is_that_of_the_calibration_to_the_last_bit(run):
    folder, calibration = run
    pd.testing.assert_frame_equal(pd.read_csv(folder / "history.csv"), calibration.history, check_exact=True)
    assert list(calibration.history["start"].unique()) == [0, 1]
    assert len(calibration.history) == 24


def test_the_weights_are_the_chosen_starts(run):
    folder, calibration = run
    tensors, state = load_checkpoint(folder / "weights.safetensors")
    assert state["identity"]["seed"] == [0, calibration.chosen]
    assert tensors["critic.layers.0.weight"].shape == (4, 17)


def test_the_manifest_tells_seed_versions_data_and_every_start(run):
    folder, calibration = run
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["seed"] == 0
    assert manifest["data"] == {
        "name": "made", "n": 600, "sha256": calibration.series.sha256, "source": str(calibration.data_name)
    }  # fmt: skip
    assert manifest["versions"]["simcal"] == simcal.__version__
    assert {"python", "torch", "numpy", "numba", "pandas", "statsmodels", "arch"} < set(manifest["versions"])
    assert [s["start"] for s in manifest["starts"]] == [0, 1]
    assert [s["chosen"] for s in manifest["starts"]].index(True) == calibration.chosen
    assert manifest["market"] == calibration.market.to_dict()


def test_the_recipe_on_disk_is_resolved(run):
    folder, calibration = run
    stored = tomllib.loads((folder / "recipe.toml").read_text())
    assert stored["game"]["iterations"] == 12
    assert stored["game"]["beta2"] == calibration.recipe.game.beta2  # a default, written out


def test_the_parameters_are_named_with_values_before_and_after(run):
    _, calibration = run
    table = calibration.parameters().set_index("parameter")
    assert list(table.index) == [*(f"public_weight[{i}]" for i in range(7)), "impact"]
    assert (table["start"] == [1.0] * 7 + [0.1]).all()
    assert table.loc["impact", "calibrated"] == calibration.market.impact
    assert table.loc["public_weight[3]", "calibrated"] == calibration.market.public_weight[3]
    assert table.loc["impact", "letter"] == "rho"


def test_the_chosen_start_is_the_one_with_the_smallest_distance(run):
    _, calibration = run
    table = calibration.starts_table()
    assert table["energy distance"].idxmin() == calibration.chosen
    assert calibration.market == calibration.starts[calibration.chosen].market
    assert calibration.status == "all 12 iterations played"


def test_the_same_command_again_gives_the_same_run(run, prices_file):
    folder, calibration = run
    again = simcal.calibrate(None, prices_file, recipe=RECIPE, starts=2, jobs=1, out=folder)
    assert again.market == calibration.market
    pd.testing.assert_frame_equal(again.history, calibration.history, check_exact=True)


def test_a_folder_of_another_recipe_is_not_overwritten(run, prices_file):
    folder, calibration = run
    with pytest.raises(ParameterError, match="another recipe, seed or data set"):
        simcal.calibrate(None, prices_file, recipe=RECIPE, starts=2, jobs=1, seed=1, out=folder)
    assert simcal.load(folder) == calibration.market


def test_data_that_have_changed_since_are_refused(prices_file, tmp_path):
    mine = tmp_path / "prices.csv"
    mine.write_text(prices_file.read_text())
    folder = tmp_path / "run"
    simcal.calibrate(None, mine, recipe=RECIPE, iterations=2, out=folder)
    read_run(folder)
    mine.write_text(prices_file.read_text().replace("2015-01-01", "2014-12-31"))
    with pytest.raises(DataError, match=r"is not the one that .* was calibrated to"):
        read_run(folder)


def test_other_data_than_the_runs_own_are_refused(prices_file, tmp_path):
    simcal.calibrate(None, prices_file, recipe=RECIPE, iterations=2, out=tmp_path)
    own = simcal.load_series(prices_file)
    assert read_run(tmp_path, own).series is own
    with pytest.raises(DataError, match=r"is not the one that .* was calibrated to"):
        read_run(tmp_path, own.split(0.9)[0])


def test_data_without_a_name_cannot_be_read_again_but_the_market_can(prices_file, tmp_path):
    prices = pd.read_csv(prices_file)["close"].to_numpy()
    calibration = simcal.calibrate(None, prices, recipe=RECIPE, iterations=2, out=tmp_path)
    with pytest.raises(DataError, match="have no name"):
        read_run(tmp_path)
    assert simcal.load(tmp_path) == calibration.market


@pytest.mark.parametrize("content", [None, "{", '{"data": {}}'])
def test_a_folder_that_is_no_finished_run_is_one_sentence(content, tmp_path):
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DataError, match=r"is not the folder of a finished run|is damaged"):
        read_run(tmp_path)


def test_the_result_is_plain_values(run):
    _, calibration = run
    plain = calibration.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["parameters"]["impact"] == calibration.market.impact
    assert all(math.isfinite(start["energy distance"]) for start in plain["starts"])


def test_the_market_of_a_run_is_the_origin_with_the_trained_parameters(run):
    folder, calibration = run
    trained = {name: getattr(calibration.market, name) for name in RECIPE.trainable}
    assert models.load(folder / "origin.toml").replace(**trained) == calibration.market
