"""stable-baselines3 trains on the environments, by the adapter and by its own means."""

import importlib.util
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

from simcal import ParameterError
from simcal.environments import DealerEnv, StableBaselinesEnv, StockEnv

EXAMPLE = Path(__file__).parents[2] / "examples" / "ppo.py"


def adapted(identifier, count, **options):
    return StableBaselinesEnv(gymnasium.make_vec(identifier, count, autoreset_mode="SameStep", **options))


@pytest.mark.parametrize("env", [StockEnv, DealerEnv])
def test_its_checker_finds_nothing_to_complain_about(env):
    check_env(env())


@pytest.mark.parametrize("identifier", ["simcal/Stock-v0", "simcal/Dealer-v0"])
def test_an_agent_trains(identifier):
    agent = PPO("MlpPolicy", adapted(identifier, 32, n_steps=50), n_steps=64, batch_size=512, device="cpu", seed=0)
    before = [p.detach().clone() for p in agent.policy.parameters()]
    agent.learn(4096)
    changes = [float((p.detach() - q).abs().max()) for p, q in zip(agent.policy.parameters(), before, strict=True)]
    assert max(changes) > 1e-4
    assert all(np.isfinite(changes))
    assert len(agent.ep_info_buffer) > 60  # episodes that it was told of
    mean, _ = evaluate_policy(agent, adapted(identifier, 4, n_steps=20), n_eval_episodes=8)
    assert np.isfinite(mean)


def test_an_agent_trains_on_single_environments():
    env = make_vec_env(StockEnv, 2, env_kwargs={"market": "stock", "n_steps": 20, "burn_in": 0}, seed=0)
    PPO("MlpPolicy", env, n_steps=32, batch_size=32, device="cpu", seed=0).learn(128)


def test_the_adapter_says_what_ends_and_how():
    env = adapted("simcal/Stock-v0", 6, market="stock", n_steps=12, size=1.0, capital=4.0)
    raw = gymnasium.make_vec(
        "simcal/Stock-v0", 6, market="stock", n_steps=12, size=1.0, capital=4.0, autoreset_mode="SameStep"
    )
    env.seed(3)
    np.testing.assert_array_equal(env.reset(), raw.reset(seed=3)[0])
    raw.action_space.seed(0)
    returns, lengths, ends = np.zeros(6), np.zeros(6), []
    for _ in range(30):
        actions = raw.action_space.sample()
        seen, rewards, done, infos = env.step(actions)
        expected, gained, terminated, truncated, told = raw.step(actions)
        np.testing.assert_array_equal(seen, expected)
        np.testing.assert_allclose(rewards, gained, rtol=1e-6)
        np.testing.assert_array_equal(done, terminated | truncated)
        returns, lengths = returns + gained, lengths + 1
        for place in range(6):
            if not done[place]:
                assert infos[place] == {}
                continue
            np.testing.assert_array_equal(infos[place]["terminal_observation"], told["final_obs"][place])
            assert infos[place]["TimeLimit.truncated"] == truncated[place]
            assert infos[place]["episode"] == {"r": pytest.approx(returns[place]), "l": lengths[place]}
            ends.append(bool(truncated[place]))
            returns[place], lengths[place] = 0.0, 0
    assert set(ends) == {True, False}


def test_the_adapter_wants_the_mode_that_stable_baselines_knows():
    with pytest.raises(ParameterError, match="autoreset_mode='SameStep'"):
        StableBaselinesEnv(gymnasium.make_vec("simcal/Stock-v0", 2))
    with pytest.raises(ParameterError, match="must be a vector environment of simcal"):
        StableBaselinesEnv(gymnasium.make("simcal/Stock-v0"))
    env = adapted("simcal/Stock-v0", 2)
    assert env.get_attr("num_envs") == [2, 2]
    assert env.env_is_wrapped(gymnasium.Wrapper) == [False, False]
    with pytest.raises(ParameterError, match="cannot be set"):
        env.set_attr("size", 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_agent_of_the_example_beats_the_random_trader(seed):
    spec = importlib.util.spec_from_file_location("ppo_example", EXAMPLE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    profits = example.compare(300_000, seed)
    difference = profits["PPO"] - profits["random"]
    assert difference.mean() > 5 * difference.std(ddof=1) / np.sqrt(difference.size)
    assert profits["PPO"].mean() > 5 * profits["PPO"].std(ddof=1) / np.sqrt(profits["PPO"].size)
