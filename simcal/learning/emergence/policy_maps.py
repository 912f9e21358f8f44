"""What the shared policy answers as one trait and one thing that is seen vary, all else at a base state."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simcal.learning.specs import ACTIONS, FEATURES
from simcal.learning.trained import TrainedMarket

BASE = {
    "asset ratio": 0.0, "liquidable ratio": -0.75, "inverse buying power": -0.75, "return": 0.0, "volatility": -0.2,
    "bid depth": -0.25, "ask depth": -0.25, "blurred value": 0.0, "noise": 0.0, "risk aversion": 0.0, "discount": 0.0,
}  # fmt: skip
"""Of the features, from -1 to 1: a trader of mean traits, half invested, who sees the price at the value."""
MAPS = (
    ("volume", "risk aversion", "volatility"),
    ("volume", "noise", "blurred value"),
    ("volume", "noise", "return"),
    ("price", "discount", "risk aversion"),
)
"""Action, and the features across and up."""


class PolicyMap(NamedTuple):
    """An action over two features: values (n, n), rows along `up`, both axes `axis` from -1 to 1."""

    action: str
    across: str
    up: str
    axis: np.ndarray
    values: np.ndarray


def policy_maps(trained: TrainedMarket, n: int = 41) -> list[PolicyMap]:
    """The maps of `MAPS` of a policy, n by n points each; where all traders are alike, the trait's feature is 0."""
    axis, found = np.linspace(-1.0, 1.0, n), []
    for action, across, up in MAPS:
        features = np.tile(np.array([BASE[name] for name in FEATURES], np.float32), (n * n, 1))
        x, y = np.meshgrid(axis, axis)
        features[:, FEATURES.index(across)], features[:, FEATURES.index(up)] = x.ravel(), y.ravel()
        values = trained.act(features)[:, ACTIONS.index(action)].reshape(n, n)
        found.append(PolicyMap(action, across, up, axis, values))
    return found
