"""Every stylised fact with its name, label, function, number and unit.

No fact is a truth about all markets (Ratliff-Crain et al. 2025 find 8 of Cont's 11 in the Dow 30): each is
optional, chosen by name, and its target is measured on the series at hand.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from simcal.facts.arrays import Array, as_array
from simcal.facts.asymmetry import coarse_fine, coarse_fine_asymmetry, leverage, leverage_correlation, leverage_fit
from simcal.facts.dependence import (
    autocorrelation,
    largest_autocorrelation,
    ljung_box,
    robust_box,
    smoothed_autocorrelation,
    variance_ratio,
)
from simcal.facts.fact import Fact, average, of_absolute, of_square, percent
from simcal.facts.garch import garch_persistence, garch_residual_kurtosis, gjr_asymmetry, gjr_degrees_of_freedom
from simcal.facts.memory import decay_exponent, dfa, gph, last_significant_lag, local_whittle
from simcal.facts.moments import (
    exceedance_fano,
    excess_kurtosis,
    hill,
    max_drawdown,
    mean,
    mean_absolute,
    mean_t,
    skewness,
    standard_deviation,
    tail_probability,
)
from simcal.facts.one_path import gain_loss, volume_correlation, volume_rank_correlation


def _marked(*facts: Fact, **marks: bool) -> list[Fact]:
    return [replace(fact, **marks) for fact in facts]


def _clustering(lag: int, smoothed: bool = True) -> Fact:
    """Autocorrelation of |r|, smoothed as in Franke and Westerhoff or plain."""
    label = f"Autocorrelation of absolute returns, {'1 step' if lag == 1 else f'{lag} steps'} apart"
    label += " (smoothed)" if smoothed and lag > 1 else ""
    name = f"{'smoothed_' if smoothed else ''}absolute_acf_{lag}"
    function = smoothed_autocorrelation if smoothed else autocorrelation
    return Fact(name, label, of_absolute(function, lag), 5, long_memory=lag >= 25)


def _log_kurtosis(r: Array) -> Array:
    r, xp = as_array(r)
    return xp.log(excess_kurtosis(r) + 3)


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


_beyond_3 = percent(tail_probability, threshold=3.0)
_beyond_5 = percent(tail_probability, threshold=5.0)
_mean_clustering = of_absolute(average(autocorrelation, range(1, 51)))

_DEFAULT = (
    Fact("mean", "Mean return", percent(mean), 1, "%"),
    Fact("standard_deviation", "Standard deviation of returns", percent(standard_deviation), 1, "%"),
    Fact("mean_absolute", "Mean absolute return", percent(mean_absolute), 1, "%"),
    Fact("acf_1", "Autocorrelation of returns, 1 step apart", partial(autocorrelation, lags=1), 2),
    Fact("largest_acf_2_20", "Largest |autocorrelation| of returns, 2-20 steps apart", largest_autocorrelation, 2),
    Fact("robust_box_20", "Portmanteau of returns, robust to clustering, 20 lags", robust_box, 2),
    Fact("variance_ratio_5", "Variance ratio of returns at 5 steps", partial(variance_ratio, horizon=5), 2),
    Fact("variance_ratio_21", "Variance ratio of returns at 21 steps", partial(variance_ratio, horizon=21), 2),
    Fact("excess_kurtosis", "Excess kurtosis of returns", excess_kurtosis, 3),
    Fact("hill_5", "Tail index of absolute returns (Hill, largest 5 %)", hill, 3),
    Fact("hill_left", "Tail index of losses (Hill, largest 5 %)", partial(hill, tail="left"), 3),
    Fact("hill_right", "Tail index of gains (Hill, largest 5 %)", partial(hill, tail="right"), 3),
    Fact("beyond_3", "Share of returns beyond 3 standard deviations", _beyond_3, 3, "%"),
    Fact("beyond_5", "Share of returns beyond 5 standard deviations", _beyond_5, 3, "%"),
    Fact("excess_kurtosis_5", "Excess kurtosis of 5-step returns", partial(excess_kurtosis, horizon=5), 4),
    Fact("excess_kurtosis_21", "Excess kurtosis of 21-step returns", partial(excess_kurtosis, horizon=21), 4),
    *(_clustering(lag) for lag in (1, 5, 10, 25, 50, 100)),
    Fact("square_acf_1", "Autocorrelation of squared returns, 1 step apart", of_square(autocorrelation, 1), 5),
    Fact("square_acf_10", "Autocorrelation of squared returns, 10 steps apart", of_square(autocorrelation, 10), 5),
    *_marked(
        Fact(
            "decay_exponent",
            "Exponent of the decay of the autocorrelation of absolute returns",
            of_absolute(decay_exponent),
            6,
        ),
        Fact("memory_gph", "Memory of absolute returns (log-periodogram)", of_absolute(gph), 6),
        Fact("memory_whittle", "Memory of absolute returns (local Whittle)", of_absolute(local_whittle), 6),
        Fact("memory_whittle_returns", "Memory of returns (local Whittle)", local_whittle, 6),
        Fact("dfa_absolute", "DFA exponent of absolute returns", of_absolute(dfa), 6),
        Fact("dfa_returns", "DFA exponent of returns", dfa, 6),
        long_memory=True,
    ),
    Fact("leverage_1_10", "Leverage, mean of 1 to 10 steps after", average(leverage, range(1, 11)), 7),
    Fact("leverage_before", "Leverage, mean of 1 to 10 steps before", average(leverage, range(-10, 0)), 7),
    Fact("coarse_fine_asymmetry", "Coarse-fine asymmetry of volatility", coarse_fine_asymmetry, 8),
    Fact("skewness", "Skewness of returns", skewness, 9),
    *_marked(
        Fact("volume_correlation", "Correlation of absolute returns with volume", volume_correlation, 10),
        needs_volume=True,
    ),
    *_marked(
        Fact("max_drawdown", "Largest drawdown of the price", percent(max_drawdown), 12, "%"),
        Fact("shock_clustering_3", "Fano factor of returns beyond 3 deviations", exceedance_fano, 12),
        long_memory=True,
    ),
)

# Redundant or fragile, and there to be chosen.
_OPTIONAL = (
    Fact("mean_t", "t statistic of the mean return", mean_t, 1),
    Fact("ljung_box_20", "Ljung-Box statistic of returns, 20 lags", ljung_box, 2),
    Fact("log_kurtosis", "Logarithm of the kurtosis of returns", _log_kurtosis, 3),
    Fact("hill_2.5", "Tail index of absolute returns (Hill, largest 2.5 %)", partial(hill, fraction=0.025), 3),
    Fact("excess_kurtosis_10", "Excess kurtosis of 10-step returns", partial(excess_kurtosis, horizon=10), 4),
    *_marked(
        Fact("excess_kurtosis_63", "Excess kurtosis of 63-step returns", partial(excess_kurtosis, horizon=63), 4),
        long_memory=True,
    ),
    *(_clustering(lag, smoothed=False) for lag in (5, 10, 25, 50, 100)),
    *_marked(
        Fact(
            "mean_absolute_acf_1_50",
            "Mean autocorrelation of absolute returns, 1-50 steps apart",
            _mean_clustering,
            5,
        ),
        Fact(
            "last_significant_lag",
            "Steps until absolute returns are uncorrelated",
            of_absolute(last_significant_lag),
            6,
            "steps",
        ),
        long_memory=True,
    ),
    Fact("leverage_1", "Leverage, 1 step after", partial(leverage, lags=1), 7),
    *_marked(
        Fact("leverage_amplitude", "Amplitude of the leverage effect", lambda r: leverage_fit(r)[0], 7),
        Fact("leverage_time", "Decay time of the leverage effect", lambda r: leverage_fit(r)[1], 7, "steps"),
        long_memory=True,
    ),
    Fact(
        "leverage_correlation",
        "Correlation of returns with later squared returns, 1-10 steps",
        average(leverage_correlation, range(1, 11)),
        7,
    ),
    Fact("coarse_fine_0", "Correlation of coarse and fine volatility", partial(coarse_fine, lags=0), 8),
    Fact("coarse_fine_after", "Correlation of coarse with later fine volatility", partial(coarse_fine, lags=1), 8),
    Fact("coarse_fine_before", "Correlation of coarse with earlier fine volatility", partial(coarse_fine, lags=-1), 8),
    *_marked(
        Fact(
            "coarse_fine_asymmetry_1_5",
            "Coarse-fine asymmetry of volatility, summed over 5 lags",
            partial(coarse_fine_asymmetry, largest=5),
            8,
        ),
        long_memory=True,
    ),
    *_marked(
        Fact(
            "volume_rank_correlation",
            "Rank correlation of absolute returns with volume",
            volume_rank_correlation,
            10,
        ),
        needs_volume=True,
    ),
    *_marked(
        Fact(
            "shock_clustering_5",
            "Fano factor of returns beyond 5 deviations",
            partial(exceedance_fano, threshold=5.0),
            12,
        ),
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

#: every fact by its name
FACTS: dict[str, Fact] = {
    fact.name: fact
    for fact in (
        *_DEFAULT,
        *_marked(*_OPTIONAL, default=False),
        *_marked(*_EXPENSIVE, default=False, expensive=True, long_memory=True),
    )
}

#: the nine moments of Franke and Westerhoff, Journal of Economic Dynamics and Control 36 (2012)
FRANKE_WESTERHOFF: tuple[str, ...] = (
    "mean_absolute",
    "acf_1",
    *(f"smoothed_absolute_acf_{lag}" for lag in (1, 5, 10, 25, 50, 100)),
    "hill_5",
)

#: what the classifiers of the ladder see of a window
LADDER_FEATURES: tuple[str, ...] = (
    *FRANKE_WESTERHOFF,
    "log_kurtosis",
    "leverage_1_10",
    "coarse_fine_asymmetry",
)
