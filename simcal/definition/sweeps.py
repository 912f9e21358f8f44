"""A market's compiled gradient behind ``torch.autograd.Function``: prices forward, derivatives back, on a CPU."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from math import sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from simcal.definition.compiled import sweep_module
from simcal.definition.derivative import Derivative
from simcal.definition.emit_reverse import ReverseEmitter
from simcal.definition.kernel import depths_of, pack
from simcal.definition.lanes import LANES
from simcal.definition.language import Definition
from simcal.definition.program import Numbers, Program, following, numbers_of
from simcal.errors import ParameterError
from simcal.threads import run, split


class Sweeps:
    """The compiled sweeps of a market, with the terms of the parameters `trained`; use `sweeps_of`.

    They give derivatives in every real parameter, whichever are trained: so one module serves many choices of them.
    """

    def __init__(self, market: Definition, trained: frozenset[str], program: type[Program] = Program) -> None:
        self.market, self.program = market, program(market, trained)
        self.following = following(market, trained)
        real = frozenset(name for name, spec in market.SPECS.items() if not spec.integer)
        self.derivative = Derivative(self.program, real)
        self.emitter = ReverseEmitter(self.derivative)
        self.module = sweep_module(self.emitter)
        self.depths = depths_of(self.program)

    def forward(self, numbers: Numbers, noise: np.ndarray) -> tuple[Any, ...]:
        """The market's numbers, and everything that the forward sweep keeps; `prices_of` finds the prices in it."""
        n_steps, _, n_paths = noise.shape
        emitter, market = self.emitter, self.market
        p = pack(emitter, numbers, noise.dtype)
        rings = tuple(np.empty((n_steps + 1 + self.depths[s], n_paths), noise.dtype) for s in emitter.rings)
        n_kept = len(emitter.kept_states) + len(emitter.kept_nodes)
        kept = tuple(np.empty((n_steps + 1, n_paths), noise.dtype) for _ in range(n_kept))
        memories = tuple(
            np.empty((getattr(market, f"n_{group}"), n_steps + 1, n_paths), noise.dtype)
            for group, _ in emitter.group_states
        )
        self._over_blocks(self.module.forward, n_paths, p, noise, rings, kept, memories)
        return p, rings, kept, memories

    def prices_of(self, trace: tuple[Any, ...], n_steps: int) -> np.ndarray:
        """Prices (n_steps + 1, n_paths) in what `forward` returned; a view."""
        _, rings, kept, _ = trace
        emitter = self.emitter
        if "price" in emitter.rings:
            return rings[emitter.rings.index("price")][: n_steps + 1]
        if (None, "price") in emitter.kept_states:
            return kept[emitter.kept_states.index((None, "price"))]
        price = self.program.outputs["price"]
        return kept[len(emitter.kept_states) + emitter.kept_nodes.index(price)]

    def backward(
        self, numbers: Numbers, noise: np.ndarray, trace: tuple[Any, ...], gradient: np.ndarray, floor: float
    ) -> Numbers:
        """Derivatives in the parameters from those in the prices, (n_steps + 1, n_paths)."""
        p, rings, kept, memories = trace
        emitter, n_paths = self.emitter, noise.shape[2]
        blocks = -(-n_paths // LANES)
        own = [sum(n.group is None for n in emitter.targets), len(emitter.start_keys())]
        sums = [np.zeros((blocks, k)) for k in own]
        for group in emitter.groups:
            count = getattr(self.market, f"n_{group}")
            n_targets = sum(n.group == group for n in emitter.targets)
            n_states = sum(key[0] == group for key in emitter.group_states)
            sums += [np.zeros((blocks, n_targets, count)), np.zeros((blocks, n_states, count))]
        root = noise.dtype.type(sqrt(floor))
        self._over_blocks(self.module.reverse, n_paths, p, root, noise, rings, kept, memories, gradient, tuple(sums))
        return self._in_parameters([s.sum(axis=0) for s in sums], numbers)

    def _in_parameters(self, sums: list[np.ndarray], numbers: Numbers) -> Numbers:
        emitter = self.emitter
        by_coefficient: dict[Any, np.ndarray] = {}
        starts = dict(zip(emitter.start_keys(), sums[1], strict=True))
        for j, group in enumerate((None, *emitter.groups)):
            targets = [n for n in emitter.targets if n.group == group]
            by_coefficient |= dict(zip(targets, sums[2 * j], strict=True))
            if group is not None:
                keys = [key for key in emitter.group_states if key[0] == group]
                starts |= dict(zip(keys, sums[2 * j + 1], strict=True))
        by = self.derivative.in_parameters(by_coefficient, starts, numbers)
        for name, followed in self.following.items():  # it is not free, so its derivative is the followed one's too
            by[followed] = by[followed] + by[name]
        return by

    def _over_blocks(self, function: Callable[..., None], n_paths: int, *arguments: Any) -> None:
        """Share the blocks of paths among the threads; a sweep writes to its own blocks only."""
        ranges = split(-(-n_paths // LANES), torch.get_num_threads())
        run([(function, (*arguments, first, last)) for first, last in ranges])


@functools.lru_cache(maxsize=64)
def sweeps_of(market: Definition, trained: frozenset[str]) -> Sweeps:
    """The compiled sweeps of a market, kept."""
    return Sweeps(market, trained)


def adjoint_prices(
    market: Definition, values: Mapping[str, Tensor], noise: Tensor, *, variance_gradient_floor: float = 0.0
) -> Tensor:
    """Prices of a market on the given noise, differentiable in `values`.

    Parameters
    ----------
    market
        Supplies every number that is not in `values`.
    values
        Tensors by parameter: one number, or one per trader where the parameter belongs to a group.
    noise
        Standard normals, shape (n_steps, draws_per_step, n_paths), on the CPU, float32 or float64, which is the
        precision of the simulation.
    variance_gradient_floor
        The derivative of a root is taken at max(x, floor). 0 is exact; above 0 it trades a bias for the heavy tail that
        1 / root gives to the gradient of a path.

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
    sweeps = sweeps_of(market, frozenset(values))
    numbers = numbers_of(market, {name: value.detach().double().cpu().numpy() for name, value in values.items()})
    prices: Any = _Function.apply(
        sweeps, numbers, variance_gradient_floor, tuple(values), noise.contiguous(), *values.values()
    )
    return prices


class _Function(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, sweeps: Sweeps, numbers: Numbers, floor: float, names: tuple[str, ...], noise: Tensor, *values: Tensor
    ) -> Tensor:
        ctx.trace = sweeps.forward(numbers, noise.numpy())
        ctx.given, ctx.noise, ctx.names = (sweeps, numbers, floor), noise, names
        ctx.save_for_backward(*values)
        return torch.from_numpy(sweeps.prices_of(ctx.trace, noise.shape[0])).t()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        sweeps, numbers, floor = ctx.given
        rows = gradient.t().contiguous().numpy()
        by_name = sweeps.backward(numbers, ctx.noise.numpy(), ctx.trace, rows, floor)
        gradients: list[Tensor | None] = [None] * 5
        for name, value, needed in zip(ctx.names, ctx.saved_tensors, ctx.needs_input_grad[5:], strict=True):
            by = by_name[name] if value.ndim else by_name[name].sum()
            gradients.append(torch.tensor(by, dtype=value.dtype) if needed else None)
        return tuple(gradients)
