"""A short series that our own simulator made, a recipe that trains for seconds, and a way to run the command line."""

import sys
from dataclasses import dataclass

import pandas as pd
import pytest

import simcal
import simcal.cli

RECIPE = """
description = "a recipe for tests"
trainable = ["public_weight", "impact"]
window_stride = 10
[game]
window = 40
warm_up = 10
batch = 64
iterations = 30
[starts]
count = 1
"""


@dataclass
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def command(monkeypatch, capsys):
    """Run `simcal` in this process, from its front door; gives exit code, standard output and standard error."""

    def run(*arguments) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["simcal", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            simcal.cli.main()
        out, err = capsys.readouterr()
        return Outcome(ended.value.code or 0, out, err)

    return run


@pytest.fixture(scope="session")
def workplace(tmp_path_factory):
    """A folder with `series.csv` (dates and 701 prices) and `small.toml`."""
    folder = tmp_path_factory.mktemp("cli")
    prices = simcal.simulate(simcal.load("stock"), 1, 700, seed=5, burn_in=50).prices[0]
    frame = pd.DataFrame({"date": pd.bdate_range("2015-01-01", periods=701), "close": prices})
    frame.to_csv(folder / "series.csv", index=False)
    (folder / "small.toml").write_text(RECIPE)
    return folder


@pytest.fixture(scope="session")
def run_folder(workplace):
    """A finished run of the small recipe, without a certificate."""
    folder = workplace / "finished"
    simcal.calibrate(None, workplace / "series.csv", recipe=workplace / "small.toml", out=folder, jobs=1)
    return folder
