"""A track record: what was earned at each step of many paths, and its measures, one number per path.

Functions take arrays (..., n_steps) and give (...,). What is not defined is NaN and never a warning: deviations and
ratios of a single step, ratios to a risk of zero (a strategy that never trades has no Sharpe ratio), moments of a
constant. `simcal.trading.bands` leaves such paths out of a mean; `distribution` counts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import ParameterError
from simcal.facts import excess_kurtosis, skewness
from simcal.trading.bands import check_level, expected_shortfall, value_at_risk

_ROUNDING = 4 * np.finfo(float).eps


@dataclass(frozen=True, eq=False)
class TrackRecord:
    """What was earned at each step of each path; made by `record_of_pnl` or `record_of_returns`.

    Parameters
    ----------
    pnl
        Money earned at each step, (n_paths, n_steps).
    returns
        The same as shares: of the fixed capital, or, where `compounded`, of the wealth before the step.
    capital
        Money at the start of each path, (n_paths,), above 0.
    periods_per_year
        Steps in a year: 252 for days.
    risk_free
        Interest a year that the same capital would earn without risk.
    compounded
        Whether gains are reinvested. Otherwise the same capital is at work at every step: profits are taken out,
        losses filled up.
    traded
        Money that changed hands at each step, abs(order) * price, (n_paths, n_steps), or None.
    """

    pnl: np.ndarray
    returns: np.ndarray
    capital: np.ndarray
    periods_per_year: float
    risk_free: float = 0.0
    compounded: bool = False
    traded: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.periods_per_year) and self.periods_per_year > 0):
            raise ParameterError(
                f"periods_per_year is {self.periods_per_year}, but must be a number above 0: 252 for days."
            )
        if not (np.isfinite(self.risk_free) and self.risk_free > -1):
            raise ParameterError(f"risk_free is {self.risk_free}, but must be a rate a year above -1, such as 0.03.")
        if self.traded is not None and (self.traded.shape != self.pnl.shape or (self.traded < 0).any()):
            raise ParameterError(f"traded must be money of at least 0 with the shape of the P&L, {self.pnl.shape}.")

    @property
    def years(self) -> float:
        """Length of each path in years."""
        return self.pnl.shape[1] / self.periods_per_year

    @property
    def wealth(self) -> np.ndarray:
        """Capital and all P&L up to each step, from the start, (n_paths, n_steps + 1)."""
        start = self.capital[:, None]
        return np.concatenate([start, start + np.cumsum(self.pnl, axis=1)], axis=1)

    @property
    def excess(self) -> np.ndarray:
        """Returns less the risk-free one of a step, (n_paths, n_steps).

        It is risk_free / periods_per_year, where compounded (1 + risk_free)^(1 / periods_per_year) - 1.
        """
        step = (1 + self.risk_free) ** (1 / self.periods_per_year) - 1
        return self.returns - (step if self.compounded else self.risk_free / self.periods_per_year)


def record_of_pnl(
    pnl: Any,
    initial_price: Any = None,
    *,
    periods_per_year: float,
    capital: Any = None,
    risk_free: float = 0.0,
    traded: Any = None,
) -> TrackRecord:
    """The record of P&L on a fixed capital: the return of a step is its P&L / capital.

    Parameters
    ----------
    pnl
        Money earned at each step, after costs, (n_paths, n_steps), or (n_steps,) for one path.
    initial_price
        Price at the start of each path, (n_paths,) or a number: the capital of one unit where `capital` is left out.
    periods_per_year, risk_free, traded
        See `TrackRecord`. P&L of a position that paid for its own financing is an excess already: leave risk_free at 0.
    capital
        Money at work, (n_paths,) or a number.

    Raises
    ------
    ParameterError
        For numbers that are not finite, capital that is not above 0, shapes that do not fit.
    """
    if capital is None and initial_price is None:
        raise ParameterError("Neither capital nor initial_price was given; returns need one of them.")
    earned = _paths("pnl", pnl)
    money = _capital(*(("initial_price", initial_price) if capital is None else ("capital", capital)), len(earned))
    moved = None if traded is None else _paths("traded", traded)
    return TrackRecord(earned, earned / money[:, None], money, float(periods_per_year), float(risk_free), traded=moved)


def record_of_returns(
    returns: Any, *, periods_per_year: float, capital: Any = 1.0, risk_free: float = 0.0, traded: Any = None
) -> TrackRecord:
    """The record of simple returns that compound: wealth is capital * (1 + r_1) ... (1 + r_t).

    Parameters and errors as of `record_of_pnl`; returns (n_paths, n_steps) or (n_steps,), none below -1.
    """
    rates = _paths("returns", returns)
    if (rates < -1).any():
        raise ParameterError(
            f"The lowest of the returns is {rates.min():g}: no compounded return loses more than everything. Give P&L "
            "on a fixed capital to record_of_pnl."
        )
    money = _capital("capital", capital, len(rates))
    pnl = np.diff(money[:, None] * np.cumprod(1 + rates, axis=1), axis=1, prepend=money[:, None])
    moved = None if traded is None else _paths("traded", traded)
    return TrackRecord(pnl, rates, money, float(periods_per_year), float(risk_free), compounded=True, traded=moved)


def _paths(name: str, values: Any) -> np.ndarray:
    array = np.atleast_2d(np.asarray(values, float))
    if array.ndim != 2 or array.size == 0:
        raise ParameterError(f"{name} has shape {np.shape(values)}, but must be (n_paths, n_steps), none of them 0.")
    bad = ~np.isfinite(array).all(axis=1)
    if bad.any():
        raise ParameterError(
            f"{name} holds numbers that are not finite on {bad.sum()} of {bad.size} paths; leave these paths out."
        )
    return array


def _capital(name: str, given: Any, n_paths: int) -> np.ndarray:
    money = np.asarray(given, float)
    if money.shape not in ((), (n_paths,)):
        raise ParameterError(f"{name} has shape {money.shape}, but must be a number or one per path, ({n_paths},).")
    if not (np.isfinite(money) & (money > 0)).all():
        raise ParameterError(f"{name} has values that are not above 0, so that returns have no meaning; give capital.")
    return np.broadcast_to(money, (n_paths,))


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


def drawdowns(wealth: np.ndarray, relative: bool = False) -> np.ndarray:
    """Highest wealth so far less wealth now, at least 0, of the shape of `wealth` (..., n_steps + 1).

    The start counts as a peak. `relative`: as a share of that peak, which must be above 0; more than 1 where wealth is
    negative.
    """
    peak = np.maximum.accumulate(wealth, axis=-1)
    return (peak - wealth) / peak if relative else peak - wealth


def max_drawdown(wealth: np.ndarray, relative: bool = False) -> np.ndarray:
    """The largest of the `drawdowns`, (...,); 0 where wealth never falls."""
    return drawdowns(wealth, relative).max(axis=-1)


def drawdown_length(wealth: np.ndarray, relative: bool = False) -> np.ndarray:
    """Steps from the last peak to the (first) trough of the maximum drawdown, (...,); 0 where wealth never falls."""
    fallen = drawdowns(wealth, relative)
    trough = fallen.argmax(axis=-1)[..., None]
    return np.take_along_axis(_under_water(fallen), trough, axis=-1)[..., 0].astype(float)


def longest_underwater(wealth: np.ndarray) -> np.ndarray:
    """The most steps in a row that end below an earlier wealth, (...,); the end of the record ends a spell."""
    return _under_water(drawdowns(wealth)).max(axis=-1).astype(float)


def _under_water(fallen: np.ndarray) -> np.ndarray:
    """Steps since wealth last stood at its peak."""
    now = np.arange(fallen.shape[-1])
    return now - np.maximum.accumulate(np.where(fallen == 0, now, 0), axis=-1)


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

    Examples
    --------
    >>> table = path_measures(record_of_pnl([[1.0, -2.0, 3.0]], capital=100.0, periods_per_year=252))
    >>> float(table["total_pnl"][0]), float(table["max_drawdown"][0])
    (2.0, 2.0)
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
        "excess_kurtosis": np.where(flat, np.nan, excess_kurtosis(returns) if record.pnl.shape[1] > 1 else np.nan),
    }
    if record.traded is not None:
        table["turnover"] = record.traded.sum(axis=1) / record.capital / record.years
    return pd.DataFrame(table)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Numerator / denominator, NaN where the denominator is 0 or not known."""
    known = np.asarray(denominator) > 0
    return np.where(known, numerator / np.where(known, denominator, 1.0), np.nan)
