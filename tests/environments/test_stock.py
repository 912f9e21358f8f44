"""``simcal/Stock-v0``: Gymnasium's own checks, the paths of `simulate`, accounts, ends, seeds, mistakes."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import simcal
from simcal import ParameterError
from simcal.environments import StockEnv, StockVectorEnv
from simcal.models import save
from simcal.trading.bands import Noise
from simcal.trading.observations import observe
from simcal.trading.orders import Strategy, Terms, play

FLAT = np.zeros(1, np.float32)


def episode(env, policy, seed=None):
    """Observations, rewards and infos of an episode."""
    seen, told = env.reset(seed=seed)
    observations, rewards, infos, over = [seen], [], [told], False
    while not over:
        seen, reward, terminated, truncated, told = env.step(policy(seen))
        over = terminated or truncated
        observations.append(seen)
        rewards.append(reward)
        infos.append(told)
    return np.array(observations), np.array(rewards), infos


def prices(infos):
    return [told["price"] for told in infos]


@pytest.mark.parametrize("options", [{}, {"actions": "discrete", "n_returns": 3, "burn_in": 0}, {"size": 50.0}])
def test_gymnasium_finds_nothing_to_complain_about(options):
    check_env(gymnasium.make("simcal/Stock-v0", **options).unwrapped)


def test_a_market_by_name_object_file_and_run_folder(tmp_path):
    market = simcal.load("stock")
    save(market, tmp_path / "market.toml")
    for given in ("stock", market, tmp_path / "market.toml", str(tmp_path)):
        env = gymnasium.make("simcal/Stock-v0", market=given, n_steps=3)
        env.reset(seed=0)
        assert env.step(FLAT)[4]["price"] == simcal.simulate(market, 1, 1, burn_in=100).prices[0, 1]


@pytest.mark.parametrize("burn_in", [0, 30])
def test_without_orders_episodes_are_the_paths_of_simulate(burn_in):
    env = StockEnv("stock", n_steps=20, burn_in=burn_in)
    expected = simcal.simulate(simcal.load("stock"), 6, 20, seed=4, burn_in=burn_in).prices
    for path in range(2):
        observations, rewards, infos = episode(env, lambda _: FLAT, seed=4 if path == 0 else None)
        np.testing.assert_array_equal(prices(infos), expected[path])
        assert (rewards == 0).all()
        assert infos[0]["path"] == path
        shown = observe(expected[path : path + 1], 0.0, 0.0, 20, 20)[0]
        np.testing.assert_array_equal(observations[-1][:10], shown[:10])
    vector = StockVectorEnv(3, "stock", n_steps=20, burn_in=burn_in)
    first = vector.reset(seed=4)[1]["price"]
    found = [first, *(vector.step(np.zeros((3, 1)))[4]["price"] for _ in range(2 * 20 + 1))]
    np.testing.assert_array_equal(np.transpose(found[:21]), expected[:3])
    np.testing.assert_array_equal(np.transpose(found[21:]), expected[3:])


class Continuous:
    def predict(self, observation, deterministic=True):
        return np.clip(-0.5 * observation[:, :1] + 0.1 * observation[:, 1:2], -1, 1), None


class Discrete:
    action_space = gymnasium.spaces.Discrete(3)

    def predict(self, observation, deterministic=True):
        return (observation[:, 0] < 0.5).astype(int) + (observation[:, 0] < -0.5), None


@pytest.mark.parametrize("policy", [Continuous(), Discrete()])
def test_a_policy_earns_what_its_backtest_says(policy):
    costs = {"fixed": 0.01, "proportional": 0.001, "quadratic": 0.02}
    options = {"n_steps": 30, "size": 0.5, "actions": type(policy).__name__.lower()}
    vector = StockVectorEnv(7, "stock", **options, **{f"{name}_cost": x for name, x in costs.items()})
    seen, _ = vector.reset(seed=3)
    rewards = []
    for _ in range(30):
        seen, reward, _, truncated, told = vector.step(policy.predict(seen)[0])
        rewards.append(reward)
    assert truncated.all()
    strategy = Strategy("policy", policy, "policy")
    played = play([strategy], simcal.load("stock"), Noise(3, 0, 7, 30, 100), Terms((0.5,), **costs))
    np.testing.assert_allclose(np.transpose(rewards), played.pnl[0], atol=1e-11)
    np.testing.assert_allclose(told["wealth"], played.equity[0, :, -1], atol=1e-11)
    assert (np.abs(played.positions[0]).max(axis=1) == 1).all()


def test_wealth_is_cash_and_position_at_the_price_that_the_orders_made():
    env, market = StockEnv("stock", n_steps=3, size=2.0, burn_in=0), simcal.load("stock")
    env.reset(seed=1)
    stepper, cash, before, wealth = market.stepper(1, 0, 1), 0.0, 0.0, 0.0
    for target in (1.0, -0.5, 0.25):
        _, reward, _, _, told = env.step(np.array([target]))
        price = stepper.advance(np.array([2.0 * (target - before)]))[0]
        cash, before = cash - (target - before) * price, target
        assert told["price"] == price
        assert told["wealth"] == pytest.approx(cash + target * price, abs=1e-12)
        assert reward == pytest.approx(told["wealth"] - wealth, abs=1e-12)
        wealth = told["wealth"]


def test_seeds_zero_included_say_which_episode():
    env = gymnasium.make("simcal/Stock-v0", n_steps=15)
    env.action_space.seed(0)
    actions = iter([env.action_space.sample() for _ in range(15)] * 5)
    found = [prices(episode(env, lambda _: next(actions), seed=seed)[2]) for seed in (0, 1, None, 0, None)]
    assert found[0] == found[3]
    others = [found[0], found[1], found[2], found[4]]
    assert all(others[i] != others[j] for i in range(4) for j in range(i))


def test_without_a_seed_environments_differ():
    first, second = (gymnasium.make("simcal/Stock-v0").reset()[1]["price"] for _ in range(2))
    assert first != second


def test_a_path_by_its_number():
    env = StockEnv("stock", n_steps=2)
    _, told = env.reset(seed=0, options={"path": 2**40})
    assert told == {"path": 2**40, "price": told["price"], "position": 0.0, "wealth": 0.0}
    expected = simcal.simulate(simcal.load("stock"), 1, 1, burn_in=100, first_path=2**40).prices[0, 0]
    assert told["price"] == expected


def test_an_episode_is_truncated_after_its_steps_and_then_over():
    env = StockEnv("stock", n_steps=4)
    _, rewards, _ = episode(env, lambda _: FLAT, seed=0)
    assert len(rewards) == 4
    with pytest.raises(ParameterError, match=r"call reset\(\)"):
        env.step(FLAT)


def test_ruin_ends_an_episode():
    env = StockEnv("stock", n_steps=500, size=1.0, capital=2.0)
    _, _, infos = episode(env, lambda seen: np.array([-1.0 if seen[10] > 0 else 1.0]), seed=0)
    assert infos[-1]["wealth"] <= -2 < infos[-2]["wealth"]
    assert 1 < len(infos) < 400


def test_a_market_that_fails_ends_an_episode_at_the_last_usable_price():
    env = StockEnv("stock", size=1e5)
    _, before = env.reset(seed=0)
    observation, reward, terminated, truncated, told = env.step(np.array([-1.0]))
    assert (terminated, truncated, reward) == (True, False, 0.0)
    assert told["price"] == before["price"]
    assert told["wealth"] == 0
    assert observation in env.observation_space


def test_discrete_actions_are_short_flat_and_long():
    env = StockEnv("stock", actions="discrete", n_steps=3)
    env.reset(seed=0)
    assert [env.step(action)[4]["position"] for action in (2, 0, 1)] == [1.0, -1.0, 0.0]


def test_a_reward_of_ones_own():
    def careful(change, position, order, price):
        return change - 0.5 * position**2 - 0.1 * abs(order) * price

    plain, own = (StockVectorEnv(4, "stock", n_steps=9, reward=reward) for reward in (None, careful))
    plain.reset(seed=0)
    own.reset(seed=0)
    actions = np.array([[0.5], [-1.0], [0.0], [3.0]])
    told, other = plain.step(actions), own.step(actions)
    position = np.array([0.5, -1.0, 0.0, 1.0])
    expected = told[1] - 0.5 * position**2 - 0.1 * abs(position) * told[4]["price"]
    np.testing.assert_allclose(other[1], expected, rtol=1e-12)


def test_observations_are_documented_and_scaled():
    vector = StockVectorEnv(300, "stock-sp500")
    assert len(vector.OBSERVATIONS) == vector.single_observation_space.shape[0] == 13
    vector.reset(seed=0)
    vector.action_space.seed(0)
    seen = np.array([vector.step(vector.action_space.sample())[0] for _ in range(249)])
    spread = dict(zip(vector.OBSERVATIONS, np.sqrt((seen**2).mean(axis=(0, 1))), strict=True))
    assert all(0.1 < size < 3 for size in spread.values()), spread


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_the_vector_does_what_gymnasiums_does(same_as_gymnasium, mode):
    options = {"market": "stock", "n_steps": 12, "burn_in": 0, "size": 1.0, "capital": 4.0}
    ended = same_as_gymnasium("simcal/Stock-v0", mode, 60, **options)
    assert ended.min() >= 4
    assert len(set(ended)) > 1
    same_as_gymnasium("simcal/Stock-v0", mode, 20, market="stock", n_steps=8, actions="discrete")


def test_episodes_begun_anew_have_played_their_burn_in():
    market = simcal.load("stock-sp500")
    vector = StockVectorEnv(600, market, n_steps=10, burn_in=80, size=1.0, capital=1.5, autoreset_mode="SameStep")
    vector.reset(seed=2)
    vector.action_space.seed(0)
    young = {}
    for _ in range(25):
        _, _, terminated, truncated, told = vector.step(vector.action_space.sample())
        over = terminated | truncated
        assert not over.all()
        young |= dict(zip(told["path"][over].tolist(), told["price"][over].tolist(), strict=True))
    assert len(young) > 1100  # more than one reserve of 512 was needed
    some = sorted(young)[::37]
    for path in some:
        start = simcal.simulate(market, 1, 1, seed=2, first_path=path, burn_in=80).prices[0, 0]
        assert young[path] == pytest.approx(start, rel=1e-10)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"market": "rfq"}, "needs one whose price orders move"),
        ({"market": "nonsense"}, "There is no market 'nonsense'"),
        ({"n_steps": 0}, "n_steps is 0"),
        ({"burn_in": -1}, "burn_in is -1"),
        ({"size": float("nan")}, "size is nan"),
        ({"capital": 0}, "capital is 0"),
        ({"actions": "wild"}, "must be 'continuous' or 'discrete'"),
        ({"fixed_cost": -1.0}, "fixed_cost is -1"),
    ],
)
def test_arguments_that_are_not_allowed(options, sentence):
    with pytest.raises(ParameterError, match=sentence):
        gymnasium.make("simcal/Stock-v0", **options)


def test_mistakes_in_use():
    vector = StockVectorEnv(2, "stock", n_steps=5)
    with pytest.raises(ParameterError, match=r"call reset\(\)"):
        vector.step(np.zeros((2, 1)))
    with pytest.raises(ParameterError, match="one whole number"):
        vector.reset(seed=[1, 2])
    vector.reset(seed=0)
    for actions in (np.zeros(3), np.full((2, 1), np.nan), "buy"):
        with pytest.raises(ParameterError, match="The actions"):
            vector.step(actions)
    with pytest.raises(ParameterError, match="autoreset_mode is 'never'"):
        StockVectorEnv(2, "stock", autoreset_mode="never")
    with pytest.raises(ParameterError, match="first_path is -1"):
        vector.reset(options={"path": -1})
    wrong = StockVectorEnv(2, "stock", reward=lambda change, *_: change[:1] * np.nan)
    wrong.reset(seed=0)
    with pytest.raises(ParameterError, match="The reward function returned"):
        wrong.step(np.zeros((2, 1)))
    choosing = StockEnv("stock", actions="discrete")
    choosing.reset(seed=0)
    with pytest.raises(ParameterError, match="0 \\(short\\), 1 \\(flat\\) or 2 \\(long\\)"):
        choosing.step(3)
