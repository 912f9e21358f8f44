"""Strategies whose orders move a price: what a strategy is, the engine that plays it, and what came out.

For those who build on the engine::

    noise = Noise(seed=0, first_path=0, n_paths=1000, n_steps=250, burn_in=250)
    strategies = strategies_of(["crossover", mine], market, noise)
    terms = terms_of(2.0, len(strategies), execution="next", fixed=0, proportional=0.001, quadratic=0)
    with_them = play(strategies, market, noise, terms)                  # Trades: prices, orders, positions, pnl
    without = play(strategies, market, noise, terms, frozen=True)       # the same noise, prices that notice nobody
    on_real_prices = replay(strategies, prices, terms, burn_in=250)
    law = impact_law(market, [0.1, 1, 10], noise=noise)                 # impact against the size of a metaorder
"""

from simcal.trading.bands import Noise
from simcal.trading.orders.engine import RecordedPrices, Trades, play, play_chunks, recorded, replay
from simcal.trading.orders.forms import Strategy, load_strategy, strategies_of, strategy_of
from simcal.trading.orders.impact import ImpactLaw, impact_law
from simcal.trading.orders.strategies import BUILT_IN
from simcal.trading.orders.terms import Terms, terms_of

__all__ = [
    "BUILT_IN",
    "ImpactLaw",
    "Noise",
    "RecordedPrices",
    "Strategy",
    "Terms",
    "Trades",
    "impact_law",
    "load_strategy",
    "play",
    "play_chunks",
    "recorded",
    "replay",
    "strategies_of",
    "strategy_of",
    "terms_of",
]
