"""A track record: P&L of each step on many paths, and the capital that makes returns of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simcal.errors import ParameterError


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

    @property
    def n_steps(self) -> int:
        """Steps of each path."""
        return self.pnl.shape[1]

    @property
    def years(self) -> float:
        """Length of each path in years."""
        return self.n_steps / self.periods_per_year

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
    earned = _paths("pnl", pnl)
    if capital is None and initial_price is None:
        raise ParameterError("Neither capital nor initial_price was given; returns need one of them.")
    name, given = ("initial_price", initial_price) if capital is None else ("capital", capital)
    money = _capital(name, given, len(earned))
    per_year, rate = _rates(periods_per_year, risk_free)
    return TrackRecord(
        earned, earned / money[:, None], money, per_year, rate, traded=_traded(traded, earned.shape)
    )  # fmt: skip


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
    wealth = money[:, None] * np.cumprod(1 + rates, axis=1)
    pnl = np.diff(wealth, axis=1, prepend=money[:, None])
    per_year, rate = _rates(periods_per_year, risk_free)
    return TrackRecord(pnl, rates, money, per_year, rate, compounded=True, traded=_traded(traded, rates.shape))


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


def _rates(periods_per_year: float, risk_free: float) -> tuple[float, float]:
    if not (np.isfinite(periods_per_year) and periods_per_year > 0):
        raise ParameterError(f"periods_per_year is {periods_per_year}, but must be a number above 0: 252 for days.")
    if not (np.isfinite(risk_free) and risk_free > -1):
        raise ParameterError(f"risk_free is {risk_free}, but must be a rate a year above -1, such as 0.03.")
    return float(periods_per_year), float(risk_free)


def _traded(traded: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    if traded is None:
        return None
    array = _paths("traded", traded)
    if array.shape != shape or (array < 0).any():
        raise ParameterError(f"traded must be money of at least 0 with the shape of the P&L, {shape}.")
    return array
