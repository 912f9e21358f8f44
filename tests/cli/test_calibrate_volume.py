"""`simcal calibrate FILE --recipe equilibrium`: from prices and volume to a run folder."""

import json

import pandas as pd
import pytest

import simcal
from simcal.equilibrium import TwoGroups

RECIPE = """
market = "equilibrium-groups"
trainable = ["risk_aversion", "exposure", "cost"]
train_share = 1.0
[equilibrium]
changes = "absolute"
detrend = false
supply = 1.0
simulated = 200
resamples = 100
"""


@pytest.fixture
def files(tmp_path):
    market = TwoGroups((0.08, 0.24), 0.436, 14.4, 0.65).market(initial_price=5000.0)
    paths = simcal.simulate(market, 1, 2500, seed=1, burn_in=100, save=["volume"])
    frame = pd.DataFrame({"price": paths.prices[0], "volume": paths.outputs["volume"][0]})
    frame.to_csv(tmp_path / "own.csv", index=False)
    frame.drop(columns="volume").to_csv(tmp_path / "bare.csv", index=False)
    (tmp_path / "mine.toml").write_text(RECIPE)
    return tmp_path


def test_a_run_is_left_that_the_other_commands_read(command, files):
    run = files / "run"
    done = command("calibrate", files / "own.csv", "--recipe", files / "mine.toml", "--out", run, "--json")
    told = json.loads(done.out)
    assert told["fit"]["names"][0] == "premium"
    assert {p.name for p in run.iterdir()} >= {"market.toml", "manifest.json", "estimates.csv", "report.html"}
    assert command("simulate", run, "--paths", 3, "--steps", 20, "--save", "volume").code == 0
    (run / "report.html").unlink()
    assert command("report", run).code == 0
    assert (run / "report.html").is_file()


def test_the_table_and_the_status_are_shown(command, files):
    done = command(
        "calibrate", files / "own.csv", "--recipe", files / "mine.toml", "--out", files / "run", "--no-report"
    )
    assert done.code == 0
    shown = " ".join(done.out.split())
    assert "risk_aversion[0]" in shown
    assert "moments more than parameters" in shown


def test_what_cannot_be_is_refused_in_a_sentence(command, files):
    for data, options, sentence in (
        ("bare.csv", (), "no usable volume"),
        ("own.csv", ("--market", "stock"), "--market has no meaning"),
        ("own.csv", ("--budget", "3"), "budget has no meaning"),
        ("own.csv", ("--device", "cuda"), "leave --device out"),
    ):
        done = command("calibrate", files / data, "--recipe", files / "mine.toml", "--out", files / "r", *options)
        assert done.code != 0
        assert sentence in " ".join(done.err.split()), done.err
        assert "Traceback" not in done.err
