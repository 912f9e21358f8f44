"""How far two samples of features are apart, in one number that no network has to learn."""

from __future__ import annotations

import torch
from torch import Tensor


def energy_distance(x: Tensor, y: Tensor) -> float:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'| for features (n, m) and (k, m); zero for equal laws, else positive.

    The unbiased form, which may come out slightly negative. Source: Szekely and Rizzo, "Energy statistics", 2013.
    """

    def mean_distance(a: Tensor) -> Tensor:
        return torch.cdist(a, a).sum() / (len(a) * (len(a) - 1))

    if len(x) < 2 or len(y) < 2:
        return float("nan")
    return float(2 * torch.cdist(x, y).mean() - mean_distance(x) - mean_distance(y))
