"""The two players: traders choose rates, the discriminator chooses the dynamics of the price.

Their networks have hidden layers that all steps share and a last layer that depends on time.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from simcal.equilibrium.adversarial.settings import AdversarialSettings, Known
from simcal.equilibrium.adversarial.units import Units
from simcal.equilibrium.numerics import cleared

_INPUTS = 4
_MEMORY = 0.1  # weight of the newest batch in the mean products of features


class Generator(nn.Module):
    """The traders: marginal values u of the state, one network for all agents; rates are R of them.

    With `clearing` known a shift common to all agents makes the rates sum to zero in every state; else nothing does but
    the price.
    """

    def __init__(self, units: Units, settings: AdversarialSettings, clearing: Known, random: torch.Generator) -> None:
        super().__init__()
        self.units, self.clears = units, clearing == "known"
        self.hidden = HiddenLayers(_INPUTS, settings.generator_hidden, random).to(units.device)
        size = 2 * units.degree + self.hidden.width + (0 if self.clears else 3)
        self.last = LastLayer(units.n_steps, size, units.device)

    def hidden_features(self, psi: Tensor, w: Tensor) -> Tensor:
        """The hidden layers in units of marginal value; only differences between agents matter where rates clear."""
        values = self.hidden(self.units.inputs(psi, w)) * self.units.marginal[:, None]
        return values - values.mean(-2, keepdim=True) if self.clears else values

    def features(self, psi: Tensor, w: Tensor) -> Tensor:
        """(..., agents) and (...) -> (..., agents, n_features)."""
        parts = [self.units.linear(psi, w), self.hidden_features(psi, w)]
        if not self.clears:
            common = torch.stack([torch.ones_like(w), w, psi.sum(-1)], -1)[..., None, :]
            parts.append(common.expand(*psi.shape, 3))
        return torch.cat(parts, -1)

    def marginal(self, raw: Tensor) -> Tensor:
        """The marginal cost that the rates have."""
        return cleared(raw, self.units.problem.power) if self.clears else raw

    def rates(self, raw: Tensor) -> Tensor:
        """Rates for outputs of the network; with clearing known they sum to zero to rounding."""
        rates = self.units.rates(self.marginal(raw))
        return rates - rates.mean(-1, keepdim=True) if self.clears else rates


class Dynamics(nn.Module):
    """The price dynamics: S_0, the volatility of time and state and, where the drift is unknown, a drift.

    The part of the volatility that depends on the state is a mean over agents of one network.
    """

    def __init__(self, units: Units, settings: AdversarialSettings, drift: Known, random: torch.Generator) -> None:
        super().__init__()
        self.units, kind = units, {"dtype": torch.float64, "device": units.device}
        self.price = nn.Parameter(torch.tensor(units.problem.frictionless_price, **kind), requires_grad=False)
        self.level = nn.Parameter(torch.full((units.n_steps,), units.alpha, **kind), requires_grad=False)
        self.hidden = HiddenLayers(_INPUTS, settings.discriminator_hidden, random).to(units.device)
        self.shape = LastLayer(units.n_steps, self.hidden.width, units.device, settings.knots)
        self.drift = None if drift == "known" else LastLayer(units.n_steps, 3 + self.hidden.width, units.device)

    def features(self, psi: Tensor, w: Tensor) -> Tensor:
        """The hidden layers, averaged over agents, (..., width)."""
        if not self.hidden.width:
            return w[..., None][..., :0]
        return self.hidden(self.units.inputs(psi, w)).mean(-2)

    def volatility(self, features: Tensor, steps: slice = slice(None)) -> Tensor:
        """sigma for features (steps, paths, width), (steps, paths)."""
        level = self.level[steps, None].expand(features.shape[:-1])
        return level + self.shape(features, steps) if self.hidden.width else level

    def drift_features(self, features: Tensor, held: Tensor, w: Tensor) -> Tensor:
        """What a drift network sees: 1, W, the risk-weighted mean of the positions held and the hidden layers."""
        carried = (self.units.gamma * held).mean(-1)
        return torch.cat([torch.stack([torch.ones_like(w), w, carried], -1), features], -1)


class HiddenLayers(nn.Module):
    """tanh layers over the inputs of one agent, (..., n_inputs) -> (..., widths[-1]); float64."""

    def __init__(self, n_inputs: int, widths: tuple[int, ...], generator: torch.Generator) -> None:
        super().__init__()
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        size = n_inputs
        for depth, width in enumerate(widths):
            weight = torch.randn(size, width, generator=generator, dtype=torch.float64)
            if depth == 0:  # displacement and W matter more than what is common to all or fixed per agent
                weight[2:] *= 0.5
            else:
                weight /= size**0.5
            self.weights.append(nn.Parameter(weight))
            self.biases.append(nn.Parameter(torch.randn(width, generator=generator, dtype=torch.float64)))
            size = width
        self.width = widths[-1] if widths else 0

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.width:
            return inputs[..., :0]
        values = inputs
        for weight, bias in zip(self.weights, self.biases, strict=True):
            values = torch.tanh(values @ weight + bias)
        return values


class LastLayer(nn.Module):
    r"""Coefficients c of features for each step, (n_steps, n_features), improved by Newton steps.

    Along a functional gradient g (the derivative of an objective in the output, of the step and state) the coefficients
    move by :math:`-\eta (E[f f^\top] + \rho)^{-1} E[f g]`, with the products of features f averaged over past batches.

    Without `knots` each step has its own coefficients; else they are interpolated between that many times, which lie
    denser towards the end.
    """

    def __init__(self, n_steps: int, n_features: int, device: torch.device, knots: int | None = None) -> None:
        super().__init__()
        self.n_steps, self.n_features, hats, rows = n_steps, n_features, None, n_steps
        if knots is not None and n_features:
            rows = min(knots, n_steps)
            at = 1 - np.linspace(1, 0, rows) ** 2 if rows > 1 else np.zeros(1)
            hats = np.array([np.interp(np.linspace(0, 1, n_steps), at, row) for row in np.eye(rows)]).T
        self.hats = None if hats is None else torch.as_tensor(hats, device=device)
        self.free = nn.Parameter(torch.zeros(rows, n_features, dtype=torch.float64, device=device), requires_grad=False)
        shape = (n_steps, n_features, n_features) if hats is None else (rows * n_features,) * 2
        self.products: Tensor
        self.count: Tensor
        self.register_buffer("products", torch.zeros(shape, dtype=torch.float64, device=device))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @property
    def coefficients(self) -> Tensor:
        """(n_steps, n_features)."""
        return self.free if self.hats is None else self.hats @ self.free

    def forward(self, features: Tensor, steps: slice = slice(None)) -> Tensor:
        """(steps, ..., n_features) -> (steps, ...)."""
        chosen = self.coefficients[steps]
        flat = features.reshape(len(chosen), -1, self.n_features)
        return torch.bmm(flat, chosen[:, :, None]).reshape(features.shape[:-1])

    def move(self, features: Tensor, gradient: Tensor, length: float, ridge: float) -> None:
        """One Newton step for features (n_steps, ..., n_features) and a gradient of the same shape without the last."""
        if not self.n_features:
            return
        self.count += 1
        weight = max(1 / int(self.count), _MEMORY)
        flat = features.reshape(self.n_steps, -1, self.n_features)
        size = flat.shape[1]
        slope = torch.bmm(flat.transpose(1, 2), gradient.reshape(self.n_steps, -1, 1))[..., 0] / size
        products = torch.bmm(flat.transpose(1, 2), flat) / size
        if self.hats is not None:
            pairs = self.hats[:, :, None] * self.hats[:, None, :] / self.n_steps
            products = torch.einsum("kmn,kfg->mfng", pairs, products).reshape(self.products.shape)
            slope = (self.hats.T @ slope / self.n_steps).reshape(-1)
        self.products.mul_(1 - weight).add_(products, alpha=weight)
        squares = self.products.diagonal(dim1=-2, dim2=-1)
        squares = squares.mean(0) if self.hats is None else squares
        scale = squares.clamp_min(1e-300).rsqrt()
        matrix = self.products * scale[:, None] * scale
        matrix = matrix + ridge * torch.eye(len(scale), dtype=matrix.dtype, device=matrix.device)
        solved = torch.linalg.solve(matrix, slope * scale) * scale
        self.free -= length * solved.reshape(self.free.shape)
