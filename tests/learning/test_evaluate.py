"""Traders who have learned: what their episodes tell, and that a short training makes a market of them."""

import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from simcal.learning import LearningMarket, PpoSettings, evaluate, load_trained, train

SMALL = LearningMarket(n_traders=12, sessions=(20, 60, 5, 60), order_lifetime=15)
QUICK = PpoSettings(iterations=4, episodes=3, width=16, minibatch=64)


def test_evaluation_shows_what_happened():
    trained = train(SMALL, QUICK, seed=0)
    episodes, alone = evaluate(trained, 5, seed=9), evaluate(trained, 2, seed=9)
    n, steps = 5, SMALL.n_steps
    assert episodes.mids.shape == episodes.values.shape == (n, steps + 1)
    assert episodes.features.shape == (n * steps, 11)
    assert len(episodes.decisions) == n * steps
    assert len(episodes.accounts) == n * SMALL.n_traders
    np.testing.assert_array_equal(episodes.fills.query("episode < 2"), alone.fills)
    fills, decisions, accounts = episodes.fills, episodes.decisions, episodes.accounts
    assert (fills["step"] >= SMALL.first_trade).all()
    np.testing.assert_allclose(fills["price"], fills["tick"] * SMALL.tick)
    assert episodes.activity.volume == pytest.approx(fills["volume"].sum() / n)
    # Decisions after the opening are what the policy means.
    later = (decisions["step"] >= SMALL.first_trade).to_numpy()
    meant = trained.act(episodes.features[later])
    np.testing.assert_allclose(decisions.loc[later, ["price", "volume"]], meant, atol=1e-5)
    assert not np.allclose(decisions.loc[~later, ["price", "volume"]], trained.act(episodes.features[~later]))
    # The changes of a trader's wealth add up to what she has at the end.
    first = decisions.groupby(["episode", "trader"])["wealth"].first()
    change = decisions.groupby(["episode", "trader"])["wealth_change"].sum()
    end = accounts.set_index(["episode", "trader"])["end"]
    np.testing.assert_allclose(first + change, end.loc[first.index], rtol=1e-9)
    noisy = evaluate(trained, 2, seed=9, deterministic=False)
    assert not noisy.fills.equals(alone.fills)


def test_a_loaded_training_acts_as_before(tmp_path):
    trained = train(SMALL, QUICK, seed=0)
    loaded = load_trained(trained.save(tmp_path / "run"))
    seen = np.random.default_rng(0).uniform(-1, 1, (50, 11))
    np.testing.assert_array_equal(trained.act(seen), loaded.act(seen))
    assert loaded.to_dict() == trained.to_dict()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_a_million_steps_make_a_market_of_traders_who_differ(seed):
    settings, began = PpoSettings(iterations=16), time.process_time()
    trained = train("book-learning", settings, seed=seed)
    assert time.process_time() - began < 600  # against an endless loop, not a measure
    assert trained.collapsed is None
    assert trained.history["mispricing"].iloc[-1] < trained.history["mispricing"].iloc[0]
    episodes = evaluate(trained, 30, seed=1)
    assert not episodes.collapsed
    assert episodes.activity.fills > 300
    bars = np.log(episodes.mids[:, 100::10])
    returns = np.diff(bars, axis=1)
    returns = (returns - returns.mean(1, keepdims=True)) / returns.std(1, keepdims=True)
    assert (returns**4).mean() - 3 > 1
    later = episodes.decisions.query("step > 1000 and wealth > 3000")
    assert np.corrcoef(later["risk_aversion"], later["invested"])[0, 1] < -0.05
    places = later["episode"], later["step"]
    cheap = np.log(episodes.values[places] / episodes.mids[places])
    assert np.corrcoef(later["volume"], cheap)[0, 1] > 0.1


def test_collapsed_weights_are_found_in_evaluation_too():
    trained = train(SMALL, QUICK, seed=0)
    weights = {**trained.weights, "4.bias": torch.tensor([0.0, -3.0])}
    episodes = evaluate(replace(trained, weights=weights), 3, seed=0, deterministic=False)
    assert episodes.collapsed
    assert "of the orders sell" in episodes.status


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_published_reward_soon_leaves_everybody_bidding(seed):
    settings = PpoSettings(iterations=24, scaled_rewards=True, reward_limit=5.0, centred=False, learning_rate=1e-4)
    trained = train("book-learning-published", settings, seed=seed)
    last = trained.history.iloc[-1]
    assert trained.collapsed is not None
    assert last["buy_share"] > 0.95
    assert last["fills"] < 100 < trained.history["fills"].iloc[0]
    assert f"{last['buy_share']:.1%} of the orders buy" in trained.status
    assert evaluate(trained, 10, seed=0).collapsed
