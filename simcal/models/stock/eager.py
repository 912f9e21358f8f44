"""The smoothed stock market in PyTorch operations: any device, gradients by autograd."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor

from simcal.models.stock import rules
from simcal.models.stock.market import StockMarket
from simcal.models.stock.specs import SPECS, STREAM_PUBLIC, STREAM_TRADERS, STREAM_VALUE, STREAM_VARIANCE


def eager_prices(
    market: StockMarket, values: Mapping[str, Tensor], noise: Tensor, *, variance_gradient_floor: float = 0.0
) -> Tensor:
    """Prices of the smoothed market on the given noise; arguments and result as of `adjoint_prices`, on any device."""

    def number(name: str) -> Tensor:
        """A 0-d tensor, or (count, 1) for a parameter of a group."""
        value: Any = values.get(name, getattr(market, name))
        if value is None:  # the variance starts at its mean
            return number("variance_mean")
        if SPECS[name].group is None:  # a number on the CPU goes with tensors on any device
            return value.to(noise.dtype) if isinstance(value, Tensor) else torch.tensor(value, dtype=noise.dtype)
        count = getattr(market, str(SPECS[name].group))
        return torch.as_tensor(value, dtype=noise.dtype, device=noise.device).expand(count).unsqueeze(1)

    n_steps, _, n_paths = noise.shape
    errors_from = STREAM_TRADERS + market.n_noise

    # The fundamental value and the noise traders' orders do not depend on the price.
    fundamental = _fundamental_value(number, noise, variance_gradient_floor)
    public_weight, private_weight = 0.5 * number("public_weight"), 0.5 * number("private_weight")
    public = number("public_sd") * noise[:, STREAM_PUBLIC, None]
    private = number("private_sd") * noise[:, STREAM_TRADERS:errors_from]
    noise_demand = rules.noise_signal(public_weight, public, private_weight, private).tanh().sum(1).unbind()
    views = (fundamental.unsqueeze(1) + number("observation_sd") * noise[:, errors_from:]).unbind()

    trend = noise.new_zeros((market.n_technical, n_paths))
    lags, weights = _trend_weights(market, noise)
    active = _active(market, n_steps, noise)
    half_trend = (0.5 * number("trend_sensitivity") * active).unbind()
    half_value = 0.5 * number("value_sensitivity")
    impact = number("impact") / market.n_traders
    price = number("initial_price").to(noise.device).expand(n_paths)
    history = [price]
    # Moving averages of price less P(0): differences of prices near 100 would lose digits in float32.
    base = market.initial_price
    moves = [price - base]
    for t in range(n_steps):
        orders = [half_value * (views[t] - price)] if market.n_fundamental else []
        if market.n_technical:
            trend = torch.addmm(trend, weights, torch.stack([moves[max(t - lag, 0)] for lag in lags]))
            orders.append(half_trend[t] * trend)
        demand = noise_demand[t]
        if orders:
            demand = demand + torch.cat(orders).tanh().sum(0)
        price = rules.next_price(price, impact, demand)
        history.append(price)
        moves.append(price - base)
    return torch.stack(history).t()


def _fundamental_value(number: Any, noise: Tensor, floor: float) -> Tensor:
    """P*(1..T) by equations (8) and (7), shape (n_steps, n_paths)."""
    correlation = number("leverage_correlation")
    orthogonal = (1 - correlation * correlation).clamp(min=0).sqrt()
    variance_normals = noise[:, STREAM_VARIANCE]
    value_shocks = rules.correlated(noise[:, STREAM_VALUE], variance_normals, correlation, orthogonal)
    mean, reversion = number("fundamental_mean"), number("fundamental_reversion")
    variance_mean, variance_reversion = number("variance_mean"), number("variance_reversion")
    vol_of_vol = number("vol_of_vol")
    variance = number("variance_start").to(noise.device).expand(noise.shape[2])
    value = number("fundamental_start").to(noise.device).expand(noise.shape[2])
    root_of: Any = _Root.apply
    root = root_of(variance, floor)
    path = []
    for value_shock, shock in zip(value_shocks.unbind(), variance_normals.unbind(), strict=True):
        # Operation by operation as in `rules`: near zero, a rounding of 1e-18 in sigma is one of 1e-9 in its root.
        variance = variance + variance_reversion * (variance_mean - variance) + vol_of_vol * root * shock
        root = root_of(variance, floor)
        value = value + reversion * (mean - value) + root * value_shock
        path.append(value)
    return torch.stack(path)


class _Root(torch.autograd.Function):
    """sqrt(max(sigma, 0)); its slope is zero where truncated, and 1 / (2 sqrt(floor)) at most. NaN stays NaN."""

    @staticmethod
    def forward(ctx: Any, variance: Tensor, floor: float) -> Tensor:  # type: ignore[override]
        positive = variance.clamp(min=0)
        # On a CPU torch may miss the last digit of a root, and near zero the next root makes much of it.
        root = torch.from_numpy(np.sqrt(positive.numpy())) if positive.device.type == "cpu" else positive.sqrt()
        ctx.floor = sqrt(floor)
        ctx.save_for_backward(root)
        return root

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        (root,) = ctx.saved_tensors
        return torch.where(root == 0, 0, 0.5 * gradient / root.clamp(min=ctx.floor)), None


def _trend_weights(market: StockMarket, noise: Tensor) -> tuple[list[int], Tensor]:
    """What P(t-1-lag) adds to M(t) - M(t-1), for the lags where it adds anything: weights (n_technical, n_lags)."""
    short, long = market.vector("short_window"), market.vector("long_window")
    lags = sorted({0, *short.astype(int).tolist(), *long.astype(int).tolist()})
    weights = torch.zeros((market.n_technical, len(lags)), dtype=torch.float64)
    for i, (few, many) in enumerate(zip(short, long, strict=True)):
        weights[i, 0] = 1 / few - 1 / many
        weights[i, lags.index(int(few))] = -1 / few
        weights[i, lags.index(int(many))] = 1 / many
    return lags, weights.to(noise)


def _active(market: StockMarket, n_steps: int, noise: Tensor) -> Tensor:
    """One from step t = l2 on, zero before; shape (n_steps, n_technical, 1)."""
    steps = torch.arange(1, n_steps + 1)[:, None, None]
    return (steps >= torch.as_tensor(market.vector("long_window"))[:, None]).to(noise)
