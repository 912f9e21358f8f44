"""Markets as environments: Gymnasium's ``simcal/Stock-v0``, ``simcal/Dealer-v0`` and ``simcal/Learning-v0``.

``import simcal.environments`` registers them with Gymnasium, so that ``gymnasium.make("simcal/Stock-v0",
market="stock-sp500")`` and ``gymnasium.make_vec("simcal/Stock-v0", num_envs=1000)`` work; `StockParallelEnv` is
PettingZoo's for several strategies in one market, and `StableBaselinesEnv` hands a vector environment to
stable-baselines3. `LearningAECEnv` and `LearningParallelEnv` are PettingZoo's for the order-book market whose traders
all learn.
"""

from typing import Any

import lazy_loader

try:
    import gymnasium
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "The environments need gymnasium, which is not installed; install simcal with its extra: "
        "pip install 'simcal[rl]'."
    ) from error

# What may be missing and how to get it, by the package that is asked for.
_REMEDIES = {"torch": "torch", "pettingzoo": "'simcal[rl]'", "stable_baselines3": "stable-baselines3"}

_import, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

for _kind in ("Stock", "Dealer", "Learning"):
    if f"simcal/{_kind}-v0" not in gymnasium.registry:
        gymnasium.register(
            f"simcal/{_kind}-v0",
            entry_point=f"simcal.environments:{_kind}Env",
            vector_entry_point=f"simcal.environments:{_kind}VectorEnv",
        )


def __getattr__(name: str) -> Any:
    try:
        return _import(name)
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in _REMEDIES:
            raise
        remedy = f"{name} needs {package}, which is not installed: pip install {_REMEDIES[package]}."
        raise ModuleNotFoundError(remedy, name=package) from error
