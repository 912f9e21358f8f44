"""Hard clearing: the shift common to all marginal values with which the rates sum to zero."""

from __future__ import annotations

import torch
from torch import Tensor

_ROUNDS = 60


def cleared(marginal: Tensor, power: float) -> Tensor:
    r"""y + m with :math:`\sum_n R(y_n + m) = 0`, (..., agents), for costs of this power.

    For power 2 or two agents m is minus the mean; else Newton's method, halved where it would leave the bracket.
    """
    if power == 2 or marginal.shape[-1] == 2:
        return marginal - marginal.mean(-1, keepdim=True)
    exponent = 1 / (power - 1)
    scale = marginal.abs().amax(-1, keepdim=True).clamp_min(1e-300)
    y = marginal / scale
    shift, low, high = -y.mean(-1, keepdim=True), -y.amax(-1, keepdim=True), -y.amin(-1, keepdim=True)
    for _ in range(_ROUNDS):
        moved = y + shift
        width = moved.abs()
        excess = (moved.sign() * width**exponent).sum(-1, keepdim=True)
        slope = (exponent * width ** (exponent - 1)).sum(-1, keepdim=True)
        low, high = torch.where(excess < 0, shift, low), torch.where(excess > 0, shift, high)
        better = shift - excess / slope
        better = torch.where((better > low) & (better < high), better, (low + high) / 2)
        done = bool(((better - shift).abs() <= 1e-15).all())
        shift = better
        if done:
            break
    return (y + shift) * scale
