"""PettingZoo's environment: its own checks, and what several traders make of one market."""

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test, seed_test
from pettingzoo.utils import parallel_to_aec

import simcal
from simcal import ParameterError
from simcal.environments import StockEnv, StockParallelEnv


@pytest.mark.parametrize(
    "options",
    [{"n_agents": 3}, {"n_agents": 2, "actions": "discrete"}, {"n_agents": 3, "size": (1.0, 2.0, 4.0), "capital": 5.0}],
)
def test_pettingzoo_finds_nothing_to_complain_about(options):
    parallel_api_test(StockParallelEnv(n_steps=30, **options), num_cycles=70)


def test_the_same_seed_is_the_same_episode():
    parallel_seed_test(lambda: StockParallelEnv(n_agents=2, n_steps=30))
    seed_test(lambda: parallel_to_aec(StockParallelEnv(n_agents=2, n_steps=30)))


def test_one_trader_alone_is_the_single_environment():
    single, several = StockEnv(n_steps=20, size=0.7), StockParallelEnv(n_agents=1, n_steps=20, size=0.7)
    one, told = single.reset(seed=9)
    all_seen, all_told = several.reset(seed=9)
    for t in range(20):
        np.testing.assert_array_equal(one, all_seen["trader_0"])
        assert told == all_told["trader_0"]
        action = np.array([np.sin(t)])
        one, reward, *ends, told = single.step(action)
        all_seen, *answers, all_told = several.step({"trader_0": action})
        assert [answer["trader_0"] for answer in answers] == [reward, *ends]
    assert several.agents == []


def test_orders_of_all_traders_meet_in_one_price():
    env, market = StockParallelEnv("stock", n_agents=2, size=(1.0, 3.0), burn_in=0), simcal.load("stock")
    env.reset(seed=0)
    seen, rewards, _, _, told = env.step({"trader_0": np.array([1.0]), "trader_1": np.array([-0.5])})
    price = market.stepper(0, 0, 1).advance(np.array([1.0 - 1.5]))[0]
    assert told["trader_0"]["price"] == told["trader_1"]["price"] == price
    assert rewards == {"trader_0": 0.0, "trader_1": 0.0}
    assert [seen[agent][10] for agent in env.agents] == [1.0, -0.5]
    _, rewards, _, _, told = env.step({"trader_0": np.array([1.0]), "trader_1": np.array([-0.5])})
    assert rewards["trader_0"] == pytest.approx(told["trader_0"]["price"] - price)
    assert rewards["trader_1"] == pytest.approx(-0.5 * rewards["trader_0"])


def test_who_is_ruined_leaves_and_the_others_stay():
    env = StockParallelEnv("stock", n_agents=2, size=(3.0, 0.0), capital=3.0, n_steps=200)
    env.reset(seed=0)
    sign = 1.0
    while len(env.agents) == 2:
        sign = -sign
        _, _, ended, cut, told = env.step({"trader_0": np.array([sign]), "trader_1": np.array([0.0])})
    assert ended == {"trader_0": True, "trader_1": False}
    assert not any(cut.values())
    assert told["trader_0"]["wealth"] <= -3
    assert env.agents == ["trader_1"]
    left = env.step({"trader_1": np.array([0.5])})
    assert all(list(part) == ["trader_1"] for part in left)


def test_mistakes_in_use():
    env = StockParallelEnv(n_agents=2)
    with pytest.raises(ParameterError, match=r"call reset\(\)"):
        env.step({})
    env.reset(seed=0)
    with pytest.raises(ParameterError, match=r"actions of \['trader_0'\], but"):
        env.step({"trader_0": np.zeros(1)})
    with pytest.raises(ParameterError, match="n_agents is 0"):
        StockParallelEnv(n_agents=0)
    with pytest.raises(ParameterError, match="size lists 3 numbers for 2"):
        StockParallelEnv(n_agents=2, size=(1, 2, 3))
