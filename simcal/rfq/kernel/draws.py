"""The dealer market's kernel, the requests: loops over the lanes of a block that draw who asks and what is quoted.

A lane is one request: of a path at one step, or at a step of one path. The arithmetic is that of `simcal.rfq.rules`,
compiled, in float64.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simcal.definition.lanes import LANES, OPTIONS, U32, U64
from simcal.noise.compiled import normal_pair, philox, uniform
from simcal.rfq import rules
from simcal.rfq.laws import distance_at, place_of_word, quantile_tables
from simcal.rfq.market import SPECS, RfqMarket
from simcal.rfq.rules import (
    N_STREAMS,
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

CACHED: Any = {"cache": True, **OPTIONS}  # so that a user's quoting function compiles in seconds: all else is there
# Loops that own nothing: without the counting of references, which takes as long as the loops. They allocate nothing.
LOOP: Any = {"_nrt": False, **CACHED}

request_size, uniform_mid = njit(**OPTIONS)(rules.request_size), njit(**OPTIONS)(rules.uniform_mid)
next_mid, ring_start = njit(**OPTIONS)(rules.next_mid), njit(**OPTIONS)(rules.ring_start)
reserve, margin = njit(**OPTIONS)(rules.reserve), njit(**OPTIONS)(rules.margin)
price_of, reduced_of = njit(**OPTIONS)(rules.price_of), njit(**OPTIONS)(rules.reduced_of)
to_tick, next_inventory = njit(**OPTIONS)(rules.to_tick), njit(**OPTIONS)(rules.next_inventory)


class Coefficients(NamedTuple):
    """The market as the loops use it, all float64; what has a parameter's name is that parameter."""

    tables: np.ndarray  # of quantiles, one per shape that occurs, (shapes, cells, 4)
    table_of: np.ndarray  # which of them is the client's and which the dealers', (1 + n_dealers,)
    mean: np.ndarray  # of the margins, (n_dealers,), as the next two
    scale: np.ndarray
    skew: np.ndarray
    cumulative: np.ndarray  # probabilities of 1, 2, ... dealers, cumulated; empty where all are always asked
    needed: np.ndarray  # which blocks of the noise are used, (N_STREAMS / 4,)
    walk: bool
    smoothed: bool
    start: float  # the mid before the first request
    client_mean: float
    client_scale: float
    buy_share: float
    half_spread: float
    mid_low: float
    mid_high: float
    information: float
    mid_volatility: float
    size_median: float
    size_log_sd: float
    tick: float
    temperature: float


def coefficients(market: RfqMarket) -> Coefficients:
    """The coefficients of a market."""
    needed = np.zeros(N_STREAMS // 4, np.bool_)
    needed[STREAM_CLIENT // 4] = needed[STREAM_QUOTES // 4 : (STREAM_QUOTES + market.n_dealers - 1) // 4 + 1] = True
    needed[STREAM_RING // 4] |= market.panel_weights is not None
    needed[STREAM_TIE // 4] |= market.tick > 0
    needed[STREAM_SIZE // 4] = market.size_log_sd > 0
    needed[STREAM_MOVE // 4] |= market.mid_volatility > 0
    shapes, table_of = np.unique([market.client_shape, *market.vector("quote_shape")], return_inverse=True)
    mean, scale, skew = (market.vector(name) for name in ("quote_mean", "quote_scale", "inventory_skew"))
    cumulative = np.cumsum(market.panel_probabilities) if market.panel_weights is not None else np.empty(0)
    same: Any = {name: getattr(market, name) for name in Coefficients._fields if name in SPECS}
    return Coefficients(
        quantile_tables(shapes), table_of, mean, scale, skew, cumulative, needed, walk=market.mid_law == "walk",
        smoothed=market.rule == "smoothed", start=market.starting_mid, **same,
    )  # fmt: skip


class Lanes(NamedTuple):
    """What is known of the requests of a block, one per lane."""

    words: np.ndarray  # (N_STREAMS, LANES), uint32
    side: np.ndarray  # (LANES,), as all but the last three
    last_side: np.ndarray
    size: np.ndarray
    mid: np.ndarray
    panel: np.ndarray
    ring: np.ndarray
    value: np.ndarray
    best: np.ndarray
    second: np.ndarray
    winner: np.ndarray
    traded: np.ndarray
    held: np.ndarray  # inventory of dealer 0 before the request
    spare: np.ndarray
    row: np.ndarray
    draw: np.ndarray  # standard exponential power draws, and where they stand in the table
    place: np.ndarray
    cell: np.ndarray  # uint32
    quotes: np.ndarray  # reduced, infinite for who does not quote, (n_dealers, LANES)
    shares: np.ndarray
    inventory: np.ndarray


@njit(**CACHED)
def new_lanes(n_dealers):
    """Room for one block."""
    one, many = np.zeros((16, LANES)), np.zeros((3, n_dealers, LANES))
    return Lanes(
        np.zeros((N_STREAMS, LANES), U32), one[0], one[1], one[2], one[3], one[4], one[5], one[6], one[7], one[8],
        one[9], one[10], one[11], one[12], one[13], one[14], one[15], np.zeros(LANES, U32), many[0], many[1], many[2],
    )  # fmt: skip


@njit(**LOOP)
def draw_words(words, needed, k0, k1, path, path_stride, step, step_stride):
    """The blocks of noise that are needed; path and step are those of the first lane."""
    for block in range(needed.size):
        if needed[block]:
            a, b, c, d = words[4 * block], words[4 * block + 1], words[4 * block + 2], words[4 * block + 3]
            for lane in range(LANES):
                p = U64(path + U64(lane) * path_stride)
                t = U32(step + U32(lane) * step_stride)
                a[lane], b[lane], c[lane], d[lane] = philox(k0, k1, U32(p), U32(p >> U64(32)), t, U32(block))


@njit(**LOOP)
def draw_clients(p, w):
    """Sides, sizes, panels and reserve prices."""
    words, side, last_side, size = w.words[STREAM_SIDE], w.side, w.last_side, w.size
    for lane in range(LANES):
        last_side[lane] = side[lane]
        side[lane] = 1.0 if uniform(words[lane], 0.0) < p.buy_share else -1.0
    if p.size_log_sd > 0.0:
        _draw_normals(size, w.words[STREAM_SIZE], w.words[STREAM_SIZE + 1])
        for lane in range(LANES):
            size[lane] = request_size(p.size_median, p.size_log_sd, size[lane])
    if p.cumulative.size > 0:
        n, words, rings, panel, ring = p.mean.size, w.words[STREAM_PANEL], w.words[STREAM_RING], w.panel, w.ring
        for lane in range(LANES):
            u, asked = uniform(words[lane], 0.0), 1.0
            for j in range(n - 1):
                asked += 1.0 if u >= p.cumulative[j] else 0.0
            panel[lane] = asked
            ring[lane] = ring_start(uniform(rings[lane], 0.0), n - 1)
    _draw_standard(w, w.words[STREAM_CLIENT], p.tables[p.table_of[0]])
    value, draw = w.value, w.draw
    for lane in range(LANES):
        value[lane] = reserve(p.client_mean, p.client_scale, draw[lane])


@njit(**LOOP)
def draw_mids(p, w, first, across, carried):
    """The mids; at the `first` step the walk has made no move. `carried` is the mid of a path and its last side."""
    mid, words, shock = w.mid, w.words[STREAM_MID], w.spare
    if not p.walk:
        for lane in range(LANES):
            mid[lane] = uniform_mid(uniform(words[lane], 0.0), p.mid_low, p.mid_high)
        return
    if p.mid_volatility > 0.0:
        _draw_normals(shock, w.words[STREAM_MOVE], w.words[STREAM_MOVE + 1])
    else:
        shock[:] = 0.0
    if first:
        shock[: LANES if across else 1] = 0.0
    if across:
        last = w.last_side
        for lane in range(LANES):
            mid[lane] = next_mid(mid[lane], last[lane], p.information, p.half_spread, p.mid_volatility, shock[lane])
    else:
        for lane in range(LANES):
            mid[lane] = next_mid(carried[0], carried[1], p.information, p.half_spread, p.mid_volatility, shock[lane])
            carried[0], carried[1] = mid[lane], w.side[lane]


@njit(**LOOP)
def draw_quotes(p, w, first_dealer):
    """The reduced quotes of the dealers from `first_dealer` on, by their laws; infinite for who is not asked."""
    side, panel, ring, draw = w.side, w.panel, w.ring, w.draw
    n = p.mean.size
    for i in range(first_dealer, n):
        quote, mean, scale, skew, inventory = w.quotes[i], p.mean[i], p.scale[i], p.skew[i], w.inventory[i]
        _draw_standard(w, w.words[STREAM_QUOTES + i], p.tables[p.table_of[1 + i]])
        if skew > 0.0:
            for lane in range(LANES):
                quote[lane] = margin(mean, scale, draw[lane], side[lane], skew, inventory[lane])
        else:
            for lane in range(LANES):
                quote[lane] = reserve(mean, scale, draw[lane])  # the margin without a skew, in vector instructions
        round_quotes(p, w, quote)
        if i > 0 and p.cumulative.size > 0:
            rival, n_rivals = float(i - 1), float(n - 1)
            for lane in range(LANES):
                place = rival - ring[lane]
                place = place + n_rivals if place < 0.0 else place
                quote[lane] = quote[lane] if place < panel[lane] - 1.0 else np.inf


@njit(**LOOP)
def round_quotes(p, w, quote):
    """Quotes at the nearest tick, if there is one."""
    if p.tick > 0.0:
        side, mid = w.side, w.mid
        for lane in range(LANES):
            price = to_tick(price_of(quote[lane], side[lane], mid[lane], p.half_spread), p.tick)
            quote[lane] = reduced_of(price, side[lane], mid[lane], p.half_spread)


@njit(**LOOP)
def _draw_standard(w, words, table):
    """Standard exponential power draws. Three loops, because all but the one that reads the table are vectorised."""
    draw, cell, place = w.draw, w.cell, w.place
    for lane in range(LANES):
        cell[lane], place[lane] = place_of_word(words[lane])
    for lane in range(LANES):
        draw[lane] = distance_at(table, cell[lane], place[lane])
    for lane in range(LANES):
        draw[lane] = draw[lane] if words[lane] >> U32(31) else -draw[lane]


@njit(**LOOP)
def _draw_normals(normal, first, second):
    for lane in range(LANES):
        normal[lane] = normal_pair(first[lane], second[lane], 0.0)[0]
