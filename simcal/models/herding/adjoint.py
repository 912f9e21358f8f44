"""The fast gradient of the herding market on a CPU: its compiled sweeps, ready for `differentiable_prices`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor

from simcal.models.herding import sweep, sweep_reverse
from simcal.models.herding.coefficients import DIFFERENTIABLE as DIFFERENTIABLE
from simcal.models.herding.coefficients import coefficients, numbers_of
from simcal.models.herding.market import HerdingMarket
from simcal.models.herding.shapes import Shape, shape
from simcal.models.herding.specs import STARTS_AT_MEAN
from simcal.models.sweeps import Numbers, count_blocks, differentiable_prices, over_blocks


def adjoint_prices(
    market: HerdingMarket, values: Mapping[str, Tensor], noise: Tensor, *, variance_gradient_floor: float = 0.0
) -> Tensor:
    """Prices of the herding market on the given noise, differentiable in `values`.

    Parameters
    ----------
    market
        Supplies every number that is not in `values`.
    values
        Tensors with one number each, by the name of any parameter. Where the market's fundamental value does not move,
        neither does that of `values`.
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
    return differentiable_prices(partial(_Sweeps, market, variance_gradient_floor), values, noise)


class _Sweeps:
    def __init__(self, market: HerdingMarket, floor: float, given: Numbers) -> None:
        self.market, self.floor = market, floor
        self.following = {s: m for s, m in STARTS_AT_MEAN.items() if s not in given and getattr(market, s) is None}
        self.numbers = numbers_of(market, given)

    def forward(self, noise: Tensor) -> list[Tensor]:
        """Prices, logs, trend, balance, value and variance."""
        n_steps, _, n_paths = noise.shape
        self.coefficients = coefficients(self.market, self.numbers, noise.numpy().dtype)
        lengths = 4 * (n_steps + 1,) + 2 * (n_steps + 1 if self.market.moving else 1,)
        rows = [torch.empty((length, n_paths), dtype=noise.dtype) for length in lengths]
        over_blocks(sweep.forward, n_paths, (self.coefficients,), noise, *rows)
        return rows

    def backward(self, noise: Tensor, kept: Sequence[Tensor], gradient: Tensor) -> Numbers:
        """Derivatives in the market's parameters."""
        n_paths = noise.shape[2]
        partials = torch.zeros((count_blocks(n_paths), len(sweep_reverse.SCALARS)), dtype=torch.float64)
        floor = noise.numpy().dtype.type(sqrt(self.floor))
        over_blocks(sweep_reverse.reverse, n_paths, (self.coefficients, floor), noise, *kept, gradient, partials)
        by: dict[str, Any] = dict(zip(sweep_reverse.SCALARS, partials.numpy().sum(axis=0), strict=True))
        n = self.numbers
        by["impact"] = by["changes"] / n["impact"]
        by["share_start"] = 2 * by["balance"]
        shapes = {who: Shape(*(by[f"{who} {name}"] for name in Shape._fields)) for who in ("fundamental", "chartist")}
        by["fundamental_tail"], _ = _reverse_shape(n["fundamental_tail"], np.zeros(()), shapes["fundamental"])
        by["chartist_tail"], by["chartist_skew"] = _reverse_shape(
            n["chartist_tail"], n["chartist_skew"], shapes["chartist"]
        )
        by["initial_price"] = (by["prices"] - by["mean"] - by["start"]) / n["initial_price"]
        by["fundamental_mean"], by["fundamental_start"] = (
            by[log] / n[name] for log, name in (("mean", "fundamental_mean"), ("start", "fundamental_start"))
        )
        for start, mean in self.following.items():
            by[mean] = by[mean] + by[start]
        return {name: np.asarray(number) for name, number in by.items()}


def _reverse_shape(tail: np.ndarray, skew: np.ndarray, by: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives in tail and skew from those in the four numbers of a shape."""
    with torch.enable_grad():
        given = [torch.from_numpy(np.array(x)).requires_grad_() for x in (tail, skew)]
        numbers = torch.stack(shape(*given))
    weights = torch.tensor(by, dtype=torch.float64)
    by_tail, by_skew = torch.autograd.grad(numbers, given, weights)
    return by_tail.numpy(), by_skew.numpy()
