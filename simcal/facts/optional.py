"""The stylised facts that are not in the default list: redundant, fragile or slow, and there to be chosen."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from simcal.facts.arrays import Array, as_array
from simcal.facts.asymmetry import coarse_fine, coarse_fine_asymmetry, leverage, leverage_correlation, leverage_fit
from simcal.facts.dependence import autocorrelation, ljung_box
from simcal.facts.fact import Fact, average, of_absolute
from simcal.facts.garch import garch_persistence, garch_residual_kurtosis, gjr_asymmetry, gjr_degrees_of_freedom
from simcal.facts.memory import last_significant_lag
from simcal.facts.moments import exceedance_fano, excess_kurtosis, mean_t
from simcal.facts.passage import gain_loss
from simcal.facts.tails import hill
from simcal.facts.volume import volume_rank_correlation


def _log_kurtosis(r: Array) -> Array:
    r, xp = as_array(r)
    return xp.log(excess_kurtosis(r) + 3)


def _fitted(part: int) -> Callable[..., Any]:
    return lambda r: leverage_fit(r)[part]


def _plain_clustering(lag: int) -> Fact:
    label = f"Autocorrelation of absolute returns, {lag} steps apart"
    return Fact(f"absolute_acf_{lag}", label, of_absolute(autocorrelation, lag), 5, long_memory=lag >= 25)


def _passages(suffix: str, distance: str, **options: Any) -> list[Fact]:
    def statistic(attribute: str) -> Callable[..., Any]:
        return lambda r: getattr(gain_loss(r, **options), attribute)

    return [
        Fact(f"gain_mode_{suffix}", f"Most frequent time to gain {distance}", statistic("gain_mode"), 9, "steps"),
        Fact(f"loss_mode_{suffix}", f"Most frequent time to lose {distance}", statistic("loss_mode"), 9, "steps"),
        Fact(f"gain_median_{suffix}", f"Median time to gain {distance}", statistic("gain_median"), 9, "steps"),
        Fact(f"loss_median_{suffix}", f"Median time to lose {distance}", statistic("loss_median"), 9, "steps"),
        Fact(f"gain_loss_ratio_{suffix}", f"Time to gain {distance} over time to lose it", statistic("ratio"), 9),
    ]


_CHEAP = (
    Fact("mean_t", "t statistic of the mean return", mean_t, 1),
    Fact("ljung_box_20", "Ljung-Box statistic of returns, 20 lags", ljung_box, 2),
    Fact("log_kurtosis", "Logarithm of the kurtosis of returns", _log_kurtosis, 3),
    Fact("hill_2.5", "Tail index of absolute returns (Hill, largest 2.5 %)", partial(hill, fraction=0.025), 3),
    Fact("excess_kurtosis_10", "Excess kurtosis of 10-step returns", partial(excess_kurtosis, horizon=10), 4),
    Fact(
        "excess_kurtosis_63",
        "Excess kurtosis of 63-step returns",
        partial(excess_kurtosis, horizon=63),
        4,
        long_memory=True,
    ),
    *(_plain_clustering(lag) for lag in (5, 10, 25, 50, 100)),
    Fact(
        "mean_absolute_acf_1_50",
        "Mean autocorrelation of absolute returns, 1-50 steps apart",
        lambda r: average(autocorrelation, range(1, 51))(abs(r)),
        5,
        long_memory=True,
    ),
    Fact(
        "last_significant_lag",
        "Steps until absolute returns are uncorrelated",
        of_absolute(last_significant_lag),
        6,
        "steps",
        long_memory=True,
    ),
    Fact("leverage_1", "Leverage, 1 step after", partial(leverage, lags=1), 7),
    Fact("leverage_amplitude", "Amplitude of the leverage effect", _fitted(0), 7, long_memory=True),
    Fact("leverage_time", "Decay time of the leverage effect", _fitted(1), 7, "steps", long_memory=True),
    Fact(
        "leverage_correlation",
        "Correlation of returns with later squared returns, 1-10 steps",
        average(leverage_correlation, range(1, 11)),
        7,
    ),
    Fact("coarse_fine_0", "Correlation of coarse and fine volatility", partial(coarse_fine, lags=0), 8),
    Fact("coarse_fine_after", "Correlation of coarse with later fine volatility", partial(coarse_fine, lags=1), 8),
    Fact("coarse_fine_before", "Correlation of coarse with earlier fine volatility", partial(coarse_fine, lags=-1), 8),
    Fact(
        "coarse_fine_asymmetry_1_5",
        "Coarse-fine asymmetry of volatility, summed over 5 lags",
        partial(coarse_fine_asymmetry, largest=5),
        8,
        long_memory=True,
    ),
    Fact(
        "volume_rank_correlation",
        "Rank correlation of absolute returns with volume",
        volume_rank_correlation,
        10,
        needs_volume=True,
    ),
    Fact(
        "shock_clustering_5",
        "Fano factor of returns beyond 5 deviations",
        partial(exceedance_fano, threshold=5.0),
        12,
        long_memory=True,
    ),
)

_EXPENSIVE = (
    *_passages("5s", "5 standard deviations", deviations=5.0),
    *_passages("5pct", "5 %", level=0.05),
    Fact("garch_persistence", "Persistence of a GARCH(1,1)", garch_persistence, 11),
    Fact("garch_residual_kurtosis", "Excess kurtosis after a GARCH(1,1)", garch_residual_kurtosis, 11),
    Fact("gjr_asymmetry", "Asymmetry of a GJR-GARCH(1,1)-t", gjr_asymmetry, 11),
    Fact("gjr_degrees_of_freedom", "Degrees of freedom of a GJR-GARCH(1,1)-t", gjr_degrees_of_freedom, 11),
)

OPTIONAL = (
    *(replace(fact, default=False) for fact in _CHEAP),
    *(replace(fact, default=False, expensive=True, long_memory=True) for fact in _EXPENSIVE),
)
