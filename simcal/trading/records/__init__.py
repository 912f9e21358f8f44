"""Statistics of track records over many paths: measures, luck of selection, agreement of two places, bands."""

from simcal.trading.records.agreement import Results, agreement, family_results
from simcal.trading.records.distribution import distribution, over_markets, record_measures
from simcal.trading.records.drawdowns import drawdown_length, drawdowns, longest_underwater, max_drawdown
from simcal.trading.records.measures import (
    annualised_return,
    hit_rate,
    path_measures,
    sharpe_ratio,
    sortino_ratio,
    volatility,
)
from simcal.trading.records.overfitting import cross_validate, overfitting
from simcal.trading.records.ranks import kendall, spearman
from simcal.trading.records.record import TrackRecord, record_of_pnl, record_of_returns
from simcal.trading.records.selection import (
    deflate,
    deflated_sharpe_ratio,
    expected_max_sharpe,
    min_track_record_length,
    probabilistic_sharpe_ratio,
    sharpe_variance,
)

__all__ = [
    "Results",
    "TrackRecord",
    "agreement",
    "annualised_return",
    "cross_validate",
    "deflate",
    "deflated_sharpe_ratio",
    "distribution",
    "drawdown_length",
    "drawdowns",
    "expected_max_sharpe",
    "family_results",
    "hit_rate",
    "kendall",
    "longest_underwater",
    "max_drawdown",
    "min_track_record_length",
    "over_markets",
    "overfitting",
    "path_measures",
    "probabilistic_sharpe_ratio",
    "record_measures",
    "record_of_pnl",
    "record_of_returns",
    "sharpe_ratio",
    "sharpe_variance",
    "sortino_ratio",
    "spearman",
    "volatility",
]
