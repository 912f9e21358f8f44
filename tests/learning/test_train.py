"""Training: the same bits again and after an interruption, budgets, collapse told with its number, the folder."""

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from simcal.errors import DataError, ParameterError
from simcal.learning import Activity, LearningMarket, PpoSettings, evaluate, load_trained, tensorboard, train
from simcal.learning.books import BookBatch
from simcal.learning.play import collapse, link, play, rollout
from simcal.learning.ppo import END, OPEN, PpoLearner, SharedPolicy

# The modules, which functions of the same name hide in the package.
train_module = sys.modules["simcal.learning.train"]

SMALL = LearningMarket(n_traders=12, sessions=(20, 60, 5, 60), order_lifetime=15)
QUICK = PpoSettings(iterations=4, episodes=3, width=16, minibatch=64)
MAIN = """
import sys
from simcal.learning import LearningMarket, PpoSettings, train
import importlib
importlib.import_module("simcal.learning.train")._SAVE_EVERY = 0.0
train(
    LearningMarket(n_traders=12, sessions=(20, 60, 5, 60), order_lifetime=15),
    PpoSettings(iterations=400, episodes=3, width=16, minibatch=64), seed=5, out=sys.argv[1],
    listen=lambda row: print(row["iteration"], flush=True),
)
"""


def same(one, other):
    pd.testing.assert_frame_equal(one.history, other.history, check_exact=True)
    for name, tensor in one.weights.items():
        assert torch.equal(tensor, other.weights[name]), name


@pytest.mark.parametrize("seed", [0, 1])
def test_a_training_has_the_same_bits_again_and_another_seed_others(seed):
    first = train(SMALL, QUICK, seed=seed)
    same(first, train(SMALL, QUICK, seed=seed))
    assert first.succeeded
    assert first.status == "All 4 iterations done."
    other = train(SMALL, QUICK, seed=seed + 2)
    assert not np.array_equal(first.history["reward"], other.history["reward"])


@pytest.mark.parametrize("reward", ["gains", "wealth"])
def test_an_interrupted_training_goes_on_bit_for_bit(tmp_path, monkeypatch, reward):
    market = SMALL.replace(reward=reward)
    whole = train(market, QUICK, seed=3)
    monkeypatch.setattr(train_module, "_SAVE_EVERY", 0.0)

    def interrupt(row):
        if row["iteration"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(market, QUICK, seed=3, out=tmp_path / "run", listen=interrupt)
    rows = []
    resumed = train(market, QUICK, seed=3, out=tmp_path / "run", listen=rows.append)
    assert [row["iteration"] for row in rows] == [3, 4]  # what the interruption cost is played again
    same(whole, resumed)
    same(whole, train(market, QUICK, seed=3, out=tmp_path / "run", listen=lambda row: pytest.fail("trained again")))
    same(whole, load_trained(tmp_path / "run"))


@pytest.mark.slow
def test_a_killed_training_goes_on_bit_for_bit(tmp_path):
    settings = QUICK.replace(iterations=400)
    command = [sys.executable, "-c", MAIN, tmp_path / "run"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) == 20:
                os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    rows = []
    resumed = train(SMALL, settings, seed=5, out=tmp_path / "run", listen=rows.append)
    assert 1 < rows[0]["iteration"] < 400
    same(resumed, train(SMALL, settings, seed=5))


def test_a_budget_ends_a_training_and_a_larger_one_goes_on(tmp_path):
    none = train(SMALL, QUICK, seed=0, budget=0.0, out=tmp_path / "run")
    assert not none.succeeded
    assert none.status == "Stopped by the time budget after 0 of 4 iterations."
    same(train(SMALL, QUICK, seed=0, out=tmp_path / "run"), train(SMALL, QUICK, seed=0))


def test_tensorboard_gets_every_number_of_every_row(monkeypatch, tmp_path):
    written = []

    class Writer:
        def __init__(self, folder, purge_step):
            assert (folder, purge_step) == (str(tmp_path), 1)

        def add_scalar(self, *what):
            written.append(what)

        def close(self):
            written.append("closed")

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", SimpleNamespace(SummaryWriter=Writer))
    with tensorboard(tmp_path) as listen:
        trained = train(SMALL, QUICK, seed=0, listen=listen)
    rows = [{name: value for name, value, step in written[:-1] if step == i} for i in range(1, 5)]
    assert rows == trained.history.to_dict("records")
    assert written[-1] == "closed"
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ParameterError, match="pip install tensorboard"), tensorboard(tmp_path):
        pass


def test_another_trainings_folder_is_refused(tmp_path):
    train(SMALL, QUICK, seed=0, out=tmp_path / "run")
    with pytest.raises(ParameterError, match="another market, seed or setting"):
        train(SMALL, QUICK, seed=1, out=tmp_path / "run")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/manifest.json").write_text("{}")
    with pytest.raises(ParameterError, match="holds another run"):
        train(SMALL, QUICK, seed=1, out=tmp_path / "other")
    with pytest.raises(DataError, match="not the folder of a finished training"):
        load_trained(tmp_path / "other")


class Bidders(PpoLearner):
    """Begins where everybody wants to buy."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        with torch.no_grad():
            self.policy.net[-1].bias.copy_(torch.tensor([0.5, 3.0]))


def test_a_collapse_is_told_with_the_number_that_shows_it(monkeypatch, tmp_path):
    monkeypatch.setattr(train_module, "PpoLearner", Bidders)
    trained = train(SMALL, QUICK, seed=0, out=tmp_path / "run")
    assert trained.collapsed == 1
    share = trained.history["buy_share"].iloc[-1]
    assert share > 0.95
    assert f"collapsed in iteration 1: in the last one, {share:.1%} of the orders buy" in trained.status
    assert load_trained(tmp_path / "run").collapsed == 1
    episodes = evaluate(trained, 2, seed=0)
    assert episodes.collapsed
    assert f"{episodes.activity.buy_share:.1%} of the orders buy" in episodes.status


@pytest.mark.parametrize(
    ("buy_share", "fills", "words"),
    [
        (0.5, 50, None),
        (0.97, 50, "97.0% of the orders buy, with 50 fills"),
        (0.02, 50, "98.0% of the orders sell"),
        (0.5, 2, "2 fills per episode of 120 steps"),
        (float("nan"), 0, "nobody sends an order"),
    ],
)
def test_what_counts_as_a_collapse(buy_share, fills, words):
    why = collapse(SMALL, Activity(buy_share, fills, 0.0, 0.0, 0.0, 0.0))
    assert (why is None) if words is None else (words in why)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("last", [END, OPEN])
def test_decisions_are_linked_to_the_same_traders_next(seed, last):
    generator = np.random.default_rng(seed)
    traders, earned = generator.integers(0, 4, (30, 3)), generator.standard_normal((30, 3))
    closing = generator.standard_normal((3, 4))
    following, rewards = link(traders, earned, closing, last)
    for step in range(30):
        for b in range(3):
            later = [t for t in range(step + 1, 30) if traders[t, b] == traders[step, b]]
            if later:
                assert following[step, b] == later[0] * 3 + b
                assert rewards[step, b] == earned[later[0], b]
            else:
                assert following[step, b] == last
                assert rewards[step, b] == closing[b, traders[step, b]]


def test_all_gains_of_a_trader_sum_to_her_gain_in_wealth():
    # Without weights on risk and penalties the rewards are differences of wealth: their sum is what came of her.
    market = SMALL.replace(risk_weight=0.0, short_penalty=0.0, debt_penalty=0.0, gain_weight=1.0, reserve=1.0)
    batch, policy = BookBatch(market, 3, 1), SharedPolicy(11, 2, 16, -1.0)
    found, _ = rollout(batch, policy, np.arange(3))
    steps = played_first(batch, policy)
    for (b, j), (first, wealth) in steps.items():
        total, place = 0.0, first * 3 + b
        while place != END:
            total += found.rewards[place]
            place = found.following[place]
        account = batch.state.traders[b, j]
        end = account[1] + account[0] * batch.state.record[b, -1, 1]
        assert total == pytest.approx((end - wealth) / (account[7] + 1.0), abs=1e-9)


def played_first(batch, policy):
    """(book, trader) -> step of her first decision and wealth at it."""
    played, first = play(batch, policy, np.arange(3), accounts=True), {}
    for step in range(batch.market.n_steps):
        for b in range(3):
            rows = played.accounts[step, b]
            wealth = rows[1] + rows[0] * batch.state.record[b, step, 2]
            first.setdefault((b, int(played.traders[step, b])), (step, wealth))
    return first
