"""One episode at a time: a game as a ``gymnasium.Env``."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np

from simcal.environments.game import Game
from simcal.errors import ParameterError


class SingleEnv(gymnasium.Env):
    """A game with one path."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    def __init__(self, game: Game) -> None:
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
