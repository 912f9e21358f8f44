"""``simcal/Dealer-v0``: Gymnasium's own checks, the requests of `simulate`, the account, seeds, mistakes."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import simcal
from simcal import ParameterError
from simcal.environments import DealerEnv, DealerVectorEnv
from simcal.rfq.backtest import Account

SAVED = ("side", "size", "n_dealers", "own_quote", "own_done", "own_inventory")


@pytest.mark.parametrize("options", [{}, {"market": "rfq", "n_steps": 10}])
def test_gymnasium_finds_nothing_to_complain_about(options):
    check_env(gymnasium.make("simcal/Dealer-v0", **options).unwrapped)


def margin(side, size, n_dealers, mid, half_spread, inventory, step):
    return np.float32(np.clip(0.3 - 0.05 * side * inventory, -1, 1)) * 2.0


@pytest.mark.parametrize("changes", [{}, {"tick": 0.02}, {"rule": "smoothed"}])
def test_rewards_are_what_the_account_of_the_same_quotes_says(changes):
    market = simcal.load("rfq-desk").replace(**changes)
    env = DealerVectorEnv(30, market, n_steps=40)
    seen, told = env.reset(seed=6)
    rewards, observations = [], [seen]
    for _ in range(39):
        actions = 0.3 - 0.05 * seen[:, 0].astype(float) * told["inventory"]
        seen, reward, _, _, told = env.step(np.float32(actions)[:, None])
        rewards.append(reward)
        observations.append(seen)
    out = market.simulate_chunk(6, 0, 30, 40, save=SAVED, quoting=margin)
    side, size, panel, quote, share, held = (out[name][:, 1:] for name in SAVED)
    mid = out["prices"][:, 1:]
    account = Account(side, size, mid, np.full_like(mid, market.half_spread), quote, share, held)
    pnl = account.spread[:, :-1] + account.carry[:, 1:]  # up to the next request
    np.testing.assert_allclose(np.transpose(rewards), pnl / market.half_spread, atol=1e-9)
    np.testing.assert_allclose(told["wealth"], np.sum(rewards, axis=0), atol=1e-9)
    expected = np.stack([side, np.log(size), panel / market.n_dealers], axis=-1).swapaxes(0, 1)
    np.testing.assert_allclose(np.array(observations)[:, :, :3], expected, atol=1e-6)
    moved = np.diff(mid, axis=1).T / np.hypot(market.mid_volatility, market.information * market.half_spread)
    np.testing.assert_allclose(np.array(observations)[1:, :, 3], moved, atol=1e-5)
    np.testing.assert_allclose(np.array(observations)[:, :, 4], held.T / 10, atol=1e-6)


def test_where_mids_are_drawn_anew_only_the_margin_counts():
    env = DealerVectorEnv(50, "rfq", n_steps=20)
    env.reset(seed=0)
    for _ in range(15):
        _, reward, _, _, told = env.step(np.full((50, 1), 0.4))
        np.testing.assert_allclose(reward, 0.8 * told["share"], rtol=1e-6)


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_the_vector_does_what_gymnasiums_does(same_as_gymnasium, mode):
    ended = same_as_gymnasium("simcal/Dealer-v0", mode, 60, n_steps=12, capital=2.0)
    assert ended.min() >= 4
    assert len(set(ended)) > 1


def test_seeds_zero_included_say_which_episode():
    env = DealerEnv(n_steps=10)
    found = []
    for seed in (0, 1, None, 0):
        _, told = env.reset(seed=seed)
        found.append([told["path"]] + [env.step(np.array([0.2]))[4]["mid"] for _ in range(10)])
    assert found[0] == found[3]
    assert [one[0] for one in found] == [0, 0, 1, 0]
    assert found[0] != found[1] != found[2] != found[0]


def test_a_mid_that_fails_ends_an_episode():
    market = simcal.load("rfq-desk").replace(initial_price=1.0, mid_volatility=0.5)
    env = DealerVectorEnv(100, market, n_steps=30, capital=1e9)
    env.reset(seed=0)
    terminated = np.zeros(100, bool)
    failed = market.simulate_chunk(0, 0, 100, 6)["failed_step"]
    for _ in range(5):  # the mid of request t + 1 is known after step t
        _, rewards, over, _, _ = env.step(np.full((100, 1), -1.0))
        assert np.isfinite(rewards).all()
        terminated |= over
    np.testing.assert_array_equal(terminated, failed > 0)
    assert 0 < terminated.sum() < 100


def test_a_reward_of_ones_own():
    env = DealerVectorEnv(20, n_steps=5, reward=lambda change, inventory, spread, share: spread - 0.1 * inventory**2)
    env.reset(seed=0)
    _, reward, _, _, told = env.step(np.full((20, 1), -1.0))
    size = np.abs(told["inventory"])  # what was traded: all of it, at 2 half spreads better than the mid
    np.testing.assert_allclose(reward, -2.0 * size - 0.1 * size**2)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"market": "stock"}, "needs a dealer market"),
        ({"market": 7}, "market is 7"),
        ({"widest": 0}, "widest is 0"),
        ({"capital": float("nan")}, "capital is nan"),
        ({"n_steps": 1.5}, "n_steps is 1.5"),
    ],
)
def test_arguments_that_are_not_allowed(options, sentence):
    with pytest.raises(ParameterError, match=sentence):
        gymnasium.make("simcal/Dealer-v0", **options)
