"""The arrays of order-book markets: constants, what a market remembers, and the names of their columns."""

from __future__ import annotations

import math
import mmap
from collections import namedtuple
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simcal.book import engine
from simcal.book.events import FatFinger, PriceLimit, Shock, TradingHalt
from simcal.book.market import BookMarket
from simcal.book.order_book import RULES, SELF_TRADE
from simcal.book.parameters import GROUPS, STARTS_AT_MEAN
from simcal.errors import ParameterError

# Columns of `State.traders`. The pulls are weights over their sum: that of value is per step (over tau_r), that of
# noise times s.
SHARES, CASH, VALUE_PULL, TREND_PULL, NOISE_PULL, MARGIN, HORIZON, RISK = range(8)
N_TRADER = 8
# Columns of `State.numbers`. Prices are in ticks; LOG_VALUE is relative to the initial price, VALUE_NOW in ticks.
PRICE, LOG_PRICE, MID, SPREAD, LOG_VALUE, VARIANCE, VALUE_NOW, PUBLIC, REFERENCE, LOW, HIGH, WAITING = range(12)
N_NUMBER = 12
# Columns of `State.counts`. PHASE_END is the step after which a session or a break ends, or `NEVER`.
CLOCK, TRADED, OPEN, PHASE_END, FAILED, VOLUME, BUY_VOLUME, TRADES, RETURNING = range(9)
N_COUNT = 9
NEVER = 2**62
# Rows of `State.past`, rings over steps: log price, sum of squared log returns, sum of prices up to and with a step.
PAST_LOG, PAST_SQUARES, PAST_SUM = range(3)

# Blocks of the noise, see `simcal.noise`. At a step (counted from 1, warm-up included) block 0 holds two normals of the
# fundamental value and a public signal. Decision i of the step has two blocks: who, a uniform and a normal of her own;
# then, for traders on signals, two uniforms more. Step 0 draws traits and endowments, two blocks per trader.
BLOCK_STEP, BLOCK_DECISIONS, BLOCKS_PER_DECISION, BLOCKS_PER_TRADER = 0, 1, 2, 2

GRID = 16  # ticks of a book per tick of the initial price

# Parameters of the fundamental value, see `simcal.book.rules.next_value`.
VALUE = ("fundamental_mean", "fundamental_reversion", "fundamental_start", "variance_mean", "variance_reversion",
         "variance_start", "vol_of_vol", "leverage_correlation")  # fmt: skip
# Parameters that compiled code takes as they are, and those with one value per trader of a group.
_SAME = [name for name, one in BookMarket.SPECS.items() if not one.group and name not in (*GROUPS, *VALUE)]
_PER_TRADER = [name for name, one in BookMarket.SPECS.items() if one.group]
# A market as numbers that compiled code takes. `groups` are the numbers of the first trader of each group and of all;
# `outside` and `mistaken` the accounts of demand from outside and of fat fingers, after those of the traders; `shocks`
# (k, 2) a step, the warm-up counted, and a factor; `fingers` (k, 3) such a step, a side and a volume. `band` and
# `threshold` are infinite without a price limit and without halts. Logs of the value are relative to the initial price.
BookConstants: Any = namedtuple("BookConstants", [
    *_SAME, *_PER_TRADER, *VALUE, "orthogonal", "moving", "n_traders", "groups", "outside", "mistaken", "start_tick",
    "top", "auctions", "last_price", "exponential", "hard", "replace_orders", "shocks", "fingers", "band", "threshold",
    "halt",
])  # fmt: skip


class State(NamedTuple):
    """The state of one market, or of a batch where every array has one axis more in front.

    Attributes
    ----------
    book
        The order book, see `simcal.book.engine`.
    traders, numbers, counts
        (n_traders + 2, N_TRADER), (N_NUMBER,) float64 and (N_COUNT,) int64: see the columns above.
    past
        (3, a power of two) float64: what is remembered of past steps.
    """

    book: Any
    traders: Any
    numbers: Any
    counts: Any
    past: Any


def constants(market: BookMarket) -> Any:
    """The numbers of a market, see `BookConstants`."""
    m = market
    value: dict[str, Any] = {name: m.starting(name) if name in STARTS_AT_MEAN else getattr(m, name) for name in VALUE}
    drifts = m.fundamental_reversion > 0 and value["fundamental_start"] != m.fundamental_mean
    for name in ("fundamental_mean", "fundamental_start"):
        value[name] = float(np.log(value[name] / m.initial_price))
    sides = {"buy": engine.BUY, "sell": engine.SELL}
    shocks = [(m.warm_up + e.step, 1 + e.change) for e in m.events if isinstance(e, Shock)]
    fingers = [(m.warm_up + e.step, sides[e.side], e.volume) for e in m.events if isinstance(e, FatFinger)]
    halt = next((e for e in m.events if isinstance(e, TradingHalt)), None)
    return BookConstants(
        **{name: getattr(m, name) for name in _SAME},
        **{name: m.vector(name) for name in _PER_TRADER},
        **value,
        orthogonal=math.sqrt(max(1 - m.leverage_correlation * m.leverage_correlation, 0.0)),
        moving=drifts or m.variance_mean > 0 or m.vol_of_vol > 0 or value["variance_start"] > 0,
        n_traders=m.n_traders,
        groups=np.cumsum([0, *(getattr(m, name) for name in GROUPS)]),
        outside=m.n_traders,
        mistaken=m.n_traders + 1,
        start_tick=m.initial_price / m.tick,
        top=n_ticks(m) - 1,
        auctions=m.matching == "each-level",
        last_price=m.price == "last",
        exponential=m.endowment == "exponential",
        hard=m.rule == "hard",
        replace_orders=m.replace_orders,
        shocks=np.array(shocks, float).reshape(-1, 2),
        fingers=np.array(fingers, np.int64).reshape(-1, 3),
        band=next((e.band for e in m.events if isinstance(e, PriceLimit)), math.inf),
        threshold=math.inf if halt is None else halt.threshold,
        halt=0 if halt is None else halt.duration,
    )


def n_ticks(market: BookMarket) -> int:
    """Prices on the grid of a market's book."""
    return min(2**24, int(np.ceil(GRID * market.initial_price / market.tick)) + 1)


def new_states(market: BookMarket, n: int) -> State:
    """A batch of n markets whose paths have not begun.

    Raises
    ------
    ParameterError
        Where they do not fit in memory.
    """
    size = 1 << int(market.memory + 1).bit_length()
    life = max(market.longest_horizon, market.order_lifetime)
    options: dict[str, Any] = {
        "capacity": market.most_orders + 4, "n_traders": market.n_traders + 2, "wheel": min(life + 2, 2**14),
        "rule": RULES.index(market.matching), "self_trade": SELF_TRADE.index(market.self_trade),
    }  # fmt: skip
    grid = engine.new_books(1, n_ticks=n_ticks(market), capacity=1)
    try:
        books = engine.new_books(n, n_ticks=2, **options)._replace(
            levels=_sparse((n, *grid.levels.shape[1:]), grid.levels.dtype),
            words=_sparse((n, *grid.words.shape[1:]), grid.words.dtype),
        )
        return State(
            book=books,
            traders=np.zeros((n, market.n_traders + 2, N_TRADER)),
            numbers=np.zeros((n, N_NUMBER)),
            counts=np.zeros((n, N_COUNT), np.int64),
            past=np.zeros((n, 3, size)),
        )
    except (MemoryError, OSError):
        raise ParameterError(
            f"The order books of {n} paths with {n_ticks(market)} prices each do not fit in memory; give fewer paths, "
            "or a larger tick."
        ) from None


def _sparse(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Zeros of which only the pages that are touched take memory.

    NumPy asks for large pages, of which a book would touch a few megabytes; and systems refuse to promise as much
    memory as many books could fill.
    """
    flags: dict[str, int] = {}
    if hasattr(mmap, "MAP_PRIVATE"):
        flags["flags"] = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
    return np.frombuffer(mmap.mmap(-1, math.prod(shape) * dtype.itemsize, **flags), dtype).reshape(shape)


@njit(**engine.OPTIONS)
def one_of(states, i):
    """Market i of a batch, as views."""
    return State(engine.book_of(states.book, i), states.traders[i], states.numbers[i], states.counts[i], states.past[i])
