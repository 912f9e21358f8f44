"""The arithmetic of a request, each rule defined once, and the streams of noise that it consumes.

Pure functions of numbers, arrays or tensors that broadcast together: the kernel compiles them, the twin and the
resimulation call them as they are. "Reduced" is a distance from the mid on the dealer's side in half spreads, see
`RfqMarket`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Streams of the noise at every step, see `simcal.noise`. Words but for the last two, which are normals.
STREAM_CLIENT, STREAM_SIDE, STREAM_MID, STREAM_PANEL = 0, 1, 2, 3
STREAM_QUOTES = 4  # of dealer 0; those of the others follow
STREAM_RING, STREAM_TIE = 13, 14
STREAM_SIZE, STREAM_MOVE = 16, 18
N_STREAMS = 20

ZERO_AT_START = ("side", "size", "n_dealers", "traded", "own_done", "own_inventory")
"""Outputs that are 0 at time 0, for the request that did not happen; its winner is -1, its prices are NaN."""

GIVEN = ("side", "size", "n_dealers", "own")
"""What the twin may take as given: the client's side (+1, -1) and size, dealers asked, own margin. Numbers are in
reduced units (see `Requests.reduced`); those that are not there, as an own quote that a law shall draw, are NaN."""

SEEN = ("side", "size", "n_dealers", "own", "rival", "best", "cover", "done", "traded")
"""What a request shows: the given, best margin of the rivals, best and second-best margin of all, share done by the own
dealer, share traded at all."""


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


def ring_start(uniform: Any, n_rivals: Any) -> Any:
    """The rival, counted from 0, at which the panel begins."""
    return np.floor(uniform * n_rivals)


def is_asked(rival: Any, start: Any, panel: Any, n_rivals: Any) -> Any:
    """Whether a rival, counted from 0, is among the `panel` - 1 neighbours in the ring from `start` on."""
    return (rival - start) % n_rivals < panel - 1


def next_inventory(inventory: Any, side: Any, size: Any, share: Any) -> Any:
    """Inventory of a dealer after a request of which it got `share`: down where the client buys."""
    return inventory - side * size * share
