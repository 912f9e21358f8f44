"""The learning traders' market as environments: the checkers of Gymnasium and PettingZoo, and one game in all views."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test

from simcal import ParameterError
from simcal.environments import LearningAECEnv, LearningEnv, LearningParallelEnv, LearningVectorEnv
from simcal.learning import LearningMarket, PpoSettings, train
from simcal.learning.books import BookBatch

SMALL = LearningMarket(n_traders=5, sessions=(10, 25, 3, 22), order_lifetime=8)


@pytest.fixture(params=["gains", "wealth"])
def market(request):
    return SMALL.replace(reward=request.param)


def test_pettingzoo_finds_nothing_to_complain_about(market):
    api_test(LearningAECEnv(market), num_cycles=150)
    parallel_api_test(LearningParallelEnv(market), num_cycles=150)
    seed_test(lambda: LearningAECEnv(market), num_cycles=30)
    parallel_seed_test(lambda: LearningParallelEnv(market), num_cycles=30)


def test_gymnasium_finds_nothing_to_complain_about(market):
    check_env(gymnasium.make("simcal/Learning-v0", market=market).unwrapped, skip_render_check=True)
    vector = gymnasium.make_vec("simcal/Learning-v0", 3, market=market)
    assert isinstance(vector, LearningVectorEnv)
    assert vector.reset(seed=0)[0].shape == (3, 11)


def actions_of(steps):
    return np.tanh(np.random.default_rng(0).normal(size=(steps, 2)))


def test_both_views_play_the_market(market):
    # Whoever is drawn plays the same action; rewards, seen at the next turn or at the close, are those of the batch.
    batch, turns, together = BookBatch(market, 1, 3), LearningAECEnv(market), LearningParallelEnv(market)
    batch.begin([0])
    turns.reset(seed=3)
    seen, told = together.reset(seed=3)
    for action in actions_of(market.n_steps):
        who = f"trader_{batch.acting[0]}"
        assert turns.agent_selection == who
        assert [agent for agent in told if told[agent]["acts"]] == [who]
        np.testing.assert_array_equal(turns.observe(who), batch.features[0])
        np.testing.assert_array_equal(seen[who], batch.features[0])
        np.testing.assert_array_equal(turns.observe("trader_1"), seen["trader_1"])
        turns.step(action)
        seen, rewards, ended, _, told = together.step(dict.fromkeys(together.agents, action))
        earned = batch.advance(action[None])[0]
        assert turns.rewards == rewards
        if market.reward == "wealth":
            assert rewards[who] == earned
    assert all(ended.values())
    assert all(turns.terminations.values())
    assert together.agents == []
    if market.reward == "gains":
        np.testing.assert_array_equal([rewards[agent] for agent in turns.possible_agents], batch.close()[0])


def test_a_learner_earns_what_her_wealth_gains():
    # Without risk and penalties the rewards of an episode add up to her gain, at the fundamental value at the close.
    market = SMALL.replace(risk_weight=0.0, short_penalty=0.0, debt_penalty=0.0, gain_weight=1.0, reserve=1.0)
    env = LearningEnv(market)
    for seed in range(4):
        _, first = env.reset(seed=seed)
        start = market.initial_price * np.floor(first["shares"])  # nobody has traded with her before her first turn
        total, over, rounds = 0.0, False, 0
        while not over:
            _, reward, over, cut, last = env.step(actions_of(50)[rounds])
            total, rounds = total + reward, rounds + 1
            assert not cut
        end = last["cash"] + last["shares"] * last["value"]
        assert total == pytest.approx((end - first["wealth"]) / (first["cash"] + start + 1.0), abs=1e-9)
        assert last["step"] == market.n_steps


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_a_vector_plays_what_single_environments_play(mode, market):
    count, vector = 3, LearningVectorEnv(3, market, autoreset_mode=mode)
    seen, _ = vector.reset(seed=5)
    singles = [LearningEnv(market) for _ in range(count)]
    for j, env in enumerate(singles):
        first, _ = env.reset(seed=5, options={"path": j})
        np.testing.assert_array_equal(first, seen[j])
    over = np.zeros(count, bool)
    for action in actions_of(8):
        _, rewards, ended, _, _ = vector.step(np.tile(action, (count, 1)).astype(np.float32))
        for j, env in enumerate(singles):
            if not over[j]:
                _, reward, done, _, _ = env.step(action.astype(np.float32))
                assert (reward, done) == (rewards[j], ended[j])
        over |= ended


def test_others_may_be_traders_who_have_learned_or_a_function():
    trained = train(SMALL, PpoSettings(iterations=1, episodes=2, width=8, minibatch=64), seed=0)
    seen = {}
    for name, policy in {"none": None, "trained": trained, "function": lambda x, z: np.full(z.shape, 0.5)}.items():
        env = LearningVectorEnv(4, SMALL, policy=policy)
        env.reset(seed=0)
        seen[name] = env.step(np.zeros((4, 2), np.float32))[0]
    assert not np.array_equal(seen["none"], seen["trained"])
    assert not np.array_equal(seen["none"], seen["function"])
    with pytest.raises(ParameterError, match="policy is 3"):
        LearningEnv(SMALL, policy=3)


def test_a_line_of_text_shows_the_market():
    env = LearningParallelEnv(SMALL, render_mode="ansi")
    assert env.render() is None
    env.reset(seed=0)
    assert env.render().startswith("step 0 of 60  price 300.00  value 300.00  trader_")
    assert LearningAECEnv(SMALL).render() is None
    with pytest.raises(ParameterError, match="'ansi'"):
        LearningAECEnv(SMALL, render_mode="human")


@pytest.mark.parametrize("source", ["stock", 3])
def test_other_markets_are_refused(source):
    with pytest.raises(ParameterError, match="market"):
        LearningEnv(source)
