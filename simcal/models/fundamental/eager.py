"""The fundamental value in PyTorch operations: any device, gradients by autograd."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor

from simcal.models.fundamental import rules


def fundamental_path(
    number: Callable[[str], Tensor], value_normals: Tensor, variance_normals: Tensor, floor: float
) -> Tensor:
    """P*(1..T) by equations (8) and (7), shape (n_steps, n_paths), as the normals.

    `number` gives a parameter by name, and `floor` holds up the root of the variance in its own derivative.
    """
    correlation = number("leverage_correlation")
    orthogonal = (1 - correlation * correlation).clamp(min=0).sqrt()
    value_shocks = rules.correlated(value_normals, variance_normals, correlation, orthogonal)
    mean, reversion = number("fundamental_mean"), number("fundamental_reversion")
    variance_mean, variance_reversion = number("variance_mean"), number("variance_reversion")
    vol_of_vol, n_paths = number("vol_of_vol"), value_normals.shape[1]
    variance = number("variance_start").to(value_normals.device).expand(n_paths)
    value = number("fundamental_start").to(value_normals.device).expand(n_paths)
    root_of: Any = _Root.apply
    root = root_of(variance, floor)
    path = []
    for value_shock, shock in zip(value_shocks.unbind(), variance_normals.unbind(), strict=True):
        # Operation by operation as in `rules`: near zero, a rounding of 1e-18 in sigma is one of 1e-9 in its root.
        variance = variance + variance_reversion * (variance_mean - variance) + vol_of_vol * root * shock
        root = root_of(variance, floor)
        value = value + reversion * (mean - value) + root * value_shock
        path.append(value)
    return torch.stack(path)


class _Root(torch.autograd.Function):
    """sqrt(max(sigma, 0)); its slope is zero where truncated, and 1 / (2 sqrt(floor)) at most. NaN stays NaN."""

    @staticmethod
    def forward(ctx: Any, variance: Tensor, floor: float) -> Tensor:  # type: ignore[override]
        positive = variance.clamp(min=0)
        # On a CPU torch may miss the last digit of a root, and near zero the next root makes much of it.
        root = torch.from_numpy(np.sqrt(positive.numpy())) if positive.device.type == "cpu" else positive.sqrt()
        ctx.floor = sqrt(floor)
        ctx.save_for_backward(root)
        return root

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        (root,) = ctx.saved_tensors
        return torch.where(root == 0, 0, 0.5 * gradient / root.clamp(min=ctx.floor)), None
