"""The dealer market in plain NumPy, one request at a time over all paths: what the kernel must reproduce.

Also the engine for quoting functions in Python. The draws are those of the kernel: the tabled quantiles of the words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from simcal import noise
from simcal.errors import ParameterError
from simcal.models.dealers import rules
from simcal.models.dealers.coefficients import starting_mid
from simcal.models.dealers.market import Quoting, RfqMarket
from simcal.models.dealers.quantile_table import quantile_table, table_quantiles
from simcal.models.dealers.specs import (
    STREAM_CLIENT,
    STREAM_MID,
    STREAM_MOVE,
    STREAM_PANEL,
    STREAM_QUOTES,
    STREAM_RING,
    STREAM_SIDE,
    STREAM_SIZE,
    STREAM_TIE,
)
from simcal.noise.gaussian import normal_pair

NONE = np.inf  # the reduced quote of a dealer who does not quote


def simulate(
    market: RfqMarket,
    seed: int,
    first_path: int,
    n_paths: int,
    n_steps: int,
    *,
    save: Sequence[str] = RfqMarket.OUTPUTS,
    every: int = 1,
    burn_in: int = 0,
    dtype: str = "float64",
    quoting: Quoting | None = None,
) -> dict[str, np.ndarray]:
    """The arguments and the result are those of `RfqMarket.simulate_chunk`; `quoting` is a Python function."""
    names = ["prices", *save]
    out = {name: np.empty((n_paths, n_steps // every + 1), dtype) for name in names}
    failed = np.zeros(n_paths, np.int64)
    state = _Run(market, seed, first_path, n_paths, quoting)
    for t in range(n_steps + burn_in + 1):
        now = state.request(t) if t else state.before()
        usable = (now["prices"] > 0) & (now["prices"] < np.inf)
        failed[~usable & (failed == 0)] = t
        if t >= burn_in and (t - burn_in) % every == 0:
            for name in names:
                out[name][:, (t - burn_in) // every] = now.get(name, np.nan)
    return {**out, "failed_step": failed}


class _Run:
    """The state of some paths, and their next request."""

    def __init__(self, market: RfqMarket, seed: int, first_path: int, n_paths: int, quoting: Quoting | None) -> None:
        self.market, self.seed, self.quoting, self.n_paths = market, seed, quoting, n_paths
        self.paths = np.arange(n_paths, dtype=np.uint64) + np.uint64(first_path)
        self.mean, self.scale = market.vector("quote_mean"), market.vector("quote_scale")
        self.skew = market.vector("inventory_skew")
        self.tables = [quantile_table(shape) for shape in market.vector("quote_shape")]
        self.client_table = quantile_table(market.client_shape)
        self.cumulative = np.cumsum(market.panel_probabilities)
        self.mid, self.side = np.full(n_paths, starting_mid(market)), np.zeros(n_paths)
        self.inventory = np.zeros((market.n_dealers, n_paths))

    def before(self) -> dict[str, Any]:
        """Time 0: a request that did not happen."""
        return {"prices": self.mid, "winner": -1, **dict.fromkeys(rules.ZERO_AT_START, 0)}

    def request(self, t: int) -> dict[str, Any]:
        """What happens at step t, by the names of the outputs; the inventory and the mid move on."""
        m = self.market
        words: dict[int, np.ndarray] = {}

        def word(stream: int) -> np.ndarray:
            if stream // 4 not in words:
                words[stream // 4] = noise.words(self.seed, self.paths, t, stream // 4)
            return words[stream // 4][stream % 4]

        def uniform(stream: int) -> np.ndarray:
            return (word(stream) + 0.5) * 2.0**-32

        def normal(stream: int) -> np.ndarray:
            return normal_pair(np, word(stream).astype(np.int64), word(stream + 1).astype(np.int64), True)[0]

        last_side, side = self.side, rules.side_of(uniform(STREAM_SIDE), m.buy_share)
        size = rules.request_size(m.size_median, m.size_log_sd, normal(STREAM_SIZE)) if m.size_log_sd else m.size_median
        size = np.broadcast_to(size, side.shape)
        if m.mid_law == "uniform":
            mid = rules.uniform_mid(uniform(STREAM_MID), m.mid_low, m.mid_high)
        elif t == 1:
            mid = self.mid
        else:
            shock = normal(STREAM_MOVE) if m.mid_volatility else 0.0
            mid = rules.next_mid(self.mid, last_side, m.information, m.half_spread, m.mid_volatility, shock)
        self.mid, self.side = mid, side

        if m.panel_weights is None:
            panel = np.full(self.n_paths, m.n_dealers)
            asked = np.ones((m.n_dealers, self.n_paths), bool)
        else:
            panel = rules.panel_size(uniform(STREAM_PANEL), self.cumulative)
            rivals = np.arange(m.n_dealers - 1)[:, None]
            start = rules.ring_start(uniform(STREAM_RING), len(rivals))
            asked = np.vstack([panel > 0, rules.is_asked(rivals, start, panel, max(len(rivals), 1))])

        value = rules.reserve(m.client_mean, m.client_scale, table_quantiles(self.client_table, word(STREAM_CLIENT)))
        quotes = np.empty((m.n_dealers, self.n_paths))
        for i, table in enumerate(self.tables):
            if i == 0 and self.quoting is not None:
                quotes[0] = self._asked_function(side, size, panel, mid, t)
            else:
                draw = table_quantiles(table, word(STREAM_QUOTES + i))
                quotes[i] = rules.margin(self.mean[i], self.scale[i], draw, side, self.skew[i], self.inventory[i])
        prices = rules.price_of(quotes, side, mid, m.half_spread)
        if m.tick > 0:
            prices = rules.to_tick(prices, m.tick)
            quotes = rules.reduced_of(prices, side, mid, m.half_spread)
        given = asked & np.isfinite(quotes)
        quotes, prices = np.where(given, quotes, NONE), np.where(given, prices, np.nan)

        best, second, winner = rules.rank(quotes)
        if m.tick > 0:
            winner = rules.break_ties(quotes, best, uniform(STREAM_TIE))
        if m.rule == "hard":
            shares, traded = rules.hard_shares(quotes, best, winner, value)
        else:
            shares, traded = rules.smoothed_shares(quotes, best, value, m.temperature)
        winner = np.where(best < value, winner, -1)
        told = rules.status(quotes[0], best, second, (quotes == quotes[0]).sum(axis=0), winner)

        def price(reduced: np.ndarray) -> np.ndarray:
            found = rules.price_of(np.where(np.isfinite(reduced), reduced, np.nan), side, mid, m.half_spread)
            return rules.to_tick(found, m.tick) if m.tick > 0 else found

        now = {
            "prices": mid, "side": side, "size": size, "n_dealers": panel, "winner": winner, "traded": traded,
            "client_value": rules.price_of(value, side, mid, m.half_spread), "own_quote": prices[0],
            "rival_quote": price(quotes[1:].min(axis=0, initial=NONE)), "best_quote": price(best),
            "cover_quote": price(second), "own_done": shares[0], "own_inventory": self.inventory[0],
            "own_status": told if m.rule == "hard" else np.nan,
            **{f"quote_{i}": prices[i] for i in range(1, m.n_dealers)},
        }  # fmt: skip
        self.inventory = rules.next_inventory(self.inventory, side, size, shares)
        return now

    def _asked_function(self, side: Any, size: Any, panel: Any, mid: Any, t: int) -> np.ndarray:
        """The margins of the quoting function, one per path."""
        assert self.quoting is not None
        side, size, panel, mid, inventory = map(np.array, (side, size, panel, mid, self.inventory[0]))  # to write to
        given = self.quoting(side, size, panel, mid, self.market.half_spread, inventory, t)
        try:
            return np.broadcast_to(np.asarray(given, float), (self.n_paths,))
        except (TypeError, ValueError):
            raise ParameterError(
                f"The quoting function returned {type(given).__name__} of shape {np.shape(given)} at step {t}, but "
                f"must return one number, or an array of one margin per path, shape ({self.n_paths},)."
            ) from None
