"""The default stylised facts, each with its name, label, function, number and unit.

No fact is a truth about all markets (Ratliff-Crain et al. 2025 find 8 of Cont's 11 in the Dow 30): each is
optional, chosen by name, and its target is measured on the series at hand. More facts are in `optional.py`.
"""

from functools import partial

from simcal.facts.asymmetry import coarse_fine_asymmetry, leverage
from simcal.facts.dependence import (
    autocorrelation,
    largest_autocorrelation,
    robust_box,
    smoothed_autocorrelation,
    variance_ratio,
)
from simcal.facts.fact import Fact, average, of_absolute, of_square, percent
from simcal.facts.memory import decay_exponent, dfa, gph, local_whittle
from simcal.facts.moments import (
    exceedance_fano,
    excess_kurtosis,
    max_drawdown,
    mean,
    mean_absolute,
    skewness,
    standard_deviation,
    tail_probability,
)
from simcal.facts.optional import OPTIONAL
from simcal.facts.tails import hill
from simcal.facts.volume import volume_correlation


def _clustering(lag: int) -> Fact:
    """Smoothed as in Franke and Westerhoff."""
    steps = "1 step" if lag == 1 else f"{lag} steps"
    return Fact(
        f"smoothed_absolute_acf_{lag}",
        f"Autocorrelation of absolute returns, {steps} apart{' (smoothed)' if lag > 1 else ''}",
        of_absolute(smoothed_autocorrelation, lag),
        5,
        long_memory=lag >= 25,
    )


_beyond_3 = percent(tail_probability, threshold=3.0)
_beyond_5 = percent(tail_probability, threshold=5.0)

DEFAULT = (
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
    Fact(
        "decay_exponent",
        "Exponent of the decay of the autocorrelation of absolute returns",
        of_absolute(decay_exponent),
        6,
        long_memory=True,
    ),
    Fact("memory_gph", "Memory of absolute returns (log-periodogram)", of_absolute(gph), 6, long_memory=True),
    Fact(
        "memory_whittle", "Memory of absolute returns (local Whittle)", of_absolute(local_whittle), 6, long_memory=True
    ),
    Fact("memory_whittle_returns", "Memory of returns (local Whittle)", local_whittle, 6, long_memory=True),
    Fact("dfa_absolute", "DFA exponent of absolute returns", of_absolute(dfa), 6, long_memory=True),
    Fact("dfa_returns", "DFA exponent of returns", dfa, 6, long_memory=True),
    Fact("leverage_1_10", "Leverage, mean of 1 to 10 steps after", average(leverage, range(1, 11)), 7),
    Fact("leverage_before", "Leverage, mean of 1 to 10 steps before", average(leverage, range(-10, 0)), 7),
    Fact("coarse_fine_asymmetry", "Coarse-fine asymmetry of volatility", coarse_fine_asymmetry, 8),
    Fact("skewness", "Skewness of returns", skewness, 9),
    Fact(
        "volume_correlation", "Correlation of absolute returns with volume", volume_correlation, 10, needs_volume=True
    ),
    Fact("max_drawdown", "Largest drawdown of the price", percent(max_drawdown), 12, "%", long_memory=True),
    Fact("shock_clustering_3", "Fano factor of returns beyond 3 deviations", exceedance_fano, 12, long_memory=True),
)

#: every fact by its name
FACTS: dict[str, Fact] = {fact.name: fact for fact in (*DEFAULT, *OPTIONAL)}

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
