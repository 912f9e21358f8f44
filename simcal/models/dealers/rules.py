"""The rules of the dealer market, each defined once.

Pure functions of numbers or arrays that broadcast together. The NumPy engine calls them on arrays; the kernel compiles
those that are arithmetic alone, and restates the choices (`rank`, `break_ties`, `status`) for one request at a time,
which the tests compare. "Reduced" is a distance from the mid on the dealer's side in half spreads, see `RfqMarket`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simcal.data.requests import Status

ZERO_AT_START = ("side", "size", "n_dealers", "traded", "own_done", "own_inventory")
"""Outputs that are 0 at time 0, for the request that did not happen; its winner is -1, its prices are NaN."""


def side_of(uniform: Any, buy_share: Any) -> Any:
    """+1 (the client buys) with probability `buy_share`, else -1."""
    return np.where(uniform < buy_share, 1.0, -1.0)


def request_size(median: Any, log_sd: Any, normal: Any) -> Any:
    """Size of a request, log-normal."""
    return median * np.exp(log_sd * normal)


def uniform_mid(uniform: Any, low: Any, high: Any) -> Any:
    """A mid of the law 'uniform'."""
    return low + (high - low) * uniform


def next_mid(mid: Any, side: Any, information: Any, half_spread: Any, volatility: Any, normal: Any) -> Any:
    """P(t+1) = P(t) + d(t) J Delta + s eps(t+1), the law 'walk'; `side` is that of the request at t."""
    return mid + side * (information * half_spread) + volatility * normal


def reserve(mean: Any, scale: Any, draw: Any) -> Any:
    """Reduced reserve price of a client, V = mu_0 + sigma_0 z."""
    return mean + scale * draw


def margin(mean: Any, scale: Any, draw: Any, side: Any, skew: Any, inventory: Any) -> Any:
    """Reduced quote of a dealer, O = mu + sigma z - d k I."""
    return mean + scale * draw - side * (skew * inventory)


def price_of(reduced: Any, side: Any, mid: Any, half_spread: Any) -> Any:
    """The price of a reduced value."""
    return mid + half_spread * (side * reduced)


def reduced_of(price: Any, side: Any, mid: Any, half_spread: Any) -> Any:
    """The reduced value of a price."""
    return side * (price - mid) / half_spread


def to_tick(price: Any, tick: Any) -> Any:
    """The nearest multiple of the tick, and so the same number for prices that are equal in the market."""
    return tick * np.rint(price / tick)


def panel_size(uniform: Any, cumulative: Any) -> Any:
    """How many dealers are asked; `cumulative` are the cumulated probabilities of 1, 2, ... dealers."""
    return 1 + np.searchsorted(cumulative[:-1], uniform, side="right")


def ring_start(uniform: Any, n_rivals: Any) -> Any:
    """The rival, counted from 0, at which the panel begins."""
    return np.floor(uniform * n_rivals)


def is_asked(rival: Any, start: Any, panel: Any, n_rivals: Any) -> Any:
    """Whether a rival, counted from 0, is among the `panel` - 1 neighbours in the ring from `start` on."""
    return (rival - start) % n_rivals < panel - 1


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


def next_inventory(inventory: Any, side: Any, size: Any, share: Any) -> Any:
    """Inventory of a dealer after a request of which it got `share`: down where the client buys."""
    return inventory - side * size * share


def status(own: Any, best: Any, second: Any, equal: Any, winner: Any) -> Any:
    """What dealer 0 is told; `equal` counts the quotes that equal its own, itself included; `winner` -1 for none."""
    done, none, passes = winner == 0, winner < 0, np.isinf(own)
    tied, cover, shared = own == best, (own == second) & (equal == 1), own == second
    return np.select(
        [passes, done, none, tied, cover, shared],
        [Status.PASS, Status.DONE, Status.NOT_TRADED, Status.TIED, Status.COVER, Status.TIED_COVER],
        Status.TRADED_AWAY,
    )
