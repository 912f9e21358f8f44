"""A market whose traders have learned answers every verb."""

import numpy as np
import pytest

import simcal
from simcal.errors import ParameterError
from simcal.learning import LearningMarket, PpoSettings, train
from simcal.learning.learned import LearnedMarket, load_learned

MARKET = LearningMarket(n_traders=15, sessions=(30, 60, 5, 60), order_lifetime=25)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("learned") / "run"
    train(MARKET, PpoSettings(iterations=2, episodes=4, width=16), seed=1, out=path)
    return path


@pytest.fixture(scope="module")
def market(folder):
    return load_learned(folder)


def test_a_training_folder_is_a_market(folder, market):
    found = simcal.load(folder)
    assert isinstance(found, LearnedMarket)
    assert found.to_dict() == market.to_dict()
    assert {row["parameter"] for row in found.describe()} >= {"n_traders", "tick"}


@pytest.mark.parametrize("deterministic", [False, True])
def test_a_path_is_its_own_whatever_is_played_beside_and_after_it(market, deterministic):
    market = market.replace(deterministic=deterministic)
    many = simcal.simulate(market, 70, 100, seed=3, save=market.OUTPUTS)
    few = simcal.simulate(market, 5, 300, seed=3, first_path=63, save=market.OUTPUTS)
    np.testing.assert_array_equal(few.prices[:, :101], many.prices[63:68])
    for name in market.OUTPUTS:
        np.testing.assert_array_equal(few.outputs[name][:, :101], many.outputs[name][63:68])
    other = simcal.simulate(market, 5, 100, seed=4)
    assert not np.array_equal(other.prices, many.prices[:5])


def test_step_by_step_and_restarted_and_adopted_paths_are_the_simulated_ones(market):
    path = simcal.simulate(market, 6, 60, seed=5).prices
    stepper = market.stepper(5, 0, 4)
    played = np.array([stepper.prices.copy(), *(stepper.advance().copy() for _ in range(20))]).T
    np.testing.assert_array_equal(played, path[:4, :21])
    stepper.restart(np.array([2, 0]), np.array([5, 4]))
    other = market.stepper(5, 0, 4)
    for _ in range(20):
        other.advance()
    stepper.adopt(np.array([3]), other, np.array([1]))
    again = np.array([stepper.advance().copy() for _ in range(10)]).T
    np.testing.assert_array_equal(again[[2, 0]], path[[5, 4], 1:11])
    np.testing.assert_array_equal(again[3], path[1, 21:31])


@pytest.mark.parametrize("seed", [1, 2])
def test_who_buys_from_outside_pays_moves_the_price_and_makes_nothing_out_of_nothing(market, seed):
    alone, moved, sold = (market.stepper(seed, 0, 60) for _ in range(3))
    before = moved.accounts.sum(axis=1)
    for step in range(30):
        alone.advance()
        moved.advance(np.full(60, 0.55 if step < 10 else 0.0))
        sold.advance(np.full(60, -0.55 if step < 10 else 0.0))
    np.testing.assert_allclose(moved.accounts.sum(axis=1), before, rtol=1e-12)
    assert (moved.outside_shares >= 0).all()
    assert moved.outside_shares.max() == 55  # ten orders of 5.5 shares, whole ones as they add up
    assert np.sign(moved.outside_cash).tolist() == np.sign(-moved.outside_shares).tolist()
    rise, fall = moved.prices - alone.prices, sold.prices - alone.prices
    for change, sign in ((rise, 1), (fall, -1)):
        assert sign * change.mean() > 3 * change.std() / np.sqrt(60)


def test_days_follow_each_other_and_end(market):
    stepper = market.stepper(1, 0, 2)
    for _ in range(125):
        stepper.advance()
    with pytest.raises(ParameterError, match="days="):
        stepper.advance()
    longer = market.replace(days=3)
    assert longer.episode.sessions == (30, 60, 5, 60, 5, 60, 5, 60, 5, 60, 5, 60)
    with pytest.raises(ParameterError, match="100"):
        market.replace(days=40)


def test_a_backtest_meets_traders_who_react(market):
    found = simcal.backtest("hold", market.replace(days=4), n_paths=20, n_steps=40, seed=1, size=0.5)
    assert found.market["kind"] == "learned"
    assert np.isfinite(found.paths.to_numpy(float)).all()


def test_what_cannot_be_is_one_sentence(market):
    for call in (lambda: market.twin(), lambda: market.rescaled(2.0), lambda: LearnedMarket.from_dict({})):
        with pytest.raises(ParameterError, match="learned"):
            call()
    with pytest.raises(ParameterError, match="deterministic"):
        market.replace(deterministic=1)
    with pytest.raises(ParameterError, match="can be changed"):
        market.replace(tick=0.1)
