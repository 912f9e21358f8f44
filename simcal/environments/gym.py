"""Episodes as Gymnasium's environments: one at a time, and many side by side, where those that end begin anew."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from simcal.environments.episodes import Episodes
from simcal.errors import ParameterError

MODES = (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)

Stepped = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]


class SingleEnv(gymnasium.Env):
    """Episodes of which there is one."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    def __init__(self, game: Episodes) -> None:
        self._game, self._playing = game, False
        self.observation_space, self.action_space = game.observation_space, game.action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode: path 0 of the seed, and without a seed the path after the last one.

        ``options={"path": 17}`` plays that path.
        """
        super().reset(seed=seed)
        self._game.begin(seed, options, self.np_random)
        self._playing = True
        return self._game.observe()[0], self._info()

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Take one step."""
        if not self._playing:
            raise ParameterError("There is no episode to take a step in; call reset() first.")
        rewards, terminated, truncated = self._game.play(np.asarray(action)[None], None)
        over = bool(terminated[0]), bool(truncated[0])
        self._playing = not any(over)
        return self._game.observe()[0], float(rewards[0]), *over, self._info()

    def _info(self) -> dict[str, Any]:
        return {name: values[0].item() for name, values in self._game.info().items()}


class NativeVectorEnv(VectorEnv):
    """Episodes side by side.

    When an episode ends, mode "NextStep" returns its last observation, and the next step begins a new one, whatever
    its action, with reward 0. Mode "SameStep" returns the first observation of the new episode at once; the last one
    of the old is in ``infos["final_obs"]``, and its infos in ``infos["final_info"]``. ``metadata["autoreset_mode"]``
    says which it is.
    """

    def __init__(self, game: Episodes, autoreset_mode: AutoresetMode | str) -> None:
        try:
            self._mode = AutoresetMode(autoreset_mode)
        except ValueError:
            self._mode = None
        if self._mode not in MODES:
            allowed = " or ".join(repr(mode.value) for mode in MODES)
            raise ParameterError(f"autoreset_mode is {autoreset_mode!r}, but must be {allowed}.")
        self.metadata = {"render_modes": [], "autoreset_mode": self._mode}
        self.num_envs, self._game = game.n_paths, game
        self.single_observation_space, self.single_action_space = game.observation_space, game.action_space
        self.observation_space = batch_space(game.observation_space, game.n_paths)
        self.action_space = batch_space(game.action_space, game.n_paths)
        self._over: np.ndarray | None = None  # which episodes ended at the last step; None before the first reset

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin all episodes: paths 0 to ``num_envs - 1`` of the seed, and without a seed the next ones.

        ``options={"path": 17}`` begins with that path.
        """
        if seed is not None and not isinstance(seed, (int, np.integer)):
            raise ParameterError(f"seed is {seed!r:.60}, but must be one whole number for all episodes together.")
        super().reset(seed=None if seed is None else int(seed))
        self._game.begin(seed, options, self.np_random)
        self._over = np.zeros(self.num_envs, bool)
        return self._game.observe(), _masked(self._game.info(), np.ones(self.num_envs, bool))

    def step(self, actions: Any) -> Stepped:
        """Take one step in all episodes."""
        if self._over is None:
            raise ParameterError("There are no episodes to take a step in; call reset() first.")
        game, all_of_them = self._game, np.ones(self.num_envs, bool)
        waits = self._over if self._mode is AutoresetMode.NEXT_STEP else np.zeros(self.num_envs, bool)
        if waits.all():  # the usual case: episodes of one length
            game.begin(None, None, self.np_random)
            rewards, terminated, truncated = np.zeros(self.num_envs), ~waits, ~waits
        else:
            idle = waits if waits.any() else None
            rewards, terminated, truncated = game.play(actions, idle)
            if idle is not None:
                game.renew(np.flatnonzero(idle))
                rewards[idle], terminated[idle], truncated[idle] = 0.0, False, False
        over, infos = terminated | truncated, {}
        if self._mode is AutoresetMode.NEXT_STEP:
            self._over = over
        elif over.any():
            infos = self._begun_anew(over)
        return game.observe(), rewards, terminated, truncated, infos | _masked(game.info(), all_of_them)

    def _begun_anew(self, over: np.ndarray) -> dict[str, Any]:
        """Begin those episodes anew; their last observations and infos."""
        game, places = self._game, np.flatnonzero(over)
        last = np.full(self.num_envs, None, dtype=object)
        for place, seen in zip(places, game.observe()[places], strict=True):
            last[place] = seen
        told = {"final_obs": last, "_final_obs": over, "final_info": _masked(game.info(), over)}
        told["_final_info"] = over.copy()
        if over.all():
            game.begin(None, None, self.np_random)
        else:
            game.renew(places)
        return told


def _masked(info: dict[str, np.ndarray], mask: np.ndarray) -> dict[str, Any]:
    """As Gymnasium has infos: beside each array which of its entries count, and the others 0."""
    found: dict[str, Any] = {}
    for name, values in info.items():
        found[name] = values if mask.all() else np.where(mask, values, 0).astype(values.dtype)
        found[f"_{name}"] = mask.copy()
    return found
