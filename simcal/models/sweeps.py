"""Compiled sweeps behind ``torch.autograd.Function``: prices forward, the gradient back, on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from simcal.errors import ParameterError
from simcal.models.lanes import LANES
from simcal.threads import run, split

Numbers = dict[str, np.ndarray]


class Sweeps(Protocol):
    """A market at given numbers, ready to run forward and back."""

    def forward(self, noise: Tensor) -> Sequence[Tensor]:
        """Prices, shape (n_steps + 1, n_paths), and after them whatever `backward` wants to read."""
        ...

    def backward(self, noise: Tensor, kept: Sequence[Tensor], gradient: Tensor) -> Mapping[str, np.ndarray]:
        """Derivatives in every parameter by name, from those in the prices; `kept` is what `forward` returned."""
        ...


def differentiable_prices(sweeps: Callable[[Numbers], Sweeps], values: Mapping[str, Tensor], noise: Tensor) -> Tensor:
    """Prices with gradients in `values`.

    Parameters
    ----------
    sweeps
        From the numbers in `values` to the sweeps that use them.
    values
        Tensors by parameter: one number, or one per trader where the parameter has a group.
    noise
        Standard normals, shape (n_steps, draws_per_step, n_paths), on the CPU.

    Returns
    -------
    Tensor
        Shape (n_paths, n_steps + 1).

    Raises
    ------
    ParameterError
        Where the noise requires a gradient.
    """
    if noise.requires_grad:
        raise ParameterError("The noise requires a gradient, which the engine 'adjoint' does not have; use 'torch'.")
    numbers = {name: value.detach().double().numpy() for name, value in values.items()}
    prices: Any = _Function.apply(sweeps(numbers), tuple(values), noise.contiguous(), *values.values())
    return prices


class _Function(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, sweeps: Sweeps, names: tuple[str, ...], noise: Tensor, *tensors: Tensor) -> Tensor:
        prices, *others = sweeps.forward(noise)
        out = prices.t()
        ctx.save_for_backward(noise, out, *tensors, *others)
        ctx.sweeps, ctx.names = sweeps, names
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        noise, out, *saved = ctx.saved_tensors
        tensors, others = saved[: len(ctx.names)], saved[len(ctx.names) :]
        by_name = ctx.sweeps.backward(noise, (out.t(), *others), gradient.t().contiguous())
        gradients: list[Tensor | None] = [None] * 3
        for name, tensor, needed in zip(ctx.names, tensors, ctx.needs_input_grad[3:], strict=True):
            by = by_name[name] if tensor.ndim else by_name[name].sum()
            gradients.append(torch.as_tensor(by, dtype=tensor.dtype) if needed else None)
        return tuple(gradients)


def count_blocks(n_paths: int) -> int:
    """Blocks of lanes that hold these paths."""
    return -(-n_paths // LANES)


def over_blocks(function: Callable[..., None], n_paths: int, numbers: tuple[Any, ...], *arrays: Tensor) -> None:
    """Share the blocks of paths among the threads; a sweep writes to its own blocks only.

    `function` takes (first_block, last_block, lanes, \\*numbers, \\*arrays).
    """
    arguments = (*numbers, *(a.numpy() for a in arrays))
    ranges = split(count_blocks(n_paths), torch.get_num_threads())
    run([(function, (first, last, LANES, *arguments)) for first, last in ranges])
