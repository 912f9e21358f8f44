"""A price market as a PyTorch module: the same step as in the kernel, with gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn

from simcal.definition.arrays import eager_prices
from simcal.definition.market import PriceMarket
from simcal.definition.sweeps import adjoint_prices
from simcal.definition.trainable import TrainableParameters
from simcal.errors import ParameterError
from simcal.noise import check_range, check_seed, fill_normals, normals_torch

Engine = Literal["auto", "torch", "adjoint"]


class PriceTwin(nn.Module):
    """A differentiable market whose one output is the price (``market.twin(...)``).

    Parameters
    ----------
    market
        The description; the twin starts from its values.
    trainable
        Names of the parameters to train: any with ``trainable`` in ``market.SPECS``.
    per_trader
        Those of them that get a number of their own for every trader; the others are shared by their group.

    Other Parameters
    ----------------
    dtype, device
        Precision of the simulation, float64 or float32, and where it runs. ``.to(...)`` changes both.
    engine
        ``"adjoint"``: compiled sweeps, on the CPU only. ``"torch"``: operations of PyTorch, on any device. ``"auto"``:
        the first on a CPU, the second elsewhere.
    variance_gradient_floor
        The derivative of sqrt(sigma) is taken at max(sigma, floor). 0 is exact; above 0 it trades a bias for the heavy
        tail that 1 / sqrt(sigma) gives to the gradient of a path.

    Attributes
    ----------
    trainable
        The `TrainableParameters`, kept in float64 at first.

    Raises
    ------
    ParameterError
        For a parameter that cannot be trained, an unknown engine or precision.
    """

    place: Tensor

    def __init__(
        self,
        market: PriceMarket,
        trainable: Iterable[str] = (),
        *,
        per_trader: Iterable[str] = (),
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
        engine: Engine = "auto",
        variance_gradient_floor: float = 0.0,
    ) -> None:
        super().__init__()
        if engine not in ("auto", "torch", "adjoint"):
            raise ParameterError(f"engine is {engine!r}, but must be 'auto', 'torch' or 'adjoint'.")
        if dtype not in (torch.float64, torch.float32):
            raise ParameterError(f"dtype is {dtype}, but must be torch.float64 or torch.float32.")
        if not isinstance(variance_gradient_floor, (int, float)) or not 0 <= variance_gradient_floor < float("inf"):
            raise ParameterError(
                f"variance_gradient_floor is {variance_gradient_floor!r}, but must be a number of at least 0."
            )
        self.market, self.engine, self.variance_gradient_floor = market, engine, float(variance_gradient_floor)
        self.trainable = TrainableParameters(market, trainable, per_trader=per_trader, device=device)
        # Follows .to(...), so that it always says where and how the twin simulates.
        self.register_buffer("place", torch.zeros((), dtype=dtype, device=device), persistent=False)

    def forward(self, noise: Tensor) -> Tensor:
        """Prices, shape (n_paths, n_steps + 1), from standard normals of shape (n_steps, draws_per_step, n_paths).

        Numbers that are not finite are returned as they are; ``torch.isfinite(prices).all()`` finds them.

        Raises
        ------
        ParameterError
            Where the noise has another shape, precision or device than the twin, or the engine cannot work there.
        """
        if noise.ndim != 3 or noise.shape[1] != self.market.draws_per_step or 0 in noise.shape:
            raise ParameterError(
                f"The noise has shape {tuple(noise.shape)}, but must have shape (n_steps, "
                f"{self.market.draws_per_step}, n_paths) with at least one step and path; the method draw gives it."
            )
        if noise.dtype != self.place.dtype or noise.device != self.place.device:
            raise ParameterError(
                f"The noise is {noise.dtype} on {noise.device}, but the twin is {self.place.dtype} on "
                f"{self.place.device}; bring one to the other with .to(...)."
            )
        on_cpu = noise.device.type == "cpu"
        if self.engine == "adjoint" and not on_cpu:
            raise ParameterError(f"The engine 'adjoint' runs on a CPU, but the twin is on {noise.device}; use 'torch'.")
        prices = adjoint_prices if self.engine == "adjoint" or (self.engine == "auto" and on_cpu) else eager_prices
        return prices(self.market, self.trainable.values(), noise, variance_gradient_floor=self.variance_gradient_floor)

    def draw(self, seed: int, first_path: int, n_paths: int, n_steps: int) -> Tensor:
        """The noise that `simcal.simulate` uses for these paths, shape (n_steps, draws_per_step, n_paths)."""
        streams = self.market.draws_per_step
        check_seed(seed)
        check_range(first_path, n_paths, 1, n_steps)
        if self.place.device.type == "cpu":
            noise = torch.empty((n_steps, streams, n_paths), dtype=self.place.dtype)
            fill_normals(noise.numpy(), seed, first_path, 1, threads=torch.get_num_threads())
            return noise
        dtype = str(self.place.dtype).removeprefix("torch.")
        return normals_torch(seed, first_path, n_paths, 1, n_steps, streams, dtype=dtype, device=self.place.device)

    def simulate(self, seed: int, first_path: int, n_paths: int, n_steps: int) -> Tensor:
        """Prices of `n_paths` paths from `first_path` on, shape (n_paths, n_steps + 1), with gradients."""
        return self(self.draw(seed, first_path, n_paths, n_steps))

    def to_market(self) -> PriceMarket:
        """The market at the present values of the trainable parameters."""
        return self.trainable.to_market()  # type: ignore[return-value]
