"""The learner on problems whose best policies are known, and advantages beside a slow reference."""

import numpy as np
import pytest
import torch

from simcal.errors import NumericalError, ParameterError
from simcal.learning.ppo import END, OPEN, PpoLearner, Rollout, advantages, squashed
from simcal.learning.settings import PpoSettings
from simcal.training import load_checkpoint, save_checkpoint

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(61)
SMALL = PpoSettings(iterations=40, width=32, minibatch=1024, epochs=4, learning_rate=2e-3)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def best_mean(goal, sd):
    """The m that maximises E goal(tanh(m + sd z)), by quadrature on a grid; goal takes (m, nodes, cases)."""
    grid = np.linspace(-2.5, 2.5, 501)
    actions = squashed(grid[:, None] + sd * NODES)
    return grid[np.argmax((goal(actions) * (WEIGHTS / WEIGHTS.sum())[:, None]).sum(1), axis=0)]


def rollout(learner, features, generator, n_actions, reward, discounts=None, following=None):
    noise = generator.standard_normal((len(features), n_actions)).astype(np.float32)
    raw = learner.policy.raw(features, noise)
    n = len(features)
    return Rollout(
        features, raw, noise, reward(squashed(raw)),
        np.zeros(n) if discounts is None else discounts,
        np.full(n, END) if following is None else following,
    )  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1])
def test_a_decision_with_a_known_best_answer(seed):
    # Hit 0.6 x: noise and squashing move the best mean, which quadrature gives.
    learner, generator = PpoLearner(2, 1, SMALL, seed), np.random.default_rng(seed)
    for _ in range(SMALL.iterations):
        x = generator.uniform(-1, 1, (4096, 2)).astype(np.float32)
        learner.update(rollout(learner, x, generator, 1, lambda a, x=x: -4 * (a[:, 0] - 0.6 * x[:, 0]) ** 2))
    seen = np.stack([np.linspace(-0.9, 0.9, 19), np.zeros(19)], axis=1).astype(np.float32)
    expected = best_mean(lambda a: -((a[:, :, None] - 0.6 * seen[:, 0]) ** 2), np.exp(SMALL.log_sd))
    found = learner.policy.raw(seen)[:, 0]
    assert np.abs(found - expected).max() < 0.12
    assert np.abs(expected).max() > 0.5


@pytest.mark.parametrize("seed", [0, 1])
def test_each_discount_gets_its_own_best_answer(seed):
    # Acting costs a^2 now and gives 1.2 a later: the best action of who discounts by g is about 0.6 g. The second
    # decision does not see the first action, so that only whole sums (lambda 1) know what it brings.
    settings = SMALL.replace(trace_decay=1.0)
    learner, generator, pairs = PpoLearner(2, 1, settings, seed), np.random.default_rng(seed), 2048
    for _ in range(SMALL.iterations):
        g = generator.uniform(0, 1, pairs)
        x = np.concatenate([np.stack([g, np.ones(pairs)], 1), np.stack([g, -np.ones(pairs)], 1)]).astype(np.float32)
        following = np.concatenate([np.arange(pairs, 2 * pairs), np.full(pairs, END)])
        learner.update(
            rollout(
                learner, x, generator, 1,
                lambda a: 4 * np.concatenate([-(a[:pairs, 0] ** 2), 1.2 * a[:pairs, 0] - a[pairs:, 0] ** 2]),
                np.tile(g, 2), following,
            )
        )  # fmt: skip
    g = np.linspace(0.05, 0.95, 10)
    seen = np.stack([g, np.ones(10)], axis=1).astype(np.float32)
    expected = best_mean(lambda a: -(a[:, :, None] ** 2) + 1.2 * g * a[:, :, None], np.exp(SMALL.log_sd))
    found = learner.policy.raw(seen)[:, 0]
    assert np.abs(found - expected).max() < 0.12
    assert expected[-1] - expected[0] > 0.6


def test_the_critic_learns_what_each_discount_makes_of_a_long_row():
    # Six decisions that earn 1 each are worth (1 - g^k) / (1 - g) when k of them are left.
    settings = PpoSettings(iterations=60, width=32, minibatch=512, epochs=6, learning_rate=3e-3, trace_decay=0.9)
    learner, generator, rows, length = PpoLearner(2, 1, settings, 0), np.random.default_rng(0), 256, 6
    left = np.repeat(np.arange(length, 0, -1), rows)
    following = np.arange(rows * length) + rows
    following[-rows:] = END
    for _ in range(settings.iterations):
        g = np.tile(generator.uniform(0.5, 0.99, rows), length)
        x = np.stack([2 * g - 1, left / length], axis=1).astype(np.float32)
        learner.update(rollout(learner, x, generator, 1, lambda a: np.ones(len(a)), g, following))
    unit = torch.tensor((1 - g * 0.9) ** -0.5, dtype=torch.float32)
    with torch.no_grad():
        found = learner.values(torch.from_numpy(x), unit).numpy()
    worth = (1 - g**left) / (1 - g)
    shared = (1 - g.mean() ** left) / (1 - g.mean())  # what one discount for all would make of it
    assert np.abs(found / worth - 1).mean() < 0.2 * np.abs(shared / worth - 1).mean()
    assert np.abs(found / worth - 1).max() < 0.5 * np.abs(shared / worth - 1).max()


def slow_advantages(rewards, values, discounts, following, decay):
    """As the definition has it: the discounted sum of all errors ahead on an agent's own row."""
    found = []
    for start in range(len(rewards)):
        total, weight, i = 0.0, 1.0, start
        while i >= 0 and following[i] != OPEN:
            nxt = following[i]
            ahead = values[nxt] if nxt != END else 0.0
            total += weight * (rewards[i] + discounts[i] * ahead - values[i])
            weight *= discounts[i] * decay
            i = nxt
        found.append(total)
    return np.array(found)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("last", [END, OPEN])
def test_advantages_are_sums_along_each_agents_own_decisions(seed, last):
    generator = np.random.default_rng(seed)
    n, agents = 200, 7
    agent = generator.integers(0, agents, n)
    following = np.full(n, last)
    for i in range(n):
        later = np.flatnonzero(agent[i + 1 :] == agent[i])
        if later.size:
            following[i] = i + 1 + later[0]
    rewards, values = generator.standard_normal((2, n))
    discounts = generator.uniform(0, 1, agents)[agent]
    found = advantages(rewards, values, discounts, following, 0.8)
    np.testing.assert_allclose(found, slow_advantages(rewards, values, discounts, following, 0.8), atol=1e-12)


def _learn(learner, generator, count):
    rows = []
    for _ in range(count):
        x = generator.uniform(-1, 1, (512, 2)).astype(np.float32)
        rows.append(learner.update(rollout(learner, x, generator, 1, lambda a: -(a[:, 0] ** 2))))
    return rows


def test_a_restored_learner_goes_on_bit_for_bit(tmp_path):
    one, generator = PpoLearner(2, 1, SMALL, 3), np.random.default_rng(3)
    _learn(one, generator, 3)
    save_checkpoint(tmp_path / "c.safetensors", one.tensors(), one.state())
    other = PpoLearner(2, 1, SMALL, 3)
    other.restore(*load_checkpoint(tmp_path / "c.safetensors"))
    rows = _learn(one, np.random.default_rng(4), 2)
    assert rows == _learn(other, np.random.default_rng(4), 2)
    for name, tensor in one.tensors().items():
        assert torch.equal(tensor, other.tensors()[name]), name


def _learned_from(settings, factor):
    learner, generator = PpoLearner(2, 1, settings, 0), np.random.default_rng(0)
    for _ in range(3):
        x = generator.uniform(-1, 1, (512, 2)).astype(np.float32)
        learner.update(rollout(learner, x, generator, 1, lambda a, x=x: factor * (1 - (a[:, 0] - x[:, 0]) ** 2)))
    with torch.no_grad():
        return learner.values(torch.linspace(-1, 1, 20).reshape(10, 2), torch.ones(10)).numpy()


def test_scaled_rewards_have_no_unit_and_clipped_ones_no_outliers():
    scaled = SMALL.replace(scaled_rewards=True)
    np.testing.assert_allclose(_learned_from(scaled, 1.0), _learned_from(scaled, 1000.0), atol=2e-3)
    clipped = SMALL.replace(reward_limit=1e-6)
    np.testing.assert_array_equal(_learned_from(clipped, 10.0), _learned_from(clipped, 1000.0))
    assert np.abs(_learned_from(SMALL, 1.0) - _learned_from(SMALL, 10.0)).max() > 0.02


def test_a_reward_that_is_not_finite_ends_the_training_with_a_sentence():
    learner, generator = PpoLearner(2, 1, SMALL, 0), np.random.default_rng(0)
    with pytest.raises(NumericalError, match="reward of iteration 1 is not a finite number"):
        learner.update(rollout(learner, np.zeros((8, 2), np.float32), generator, 1, lambda a: np.full(len(a), np.nan)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"clip": -1.0}, "clip is -1, but"),
        ({"trace_decay": 1.5}, "trace_decay is 1.5"),
        ({"schedule": "cosine"}, "'linear' or 'steps'"),
        ({"centred": 1}, "centred is 1"),
        ({"log_sd": float("nan")}, "log_sd is nan"),
        ({"learning": 1}, "did you mean 'learning_rate'"),
    ],
)
def test_settings_are_checked(changes, words):
    with pytest.raises(ParameterError, match=words):
        PpoSettings().replace(**changes)


def test_learning_rates_fall():
    settings = PpoSettings(iterations=10)
    assert settings.rate(0, 0) == settings.learning_rate
    assert settings.rate(5, 0) == pytest.approx(settings.learning_rate / 2)
    published = PpoSettings.published()
    assert published.rate(9, 4) == published.learning_rate
    assert published.rate(10, 0) == pytest.approx(0.995 * published.learning_rate)
    assert published.rate(10**6, 0) == 1e-6
