"""How far two samples of features are apart, in one number that no network has to learn."""

from __future__ import annotations

import torch
from torch import Tensor


def energy_distance(x: Tensor, y: Tensor) -> float:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'| for features (n, m) and (k, m); zero for equal laws, else positive.

    The unbiased form, which may come out slightly negative. Source: Szekely and Rizzo, "Energy statistics", 2013.
    """

    if len(x) < 2 or len(y) < 2:
        return float("nan")
    x, y = x.double(), y.double()

    def distances(a: Tensor, b: Tensor) -> Tensor:
        # Not by |a|^2 + |b|^2 - 2 ab: an outlier would cancel all digits.
        return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")

    def within(a: Tensor) -> Tensor:
        return distances(a, a).sum() / (len(a) * (len(a) - 1))

    return float(2 * distances(x, y).mean() - within(x) - within(y))
