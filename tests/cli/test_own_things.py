"""A user's own market, statistics, loss and series through the commands; nothing of them is run without trust."""

import json

import pytest

MINE = '''
import numpy as np
from simcal import StockMarket
from simcal.calibration import Loss, Statistics


class MyMarket(StockMarket):
    kind = "mine"
    title = "market of mine"


market = MyMarket(impact=0.2)


def sizes(prices):
    """Mean and largest size of a return."""
    from array_api_compat import array_namespace

    xp = array_namespace(prices)
    r = xp.abs(xp.log(prices[..., 1:]) - xp.log(prices[..., :-1]))
    return xp.stack([xp.mean(r, axis=-1), xp.max(r, axis=-1)], axis=-1)


tails = Statistics("tails", "sizes by another name", lambda n: ["mean", "largest"], sizes)
means = Loss("means", "differences of means", lambda real, fake: fake.mean() - real.mean(),
             lambda fake: -fake.mean(), level=False)


def series():
    return 100 * np.exp(np.cumsum(0.01 * np.random.default_rng(0).standard_normal(500)))
'''
RECIPE = (
    'trainable = ["impact", "public_weight"]\n[game]\nwindow = 20\nbatch = 30\niterations = 4\n[starts]\ncount = 2\n'
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with `mine.py` and `tiny.toml`, as the working folder."""
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "tiny.toml").write_text(RECIPE)
    (tmp_path / "rule.py").write_text("def hold(prices, position, cash, step):\n    return 0.0 * position + 1.0\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_market_from_a_file_goes_through_the_commands(command, place):
    done = command("simulate", "mine.py:MyMarket", "--paths", 4, "--steps", 20, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["market"]["kind"] == "mine"
    done = command(
        "calibrate", "mine.py:series", "--market", "mine.py:MyMarket", "--statistics", "mine.py:tails", "--loss",
        "mine.py:means", "--recipe", "tiny.toml", "--out", "run", "--jobs", 1, "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert result["market"]["kind"] == "mine"
    assert "validation" in result
    assert "sizes by another name" in (place / "run" / "report.html").read_text()
    backtest = ("backtest", "run", "--strategy", "rule.py:hold", "--paths", 20, "--steps", 20)
    for verb in (("simulate", "run"), ("validate", "run"), ("report", "run"), backtest):
        done = command(*verb)
        assert done.code == 2, verb
        assert "would run the Python code of" in done.err, (verb, done.err)
        assert "--trust" in done.err
    judged = ("validate", "run", "--samples", 3, "--resamples", 3, "--jobs", 1)
    for verb in (("report", "run"), judged, backtest):
        done = command(*verb, "--trust", "--json")
        assert done.code == 0, (verb, done.err)
    assert command("report", "run").code == 2  # trust lasts for one command
