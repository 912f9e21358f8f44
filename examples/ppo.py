"""Train an agent in a calibrated market and compare it with a random one: `python examples/ppo.py`.

The agent is PPO of stable-baselines3 (`pip install simcal[rl] stable-baselines3`), the market the one that was
calibrated to the S&P 500. Its orders move the price, so that trading much is dear: a random trader loses by its own
impact. Both are measured on the same paths, which the agent did not see in training.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO

from simcal.environments import StableBaselinesEnv

N_ENVS, N_STEPS, TEST_EPISODES, TEST_SEED = 64, 250, 1000, 2**40


def train(steps: int, seed: int = 0, **options: Any) -> PPO:
    """An agent after so many environment steps."""
    env = gymnasium.make_vec("simcal/Stock-v0", N_ENVS, n_steps=N_STEPS, autoreset_mode="SameStep", **options)
    agent = PPO(
        "MlpPolicy", StableBaselinesEnv(env), n_steps=128, batch_size=2048, learning_rate=1e-3, seed=seed, device="cpu"
    )  # fmt: skip
    return agent.learn(steps)


def earned(choose: Callable[[np.ndarray], np.ndarray], **options: Any) -> np.ndarray:
    """Profit of each test episode per unit, in price; the random trader and the agent meet the same paths."""
    env = gymnasium.make_vec("simcal/Stock-v0", TEST_EPISODES, n_steps=N_STEPS, **options)
    seen, _ = env.reset(seed=TEST_SEED)
    profit, playing = np.zeros(TEST_EPISODES), np.ones(TEST_EPISODES, bool)
    while playing.any():
        seen, rewards, terminated, truncated, _ = env.step(choose(seen))
        profit += np.where(playing, rewards, 0.0)
        playing &= ~(terminated | truncated)
    return profit


def random_trader(seed: int = 0) -> Callable[[np.ndarray], np.ndarray]:
    """Targets drawn from -1 to 1 at each step."""
    generator = np.random.default_rng(seed)
    return lambda seen: generator.uniform(-1.0, 1.0, (len(seen), 1))


def compare(steps: int, seed: int = 0, **options: Any) -> dict[str, np.ndarray]:
    """The profits of a random trader and of an agent trained so long."""
    agent = train(steps, seed, **options)
    return {
        "random": earned(random_trader(seed), **options),
        "PPO": earned(lambda seen: agent.predict(seen, deterministic=True)[0], **options),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)  # small networks are slower on several
    print("Training for 300 000 steps, less than a minute.", flush=True)
    for name, profit in compare(300_000).items():
        error = profit.std(ddof=1) / np.sqrt(profit.size)
        print(f"{name:>6}: {profit.mean():7.2f} +- {error:.2f} per unit and episode, of a price of 100")
