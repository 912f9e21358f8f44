"""Networks whose hidden layers all steps share and whose last layer depends on time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

_MEMORY = 0.1  # weight of the newest batch in the mean products of features


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


class LastLayer:
    r"""Coefficients c of features for each step, (n_steps, n_features), improved by Newton steps.

    Along a functional gradient g (the derivative of an objective in the output, of the step and state) the coefficients
    move by :math:`-\eta (E[f f^\top] + \rho)^{-1} E[f g]`, with the products of features f averaged over past batches.

    Without `knots` each step has its own coefficients; else they are interpolated between that many times, which lie
    denser towards the end.
    """

    def __init__(self, n_steps: int, n_features: int, device: torch.device, knots: int | None = None) -> None:
        self.n_steps, self.n_features, self.count = n_steps, n_features, 0
        self.hats: Tensor | None = None
        rows = n_steps
        if knots is not None and n_features:
            rows = min(knots, n_steps)
            at = 1 - np.linspace(1, 0, rows) ** 2 if rows > 1 else np.zeros(1)
            hats = np.array([np.interp(np.linspace(0, 1, n_steps), at, row) for row in np.eye(rows)]).T
            self.hats = torch.as_tensor(hats, device=device)
        self.free = torch.zeros(rows, n_features, dtype=torch.float64, device=device)
        shape = (n_steps, n_features, n_features) if self.hats is None else (rows * n_features,) * 2
        self.products = torch.zeros(shape, dtype=torch.float64, device=device)

    @property
    def coefficients(self) -> Tensor:
        """(n_steps, n_features)."""
        return self.free if self.hats is None else self.hats @ self.free

    def __call__(self, features: Tensor, steps: slice = slice(None)) -> Tensor:
        """(steps, ..., n_features) -> (steps, ...)."""
        chosen = self.coefficients[steps]
        flat = features.reshape(len(chosen), -1, self.n_features)
        return torch.bmm(flat, chosen[:, :, None]).reshape(features.shape[:-1])

    def move(self, features: Tensor, gradient: Tensor, length: float, ridge: float) -> None:
        """One Newton step for features (n_steps, ..., n_features) and a gradient of the same shape without the last."""
        if not self.n_features:
            return
        self.count += 1
        weight = max(1 / self.count, _MEMORY)
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
