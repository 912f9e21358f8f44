"""The exponential power law in PyTorch, with gradients in its shape too.

The draws are those of `simcal.rfq.laws`, from the very same tables, and the arithmetic is in float64. Only these few
thousand coefficients are made on the CPU; everything per draw stays on the device of the words.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from simcal.rfq.laws import DIFFERENCE, N_CELLS, evaluate, locate, quantile_tables, shape_derivative_table


class Place(NamedTuple):
    """Where words stand in a quantile table: cells, places within them, signs; each of the shape of the words."""

    cells: Tensor
    x: Tensor
    signs: Tensor


def place_of(words: Tensor) -> Place:
    """The place of words (int64, from 0 to 2**32 - 1), which holds for every table."""
    return Place(*locate(torch, words))


def standard_draws(shape: Tensor, place: Place) -> Tensor:
    """Draws with mean 0 and scale 1, float64, with gradients in the shape.

    Parameters
    ----------
    shape
        One number, or as many as the first axis of the words is long.
    """
    return _Draws.apply(shape, *place)  # type: ignore[no-any-return]


def standard_sf(z: Tensor, shape: Tensor) -> Tensor:
    """Probability that a draw with mean 0 and scale 1 lies above z, float64, with gradients in z and the one shape."""
    return _Survival.apply(z.double(), shape.double())  # type: ignore[no-any-return]


class _Draws(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, shape: Tensor, cells: Tensor, x: Tensor, signs: Tensor) -> Tensor:
        shapes = shape.detach().double().cpu().numpy().reshape(-1)
        if shapes.size > 1:  # one table after the other
            tables = torch.arange(shapes.size, device=cells.device).reshape(-1, *[1] * (cells.ndim - 1))
            cells = cells + N_CELLS * tables
        ctx.save_for_backward(shape, cells, x, signs)
        ctx.shapes = shapes
        return _look_up(quantile_tables(shapes), cells, x, signs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        if not ctx.needs_input_grad[0]:
            return None, None, None, None
        shape, cells, x, signs = ctx.saved_tensors
        tables = np.stack([shape_derivative_table(float(a)) for a in ctx.shapes])
        change = gradients[0] * _look_up(tables, cells, x, signs)
        total = change.sum() if shape.ndim == 0 else change.flatten(1).sum(1)
        return total.to(shape.dtype).reshape(shape.shape), None, None, None


class _Survival(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, shape: Tensor) -> Tensor:
        ctx.save_for_backward(z, shape)
        return _sf(z, shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        z, shape = ctx.saved_tensors
        in_z = in_shape = None
        if ctx.needs_input_grad[0]:
            log_constant = np.log(2.0) + (1 / shape - 1) * shape.log() + torch.lgamma(1 / shape)
            in_z = -gradients[0] * torch.exp(-(z.abs() ** shape) / shape - log_constant)
        if ctx.needs_input_grad[1]:
            h = DIFFERENCE * shape
            near = _sf(z, shape + h) - _sf(z, shape - h)
            far = _sf(z, shape + 2 * h) - _sf(z, shape - 2 * h)
            in_shape = (gradients[0] * (8 * near - far)).sum() / (12 * h)
        return in_z, in_shape


def _look_up(tables: np.ndarray, cells: Tensor, x: Tensor, signs: Tensor) -> Tensor:
    table = torch.from_numpy(tables.reshape(-1, tables.shape[-1])).to(cells.device)
    return evaluate(table.index_select(0, cells.reshape(-1)).reshape(*cells.shape, -1), x, signs)


def _sf(z: Tensor, shape: Tensor) -> Tensor:
    tail = 0.5 * torch.special.gammaincc((1 / shape).expand(z.shape), z.abs() ** shape / shape)
    return torch.where(z > 0, tail, 1 - tail)
