"""The examples do what they say, on a small scale."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

import simcal
from simcal.user_code import load_definition

EXAMPLES = Path(__file__).parent.parent / "examples"
SMALL = """
[game]
window = 40
batch = 40
iterations = 3
[starts]
count = 2
"""


def of(name):
    return f"{EXAMPLES / name}"


@pytest.fixture
def recipe(tmp_path):
    def write(text):
        (tmp_path / "small.toml").write_text(text)
        return tmp_path / "small.toml"

    return write


@pytest.mark.parametrize("name", ["volatility_targeting.py:TargetingMarket", "own_market.py:MakerMarket"])
def test_a_market_of_ones_own_simulates_and_has_a_gradient(name):
    market = simcal.load(of(name))
    paths = simcal.simulate(market, 50, 120, save=market.OUTPUTS)
    assert paths.status == "ok"
    assert np.ptp(paths.prices[:, -1]) > 0
    twin = market.twin(["impact"])
    twin.simulate(0, 0, 20, 100).log().diff().std().backward()
    assert twin.trainable.free["impact"].grad != 0


def test_the_shortest_example_has_at_most_fifteen_lines():
    text = (EXAMPLES / "volatility_targeting.py").read_text()
    classes = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    lines = [line for c in classes for line in text.splitlines()[c.lineno - 1 : c.end_lineno] if line.strip()]
    assert len(lines) <= 15


def test_a_trader_of_ones_own_can_be_calibrated_with_two_jobs_and_read_again(recipe, tmp_path):
    run = tmp_path / "run"
    text = 'trainable = ["impact", "target", "public_weight"]\n' + SMALL
    market = of("volatility_targeting.py:TargetingMarket")
    found = simcal.calibrate(market, of("own_series.py:prices"), recipe=recipe(text), out=run, jobs=2)
    again = simcal.load(run, trust=True)
    assert again.to_dict() == found.market.to_dict()
    assert again.target != simcal.load(market).target


def test_statistics_and_a_loss_of_ones_own_play_the_game(recipe):
    path = recipe('trainable = ["impact", "public_weight"]\n' + SMALL)
    found = simcal.calibrate(
        "stock", of("own_series.py:prices"), recipe=path, jobs=1,
        statistics=of("own_statistics.py:sizes"), loss=of("own_statistics.py:hinge"),
    )  # fmt: skip
    assert np.isfinite(found.market.impact)


def test_any_simulator_is_a_market():
    market = load_definition(of("any_simulator.py:market"))
    paths = simcal.simulate(market.replace(sd=0.02), 20, 200)
    assert paths.prices.shape == (20, 201)
    assert np.diff(np.log(paths.prices)).std() > 0.015


def test_the_markets_of_the_documentation_run():
    text = (EXAMPLES.parent / "docs" / "your_own_market.md").read_text(encoding="utf-8")
    names = {}
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(block, names)
    for name in ("Momentum", "TargetingMarket"):
        assert simcal.simulate(names[name](), 5, 30).status == "ok"
    pushed = names["Momentum"]().stepper(0, 0, 1)
    still = names["Momentum"]().stepper(0, 0, 1)
    assert pushed.advance(np.array([1.0]))[0] > still.advance()[0]
