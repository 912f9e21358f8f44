"""Dealer markets from the command line: calibrated to requests, reported, judged, and what is refused."""

import json

import pandas as pd
import pytest

import simcal
from simcal.calibration import load_recipe
from simcal.rfq.table import load_requests


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a table in a desk's own words, and a recipe that trains for seconds."""
    folder = tmp_path_factory.mktemp("desk")
    frame = load_requests("rfq-example").to_pandas().iloc[:2000].rename(columns={"quote": "price", "status": "ended"})
    frame.to_csv(folder / "desk.csv", index=False)
    text = load_recipe("rfq").model_copy(update={"data": None}).to_toml().replace("iterations = 400", "iterations = 12")
    (folder / "short.toml").write_text("\n".join(line for line in text.splitlines() if not line.startswith("name")))
    return folder


@pytest.fixture(scope="module")
def run(place):
    simcal.calibrate(
        None, place / "desk.csv", recipe=place / "short.toml", out=place / "run", jobs=1,
        mapping={"quote": "price", "status": "ended"},
    )  # fmt: skip
    return place / "run"


def test_a_table_in_a_desks_own_words_is_calibrated_to(command, place):
    out = place / "by-command"
    ended = command(
        "calibrate", place / "desk.csv", "--recipe", place / "short.toml", "--map", "quote=price,status=ended",
        "--out", out, "--jobs", 1, "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    result = json.loads(ended.out)
    assert {row["method"] for row in result["estimates"]} == {"likelihood", "moments", "adversarial"}
    assert result["validation"]["sizes"]["all data"] == 2000
    assert (out / "report.html").is_file()
    assert simcal.load(out).kind == "rfq"


def test_estimates_are_printed_side_by_side(command, place, run):
    ended = command(
        "calibrate", place / "desk.csv", "--recipe", place / "short.toml", "--map", "quote=price", "--map",
        "status=ended", "--out", run, "--jobs", 1, "--no-report",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    for word in ("likelihood", "moments", "adversarial", "quote_scale", "estimates of the method likelihood"):
        assert word in " ".join(ended.out.split())


def test_a_run_is_judged_and_its_report_made_anew(command, run):
    ended = command("validate", run, "--samples", 20, "--json")
    assert ended.code == 0, ended.err
    judged = json.loads(ended.out)
    assert set(judged["parts"]) == {"all data", "held-out"}
    (run / "report.html").unlink(missing_ok=True)
    ended = command("report", run)
    assert ended.code == 0, ended.err
    assert judged["verdict"][0].split(";")[0] in (run / "report.html").read_text()


def test_a_market_is_judged_by_a_table(command, place):
    ended = command("validate", "rfq-example", place / "desk.csv", "--map", "quote=price,status=ended", "--samples", 20)
    assert ended.code == 0, ended.err
    assert "facts lie inside their 95 % bands" in ended.out


def test_an_experiment_with_requests_prints_every_method_and_what_identifies_what(command, place):
    values = load_recipe("rfq-experiment").to_toml().replace("n_requests = 20000", "n_requests = 1300")
    path = place / "small-experiment.toml"
    path.write_text("\n".join(line for line in values.splitlines() if not line.startswith("name")))
    out = place / "experiment"
    ended = command("calibrate", path, "--starts", 2, "--iterations", 8, "--out", out, "--jobs", 1, "--json")
    assert ended.code == 0, ended.err
    result = json.loads(ended.out)
    assert len(result["summary"]) == 18
    assert result["identification"][0]["rank"] == 2
    assert (out / "report.html").is_file()
    (out / "report.html").unlink()
    assert command("report", out).code == 0
    assert (out / "report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("calibrate", "sp500", "--recipe", "sp500", "--map", "quote=price"), "--map names the columns of a request"),
        (("calibrate", "rfq-inventory"), "names no data"),
        (("calibrate", "rfq-experiment", "--market", "rfq"), "is an experiment"),
        (("validate", "rfq"), "so say which requests to judge it by"),
        (("validate", "stock", "sp500", "--map", "quote=price"), "the market is one of prices"),
        (("calibrate", "rfq-example", "--map", "quote"), "is not understood"),
    ],
)
def test_what_cannot_be_is_one_sentence(command, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    ended = command(*arguments)
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


def test_runs_of_requests_and_of_prices_are_told_apart(command, run, tmp_path):
    pd.DataFrame({"close": [100.0, 101.0]}).to_csv(tmp_path / "prices.csv", index=False)
    ended = command("report", run, tmp_path / "prices.csv")
    assert ended.code == 2
    assert "Traceback" not in ended.err
