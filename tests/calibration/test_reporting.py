"""The report of a run: complete, self-contained, made anew from the folder alone."""

import json
import re

import numpy as np
import pandas as pd
import pytest

import simcal
from simcal.calibration import Recipe, read_run, write_run_report
from simcal.calibration.report import demand_sizes
from simcal.errors import DataError

RECIPE = {
    "name": "test-report", "description": "two starts", "trainable": ["public_weight", "trend_sensitivity"],
    "window_stride": 10, "seed": 4, "game": {"window": 40, "warm_up": 10, "batch": 32, "iterations": 12},
    "starts": {"count": 2},
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run on a CSV file, and its certificate."""
    folder = tmp_path_factory.mktemp("run")
    prices = simcal.simulate(simcal.load("stock"), 1, 800, seed=8, burn_in=50).prices[0]
    dates = pd.bdate_range("2012-01-02", periods=801)
    pd.DataFrame({"date": dates, "close": prices}).to_csv(folder / "made.csv", index=False)
    recipe = Recipe.model_validate(RECIPE)
    calibration = simcal.calibrate(None, folder / "made.csv", recipe=recipe, out=folder / "run", jobs=1)
    certificate = simcal.validate(calibration.market, calibration.series, n_samples=20, n_resamples=20, jobs=1)
    return folder / "run", certificate


def page_of(folder) -> str:
    """The page without its pictures."""
    return re.sub(r"data:image/[^\"']+", "", (folder / "report.html").read_text())


def test_a_report_without_a_certificate_says_so_and_has_its_figures(run):
    folder, _ = run
    (folder / "validation.json").unlink(missing_ok=True)
    path = write_run_report(folder)
    assert path == folder / "report.html"
    assert "has not been judged" in page_of(folder)
    assert path.read_text().count("<img") == 7


def test_a_report_with_a_certificate_shows_every_fact_and_every_verdict(run):
    folder, certificate = run
    write_run_report(folder, certificate)
    page = page_of(folder)
    for label in certificate.all_data.bands["label"]:
        assert label.replace("&", "&amp;").replace("<", "&lt;") in page
    for name in ("GJR-GARCH-t", "GARCH-t", "block bootstrap", "Franke-Westerhoff"):
        assert name in page
    assert "{} of {}".format(*certificate.all_data.passed()) in page
    assert json.loads((folder / "validation.json").read_text())["verdict"] == certificate.verdict


def test_the_report_says_what_was_calibrated_to_what(run):
    folder, certificate = run
    write_run_report(folder, certificate)
    page = " ".join(page_of(folder).split())
    for text in (
        "made: 801 prices from 2012-01-02", "first 70 % of the returns (560", "the other 240 were held out",
        "windows of 40 returns", "only 14 that do not overlap", "These are few", "wasserstein", "gradient penalty 10",
        "public_weight", "trend_sensitivity", "1/price", "test-report",
    ):  # fmt: skip
        assert text in page, text
    assert json.loads((folder / "manifest.json").read_text())["data"]["sha256"] in page


def test_the_report_tells_which_traders_move_the_price():
    def sizes(**changes: float) -> dict[str, float]:
        table = demand_sizes(simcal.load("stock").replace(**changes))
        return dict(zip(table.iloc[:, 0], table.iloc[:, 1], strict=True))

    assert list(sizes()) == ["noise", "technical", "fundamental"]
    # Certain traders all order the same: the root mean square is their number.
    sure = sizes(public_weight=1e6, private_weight=0.0)
    assert sure["noise"] == pytest.approx(7, abs=1e-3)
    assert sizes(public_weight=0.0, private_weight=0.0)["noise"] == 0


def test_the_same_folder_gives_the_same_report(run):
    folder, certificate = run
    first = write_run_report(folder, certificate).read_bytes()
    assert write_run_report(folder).read_bytes() == first


def test_steps_that_were_not_finite_are_told(run):
    folder, certificate = run
    manifest = json.loads((folder / "manifest.json").read_text())
    changed = json.loads(json.dumps(manifest))
    changed["starts"][1]["skipped steps"] = 3
    (folder / "manifest.json").write_text(json.dumps(changed))
    write_run_report(folder, certificate)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert "3 training steps gave numbers that are not finite" in page_of(folder)


def test_a_run_reads_back_what_the_calibration_left(run):
    read = read_run(run[0])
    assert list(read.parameters()["parameter"]) == RECIPE["trainable"]
    assert read.recipe.model_dump() == Recipe.model_validate(RECIPE).model_dump()
    assert read.skipped_steps == 0
    assert len(read.history) == 24


def test_data_that_have_changed_since_are_refused_unless_given(run):
    folder, _ = run
    table = folder.parent / "made.csv"
    text = table.read_text()
    series = simcal.load_series(table)
    table.write_text("\n".join(text.splitlines()[:-1]))
    with pytest.raises(DataError, match="changed since"):
        read_run(folder)
    assert read_run(folder, series).series is series
    table.write_text(text)


def test_a_folder_that_is_not_a_finished_run_is_refused(tmp_path):
    with pytest.raises(DataError, match="finished run"):
        write_run_report(tmp_path)


def test_prices_without_dates_and_a_name_get_a_report_when_they_are_given_again(tmp_path):
    prices = np.asarray(simcal.simulate(simcal.load("stock"), 1, 300, seed=9).prices[0])
    recipe = Recipe.model_validate(RECIPE | {"starts": {"count": 1}, "train_share": 1.0})
    calibration = simcal.calibrate(None, prices, recipe=recipe, out=tmp_path / "run", jobs=1)
    with pytest.raises(DataError, match="have no name"):
        write_run_report(tmp_path / "run")
    write_run_report(tmp_path / "run", series=calibration.series)
    assert "nothing was held out" in page_of(tmp_path / "run")
