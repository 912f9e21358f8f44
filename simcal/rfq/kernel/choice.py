"""The dealer market's kernel, the choice: who trades, what dealer 0 is told, and what is saved, lane by lane.

The tests compare them with a plain NumPy program that ranks by sorting.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from simcal.definition.lanes import LANES
from simcal.noise.compiled import uniform
from simcal.rfq.kernel.draws import LOOP, next_inventory, price_of, to_tick
from simcal.rfq.market import RfqMarket
from simcal.rfq.rules import STREAM_TIE
from simcal.rfq.table.words import Status

NAMES = ("prices", *RfqMarket.OUTPUTS)
(
    MID, SIDE, SIZE, PANEL, VALUE, OWN, RIVAL, BEST, SECOND, WINNER, TRADED, DONE, STATUS, INVENTORY, QUOTE_1,
) = range(15)  # fmt: skip

TOLD_DONE, TOLD_COVER, TOLD_AWAY = float(Status.DONE), float(Status.COVER), float(Status.TRADED_AWAY)
TOLD_NOT, TOLD_PASS = float(Status.NOT_TRADED), float(Status.PASS)
TOLD_TIED, TOLD_TIED_COVER = float(Status.TIED), float(Status.TIED_COVER)


@njit(**LOOP)
def choose(p, w, all_shares):
    """Best, second best and winner, and who gets which share; those of the rivals only where `all_shares`."""
    _rank(w.quotes, w.best, w.second, w.winner)
    if p.tick > 0.0:
        _break_ties(w.quotes, w.best, w.winner, w.words[STREAM_TIE], w.spare)
    if p.smoothed:
        _smoothed_shares(w.quotes, w.best, w.value, p.temperature, w.shares, w.traded)
    best, value, traded, winner = w.best, w.value, w.traded, w.winner
    for lane in range(LANES):
        winner[lane] = winner[lane] if best[lane] < value[lane] else -1.0
    if not p.smoothed:
        for lane in range(LANES):
            traded[lane] = 1.0 if best[lane] < value[lane] else 0.0
        for i in range(p.mean.size if all_shares else 1):
            share, name = w.shares[i], float(i)
            for lane in range(LANES):
                share[lane] = 1.0 if winner[lane] == name else 0.0


@njit(**LOOP)
def _rank(quotes, best, second, winner):
    first = quotes[0]
    for lane in range(LANES):
        best[lane], second[lane], winner[lane] = first[lane], np.inf, 0.0
    for i in range(1, quotes.shape[0]):
        quote, name = quotes[i], float(i)
        for lane in range(LANES):
            new, old = quote[lane], best[lane]
            better = new < old
            worse = old if better else new
            second[lane] = worse if worse < second[lane] else second[lane]
            best[lane] = new if better else old
            winner[lane] = name if better else winner[lane]


@njit(**LOOP)
def _break_ties(quotes, best, winner, words, place):
    _count_equal(quotes, best, place)
    for lane in range(LANES):
        place[lane] = np.floor(uniform(words[lane], 0.0) * place[lane])
    for i in range(quotes.shape[0]):
        quote, name = quotes[i], float(i)
        for lane in range(LANES):
            tied = quote[lane] == best[lane]
            winner[lane] = name if tied and place[lane] == 0.0 else winner[lane]
            place[lane] -= 1.0 if tied else 0.0


@njit(**LOOP)
def _count_equal(quotes, other, count):
    count[:] = 0.0
    for i in range(quotes.shape[0]):
        quote = quotes[i]
        for lane in range(LANES):
            count[lane] += 1.0 if quote[lane] == other[lane] else 0.0


@njit(**LOOP)
def _smoothed_shares(quotes, best, value, temperature, shares, traded):
    traded[:] = 0.0
    for i in range(quotes.shape[0]):
        quote, share = quotes[i], shares[i]
        for lane in range(LANES):
            lowest = best[lane] if best[lane] < value[lane] else value[lane]
            share[lane] = np.exp((lowest - quote[lane]) / temperature)
            traded[lane] += share[lane]
    for lane in range(LANES):
        lowest = best[lane] if best[lane] < value[lane] else value[lane]
        total = traded[lane] + np.exp((lowest - value[lane]) / temperature)
        for i in range(quotes.shape[0]):
            shares[i, lane] /= total
        traded[lane] /= total


@njit(**LOOP)
def hold(p, w, across, all_shares, carried):
    """The inventories move on, and `held` is that of dealer 0 before; `carried` is the inventory of a path."""
    side, size, held = w.side, w.size, w.held
    if across:
        _copy(w.inventory[0], held)
        for i in range(p.mean.size if all_shares else 1):
            inventory, share = w.inventory[i], w.shares[i]
            for lane in range(LANES):
                inventory[lane] = next_inventory(inventory[lane], side[lane], size[lane], share[lane])
    else:
        share = w.shares[0]
        for lane in range(LANES):
            held[lane] = carried[2]
            carried[2] = next_inventory(carried[2], side[lane], size[lane], share[lane])


@njit(**LOOP)
def output(q, p, w):
    """What ``NAMES[q]`` is in each lane, put into the row `w.row`."""
    if q == MID:
        _copy(w.mid, w.row)
    elif q == SIDE:
        _copy(w.side, w.row)
    elif q == SIZE:
        _copy(w.size, w.row)
    elif q == PANEL:
        _copy(w.panel, w.row)
    elif q == WINNER:
        _copy(w.winner, w.row)
    elif q == TRADED:
        _copy(w.traded, w.row)
    elif q == DONE:
        _copy(w.shares[0], w.row)
    elif q == INVENTORY:
        _copy(w.held, w.row)
    elif q == STATUS:
        _count_equal(w.quotes, w.quotes[0], w.spare)
        _statuses(p, w.quotes[0], w.best, w.second, w.spare, w.winner, w.row)
    elif q == VALUE:
        _prices(p, w, w.value, 0.0)
    elif q == BEST:
        _prices(p, w, w.best, p.tick)
    elif q == SECOND:
        _prices(p, w, w.second, p.tick)
    elif q == OWN:
        _prices(p, w, w.quotes[0], p.tick)
    elif q == RIVAL:
        lowest = w.spare
        lowest[:] = np.inf
        for i in range(1, p.mean.size):
            quote = w.quotes[i]
            for lane in range(LANES):
                lowest[lane] = quote[lane] if quote[lane] < lowest[lane] else lowest[lane]
        _prices(p, w, lowest, p.tick)
    elif q - QUOTE_1 + 1 < p.mean.size:
        _prices(p, w, w.quotes[q - QUOTE_1 + 1], p.tick)
    else:
        w.row[:] = np.nan


@njit(**LOOP)
def _copy(source, target):
    for lane in range(LANES):
        target[lane] = source[lane]


@njit(**LOOP)
def _prices(p, w, reduced, tick):
    side, mid, price = w.side, w.mid, w.row
    for lane in range(LANES):
        found = price_of(reduced[lane], side[lane], mid[lane], p.half_spread)
        price[lane] = found if reduced[lane] < np.inf else np.nan
    if tick > 0.0:
        for lane in range(LANES):
            price[lane] = to_tick(price[lane], tick)


@njit(**LOOP)
def _statuses(p, own, best, second, equal, winner, told):
    for lane in range(LANES):
        status = TOLD_TIED_COVER if equal[lane] > 1.0 else TOLD_COVER
        status = status if own[lane] == second[lane] else TOLD_AWAY
        status = TOLD_TIED if own[lane] == best[lane] else status
        status = TOLD_NOT if winner[lane] < 0.0 else status
        status = TOLD_DONE if winner[lane] == 0.0 else status
        status = TOLD_PASS if own[lane] == np.inf else status
        told[lane] = np.nan if p.smoothed else status
