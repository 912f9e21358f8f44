"""The commands do what they say: files in their places, one JSON object with the keys of the result."""

import json
import re

import numpy as np
import pytest

import simcal
from simcal.facts import fact_table

RUN_FILES = ("market.toml", "recipe.toml", "history.csv", "weights.safetensors", "manifest.json", "report.html")


@pytest.fixture(scope="module")
def calibrated(workplace):
    """A run made by the command itself: its folder and the JSON that it printed."""
    import subprocess
    import sys

    folder = workplace / "by-command"
    done = subprocess.run(
        [sys.executable, "-c", "import simcal.cli; simcal.cli.main()", "calibrate", workplace / "series.csv",
         "--recipe", workplace / "small.toml", "--out", folder, "--jobs", "1", "--json"],
        capture_output=True, text=True, check=True, cwd=workplace,
    )  # fmt: skip
    return folder, json.loads(done.stdout), done.stderr


def test_calibrate_leaves_a_complete_run_folder(calibrated):
    folder, _, _ = calibrated
    assert [name for name in (*RUN_FILES, "validation.json") if not (folder / name).is_file()] == []


def test_calibrate_prints_the_result_and_its_certificate_as_one_object(calibrated):
    folder, result, _ = calibrated
    assert {"market", "parameters", "status", "chosen", "starts", "seconds", "validation", "report"} <= set(result)
    assert result["parameters"]["impact"] == simcal.load(folder).impact
    assert result["validation"]["all_data"]["passed"]["market"][1] > 30


def test_progress_shows_losses_and_parameters_on_standard_error(calibrated):
    text = calibrated[2]
    assert "loss D" in text
    assert "30/30" in text


def test_the_report_needs_no_network(calibrated):
    page = (calibrated[0] / "report.html").read_text()
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!data:|#)", page)
    assert "http" not in re.sub(r"data:image/[^\"']+", "", page)


def test_a_run_simulates_like_any_market(calibrated, command, tmp_path):
    done = command("simulate", calibrated[0], "--paths", 5, "--steps", 300, "--out", tmp_path / "p.parquet", "--json")
    assert done.code == 0
    assert json.loads(done.out)["n_paths"] == 5


def test_report_rebuilds_the_same_page_without_training(calibrated, command):
    folder = calibrated[0]
    before = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    done = command("report", folder, "--json")
    assert json.loads(done.out) == {"report": str(folder / "report.html")}
    assert (folder / "report.html").read_bytes() == before


def test_the_same_command_again_ends_with_the_same_market(calibrated, command, workplace):
    folder, result, _ = calibrated
    done = command(
        "calibrate", workplace / "series.csv", "--recipe", workplace / "small.toml", "--out", folder, "--jobs", 1,
        "--no-report", "--json",
    )  # fmt: skip
    again = json.loads(done.out)
    assert again["market"] == result["market"]
    assert "validation" not in again


def test_calibrate_takes_seed_iterations_starts_and_market(command, workplace, tmp_path):
    simcal.models.save(simcal.load("stock").replace(private_weight=0.25), tmp_path / "start.toml")
    done = command(
        "calibrate", workplace / "series.csv", "--recipe", workplace / "small.toml", "--out", tmp_path / "run",
        "--seed", 7, "--iterations", 4, "--starts", 2, "--jobs", 1, "--market", tmp_path / "start.toml",
        "--no-report", "--json",
    )  # fmt: skip
    result = json.loads(done.out)
    assert len(result["starts"]) == 2
    assert result["market"]["private_weight"] == 0.25
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["seed"] == 7


def test_a_series_too_short_to_be_judged_still_gets_its_report(command, workplace, tmp_path):
    lines = (workplace / "series.csv").read_text().splitlines()
    (tmp_path / "short.csv").write_text("\n".join(lines[:141]))
    done = command(
        "calibrate", tmp_path / "short.csv", "--recipe", workplace / "small.toml", "--out", tmp_path / "run",
        "--iterations", 3, "--jobs", 1,
    )  # fmt: skip
    assert done.code == 0
    assert "139 returns, but a validation needs at least 150" in done.err
    assert "has not been judged" in (tmp_path / "run" / "report.html").read_text()


def test_validate_writes_the_certificate_into_a_run(command, run_folder):
    done = command("validate", run_folder, "--samples", 20, "--resamples", 20, "--jobs", 1, "--json")
    assert done.code == 0
    assert json.loads(done.out) == json.loads((run_folder / "validation.json").read_text())


def test_validate_judges_a_model_by_other_data_and_writes_nothing(command, workplace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command("validate", "stock", workplace / "series.csv", "--samples", 20, "--resamples", 20, "--jobs", 1)
    assert done.code == 0
    assert "facts" in done.out
    assert list(tmp_path.iterdir()) == []


def test_facts_of_a_series_are_those_of_the_library(command, workplace):
    done = command("facts", workplace / "series.csv", "--resamples", 30, "--json")
    found = {row["fact"]: row for row in json.loads(done.out)["facts"]}
    expected = fact_table(simcal.load_series(workplace / "series.csv").log_returns, n_resamples=30)
    for name in ("standard_deviation", "acf_1", "hill_5"):
        assert found[name]["value"] == expected.loc[name, "value"]
        assert found[name]["high"] == expected.loc[name, "high"]


def test_facts_of_simulated_paths_use_the_first_paths_of_the_file(command, tmp_path):
    market = simcal.load("stock")
    simcal.simulate(market, 9, 300, seed=2, out=tmp_path / "p.parquet", chunk=2)
    done = command("facts", tmp_path / "p.parquet", "--paths", 4, "--fact", "standard_deviation", "--json")
    result = json.loads(done.out)
    returns = np.diff(np.log(simcal.simulate(market, 4, 300, seed=2).prices))
    assert result["paths"] == 4
    assert result["facts"][0]["value"] == pytest.approx(np.median(100 * returns.std(axis=1)), rel=1e-12)


EXPERIMENT = """
trainable = ["public_weight", "trend_sensitivity"]
[game]
batch = 60
iterations = 20
window = 30
[starts]
law = "normal"
[experiment]
n_paths = 60
replications = 2
"""


def test_the_name_of_an_experiment_runs_it_and_its_report_can_be_made_anew(command, tmp_path, monkeypatch):
    monkeypatch.setattr("simcal.calibration.study.run.BOUND_PATHS", 2000)
    (tmp_path / "tiny.toml").write_text(EXPERIMENT)
    folder = tmp_path / "run"
    done = command("calibrate", tmp_path / "tiny.toml", "--out", folder, "--jobs", 1, "--json")
    assert done.code == 0
    assert json.loads(done.out)["folder"] == str(folder)
    page = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    assert command("report", folder).code == 0
    assert (folder / "report.html").read_bytes() == page
    refused = command("validate", folder)
    assert refused.code == 2
    assert "experiment" in refused.err
