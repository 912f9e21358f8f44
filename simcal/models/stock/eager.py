"""The smoothed stock market in PyTorch operations: any device, gradients by autograd."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from simcal.models.fundamental.eager import fundamental_path
from simcal.models.stock import rules
from simcal.models.stock.market import StockMarket
from simcal.models.stock.specs import SPECS, STREAM_PUBLIC, STREAM_TRADERS, STREAM_VALUE, STREAM_VARIANCE, SWITCHING


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
    shocks = noise[:, STREAM_VALUE], noise[:, STREAM_VARIANCE]
    fundamental = fundamental_path(number, *shocks, variance_gradient_floor)
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
    switching = market.switching or any(name in values for name in SWITCHING)
    balance, pulls = noise.new_zeros(n_paths), [number(name) for name in SWITCHING]
    for t in range(n_steps):
        orders = [half_value * (views[t] - price)] if market.n_fundamental else []
        if market.n_technical:
            trend = torch.addmm(trend, weights, torch.stack([moves[max(t - lag, 0)] for lag in lags]))
            orders.append(half_trend[t] * trend)
        demand = noise_demand[t]
        if switching:
            each = torch.cat(orders).tanh() if orders else noise.new_zeros((0, n_paths))
            by_value, by_trend = each.split([market.n_fundamental, market.n_technical])
            weighted = rules.technical_weight(balance) * by_trend.sum(0)
            demand = demand + weighted + rules.fundamental_weight(balance) * by_value.sum(0)
            gap = rules.mispricing(price, fundamental[t])
            balance = (0.5 * rules.attractiveness(balance, gap, 0, *pulls, attraction=0)).tanh()
        elif orders:
            demand = demand + torch.cat(orders).tanh().sum(0)
        price = rules.next_price(price, impact, demand)
        history.append(price)
        moves.append(price - base)
    return torch.stack(history).t()


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
