"""The herding market's numbers in the form that the compiled loops use: one place from parameters to coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from simcal.models.fundamental.coefficients import fundamental_fields
from simcal.models.herding.market import HerdingMarket
from simcal.models.herding.shapes import Shape, shape
from simcal.models.herding.specs import SPECS, STARTS_AT_MEAN
from simcal.models.sweeps import Numbers

DIFFERENTIABLE = tuple(SPECS)  # everything


class Coefficients(NamedTuple):
    """The market's numbers as the loops use them: scalars of one floating type. Logs are relative to P(0)."""

    initial_price: np.floating
    impact: np.floating
    value_sensitivity: np.floating
    trend_sensitivity: np.floating
    fundamental_sd: np.floating
    chartist_sd: np.floating
    intensity: np.floating
    predisposition: np.floating
    herding: np.floating
    misalignment: np.floating
    tilt: np.floating
    attraction: np.floating
    memory: np.floating
    fresh: np.floating  # 1 - omega
    response: np.floating
    fundamental_shape: Shape
    chartist_shape: Shape
    growth: np.floating
    half: np.floating
    balance: np.floating  # n_f - n_c at the first step
    moving: bool  # whether the fundamental value moves
    mean: np.floating  # log mu1
    reversion: np.floating  # v1
    start: np.floating  # p*(0)
    variance_mean: np.floating  # mu2
    variance_reversion: np.floating  # v2
    variance_start: np.floating  # sigma(0)
    vol_of_vol: np.floating  # xi
    correlation: np.floating
    orthogonal: np.floating  # sqrt(1 - correlation^2)


def numbers_of(market: HerdingMarket, given: Mapping[str, np.ndarray] | None = None) -> Numbers:
    """Every parameter as a float64 array without dimensions.

    What is `given` takes the place of the market's value and is not checked: it may be NaN, and then the prices are.
    """
    given, numbers = given or {}, {}
    for name in DIFFERENTIABLE:
        value = given.get(name, getattr(market, name))
        if value is not None:  # of a start, which follows its mean
            numbers[name] = np.asarray(value, dtype=np.float64)
    for start, mean in STARTS_AT_MEAN.items():
        numbers.setdefault(start, numbers[mean])
    return numbers


def coefficients(market: HerdingMarket, numbers: Numbers, dtype: Any) -> Coefficients:
    """The coefficients in float64 or float32, from the result of `numbers_of` for this market."""
    real, n = np.dtype(dtype).type, numbers
    logs = {k: np.log(n[k] / n["initial_price"]) for k in ("fundamental_mean", "fundamental_start")}
    return Coefficients(
        initial_price=real(n["initial_price"]),
        impact=real(n["impact"]),
        value_sensitivity=real(n["value_sensitivity"]),
        trend_sensitivity=real(n["trend_sensitivity"]),
        fundamental_sd=real(n["fundamental_sd"]),
        chartist_sd=real(n["chartist_sd"]),
        intensity=real(n["choice_intensity"]),
        predisposition=real(n["predisposition"]),
        herding=real(n["herding"]),
        misalignment=real(n["misalignment"]),
        tilt=real(n["misalignment_tilt"]),
        attraction=real(n["trend_attraction"]),
        memory=real(n["trend_memory"]),
        fresh=real(1 - n["trend_memory"]),
        response=real(n["fall_response"]),
        fundamental_shape=Shape(*map(real, shape(n["fundamental_tail"], 0.0))),
        chartist_shape=Shape(*map(real, shape(n["chartist_tail"], n["chartist_skew"]))),
        growth=real(n["growth"]),
        half=real(0.5),
        balance=real(2 * n["share_start"] - 1),
        moving=market.moving,
        **fundamental_fields({**numbers, **logs}, dtype),
    )
