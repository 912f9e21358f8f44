"""The dealer market in plain NumPy, one request at a time over all paths: what the kernel must reproduce.

The draws are those of the kernel: the tabled quantiles of the words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from simcal import noise
from simcal.noise.gaussian import normal_pair
from simcal.rfq import rules
from simcal.rfq.laws import quantile_table, table_quantiles
from simcal.rfq.market import Quoting, RfqMarket
from simcal.rfq.table import Status

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
    state = Run(market, seed, first_path, n_paths, quoting)
    for t in range(n_steps + burn_in + 1):
        now = state.request(t) if t else state.before()
        usable = (now["prices"] > 0) & (now["prices"] < np.inf)
        failed[~usable & (failed == 0)] = t
        if t >= burn_in and (t - burn_in) % every == 0:
            for name in names:
                out[name][:, (t - burn_in) // every] = now.get(name, np.nan)
    return {**out, "failed_step": failed}


class Run:
    """The state of some paths, and their next request."""

    def __init__(self, market: RfqMarket, seed: int, first_path: int, n_paths: int, quoting: Quoting | None) -> None:
        self.market, self.seed, self.quoting, self.n_paths = market, seed, quoting, n_paths
        self.paths = np.arange(n_paths, dtype=np.uint64) + np.uint64(first_path)
        self.mean, self.scale = market.vector("quote_mean"), market.vector("quote_scale")
        self.skew = market.vector("inventory_skew")
        self.tables = [quantile_table(shape) for shape in market.vector("quote_shape")]
        self.client_table = quantile_table(market.client_shape)
        self.cumulative = np.cumsum(market.panel_probabilities)
        self.mid, self.side = np.full(n_paths, market.starting_mid), np.zeros(n_paths)
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

        last_side, side = self.side, side_of(uniform(rules.STREAM_SIDE), m.buy_share)
        size = (
            rules.request_size(m.size_median, m.size_log_sd, normal(rules.STREAM_SIZE))
            if m.size_log_sd
            else m.size_median
        )
        size = np.broadcast_to(size, side.shape)
        if m.mid_law == "uniform":
            mid = rules.uniform_mid(uniform(rules.STREAM_MID), m.mid_low, m.mid_high)
        elif t == 1:
            mid = self.mid
        else:
            shock = normal(rules.STREAM_MOVE) if m.mid_volatility else 0.0
            mid = rules.next_mid(self.mid, last_side, m.information, m.half_spread, m.mid_volatility, shock)
        self.mid, self.side = mid, side

        if m.panel_weights is None:
            panel = np.full(self.n_paths, m.n_dealers)
            asked = np.ones((m.n_dealers, self.n_paths), bool)
        else:
            panel = panel_size(uniform(rules.STREAM_PANEL), self.cumulative)
            rivals = np.arange(m.n_dealers - 1)[:, None]
            start = rules.ring_start(uniform(rules.STREAM_RING), len(rivals))
            asked = np.vstack([panel > 0, rules.is_asked(rivals, start, panel, max(len(rivals), 1))])

        value = rules.reserve(
            m.client_mean, m.client_scale, table_quantiles(self.client_table, word(rules.STREAM_CLIENT))
        )
        quotes = np.empty((m.n_dealers, self.n_paths))
        for i, table in enumerate(self.tables):
            if i == 0 and self.quoting is not None:
                quotes[0] = self._asked_function(side, size, panel, mid, t)
            else:
                draw = table_quantiles(table, word(rules.STREAM_QUOTES + i))
                quotes[i] = rules.margin(self.mean[i], self.scale[i], draw, side, self.skew[i], self.inventory[i])
        prices = rules.price_of(quotes, side, mid, m.half_spread)
        if m.tick > 0:
            prices = rules.to_tick(prices, m.tick)
            quotes = rules.reduced_of(prices, side, mid, m.half_spread)
        given = asked & np.isfinite(quotes)
        quotes, prices = np.where(given, quotes, NONE), np.where(given, prices, np.nan)

        best, second, winner = rank(quotes)
        if m.tick > 0:
            winner = break_ties(quotes, best, uniform(rules.STREAM_TIE))
        if m.rule == "hard":
            shares, traded = hard_shares(quotes, best, winner, value)
        else:
            shares, traded = smoothed_shares(quotes, best, value, m.temperature)
        winner = np.where(best < value, winner, -1)
        told = status(quotes[0], best, second, (quotes == quotes[0]).sum(axis=0), winner)

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
        return np.broadcast_to(np.asarray(given, float), (self.n_paths,))


# -- the choices ----------------------------------------------------------------------------------------------------


def side_of(uniform: Any, buy_share: Any) -> Any:
    """+1 (the client buys) with probability `buy_share`, else -1."""
    return np.where(uniform < buy_share, 1.0, -1.0)


def panel_size(uniform: Any, cumulative: Any) -> Any:
    """How many dealers are asked; `cumulative` are the cumulated probabilities of 1, 2, ... dealers."""
    return 1 + np.searchsorted(cumulative[:-1], uniform, side="right")


def rank(quotes: Any) -> tuple[Any, Any, Any]:
    """Best and second-best reduced quote, (n,), and the dealer of the best (of several the first).

    `quotes` has shape (n_dealers, n), infinite for who does not quote; the second best of a single quote is infinite.
    """
    ordered = np.sort(np.concatenate([quotes, np.full_like(quotes[:1], np.inf)]), axis=0)
    return ordered[0], ordered[1], np.argmin(quotes, axis=0)


def break_ties(quotes: Any, best: Any, uniform: Any) -> Any:
    """Who of those with the best quote gets the trade, all with the same probability."""
    tied = quotes == best
    place = np.floor(uniform * tied.sum(axis=0))  # counted from 0, among the tied
    return np.argmax(tied & (np.cumsum(tied, axis=0) - 1 == place), axis=0)


def hard_shares(quotes: Any, best: Any, winner: Any, value: Any) -> tuple[Any, Any]:
    """Shares of the dealers, (n_dealers, n), and of all together, (n,): 1 for the winner if it lies below the value."""
    traded = np.where(best < value, 1.0, 0.0)
    return np.where(np.arange(len(quotes))[:, None] == winner, traded, 0.0), traded


def smoothed_shares(quotes: Any, best: Any, value: Any, temperature: Any) -> tuple[Any, Any]:
    """As `hard_shares`, by the multinomial logit over the quotes and not trading."""
    lowest = np.minimum(best, value)
    weights = np.exp((lowest - quotes) / temperature)
    dealers = weights.sum(axis=0)
    total = dealers + np.exp((lowest - value) / temperature)
    return weights / total, dealers / total


def status(own: Any, best: Any, second: Any, equal: Any, winner: Any) -> Any:
    """What dealer 0 is told; `equal` counts the quotes that equal its own, itself included; `winner` -1 for none."""
    done, none, passes = winner == 0, winner < 0, np.isinf(own)
    tied, cover, shared = own == best, (own == second) & (equal == 1), own == second
    return np.select(
        [passes, done, none, tied, cover, shared],
        [Status.PASS, Status.DONE, Status.NOT_TRADED, Status.TIED, Status.COVER, Status.TIED_COVER],
        Status.TRADED_AWAY,
    )
