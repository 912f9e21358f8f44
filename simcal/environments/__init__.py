"""Markets as environments: Gymnasium's ``simcal/Stock-v0``, ``simcal/Dealer-v0`` and ``simcal/Learning-v0``.

``import simcal.environments`` registers them with Gymnasium, so that ``gymnasium.make("simcal/Stock-v0",
market="stock-sp500")`` and ``gymnasium.make_vec("simcal/Stock-v0", num_envs=1000)`` work; `StockParallelEnv` is
PettingZoo's for several strategies in one market, and `StableBaselinesEnv` hands a vector environment to
stable-baselines3. `LearningAECEnv` and `LearningParallelEnv` are PettingZoo's for the order-book market whose traders
all learn.
"""

from __future__ import annotations

import importlib
from typing import Any

try:
    import gymnasium
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "The environments need gymnasium, which is not installed; install simcal with its extra: "
        "pip install 'simcal[rl]'."
    ) from error

from simcal.environments.stock import StockEnv, StockVectorEnv

# What is imported when it is first used: where it lives, and the package that must be there for it.
_LATER = {
    "DealerEnv": ("simcal.rfq.environment", "gymnasium"),
    "DealerVectorEnv": ("simcal.rfq.environment", "gymnasium"),
    "LearningEnv": ("simcal.learning.environments", "torch"),
    "LearningVectorEnv": ("simcal.learning.environments", "torch"),
    "LearningAECEnv": ("simcal.learning.views", "pettingzoo"),
    "LearningParallelEnv": ("simcal.learning.views", "pettingzoo"),
    "StockParallelEnv": ("simcal.environments.parallel", "pettingzoo"),
    "StableBaselinesEnv": ("simcal.environments.stable_baselines", "stable_baselines3"),
}
_REMEDIES = {"torch": "torch", "stable_baselines3": "stable-baselines3"}  # the others come with simcal's extra

__all__ = ["StockEnv", "StockVectorEnv", *_LATER]  # pyright: ignore[reportUnsupportedDunderAll]

for _kind in ("Stock", "Dealer", "Learning"):
    if f"simcal/{_kind}-v0" not in gymnasium.registry:
        gymnasium.register(
            f"simcal/{_kind}-v0",
            entry_point=f"simcal.environments:{_kind}Env",
            vector_entry_point=f"simcal.environments:{_kind}VectorEnv",
        )


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'simcal.environments' has no attribute {name!r}")
    module, package = _LATER[name]
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != package:
            raise
        wanted = _REMEDIES.get(package, "'simcal[rl]'")
        remedy = f"{name} needs {package}, which is not installed: pip install {wanted}."
        raise ModuleNotFoundError(remedy, name=package) from error
