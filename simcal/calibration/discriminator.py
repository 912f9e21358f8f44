"""The discriminator, a multilayer perceptron on normalised statistics; and a distance that no network has to learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init


class Normaliser(nn.Module):
    """An affine map fitted on real features: zero mean, and unit deviation or unit covariance.

    ``standardise`` divides every feature by its deviation. ``whiten`` also removes correlations (symmetric root of
    the precision matrix); the Wasserstein distance of whitened features weighs their means as efficient moment
    estimation does, J = g' W g with W the inverse covariance. `shrinkage` in [0, 1] moves the correlation
    matrix towards the identity, for few real windows.
    """

    mean: Tensor
    matrix: Tensor

    def __init__(self, features: Tensor, mode: Literal["standardise", "whiten"], shrinkage: float = 0.0) -> None:
        super().__init__()
        x = features.detach().to("cpu", torch.float64).numpy()
        mean, deviation = x.mean(axis=0), x.std(axis=0)
        # A feature that does not vary in the data, but for rounding, carries no scale of its own.
        deviation = np.where(deviation > 1e-6 * np.abs(mean), deviation, 1.0)
        matrix = np.diag(1 / deviation)
        if mode == "whiten":
            standard = (x - mean) / deviation
            correlation = standard.T @ standard / len(x) * (1 - shrinkage)
            np.fill_diagonal(correlation, 1.0)
            values, vectors = np.linalg.eigh(correlation)
            root = vectors / np.sqrt(np.maximum(values, 1e-6)) @ vectors.T
            matrix = matrix @ root
        self.register_buffer("mean", torch.as_tensor(mean, dtype=features.dtype, device=features.device))
        self.register_buffer("matrix", torch.as_tensor(matrix, dtype=features.dtype, device=features.device))

    def forward(self, features: Tensor) -> Tensor:
        """Normalised features, the same shape (n, m)."""
        return (features - self.mean) @ self.matrix


class Discriminator(nn.Module):
    """Fully connected layers with ReLU or another activation; raw scores (n,) out of normalised features (n, m).

    The paper's has two hidden layers of 32 and ReLU; its sigmoid is part of the loss here. Without hidden layers the
    discriminator is linear, and with whitened features the Wasserstein game is efficient moment matching. `bias` is
    that of the last layer: a Wasserstein loss does not depend on it, so that it would only drift.
    """

    def __init__(
        self,
        n_features: int,
        hidden: Sequence[int],
        activation: Literal["relu", "tanh", "silu"],
        generator: torch.Generator,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        kind = {"relu": nn.ReLU, "tanh": nn.Tanh, "silu": nn.SiLU}[activation]
        layers: list[nn.Module] = []
        width = n_features
        for size in hidden:
            layers += [skip_init(nn.Linear, width, size), kind()]
            width = size
        self.layers = nn.Sequential(*layers, skip_init(nn.Linear, width, 1, bias=bias))
        # PyTorch's own default law of the weights, but from a generator of our own: global state stays untouched.
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                bound = layer.in_features**-0.5
                with torch.no_grad():
                    for weight in layer.parameters():
                        weight.uniform_(-bound, bound, generator=generator)

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features).squeeze(1)


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
