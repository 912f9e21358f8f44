"""One price per sweep is the rule of PAMS: streams that PAMS 0.3.0 was given too, and what it made of them.

PAMS pins NumPy below 2 and cannot be installed beside this library. So its trades are here as their number and CRC-32:
rows of number of the buy, number of the sell, tick, volume and step, in the order in which they were made. Each order
went to `Market._add_order`, followed by `Market._execution` while a session traded; a step is `Market._update_time`.
"""

import zlib

import numpy as np
import pytest

from simcal import noise
from simcal.book import engine
from simcal.book.engine import SLOT_BITS
from simcal.book.engine.auction import ADVANCE, CANCEL, COLLECT, LIMIT, TRADE

N_ROWS, OPENING, LUNCH = 3000, 200, range(1500, 1560)
MADE_BY_PAMS = {0: (806, 1043673951), 1: (781, 1052622695), 2: (837, 1424307526)}  # by seed: number and CRC-32


def stream(seed):
    """Limit orders around a price that wanders, cancels and steps; orders are only collected at times."""
    u = noise.uniforms(seed, 0, 1, 1, N_ROWS, 8)[:, :, 0]
    rows = np.zeros(N_ROWS, engine.INSTRUCTION)
    rows["kind"] = np.select([u[:, 0] < 0.7, u[:, 0] < 0.8], [LIMIT, CANCEL], ADVANCE)
    rows["side"] = u[:, 1] < 0.5
    away = np.floor(16 * u[:, 2]).astype(int) - 4
    rows["tick"] = 300 + np.cumsum(np.floor(3 * u[:, 3]) - 1) // 3 + np.where(rows["side"] == 0, -away, away)
    rows["volume"] = np.where(rows["kind"] == ADVANCE, 1, 1 + np.floor(7 * u[:, 4]))
    rows["trader"] = np.floor(9 * u[:, 5])
    rows["lifetime"] = 1 + np.floor(120 * u[:, 6])
    rows["order"] = 1 + np.floor(0.7 * np.arange(N_ROWS)) - np.floor(60 * u[:, 7])
    return rows


def switch(kind):
    row = np.zeros(1, engine.INSTRUCTION)
    row["kind"] = kind
    return row


def trades_of(seed, rule):
    """The trades of a stream, and how it was played: rows, with the changes of session among them."""
    rows = stream(seed)
    parts = [switch(COLLECT), rows[:OPENING], switch(TRADE), rows[OPENING : LUNCH.start], switch(COLLECT)]
    parts += [rows[LUNCH.start : LUNCH.stop], switch(TRADE), rows[LUNCH.stop :]]
    everything = np.concatenate(parts)
    book = engine.new_book(n_ticks=1000, capacity=N_ROWS, rule=rule, max_fills=2 * N_ROWS)
    slots = np.zeros(N_ROWS + 1, np.int32)
    assert engine.play(book, everything, 0, slots, np.zeros(everything.size, np.int64)) == everything.size
    fills = book.fills[: engine.n_fills(book)]
    older, newer, bought = fills["resting"] >> SLOT_BITS, fills["incoming"] >> SLOT_BITS, fills["side"] == engine.BUY
    buy, sell = np.where(bought, newer, older), np.where(bought, older, newer)
    return np.stack([buy, sell, fills["tick"], fills["volume"], fills["step"]], axis=1).astype("<i8")


@pytest.mark.parametrize("seed", MADE_BY_PAMS)
def test_trades_are_those_of_pams(seed):
    trades = trades_of(seed, engine.ONE_PRICE)
    assert (len(trades), zlib.crc32(trades.tobytes())) == MADE_BY_PAMS[seed]


def test_the_other_rule_makes_other_trades():
    assert zlib.crc32(trades_of(0, engine.EACH_LEVEL).tobytes()) != MADE_BY_PAMS[0][1]
