"""The paths of one iteration, and what both networks say of the states on and beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from simcal.equilibrium.adversarial.players import Dynamics, Generator
from simcal.equilibrium.adversarial.units import Units
from simcal.equilibrium.numerics import cleared
from simcal.noise import normals_torch

_CHUNK = 4  # steps whose states are looked at together: few enough for their hidden layers to stay in fast memory
_STREAM = 1  # of the noise; stream 0 is that of the paths on which solutions are measured


@dataclass(frozen=True, eq=False)
class Batch:
    """Arrays of steps first, then paths, then agents.

    `psi` (n_steps + 1, paths, agents) are deviations from the initial positions, `raw` and `rates` the generator's.
    """

    increments: Tensor
    brownian: Tensor
    psi: Tensor
    features: Tensor
    raw: Tensor
    rates: Tensor
    price_features: Tensor
    volatility: Tensor

    def held(self, units: Units) -> Tensor:
        """psi of the positions that the reward of each step counts, (n_steps, paths, agents)."""
        return self.psi[1:] if units.post_trade else self.psi[:-1]


def play(units: Units, traders: Generator, prices: Dynamics, n_paths: int, seed: int, iteration: int) -> Batch:
    """Simulate `n_paths` paths, the second half driven by the mirror image of the noise of the first."""
    half, steps = n_paths // 2, units.n_steps
    noise = normals_torch(seed, iteration * half, half, 1, steps, 2, device=units.device)[:, _STREAM]
    increments = torch.cat([noise, -noise], 1) * math.sqrt(units.step)
    brownian = torch.cat([torch.zeros_like(increments[:1]), increments.cumsum(0)])
    psi = torch.zeros(steps + 1, n_paths, units.n_agents, dtype=torch.float64, device=units.device)
    features, raw, rates = [], [], []
    for k, coefficients in enumerate(traders.last.coefficients):
        features.append(traders.features(psi[k], brownian[k]))
        raw.append(features[-1] @ coefficients)
        rates.append(traders.rates(raw[-1]))
        psi[k + 1] = psi[k] + rates[-1] * units.step
    seen = prices.features(psi[:-1], brownian[:-1])
    return Batch(
        increments, brownian, psi, torch.stack(features), torch.stack(raw), torch.stack(rates), seen,
        prices.volatility(seen),
    )  # fmt: skip


def risk(units: Units, volatility: Tensor, psi: Tensor, w: Tensor) -> Tensor:
    """gamma sigma (sigma phi + xi W): what holding one more share costs each agent per unit of time."""
    sigma = volatility[..., None]
    return units.gamma * sigma * (sigma * (psi + units.start) + units.xi * w[..., None])


def values_before(units: Units, raw: Tensor, volatility: Tensor, psi: Tensor, w: Tensor) -> Tensor:
    """Y_k of each agent before step k: what holding one more share is worth in all of the future.

    The drift of step k is that with which the rates of these values sum to zero.
    """
    values = raw if units.post_trade else raw - risk(units, volatility, psi, w) * units.step
    return cleared(values, units.problem.power)


@dataclass(frozen=True, eq=False)
class Surprises:
    r"""Martingale increments that explain most of what is random in the agents' values and in the price.

    They are :math:`\zeta_k \Delta W + \eta_k (\Delta W^2 - \Delta)`; their mean is zero whatever the coefficients,
    which are differences of the networks at the nodes :math:`W_k, W_k \pm \sqrt{3 \Delta}` of the next step.
    """

    values: Tensor  # (n_steps, paths, agents)
    price: Tensor  # (n_steps, paths), second order only: the first is the discriminator's volatility


def surprises(
    units: Units, traders: Generator, prices: Dynamics, batch: Batch, penalty: Tensor | float = 0.0
) -> Surprises:
    """One step ahead of every state of the batch; nothing is left to be known after the last.

    With a `penalty` (per agent) on squared rates the values are those of agents who pay it.
    """
    reach = math.sqrt(3 * units.step)
    values, price = torch.zeros_like(batch.rates), torch.zeros_like(batch.increments)
    for first in range(1, units.n_steps, _CHUNK):
        later = slice(first, min(first + _CHUNK, units.n_steps))
        now = slice(later.start - 1, later.stop - 1)
        psi, around, volatilities = batch.psi[later], [], []
        for shift in (-reach, 0.0, reach):
            w = batch.brownian[now] + shift
            volatility = prices.volatility(prices.features(psi, w), later)
            raw = traders.last(traders.features(psi, w), later)
            if isinstance(penalty, Tensor):
                raw = traders.marginal(raw) + 2 * penalty * traders.rates(raw)
            around.append(values_before(units, raw, volatility, psi, w))
            volatilities.append(volatility)
        dw = batch.increments[now]
        second = dw**2 - units.step
        slope = (around[2] - around[0]) / (2 * reach)
        bend = (around[2] - 2 * around[1] + around[0]) / (2 * reach**2)
        values[now] = slope * dw[..., None] + bend * second[..., None]
        price[now] = (volatilities[2] - volatilities[0]) / (4 * reach) * second
    return Surprises(values, price)
