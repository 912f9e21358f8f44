"""The stock market's numbers in the form that the compiled loops use: one place from parameters to coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from simcal.models.fundamental.coefficients import fundamental_fields
from simcal.models.stock.market import StockMarket
from simcal.models.stock.specs import SPECS, SWITCHING

# Everything that the price of the smoothed market depends on smoothly.
DIFFERENTIABLE = tuple(name for name, spec in SPECS.items() if not spec.integer and name != "trend_threshold")

Numbers = dict[str, np.ndarray]


class Coefficients(NamedTuple):
    """The market's numbers as the loops use them: arrays and scalars of one floating type, windows int64."""

    public: np.ndarray  # b sigma_f, (N1,)
    private: np.ndarray  # c sigma_p, (N1,)
    short: np.ndarray  # l1, (N2,)
    long: np.ndarray  # l2, (N2,)
    trend: np.ndarray  # d, (N2,); 1 for the hard rule
    threshold: np.ndarray  # gamma, (N2,)
    value: np.ndarray  # k, (N3,); 1 for the hard rule
    observation_sd: np.ndarray  # sigma_F, (N3,)
    impact: np.floating  # rho / N
    initial_price: np.floating
    mean: np.floating  # mu1
    reversion: np.floating  # v1
    start: np.floating  # P*(0)
    variance_mean: np.floating  # mu2
    variance_reversion: np.floating  # v2
    variance_start: np.floating  # sigma(0)
    vol_of_vol: np.floating  # xi
    correlation: np.floating
    orthogonal: np.floating  # sqrt(1 - correlation^2)
    switching: bool
    intensity: np.floating  # 1
    predisposition: np.floating
    herding: np.floating
    misalignment: np.floating
    tilt: np.floating
    attraction: np.floating  # 0


def numbers_of(market: StockMarket, given: Mapping[str, np.ndarray] | None = None) -> Numbers:
    """Every parameter in `DIFFERENTIABLE` as a float64 array, one value per trader where it has a group.

    What is `given` takes the place of the market's value and is not checked: it may be NaN, and then the prices are.
    """
    given, numbers = given or {}, {}
    for name in DIFFERENTIABLE:
        value, group = given.get(name, getattr(market, name)), SPECS[name].group
        if value is not None:  # of the variance's start, which follows its mean
            array = np.asarray(value, dtype=np.float64)
            numbers[name] = np.full(getattr(market, group), array) if group else array
    numbers.setdefault("variance_start", numbers["variance_mean"])
    return numbers


def coefficients(market: StockMarket, numbers: Numbers, dtype: Any, *, switching: bool = False) -> Coefficients:
    """The coefficients in float64 or float32, from the result of `numbers_of` for this market.

    With `switching` traders switch even where they are told to stay even, for the sake of derivatives.
    """
    real, hard = np.dtype(dtype).type, market.rule == "hard"
    trend, value = numbers["trend_sensitivity"], numbers["value_sensitivity"]
    return Coefficients(
        public=(numbers["public_weight"] * numbers["public_sd"]).astype(dtype),
        private=(numbers["private_weight"] * numbers["private_sd"]).astype(dtype),
        short=market.vector("short_window").astype(np.int64),
        long=market.vector("long_window").astype(np.int64),
        trend=(np.ones_like(trend) if hard else trend).astype(dtype),
        threshold=market.vector("trend_threshold").astype(dtype),
        value=(np.ones_like(value) if hard else value).astype(dtype),
        observation_sd=numbers["observation_sd"].astype(dtype),
        impact=real(numbers["impact"] / market.n_traders),
        initial_price=real(numbers["initial_price"]),
        **fundamental_fields(numbers, dtype),
        switching=switching or any(numbers[name] != 0 for name in SWITCHING),
        intensity=real(1),
        predisposition=real(numbers["predisposition"]),
        herding=real(numbers["herding"]),
        misalignment=real(numbers["misalignment"]),
        tilt=real(numbers["misalignment_tilt"]),
        attraction=real(0),
    )
