"""The fast gradient of the stock market on a CPU: compiled sweeps behind ``torch.autograd.Function``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from simcal.errors import ParameterError
from simcal.models.stock import sweep, sweep_reverse
from simcal.models.stock.coefficients import DIFFERENTIABLE as DIFFERENTIABLE
from simcal.models.stock.coefficients import Numbers, coefficients, numbers_of
from simcal.models.stock.lanes import LANES
from simcal.models.stock.market import StockMarket
from simcal.threads import run, split


def adjoint_prices(
    market: StockMarket, values: Mapping[str, Tensor], noise: Tensor, *, variance_gradient_floor: float = 0.0
) -> Tensor:
    """Prices of the smoothed market on the given noise, differentiable in `values`.

    Parameters
    ----------
    market
        Supplies every number that is not in `values`.
    values
        Tensors by the name of any of `DIFFERENTIABLE`: one number, or one per trader where the parameter has a group.
    noise
        Standard normals, shape (n_steps, draws_per_step, n_paths), on the CPU, float32 or float64, which is the
        precision of the simulation.
    variance_gradient_floor
        The derivative of sqrt(sigma) is taken at max(sigma, floor). 0 is exact; above 0 it trades a bias for the heavy
        tail that 1 / sqrt(sigma) gives to the gradient of a path.

    Returns
    -------
    Tensor
        Shape (n_paths, n_steps + 1), the first column the initial price. Gradients are sums in a fixed order: the same
        bits whatever the number of threads, which is ``torch.get_num_threads()``.

    Raises
    ------
    ParameterError
        Where the noise requires a gradient.
    """
    if noise.requires_grad:
        raise ParameterError("The noise requires a gradient, which the engine 'adjoint' does not have; use 'torch'.")
    prices: Any = _Sweeps.apply(market, variance_gradient_floor, tuple(values), noise.contiguous(), *values.values())
    return prices


class _Sweeps(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, market: StockMarket, floor: float, names: tuple[str, ...], noise: Tensor, *tensors: Tensor
    ) -> Tensor:
        n_steps, _, n_paths = noise.shape
        given = {name: tensor.detach().double().numpy() for name, tensor in zip(names, tensors, strict=True)}
        numbers = numbers_of(market, given)
        compiled = coefficients(market, numbers, noise.numpy().dtype)
        prices, value, variance = (torch.empty((n_steps + 1, n_paths), dtype=noise.dtype) for _ in range(3))
        demand = torch.empty((n_steps, n_paths), dtype=noise.dtype)
        _over_blocks(sweep.forward, n_paths, (compiled,), noise, prices, value, variance, demand)
        out = prices.t()
        ctx.save_for_backward(noise, out, value, variance, demand, *tensors)
        ctx.market, ctx.floor, ctx.names = market, floor, names
        ctx.numbers, ctx.coefficients = numbers, compiled
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        noise, out, value, variance, demand, *tensors = ctx.saved_tensors
        n_paths = noise.shape[2]
        sizes = [getattr(ctx.coefficients, name).size for name in sweep_reverse.GROUPS]
        partials = torch.zeros((_blocks(n_paths), sum(sizes) + len(sweep_reverse.SCALARS)), dtype=torch.float64)
        arrays = (noise, out.t(), value, variance, demand, gradient.t().contiguous(), partials)
        floor = noise.numpy().dtype.type(sqrt(ctx.floor))
        _over_blocks(sweep_reverse.reverse, n_paths, (ctx.coefficients, floor), *arrays)
        sums = np.split(partials.numpy().sum(axis=0), np.cumsum(sizes))
        by_name = _chain(ctx.market, ctx.numbers, sums, follows="variance_start" not in ctx.names)
        gradients: list[Tensor | None] = [None] * 4
        for name, tensor, needed in zip(ctx.names, tensors, ctx.needs_input_grad[4:], strict=True):
            by = by_name[name] if tensor.ndim else by_name[name].sum()
            gradients.append(torch.as_tensor(by, dtype=tensor.dtype) if needed else None)
        return tuple(gradients)


def _blocks(n_paths: int) -> int:
    return -(-n_paths // LANES)


def _over_blocks(function: Callable[..., None], n_paths: int, numbers: tuple[Any, ...], *arrays: Tensor) -> None:
    """Share the blocks of paths among the threads; a sweep writes to its own blocks only."""
    arguments = (*numbers, *(a.numpy() for a in arrays))
    ranges = split(_blocks(n_paths), torch.get_num_threads())
    run([(function, (first, last, LANES, *arguments)) for first, last in ranges])


def _chain(market: StockMarket, numbers: Numbers, sums: list[np.ndarray], *, follows: bool) -> Numbers:
    """Derivatives in the market's parameters from those in the coefficients."""
    public, private, trend, value, observation_sd, scalars = sums
    by_name = dict(zip(sweep_reverse.SCALARS, scalars, strict=True))
    by_name["impact"] /= market.n_traders
    if follows and market.variance_start is None:
        by_name["variance_mean"] += by_name["variance_start"]
    return by_name | {
        "public_weight": public * numbers["public_sd"],
        "public_sd": public @ numbers["public_weight"],
        "private_weight": private * numbers["private_sd"],
        "private_sd": private @ numbers["private_weight"],
        "trend_sensitivity": trend,
        "value_sensitivity": value,
        "observation_sd": observation_sd,
    }
