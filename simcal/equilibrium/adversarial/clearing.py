"""Hard clearing: the shift common to all marginal values with which the rates sum to zero."""

from __future__ import annotations

import torch
from torch import Tensor

_ROUNDS = 100  # every other one at least halves a bracket of width 2, which reaches rounding error
_CLOSE = 1e-14  # a Newton step so short, relative to the largest value, leaves an error of its square


def cleared(marginal: Tensor, power: float) -> Tensor:
    r"""y + m with :math:`\sum_n R(y_n + m) = 0`, (..., agents), for costs of this power.

    For power 2 or two agents m is minus the mean; else Newton's method, halved where it would leave the bracket or,
    for powers above 2, whose rates have cusps of infinite slope that it may circle, where it gains too little.
    """
    y = marginal - marginal.mean(-1, keepdim=True)
    if power == 2 or marginal.shape[-1] == 2:
        return y
    exponent = 1 / (power - 1)
    scale = y.abs().amax(-1, keepdim=True).clamp_min(1e-300)
    y = y / scale
    shift, low, high = torch.zeros_like(scale), -y.amax(-1, keepdim=True), -y.amin(-1, keepdim=True)
    before = torch.full_like(scale, torch.inf)
    for _ in range(_ROUNDS):
        moved = y + shift
        width = moved.abs()
        excess = (moved.sign() * width**exponent).sum(-1, keepdim=True)
        slope = (exponent * width ** (exponent - 1)).sum(-1, keepdim=True)
        low, high = torch.where(excess < 0, shift, low), torch.where(excess > 0, shift, high)
        newton = shift - excess / slope
        good = (newton >= low) & (newton <= high) & slope.isfinite()
        if power > 2:
            good &= (excess.abs() <= before / 2) | ((newton - shift).abs() <= _CLOSE)
            before = excess.abs()
        better = torch.where(good, newton, (low + high) / 2)
        done = bool(((better - shift).abs() <= _CLOSE).all())
        shift = better
        if done:
            break
    return (y + shift) * scale
