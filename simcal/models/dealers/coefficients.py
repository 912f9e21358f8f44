"""The dealer market's numbers in the form that the compiled loops use."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simcal.models.dealers.market import RfqMarket
from simcal.models.dealers.quantile_table import quantile_tables
from simcal.models.dealers.specs import (
    N_STREAMS,
    STREAM_CLIENT,
    STREAM_MOVE,
    STREAM_QUOTES,
    STREAM_RING,
    STREAM_SIZE,
    STREAM_TIE,
)


class Coefficients(NamedTuple):
    """The market as the loops use it."""

    tables: np.ndarray  # of quantiles, one per shape that occurs, (shapes, cells, 4)
    table_of: np.ndarray  # which of them is the client's and which the dealers', (1 + n_dealers,)
    mean: np.ndarray  # of the margins, (n_dealers,), as the next two
    scale: np.ndarray
    skew: np.ndarray
    cumulative: np.ndarray  # probabilities of 1, 2, ... dealers, cumulated; empty where all are always asked
    needed: np.ndarray  # which blocks of the noise are used, (N_STREAMS / 4,)
    client_mean: float
    client_scale: float
    buy_share: float
    half_spread: float
    walk: bool
    low: float
    high: float
    start: float  # the mid before the first request
    information: float
    volatility: float
    size_median: float
    size_log_sd: float
    tick: float
    smoothed: bool
    temperature: float


def starting_mid(market: RfqMarket) -> float:
    """The mid at time 0, before the first request."""
    return market.initial_price if market.mid_law == "walk" else (market.mid_low + market.mid_high) / 2


def coefficients(market: RfqMarket) -> Coefficients:
    """The coefficients of a market, all float64."""
    needed = np.zeros(N_STREAMS // 4, np.bool_)
    needed[STREAM_CLIENT // 4] = needed[STREAM_QUOTES // 4 : (STREAM_QUOTES + market.n_dealers - 1) // 4 + 1] = True
    needed[STREAM_RING // 4] |= market.panel_weights is not None
    needed[STREAM_TIE // 4] |= market.tick > 0
    needed[STREAM_SIZE // 4] = market.size_log_sd > 0
    needed[STREAM_MOVE // 4] |= market.mid_volatility > 0
    shapes, table_of = np.unique([market.client_shape, *market.vector("quote_shape")], return_inverse=True)
    return Coefficients(
        tables=quantile_tables(shapes),
        table_of=table_of,
        mean=market.vector("quote_mean"),
        scale=market.vector("quote_scale"),
        skew=market.vector("inventory_skew"),
        cumulative=np.cumsum(market.panel_probabilities) if market.panel_weights is not None else np.empty(0),
        needed=needed,
        client_mean=market.client_mean,
        client_scale=market.client_scale,
        buy_share=market.buy_share,
        half_spread=market.half_spread,
        walk=market.mid_law == "walk",
        low=market.mid_low,
        high=market.mid_high,
        start=starting_mid(market),
        information=market.information,
        volatility=market.mid_volatility,
        size_median=market.size_median,
        size_log_sd=market.size_log_sd,
        tick=market.tick,
        smoothed=market.rule == "smoothed",
        temperature=market.temperature,
    )
