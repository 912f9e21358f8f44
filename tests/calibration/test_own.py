"""A user's own market, statistics, loss and series, in Python and from files, with several processes."""

import json
import subprocess
import sys

import numpy as np
import pytest

import simcal
from simcal.calibration import Recipe, read_run
from simcal.errors import ParameterError

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
    monkeypatch.chdir(tmp_path)
    return tmp_path


# -- in Python ------------------------------------------------------------------------------------------------------


def test_a_market_is_taken_from_a_file_by_its_class_or_by_itself(place):
    found = simcal.load("mine.py:MyMarket")
    assert (found.kind, found.impact) == ("mine", 0.1)
    assert simcal.load("mine.py:market").impact == 0.2
    assert simcal.load(type(found)) == found
    assert simcal.load(found) is found
    assert simcal.simulate(found, 3, 10).prices.shape == (3, 11)
    with pytest.raises(ParameterError, match="is no market"):
        simcal.load("mine.py:sizes")


def test_a_run_keeps_the_definition_and_nothing_of_it_is_run_without_trust(place):
    out = place / "run"
    found = simcal.calibrate("mine.py:MyMarket", "mine.py:series", recipe="tiny.toml", out=out, jobs=1)
    assert found.market.kind == "mine"
    assert (out / "definition.py").read_text() == MINE
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["definition"]["source"] == "definition.py:MyMarket"
    (place / "mine.py").unlink()  # the run needs it no more, but for the data
    with pytest.raises(ParameterError, match=r"would run the Python code of .*definition\.py:MyMarket"):
        simcal.load(out)
    with pytest.raises(ParameterError, match="would run the Python code of"):
        simcal.validate(out, "sp500")
    with pytest.raises(ParameterError, match="would run the Python code of"):
        read_run(out, found.series)
    again = simcal.load(out, trust=True)
    assert again.to_dict() == found.market.to_dict()
    assert read_run(out, found.series, trust=True).market.to_dict() == found.market.to_dict()


def test_statistics_and_losses_are_taken_as_things_and_named_in_the_recipe(place):
    from simcal.user_code import load_definition

    prices = load_definition("mine.py:series")()
    for given in (load_definition("mine.py:tails"), load_definition("mine.py:sizes"), "mine.py:tails"):
        found = simcal.calibrate(None, prices, recipe="tiny.toml", statistics=given, loss="mine.py:means", jobs=1)
        assert found.features.labels(20) in (["mean", "largest"], ["sizes 1", "sizes 2"])
        assert found.recipe.game.statistics.endswith(("tails", "sizes"))
        assert found.recipe.game.loss.endswith("mine.py:means")


def test_a_recipe_of_others_runs_no_file_without_trust(place):
    (place / "theirs.toml").write_text(RECIPE.replace("[game]", '[game]\nstatistics = "mine.py:tails"'))
    with pytest.raises(ParameterError, match=r"The recipe theirs would run the Python code of mine\.py:tails"):
        simcal.calibrate(None, "mine.py:series", recipe="theirs.toml", jobs=1)
    found = simcal.calibrate(None, "mine.py:series", recipe="theirs.toml", jobs=1, trust=True)
    assert found.status == "all 4 iterations played"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"statistics": "styled"}, "'styled' is not a set of statistics"),
        ({"loss": "hinge"}, "'hinge' is not a loss; known are"),
        ({"loss": "mine.py:tails"}, "The loss is of type Statistics"),
        ({"estimator": "moment"}, "'moment' is not an estimator; did you mean 'moments'"),
        ({"statistics": "mine.py:market"}, "are of type MyMarket"),
    ],
)
def test_what_is_something_else_is_refused(place, options, said):
    with pytest.raises(ParameterError, match=said):
        simcal.calibrate(None, "mine.py:series", recipe="tiny.toml", jobs=1, **options)


SCRIPT = """
import numpy as np, simcal
from simcal.calibration import Loss, Recipe, Statistics, STATISTICS

class Mine(simcal.StockMarket):
    kind = "mine"

def sizes(prices):
    return abs(prices[..., 1:] / prices[..., :-1] - 1)

STATISTICS.register("mine", Statistics("mine", "sizes", lambda n: [str(k) for k in range(n)], sizes))
loss = Loss("means", "differences of means", lambda real, fake: fake.mean() - real.mean(), lambda fake: -fake.mean())
game = {"window": 20, "batch": 30, "iterations": 3, "statistics": "mine", "hidden": [4], "normalise": "standardise"}
recipe = Recipe.model_validate({"name": "tiny", "trainable": ["impact"], "game": game})
prices = 100 * np.exp(np.cumsum(0.01 * np.random.default_rng(0).standard_normal(500)))
one, two = (simcal.calibrate(Mine, prices, recipe=recipe, loss=loss, starts=2, jobs=jobs) for jobs in (1, 2))
assert type(two.market) is Mine, type(two.market)
assert one.market == two.market
print(two.status)
"""


def test_things_of_a_script_travel_to_two_processes(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    run = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("all 3 iterations played\n", "")


def test_the_paths_of_a_market_of_ones_own_can_be_exported(place):
    market = simcal.load("mine.py:market")
    prices = simcal.simulate(market, 2, 30, seed=1).prices
    np.testing.assert_array_equal(prices, simcal.simulate(simcal.StockMarket(impact=0.2), 2, 30, seed=1).prices)
    assert Recipe.model_validate({"name": "x", "trainable": ["impact"]}).run == "calibration"
