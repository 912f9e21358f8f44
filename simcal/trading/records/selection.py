"""How much of a Sharpe ratio is luck: probabilistic and deflated Sharpe ratio, minimum track record length.

All Sharpe ratios here are those of a step, not annualised (`sharpe_ratio` with periods_per_year = 1); kurtosis is in
excess of the normal law's 3. Numbers and arrays broadcast; NaN stays NaN.

D. H. Bailey and M. López de Prado, "The Sharpe ratio efficient frontier", Journal of Risk 15(2), 2012, and "The
deflated Sharpe ratio", Journal of Portfolio Management 40(5), 2014.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import ParameterError
from simcal.facts import excess_kurtosis as kurtosis_of
from simcal.facts import skewness as skewness_of
from simcal.trading.bands import check_level
from simcal.trading.records.record import constant, sharpe_ratio


def sharpe_variance(sharpe: Any, skewness: Any = 0.0, excess_kurtosis: Any = 0.0) -> Any:
    """Variance of an estimated Sharpe ratio times (n - 1), for independent returns.

    1 - g3 S + (g4 - 1)/4 S^2, with Sharpe ratio S, skewness g3 and kurtosis g4 = excess + 3. It is never negative for
    a law that exists (g4 >= 1 + g3^2), and 0 only for one with two values.

    Raises
    ------
    ParameterError
        Where no law has this skewness and kurtosis.
    """
    sharpe, third, fourth = (np.asarray(x, float) for x in (sharpe, skewness, excess_kurtosis))
    if (fourth + 2 < third**2 - 1e-9 * (1 + third**2)).any():
        raise ParameterError(
            "excess_kurtosis must be at least skewness^2 - 2, as it is for every law; was the kurtosis of another "
            "sample given, or one with 3 subtracted twice?"
        )
    return np.maximum(1 - third * sharpe + (fourth + 2) / 4 * sharpe**2, 0.0)


def probabilistic_sharpe_ratio(
    sharpe: Any, n_steps: Any, *, benchmark: Any = 0.0, skewness: Any = 0.0, excess_kurtosis: Any = 0.0
) -> Any:
    """The probability, by the normal approximation, that the true Sharpe ratio is above the benchmark.

    Phi((S - S*) sqrt(n - 1) / sqrt(`sharpe_variance`)), with n = `n_steps`. NaN where the variance is 0.
    """
    from scipy.special import ndtr

    spread = np.sqrt(sharpe_variance(sharpe, skewness, excess_kurtosis))
    known = np.where(spread > 0, spread, np.nan)
    return ndtr((np.asarray(sharpe, float) - benchmark) * np.sqrt(np.asarray(n_steps, float) - 1) / known)


def expected_max_sharpe(n_trials: float, trial_variance: Any) -> Any:
    """The Sharpe ratio to expect of the best of `n_trials` independent trials without skill; 0 for one trial.

    sqrt(V) ((1 - g) Phi^-1(1 - 1/N) + g Phi^-1(1 - 1/(N e))), g Euler's constant, V the variance of the trials' ratios
    (of a step). `n_trials` need not be whole: of dependent trials give the effective number. Asymptotic in N: against
    the exact mean of the largest of N normal numbers it is 8 % low for 2 trials, 2.5 % high for 5
    and 1 % high for 100.
    """
    from scipy.special import ndtri

    if not n_trials >= 1 or (np.asarray(trial_variance) < 0).any():
        raise ParameterError(
            f"n_trials is {n_trials} and trial_variance {trial_variance}; give at least 1 trial and a variance of at "
            "least 0."
        )
    if n_trials == 1:
        return 0.0 * np.sqrt(trial_variance)
    tail = (1 - np.euler_gamma) * -ndtri(1 / n_trials) + np.euler_gamma * -ndtri(1 / (n_trials * np.e))
    return np.sqrt(trial_variance) * max(tail, 0.0)  # below 0 for 1 to 1.3 trials


def deflated_sharpe_ratio(
    sharpe: Any,
    n_steps: Any,
    *,
    n_trials: float,
    trial_variance: Any,
    skewness: Any = 0.0,
    excess_kurtosis: Any = 0.0,
) -> Any:
    """The `probabilistic_sharpe_ratio` against the best that trials without skill would reach (`expected_max_sharpe`).

    `sharpe` is that of the trial that was selected, `trial_variance` the variance of the Sharpe ratios (of a step) of
    all trials. Above 0.95 the selection alone hardly explains it. It is no p-value: without skill it lies around 1/2,
    closer the more trials there are (the largest of many numbers varies less than one of them).
    """
    hurdle = expected_max_sharpe(n_trials, trial_variance)
    return probabilistic_sharpe_ratio(
        sharpe, n_steps, benchmark=hurdle, skewness=skewness, excess_kurtosis=excess_kurtosis
    )


def min_track_record_length(
    sharpe: Any, *, benchmark: Any = 0.0, level: float = 0.95, skewness: Any = 0.0, excess_kurtosis: Any = 0.0
) -> Any:
    """Steps after which the `probabilistic_sharpe_ratio` of this Sharpe ratio reaches `level`; not rounded.

    1 + `sharpe_variance` (Phi^-1(level) / (S - S*))^2; infinite where S is not above the benchmark.
    """
    from scipy.special import ndtri

    check_level("level", level)
    if level <= 0.5:
        raise ParameterError(f"level is {level:g}, but must be above 0.5: 0.95.")
    ahead = np.asarray(sharpe, float) - benchmark
    needed = (
        1 + sharpe_variance(sharpe, skewness, excess_kurtosis) * (ndtri(level) / np.where(ahead > 0, ahead, 1)) ** 2
    )
    return np.where(np.isnan(ahead), np.nan, np.where(ahead > 0, needed, np.inf))[()]


def deflate(
    excess: Any, *, names: Sequence[str] | None = None, n_trials: float | None = None, level: float = 0.95
) -> pd.DataFrame:
    """What selection leaves of each of several trials, a row per trial.

    Parameters
    ----------
    excess
        Returns less the risk-free one, (n_trials, n_steps): all trials that were looked at, not the good ones alone.
    names
        Of the trials, for the index.
    n_trials
        The effective number of independent trials; all rows that have a Sharpe ratio by default, which is cautious
        for trials that are alike.
    level
        Of `min_track_record_length`.

    Returns
    -------
    Columns ``sharpe`` (of a step), ``skewness``, ``excess_kurtosis``, ``probabilistic`` (against 0), ``deflated``,
    ``hurdle`` and ``min_length``; NaN for constant returns.
    """
    returns = np.asarray(excess, float)
    if returns.ndim != 2 or returns.shape[1] < 2 or not np.isfinite(returns).all():
        raise ParameterError("The trials must be finite numbers (n_trials, n_steps) with at least 2 steps.")
    sharpe, flat = sharpe_ratio(returns, 1.0), constant(returns)
    third, fourth = (np.where(flat, np.nan, f(returns)) for f in (skewness_of, kurtosis_of))
    known = sharpe[~flat]
    count = max(known.size, 1) if n_trials is None else n_trials
    hurdle = expected_max_sharpe(count, known.var(ddof=1) if known.size > 1 else 0.0)
    shape = {"skewness": third, "excess_kurtosis": fourth}
    n_steps = returns.shape[1]
    return pd.DataFrame(
        {
            "sharpe": sharpe, **shape,
            "probabilistic": probabilistic_sharpe_ratio(sharpe, n_steps, **shape),
            "deflated": probabilistic_sharpe_ratio(sharpe, n_steps, benchmark=hurdle, **shape),
            "hurdle": np.full(len(returns), float(hurdle)),
            "min_length": min_track_record_length(sharpe, level=level, **shape),
        },
        index=None if names is None else pd.Index(list(names), name="trial"),
    )  # fmt: skip
