"""How measures are distributed over the paths of one market, and over several calibrated markets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import ParameterError
from simcal.intervals import share_interval
from simcal.trading.bands import Measure, banded, check_level, estimate, expected_shortfall, value_at_risk

QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)


def record_measures(risk_level: float = 0.95, *, money: str = "price", turnover: bool = False) -> tuple[Measure, ...]:
    """What `simcal.trading.bands.summarise` reports of a frame of `path_measures`, beside a baseline if there is one.

    The same `risk_level` as of `path_measures`; `money` is the unit of the P&L; `turnover` where the record knows what
    was traded.
    """
    tail = f"{100 * risk_level:g} %"
    measures = [
        Measure("total_pnl", "P&L", money, "total_pnl"),
        Measure("pnl_deviation", "standard deviation of P&L", money, "total_pnl", statistic=_deviation),
        Measure("pnl_value_at_risk", f"value at risk of P&L, {tail}", money, "total_pnl",
                statistic=value_at_risk(risk_level)),
        Measure("pnl_expected_shortfall", f"expected shortfall of P&L, {tail}", money, "total_pnl",
                statistic=expected_shortfall(risk_level)),
        Measure("annualised_return", "return", "a year", "annualised_return"),
        Measure("volatility", "volatility", "a year", "volatility"),
        Measure("sharpe", "Sharpe ratio", "a year", "sharpe"),
        Measure("sharpe_below_zero", "share of paths with a Sharpe ratio below 0", "", "sharpe", statistic=_below_zero),
        Measure("sortino", "Sortino ratio", "a year", "sortino"),
        Measure("max_drawdown", "maximum drawdown", money, "max_drawdown"),
        Measure("max_drawdown_share", "maximum drawdown", "of capital", "max_drawdown_share"),
        Measure("drawdown_length", "steps down in the maximum drawdown", "steps", "drawdown_length"),
        Measure("longest_underwater", "longest time below a peak", "steps", "longest_underwater"),
        Measure("calmar", "Calmar ratio", "a year", "calmar"),
        Measure("value_at_risk", f"value at risk of a step, {tail}", "return", "value_at_risk"),
        Measure("expected_shortfall", f"expected shortfall of a step, {tail}", "return", "expected_shortfall"),
        Measure("hit_rate", "hit rate", "gains / (gains + losses)", "hit_rate"),
        Measure("skewness", "skewness", "", "skewness"),
        Measure("excess_kurtosis", "excess kurtosis", "", "excess_kurtosis"),
    ]  # fmt: skip
    if turnover:
        measures.append(Measure("turnover", "turnover", "capital a year", "turnover"))
    return tuple(measures)


def distribution(paths: pd.DataFrame, *, level: float = 0.95, quantiles: Sequence[float] = QUANTILES) -> pd.DataFrame:
    """How each column of a frame with a row per path is distributed.

    Returns
    -------
    A row per column of `paths` (without ``path``, its number) and the columns ``mean``, ``standard_error``, ``low`` and
    ``high`` (the normal band of the mean at `level`), ``deviation`` over paths, the quantiles ``q0.025`` and so on,
    ``below_zero`` (the share of paths below 0: of ``sharpe``, P(Sharpe < 0)) with its ``below_zero_low`` and
    ``below_zero_high`` (Wilson), ``n_paths`` that have the measure and ``undefined``, the number that do not and are
    left out.
    """
    check_level("level", level)
    shares = _check_quantiles(quantiles)
    rows: dict[str, dict[str, float]] = {}
    for name in _columns(paths):
        values = _known(paths, name)
        row = banded("mean", estimate(Measure(name, name, "", name), paths), level)
        row = {key.removeprefix("mean_"): value for key, value in row.items()}
        row["deviation"] = float(values.std(ddof=1)) if values.size > 1 else np.nan
        row |= {f"q{q:g}": _quantile(values, q) for q in shares}
        count = int((values < 0).sum())
        ends = share_interval(count, values.size, level) if values.size else (np.nan, np.nan)
        row["below_zero"] = count / values.size if values.size else np.nan
        row |= {"below_zero_low": float(ends[0]), "below_zero_high": float(ends[1])}
        rows[name] = {**row, "n_paths": values.size, "undefined": len(paths) - values.size}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("name")


def over_markets(
    markets: Mapping[str, pd.DataFrame], *, level: float = 0.95, quantiles: Sequence[float] = QUANTILES
) -> pd.DataFrame:
    """Measures over several calibrated markets, each with a frame of its paths, and where their variance comes from.

    By the law of total variance, Var X = E Var(X | market) + Var E(X | market): what differs between paths of a market,
    and what differs between the markets that a calibration may end in. Markets count alike, whatever their numbers of
    paths.

    Returns
    -------
    A row per measure and the columns

    ``mean``, ``standard_error``, ``low``, ``high``
        Of the mean over markets, and its band by Student's law with n_markets - 1 degrees of freedom: for the mean
        over all markets that might have been calibrated. NaN for a single market.
    ``within``, ``between``, ``total``
        Variances. ``between`` is the variance of the markets' means less what their finite numbers of paths add to it,
        and 0 where that is negative.
    ``between_share``
        between / total; NaN where nothing varies.
    ``lowest``, ``highest``
        Of the markets' means.
    ``q0.025``, ..., ``below_zero``
        Of a path of a market drawn at random.
    ``n_markets``
        With the measure on at least one path (two for the variances).
    ``undefined``
        Paths of all markets without it.

    Raises
    ------
    ParameterError
        Without a market, or where the frames have different columns.
    """
    check_level("level", level)
    shares, frames = _check_quantiles(quantiles), list(markets.values())
    if not frames or any(_columns(frame) != _columns(frames[0]) for frame in frames):
        raise ParameterError(f"{len(frames)} markets were given; give at least one, all with the same measures.")
    rows = {name: _over_markets(frames, name, level, shares) for name in _columns(frames[0])}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("name")


def _over_markets(frames: list[pd.DataFrame], name: str, level: float, shares: list[float]) -> dict[str, float]:
    from scipy.stats import t as student

    samples = [values for values in (_known(frame, name) for frame in frames) if values.size]
    nothing, n = float("nan"), len(samples)
    means = np.array([values.mean() for values in samples])
    spread = [(values.var(ddof=1), values.size) for values in samples if values.size > 1]
    within = float(np.mean([v for v, _ in spread])) if spread else nothing
    noise = float(np.mean([v / size for v, size in spread])) if spread else nothing
    seen = float(means.var(ddof=1)) if n > 1 else nothing
    between = float(np.maximum(seen - noise, 0.0))  # NaN stays
    error = np.sqrt(seen / n) if n > 1 else nothing
    mean = float(means.mean()) if n else nothing
    half = error * float(student.ppf(0.5 + level / 2, n - 1)) if n > 1 else nothing
    pooled = np.concatenate(samples) if n else np.array([])
    weights = np.concatenate([np.full(v.size, 1 / v.size / n) for v in samples]) if n else pooled
    total = within + between
    return {
        "mean": mean, "standard_error": error, "low": mean - half, "high": mean + half,
        "within": within, "between": between, "total": total,
        "between_share": between / total if total > 0 else nothing,
        "lowest": float(means.min()) if n else nothing, "highest": float(means.max()) if n else nothing,
        **{f"q{q:g}": _quantile(pooled, q, weights) for q in shares},
        "below_zero": float(weights[pooled < 0].sum()) if n else nothing,
        "n_markets": n, "undefined": sum(len(frame) for frame in frames) - pooled.size,
    }  # fmt: skip


def _columns(paths: pd.DataFrame) -> list[str]:
    return [str(name) for name in paths.columns if name != "path"]


def _known(paths: pd.DataFrame, name: str) -> np.ndarray:
    values = np.asarray(paths[name], float)
    return values[~np.isnan(values)]


def _quantile(values: np.ndarray, share: float, weights: np.ndarray | None = None) -> float:
    """Interpolated without weights; with them the smallest value whose weight and that of all below reach the share."""
    if not values.size:
        return float("nan")
    if weights is None:
        return float(np.quantile(values, share))
    return float(np.quantile(values, share, weights=weights, method="inverted_cdf"))


def _check_quantiles(quantiles: Sequence[float]) -> list[float]:
    return [check_level("quantiles", share) for share in quantiles]


def _deviation(values: np.ndarray) -> Any:
    return np.std(values, ddof=1) if len(values) > 1 else np.nan


def _below_zero(values: np.ndarray) -> Any:
    known = values[~np.isnan(values)]
    return (known < 0).mean() if known.size else np.nan
