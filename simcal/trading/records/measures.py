"""Measures of a track record, one number per path: return, risk, their ratios, tails and shape.

Functions take arrays (..., n_steps) and give (...,). What is not defined is NaN and never a warning: deviations and
ratios of a single step, ratios to a risk of zero (a strategy that never trades has no Sharpe ratio), moments of a
constant. `simcal.trading.bands` leaves such paths out of a mean; `distribution` counts them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from simcal.facts import excess_kurtosis, skewness
from simcal.trading.bands import check_level, expected_shortfall, value_at_risk
from simcal.trading.records.drawdowns import drawdown_length, longest_underwater, max_drawdown
from simcal.trading.records.record import TrackRecord

_ROUNDING = 4 * np.finfo(float).eps


def constant(values: np.ndarray) -> np.ndarray:
    """Where all values over time are the same but for rounding, (...,)."""
    low, high = values.min(axis=-1), values.max(axis=-1)
    return high - low <= _ROUNDING * np.maximum(np.abs(low), np.abs(high))


def annualised_return(returns: np.ndarray, periods_per_year: float, compounded: bool = False) -> np.ndarray:
    """Mean return * periods_per_year; compounded: the yearly growth, prod(1 + r)^(periods_per_year / n) - 1."""
    if compounded:
        return np.prod(1 + returns, axis=-1) ** (periods_per_year / returns.shape[-1]) - 1
    return returns.mean(axis=-1) * periods_per_year


def volatility(returns: np.ndarray, periods_per_year: float) -> np.ndarray:
    """Standard deviation (divisor n - 1) * sqrt(periods_per_year); 0 for a constant, NaN for a single step."""
    if returns.shape[-1] < 2:
        return np.full(returns.shape[:-1], np.nan)
    deviation = np.where(constant(returns), 0.0, returns.std(axis=-1, ddof=1))
    return deviation * np.sqrt(periods_per_year)


def sharpe_ratio(excess: np.ndarray, periods_per_year: float) -> np.ndarray:
    """Mean / standard deviation (divisor n - 1) * sqrt(periods_per_year) of returns less the risk-free one.

    With periods_per_year = 1 the ratio of a step. NaN without volatility, for a single step also.

    W. F. Sharpe, "The Sharpe ratio", Journal of Portfolio Management 21(1), 1994.
    """
    return _ratio(annualised_return(excess, periods_per_year), volatility(excess, periods_per_year))


def sortino_ratio(excess: np.ndarray, periods_per_year: float) -> np.ndarray:
    """Mean / downside deviation * sqrt(periods_per_year); the deviation is sqrt(mean(min(excess, 0)^2)) over all steps.

    NaN where no step falls below the risk-free return.

    F. A. Sortino and R. van der Meer, "Downside risk", Journal of Portfolio Management 17(4), 1991.
    """
    downside = np.sqrt((np.minimum(excess, 0) ** 2).mean(axis=-1))
    return _ratio(excess.mean(axis=-1), downside) * np.sqrt(periods_per_year)


def hit_rate(pnl: np.ndarray) -> np.ndarray:
    """Steps with a gain / steps with a gain or a loss; steps without either do not count. NaN without any that does."""
    won, lost = (pnl > 0).sum(axis=-1), (pnl < 0).sum(axis=-1)
    return _ratio(won.astype(float), (won + lost).astype(float))


def path_measures(record: TrackRecord, risk_level: float = 0.95) -> pd.DataFrame:
    """A row per path; money in the unit of the P&L, the rest are shares, ratios and steps.

    Columns
    -------
    total_pnl
        Sum of the P&L.
    annualised_return, volatility, sharpe, sortino, hit_rate
        See the functions of these names.
    max_drawdown
        Money: the largest fall of wealth from a peak, the start included.
    max_drawdown_share
        Of the fixed capital; in a compounded record of the peak, whose worst fall may be another one.
    drawdown_length
        Steps from the peak to the trough of `max_drawdown_share`.
    longest_underwater
        The most steps in a row below an earlier wealth.
    calmar
        annualised_return / max_drawdown_share; NaN without a drawdown.
    turnover
        Money traded a year / capital, both sides counted; only where the record knows what was traded.
    value_at_risk
        The loss of a step, as a return, that the share `risk_level` of the steps does not exceed: an interpolated
        quantile; negative where even that step gains.
    expected_shortfall
        The mean loss in the worst share 1 - `risk_level` of the steps, a step at its edge counted in part
        (C. Acerbi and D. Tasche, Journal of Banking and Finance 26, 2002).
    skewness, excess_kurtosis
        Of the returns, with divisor n; the kurtosis less 3. NaN for a constant.
    """
    check_level("risk_level", risk_level)
    returns, wealth, per_year = record.returns, record.wealth, record.periods_per_year
    annual = annualised_return(returns, per_year, record.compounded)
    fall = max_drawdown(wealth)
    share = max_drawdown(wealth, relative=True) if record.compounded else fall / record.capital
    flat = constant(returns)
    table = {
        "total_pnl": record.pnl.sum(axis=1),
        "annualised_return": annual,
        "volatility": volatility(returns, per_year),
        "sharpe": sharpe_ratio(record.excess, per_year),
        "sortino": sortino_ratio(record.excess, per_year),
        "max_drawdown": fall,
        "max_drawdown_share": share,
        "drawdown_length": drawdown_length(wealth, relative=record.compounded),
        "longest_underwater": longest_underwater(wealth),
        "calmar": _ratio(annual, share),
        "value_at_risk": value_at_risk(risk_level)(returns),
        "expected_shortfall": expected_shortfall(risk_level)(returns),
        "hit_rate": hit_rate(record.pnl),
        "skewness": np.where(flat, np.nan, skewness(returns)),
        "excess_kurtosis": np.where(flat, np.nan, excess_kurtosis(returns) if record.n_steps > 1 else np.nan),
    }
    if record.traded is not None:
        table["turnover"] = record.traded.sum(axis=1) / record.capital / record.years
    return pd.DataFrame(table)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Numerator / denominator, NaN where the denominator is 0 or not known."""
    known = np.asarray(denominator) > 0
    return np.where(known, numerator / np.where(known, denominator, 1.0), np.nan)
