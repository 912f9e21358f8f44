"""The conditional half of a certificate: what a market says of the next day, beside GARCH models, where it was not fit.

Parameters are those of the training part, never refitted; every forecast knows the returns before its day.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from simcal.data import PriceSeries
from simcal.definition import PriceMarket
from simcal.definition.likelihood import NoLikelihood, Passage
from simcal.facts.forecasters import Forecaster
from simcal.models import Market

PEERS = ("GJR-t", "GJR-skewt", "EGARCH-skewt")
MARKET = "this market"


def forecast_table(
    market: Market, series: PriceSeries, train_share: float, peers: Sequence[str] = PEERS
) -> pd.DataFrame | None:
    """Log scores and coverage of one-day forecasts after the first `train_share` of the returns.

    Parameters
    ----------
    market
        Calibrated to the first part.
    series
        The whole series.
    train_share
        The share of the returns that peers are fitted to.
    peers
        Names of `simcal.facts.forecasters.FORECASTERS`.

    Returns
    -------
    pandas.DataFrame or None
        A row per forecaster. ``log score``: mean log density of a log return. ``market minus it``: mean difference,
        with its ``t value`` (Diebold-Mariano, Newey-West). ``in 95 %``, ``below 1 %``, ``below 5 %``: shares of the
        returns. ``p, uniform``: of the Kolmogorov-Smirnov test that the forecasts' probabilities of what came are
        uniform. None where the market has no likelihood in closed form.

    Examples
    --------
    >>> import simcal
    >>> market = simcal.load("herding-today")
    >>> series = simcal.load_series(simcal.simulate(market, 1, 1000, seed=2).prices[0])
    >>> table = forecast_table(market, series, 0.7, ["GJR-t"])
    >>> list(table["forecaster"]), bool(table["market minus it"][1] > 0)
    (['this market', 'GJR-t'], True)
    """
    try:
        passage = Passage(market, series.prices) if isinstance(market, PriceMarket) else None
    except NoLikelihood:
        passage = None
    if passage is None or not np.isfinite(passage.densities).all():
        return None
    returns = series.log_returns
    cut = round(train_share * len(returns))
    ours = passage.densities[cut:]
    rows = [_row(MARKET, ours, passage.probabilities[cut:])]
    for name in peers:
        peer = Forecaster(name, returns, cut)
        densities = peer.log_densities()
        mean, t = difference(ours - densities)
        rows.append(_row(name, densities, peer.probabilities()) | {"market minus it": mean, "t value": t})
    columns = ["forecaster", "log score", "market minus it", "t value"]
    return pd.DataFrame(rows, columns=[*columns, *(c for c in rows[0] if c not in columns)])


def difference(values: np.ndarray) -> tuple[float, float]:
    """The mean of differences of scores (n,), and its t value with Newey-West errors."""
    from statsmodels.api import OLS

    lags = int(len(values) ** (1 / 3))
    fitted = OLS(values, np.ones(len(values))).fit(cov_type="HAC", cov_kwds={"maxlags": lags})
    return float(fitted.params[0]), float(fitted.tvalues[0])


def forecast_sentence(table: pd.DataFrame) -> str:
    """What the table says."""
    ours = table.iloc[0]
    text = (
        f"Tomorrow, on the held-out part: its log score is {ours['log score']:.4f} a day, its 95 % band holds "
        f"{100 * ours['in 95 %']:.1f} % of the returns"
    )
    apart = [
        f"{row['market minus it']:+.4f} (t {row['t value']:.1f}) against {row['forecaster']}"
        for row in table.iloc[1:].to_dict("records")
        if not math.isnan(row["market minus it"])
    ]
    return text + (f"; a day's difference is {', '.join(apart)}." if apart else ".")


def _row(name: str, densities: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    return {
        "forecaster": name,
        "log score": float(densities.mean()),
        "in 95 %": float(np.mean(np.abs(probabilities - 0.5) < 0.475)),
        "below 1 %": float(np.mean(probabilities < 0.01)),
        "below 5 %": float(np.mean(probabilities < 0.05)),
        "p, uniform": float(stats.kstest(probabilities, "uniform").pvalue),
    }
