"""Statistics of track records over many paths: measures, luck of selection, agreement of two places, bands."""

from simcal.trading.records.agreement import Results, agreement, family_results, kendall, spearman
from simcal.trading.records.distribution import distribution, over_markets, record_measures
from simcal.trading.records.overfitting import cross_validate, overfitting
from simcal.trading.records.record import (
    TrackRecord,
    annualised_return,
    drawdown_length,
    drawdowns,
    hit_rate,
    longest_underwater,
    max_drawdown,
    path_measures,
    record_of_pnl,
    record_of_returns,
    sharpe_ratio,
    sortino_ratio,
    volatility,
)
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
