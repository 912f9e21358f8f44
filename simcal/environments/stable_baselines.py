"""A vector environment as stable-baselines3 wants it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env.base_vec_env import VecEnv

from simcal.environments.gym import NativeVectorEnv
from simcal.errors import ParameterError


class StableBaselinesEnv(VecEnv):
    """One of simcal's vector environments, in mode "SameStep", as a ``VecEnv`` of stable-baselines3.

    ``PPO("MlpPolicy", StableBaselinesEnv(gymnasium.make_vec("simcal/Stock-v0", 64, autoreset_mode="SameStep")))``

    An episode that ends leaves what `stable_baselines3.common.monitor` would: ``infos[j]["episode"]`` holds its return
    ``r`` and its length ``l``.

    Raises
    ------
    ParameterError
        The environment is another one, or waits a step before it begins anew.
    """

    def __init__(self, env: NativeVectorEnv) -> None:
        if not isinstance(env, NativeVectorEnv) or env.metadata["autoreset_mode"] is not AutoresetMode.SAME_STEP:
            raise ParameterError(
                f"The environment is {env!r}, but must be a vector environment of simcal with the argument "
                "autoreset_mode='SameStep', as stable-baselines3 begins episodes anew."
            )
        self.env, self._seed = env, None
        self._actions: Any = None
        self._returns, self._lengths = np.zeros(env.num_envs), np.zeros(env.num_envs, int)
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)

    def seed(self, seed: int | None = None) -> list[int | None]:  # type: ignore[override]
        """The seed of the next `reset`, for all episodes together."""
        self._seed = seed
        return [seed] * self.num_envs

    def reset(self) -> np.ndarray:
        """Begin all episodes anew."""
        seen, _ = self.env.reset(seed=self._seed)
        self._seed = None
        self._returns[:], self._lengths[:] = 0.0, 0
        self.reset_infos = [{} for _ in range(self.num_envs)]
        return seen

    def step_async(self, actions: np.ndarray) -> None:
        """Note the actions."""
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Take the step."""
        seen, rewards, terminated, truncated, told = self.env.step(self._actions)
        self._returns += rewards
        self._lengths += 1
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        over = terminated | truncated
        for place in np.flatnonzero(over):
            infos[place] = {
                "terminal_observation": told["final_obs"][place],
                "TimeLimit.truncated": bool(truncated[place]),
                "episode": {"r": float(self._returns[place]), "l": int(self._lengths[place])},
            }
        self._returns[over], self._lengths[over] = 0.0, 0
        return seen, rewards.astype(np.float32), over, infos

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def get_attr(self, attr_name: str, indices: int | Iterable[int] | None = None) -> list[Any]:
        """The attribute of the one environment behind, for each episode."""
        return [getattr(self.env, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: int | Iterable[int] | None = None) -> None:
        """Refused: episodes of one engine have no attributes of their own."""
        raise ParameterError(f"{attr_name} cannot be set; make the environment anew with other arguments.")

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Refused: episodes of one engine have no methods of their own."""
        raise ParameterError(f"{method_name} cannot be called episode by episode; call it on the attribute env.")

    def env_is_wrapped(self, wrapper_class: type, indices: int | Iterable[int] | None = None) -> list[bool]:
        """Only asked about ``Monitor``: what it notes of episodes is noted here."""
        return [wrapper_class is Monitor for _ in self._get_indices(indices)]
