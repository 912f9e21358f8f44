"""The fast gradient of the stock market on a CPU: its compiled sweeps, ready for `differentiable_prices`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import sqrt

import numpy as np
import torch
from torch import Tensor

from simcal.models.stock import sweep, sweep_reverse
from simcal.models.stock.coefficients import DIFFERENTIABLE as DIFFERENTIABLE
from simcal.models.stock.coefficients import Numbers, coefficients, numbers_of
from simcal.models.stock.market import StockMarket
from simcal.models.stock.specs import SWITCHING
from simcal.models.sweeps import count_blocks, differentiable_prices, over_blocks


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
    sweeps = partial(_Sweeps, market, variance_gradient_floor)
    return differentiable_prices(sweeps, values, noise)


class _Sweeps:
    def __init__(self, market: StockMarket, floor: float, given: Numbers) -> None:
        self.market, self.floor = market, floor
        self.follows = "variance_start" not in given
        self.switching = any(name in given for name in SWITCHING)
        self.numbers = numbers_of(market, given)

    def forward(self, noise: Tensor) -> list[Tensor]:
        """Prices, value, variance, demand and balance."""
        n_steps, _, n_paths = noise.shape
        dtype = noise.numpy().dtype
        self.coefficients = coefficients(self.market, self.numbers, dtype, switching=self.switching)
        lengths = (*3 * (n_steps + 1,), n_steps, n_steps + 1 if self.coefficients.switching else 0)
        rows = [torch.empty((length, n_paths), dtype=noise.dtype) for length in lengths]
        over_blocks(sweep.forward, n_paths, (self.coefficients,), noise, *rows)
        return rows

    def backward(self, noise: Tensor, kept: Sequence[Tensor], gradient: Tensor) -> Numbers:
        """Derivatives in the market's parameters."""
        n_paths = noise.shape[2]
        sizes = [getattr(self.coefficients, name).size for name in sweep_reverse.GROUPS]
        shape = (count_blocks(n_paths), sum(sizes) + len(sweep_reverse.SCALARS))
        partials = torch.zeros(shape, dtype=torch.float64)
        floor = noise.numpy().dtype.type(sqrt(self.floor))
        over_blocks(sweep_reverse.reverse, n_paths, (self.coefficients, floor), noise, *kept, gradient, partials)
        sums = np.split(partials.numpy().sum(axis=0), np.cumsum(sizes))
        return _chain(self.market, self.numbers, sums, follows=self.follows)


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
