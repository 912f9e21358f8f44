"""H of equation (1): what the discriminator sees of a window, by name; here those of prices.

All of them except `identity` are made of the functions of `simcal.facts`, so that what is trained on and what is
reported are the same formulas.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from array_api_compat import array_namespace, to_device

from simcal import facts
from simcal.calibration.statistic import Statistics as Statistics
from simcal.parameters import check_names

Array = Any


def log_returns(prices: Array) -> Array:
    """ln P_t - ln P_{t-1} along the last axis."""
    logs = array_namespace(prices).log(prices)
    return logs[..., 1:] - logs[..., :-1]


def _identity(prices: Array) -> Array:
    return prices[..., 1:]


_EXPERIMENT_LAGS = range(1, 11)
_EXPERIMENT_ABS_LAGS = (1, 2, 5)


def _experiment(prices: Array) -> Array:
    """Seventeen statistics that identify b, c and d of the paper's experiment."""
    xp = array_namespace(prices)
    r = log_returns(prices)
    scale = xp.stack(
        [xp.std(r, axis=-1), xp.mean(xp.abs(r), axis=-1), xp.mean(r**4, axis=-1), xp.std(prices, axis=-1)], axis=-1
    )
    return xp.concat(
        [scale, facts.autocorrelation(r, _EXPERIMENT_LAGS), facts.autocorrelation(abs(r), _EXPERIMENT_ABS_LAGS)],
        axis=-1,
    )


def _experiment_labels(length: int) -> list[str]:
    return [
        "deviation", "mean |r|", "fourth moment", "price deviation",
        *(f"C_r({lag})" for lag in _EXPERIMENT_LAGS),
        *(f"C_|r|({lag})" for lag in _EXPERIMENT_ABS_LAGS),
    ]  # fmt: skip


_CLUSTER_LAGS = (1, 5, 10, 25, 50, 100)
_YEAR = 250


def _stylised(prices: Array) -> Array:
    """Stylised facts of a whole window and of the years in it; sizes as logarithms, so that all are of order one.

    The years show what long memory looks like from near: how much the size of returns differs between them, and how
    much clustering and tail is left within one.
    """
    xp = array_namespace(prices)
    r = log_returns(prices)
    sd = xp.std(r, axis=-1)
    mean_absolute = facts.mean_absolute(r)
    n_years = r.shape[-1] // _YEAR
    years = xp.reshape(r[..., : n_years * _YEAR], (*r.shape[:-1], n_years, _YEAR))
    size_of_years = xp.log(facts.mean_absolute(years))
    columns = [
        xp.log(mean_absolute),
        xp.log(mean_absolute / sd),
        xp.log(xp.std(xp.log(prices), axis=-1) / sd),
        xp.asinh(facts.skewness(r)),
        xp.log(facts.excess_kurtosis(r) + 3),
        xp.log(facts.hill(r)),
        facts.autocorrelation(r, 1),
        xp.mean(facts.autocorrelation(r, range(2, 6)), axis=-1),
        xp.log(facts.variance_ratio(r, 21)),
        xp.asinh(xp.mean(facts.leverage(r, range(1, 11)), axis=-1) / 10),
        xp.std(size_of_years, axis=-1),
        xp.min(size_of_years, axis=-1) - xp.mean(size_of_years, axis=-1),
        xp.mean(xp.log(facts.excess_kurtosis(years) + 3), axis=-1),
    ]
    clustering = facts.smoothed_autocorrelation(xp.abs(r), _CLUSTER_LAGS)
    return xp.concat([xp.stack(columns, axis=-1), clustering], axis=-1)


def _stylised_labels(length: int) -> list[str]:
    return [
        "log mean |r|", "log mean |r| / deviation", "log price deviation / deviation", "skewness (asinh)",
        "log kurtosis", "log Hill index", "C_r(1)", "mean C_r(2..5)", "log VR(21)", "leverage (asinh)",
        "deviation of the years' log mean |r|", "calmest year's log mean |r|", "log kurtosis within years",
        *(f"C_|r|({lag})" for lag in _CLUSTER_LAGS),
    ]  # fmt: skip


def _franke_westerhoff(prices: Array) -> Array:
    """The nine moments of Franke and Westerhoff (2012), the mean absolute return in per cent."""
    xp = array_namespace(prices)
    r = log_returns(prices)
    single = [100 * facts.mean_absolute(r), facts.autocorrelation(r, 1), facts.hill(r)]
    clustering = facts.smoothed_autocorrelation(xp.abs(r), _CLUSTER_LAGS)
    return xp.concat([xp.stack(single, axis=-1), clustering], axis=-1)


def _moment_labels(length: int) -> list[str]:
    return ["mean |r| (%)", "C_r(1)", "Hill index", *(f"C_|r|({lag})" for lag in _CLUSTER_LAGS)]


_INNOVATION_LAGS = 10
_INNOVATION_POWERS = (1, 2, 3, 4, 6)


def _fit_innovations(real: Array) -> Callable[[Array], Array]:
    """The experiment's statistics and absolute moments of the innovations, those that are sizes as logarithms.

    The innovations are the errors of a linear forecast of a return by the ten before it and the price, fitted to the
    real windows by least squares. They lay bare the law of the traders' noise, which the price's own
    dynamics blur: with them the efficient standard error of private_weight falls by a fifth. Logarithms because a few
    windows with a bubble would else outweigh all others.
    """
    xp = array_namespace(real)

    def forecast_inputs(prices: Array) -> tuple[Array, Array]:
        r, logs = log_returns(prices), xp.log(prices)
        n = r.shape[-1]
        columns = [r[..., _INNOVATION_LAGS - lag : n - lag] for lag in range(1, _INNOVATION_LAGS + 1)]
        columns.append(logs[..., _INNOVATION_LAGS:n] - level)
        return xp.stack(columns, axis=-1), r[..., _INNOVATION_LAGS:]

    level = xp.mean(xp.log(real))
    inputs, target = forecast_inputs(real)
    x, y = (np.asarray(to_device(part, "cpu"), dtype=float) for part in (inputs, target))
    x, y = x.reshape(-1, x.shape[-1]), y.ravel()
    weights, *_ = np.linalg.lstsq(x, y, rcond=None)
    scale = float(np.std(y - x @ weights))
    forecast = xp.asarray(weights, dtype=real.dtype, device=real.device)

    def function(prices: Array) -> Array:
        inputs, target = forecast_inputs(prices)
        size = xp.abs(target - inputs @ forecast) / scale
        moments = xp.stack([xp.mean(size**power, axis=-1) for power in _INNOVATION_POWERS], axis=-1)
        plain = _experiment(prices)
        return xp.concat([xp.log(plain[..., :4]), plain[..., 4:], xp.log(moments)], axis=-1)

    return function


def _innovation_labels(length: int) -> list[str]:
    return [*_experiment_labels(length), *(f"innovation moment {power}" for power in _INNOVATION_POWERS)]


STATISTICS: dict[str, Statistics] = {
    s.name: s
    for s in (
        Statistics(
            "identity",
            "the prices themselves, as in the paper",
            lambda n: [f"P({t})" for t in range(1, n + 1)],
            _identity,
        ),
        Statistics(
            "experiment",
            "seventeen moments and autocorrelations of a short window",
            _experiment_labels,
            _experiment,
            shortest=12,
        ),
        Statistics(
            "stylised",
            "stylised facts of a window of some years, and of the years in it",
            _stylised_labels,
            _stylised,
            shortest=2 * _YEAR,
        ),
        Statistics(
            "franke-westerhoff",
            "the nine moments of Franke and Westerhoff, for samples of many years",
            _moment_labels,
            _franke_westerhoff,
            shortest=2 * _YEAR,
        ),
        Statistics(
            "experiment-innovations",
            "the seventeen, and moments of the errors of a linear forecast",
            _innovation_labels,
            fit=_fit_innovations,
            shortest=2 * _INNOVATION_LAGS,
        ),
        *importlib.import_module("simcal.rfq.features").rfq_statistics(),  # of requests
    )
}


def statistics(name: str) -> Statistics:
    """The statistics of that name; `ParameterError` with the nearest name where there are none."""
    check_names([name], STATISTICS, "a set of statistics")
    return STATISTICS[name]
