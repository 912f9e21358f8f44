"""The herding market in PyTorch operations: any device, gradients by autograd."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from simcal.models.fundamental.eager import fundamental_path
from simcal.models.herding import rules
from simcal.models.herding.market import HerdingMarket
from simcal.models.herding.shapes import Shape, shape
from simcal.models.herding.specs import (
    STARTS_AT_MEAN,
    STREAM_CHARTIST,
    STREAM_FUNDAMENTAL,
    STREAM_VALUE,
    STREAM_VARIANCE,
)


def eager_prices(
    market: HerdingMarket, values: Mapping[str, Tensor], noise: Tensor, *, variance_gradient_floor: float = 0.0
) -> Tensor:
    """Prices of the herding market on the given noise; arguments and result as of `adjoint_prices`, on any device."""

    def number(name: str) -> Tensor:
        """A 0-d tensor; a number on the CPU goes with tensors on any device."""
        value: Any = values.get(name, getattr(market, name))
        if value is None:
            return number(STARTS_AT_MEAN[name])
        return value.to(noise.dtype) if isinstance(value, Tensor) else torch.tensor(value, dtype=noise.dtype)

    def logarithmic(name: str) -> Tensor:
        """As `number`, levels of the fundamental value as logs relative to the initial price."""
        return (number(name) / number("initial_price")).log() if name in _LEVELS else number(name)

    def used(name: str) -> bool:
        return name in values or getattr(market, name) != 0

    n_steps, _, n_paths = noise.shape
    draws, other_draws = noise[:, STREAM_FUNDAMENTAL], noise[:, STREAM_CHARTIST]
    if used("fundamental_tail"):
        draws = _shaped(draws, shape(number("fundamental_tail"), torch.zeros((), dtype=noise.dtype)))
    if used("chartist_tail") or used("chartist_skew"):
        other_draws = _shaped(other_draws, shape(number("chartist_tail"), number("chartist_skew")))
    own = (number("fundamental_sd") * draws).unbind()
    others = (number("chartist_sd") * other_draws).unbind()
    if market.moving:
        shocks = noise[:, STREAM_VALUE], noise[:, STREAM_VARIANCE]
        value = fundamental_path(logarithmic, *shocks, variance_gradient_floor).unbind()
    else:
        value = [logarithmic("fundamental_start")] * n_steps
    value_sensitivity, trend_sensitivity = number("value_sensitivity"), number("trend_sensitivity")
    attraction = [
        number(name) for name in ("predisposition", "herding", "misalignment", "misalignment_tilt", "trend_attraction")
    ]
    half_intensity, half_response = 0.5 * number("choice_intensity"), 0.5 * number("fall_response")
    impact, memory = number("impact"), number("trend_memory")
    fresh, responds, remembers = 1 - memory, used("fall_response"), used("trend_memory")
    log_price = trend = change = noise.new_zeros(n_paths)
    balance = (2 * number("share_start") - 1).to(noise.device).expand(n_paths)
    logs = [log_price]
    for t in range(n_steps):
        gap = log_price - value[t]
        chartist = others[t] - others[t] * (half_response * trend).tanh() if responds else others[t]
        chartist = trend_sensitivity * change + chartist
        fundamentalist = own[t] - value_sensitivity * gap
        demand = 0.5 * (fundamentalist + chartist) + 0.5 * balance * (fundamentalist - chartist)
        balance = (half_intensity * rules.attractiveness(balance, gap, trend, *attraction)).tanh()
        change = rules.change(impact, demand)
        trend = rules.next_trend(trend, memory, fresh, change) if remembers else change
        log_price = log_price + change
        logs.append(log_price)
    grown = number("growth") * torch.arange(n_steps + 1, dtype=noise.dtype).to(noise.device)[:, None]
    return (number("initial_price") * (torch.stack(logs) + grown).exp()).t()


_LEVELS = ("fundamental_mean", "fundamental_start")


def _shaped(normals: Tensor, by: Shape) -> Tensor:
    """Draws with the shape of a type, as `rules.shaped`."""
    square = normals * normals
    return (by.constant + by.linear * normals + by.quadratic * square) * (by.half_tail * square).exp()
