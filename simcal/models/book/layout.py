"""The arrays of order-book markets: constants, what a market remembers, and the names of their columns."""

from __future__ import annotations

import math
import mmap
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simcal.errors import ParameterError
from simcal.models.book import engine
from simcal.models.book.events import FatFinger, PriceLimit, Shock, TradingHalt
from simcal.models.book.market import BookMarket
from simcal.models.book.order_book import RULES, SELF_TRADE
from simcal.models.book.specs import GROUPS
from simcal.models.fundamental.coefficients import fundamental_fields
from simcal.models.lanes import OPTIONS

# Columns of `State.traders`. The pulls are weights over their sum: that of value is per step (over tau_r), that of
# noise times s.
SHARES, CASH, VALUE_PULL, TREND_PULL, NOISE_PULL, MARGIN, HORIZON, RISK = range(8)
N_TRADER = 8
# Columns of `State.numbers`. Prices are in ticks; LOG_VALUE is relative to the initial price, VALUE in ticks.
PRICE, LOG_PRICE, MID, SPREAD, LOG_VALUE, VARIANCE, VALUE, PUBLIC, REFERENCE, LOW, HIGH, WAITING = range(12)
N_NUMBER = 12
# Columns of `State.counts`. PHASE_END is the step after which a session or a break ends, or `NEVER`.
CLOCK, TRADED, OPEN, PHASE_END, FAILED, VOLUME, BUY_VOLUME, TRADES, RETURNING = range(9)
N_COUNT = 9
NEVER = 2**62
# Rows of `State.past`, rings over steps: log price, sum of squared log returns, sum of prices up to and with a step.
PAST_LOG, PAST_SQUARES, PAST_SUM = range(3)

GRID = 16  # ticks of a book per tick of the initial price


class Constants(NamedTuple):
    """A market as numbers that compiled code takes; `BookMarket` says what they are.

    `groups` are the numbers of the first trader of each group and of all; `outside` and `mistaken` the accounts of
    demand from outside and of fat fingers, after those of the traders.
    """

    n_traders: int
    groups: Any
    outside: int
    mistaken: int
    orders_per_step: int
    tick: float
    start_tick: float
    top: int
    lifetime: int
    warm_up: int
    session_steps: int
    break_steps: int
    auctions: bool
    last_price: bool
    replace_orders: bool
    outside_volume: int
    exponential: bool
    shares_mean: float
    shares_spread: float
    cash_mean: float
    cash_spread: float
    value_weight: float
    trend_weight: float
    noise_weight: float
    noise_scale: float
    value_horizon: float
    horizon: float
    horizon_inertia: float
    order_margin: float
    order_volume: int
    risk_aversion: float
    risk_inertia: float
    hard: bool
    public_sd: float
    private_sd: float
    public_weight: Any
    private_weight: Any
    short_window: Any
    long_window: Any
    trend_sensitivity: Any
    trend_threshold: Any
    value_sensitivity: Any
    observation_sd: Any
    signal_volume: int
    market_share: float
    maker_spread: float
    maker_skew: float
    maker_volume: int
    moving: bool
    mean: float
    reversion: float
    start: float
    variance_mean: float
    variance_reversion: float
    variance_start: float
    vol_of_vol: float
    correlation: float
    orthogonal: float
    shocks: Any  # (k, 2): step with the warm-up, factor
    fingers: Any  # (k, 3): step with the warm-up, side, volume
    band: float  # infinite without a price limit
    threshold: float  # infinite without halts
    halt: int


class State(NamedTuple):
    """The state of one market, or of a batch where every array has one axis more in front.

    Attributes
    ----------
    book
        The order book, see `simcal.models.book.engine`.
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


def constants(market: BookMarket) -> Constants:
    """The numbers of a market."""
    m = market
    ticks = m.initial_price / m.tick
    numbers: dict[str, Any] = {
        name: np.float64(m.starting(name) if name.endswith("_start") else getattr(m, name))
        for name in ("fundamental_mean", "fundamental_reversion", "fundamental_start", "variance_mean",
                     "variance_reversion", "variance_start", "vol_of_vol", "leverage_correlation")
    }  # fmt: skip
    for name in ("fundamental_mean", "fundamental_start"):
        numbers[name] = np.log(numbers[name] / m.initial_price)
    begin = np.cumsum([0, *(getattr(m, name) for name in GROUPS)])
    sides = {"buy": engine.BUY, "sell": engine.SELL}
    shocks = [(m.warm_up + e.step, 1 + e.change) for e in m.events if isinstance(e, Shock)]
    fingers = [(m.warm_up + e.step, sides[e.side], e.volume) for e in m.events if isinstance(e, FatFinger)]
    band = next((e.band for e in m.events if isinstance(e, PriceLimit)), np.inf)
    halt = next((e for e in m.events if isinstance(e, TradingHalt)), None)
    drifts = m.fundamental_reversion > 0 and m.starting("fundamental_start") != m.fundamental_mean
    same = {
        name: getattr(m, name) for name in Constants._fields
        if name in m.SPECS and not m.SPECS[name].group and name not in ("horizon", "variance_start", "tick", *numbers)
    }  # fmt: skip
    return Constants(
        **same,
        n_traders=m.n_traders,
        groups=begin,
        outside=m.n_traders,
        mistaken=m.n_traders + 1,
        tick=m.tick,
        start_tick=ticks,
        top=n_ticks(m) - 1,
        lifetime=m.order_lifetime,
        auctions=m.matching == "each-level",
        last_price=m.price == "last",
        replace_orders=m.replace_orders,
        exponential=m.endowment == "exponential",
        horizon=m.horizon,
        hard=m.rule == "hard",
        moving=drifts or m.variance_mean > 0 or m.vol_of_vol > 0 or m.starting("variance_start") > 0,
        **{name: m.vector(name) for name in Constants._fields if name in m.SPECS and m.SPECS[name].group},
        **fundamental_fields(numbers, "float64"),
        shocks=np.array(shocks, float).reshape(-1, 2),
        fingers=np.array(fingers, np.int64).reshape(-1, 3),
        band=band,
        threshold=np.inf if halt is None else halt.threshold,
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


@njit(**OPTIONS)
def one_of(states, i):
    """Market i of a batch, as views."""
    return State(engine.book_of(states.book, i), states.traders[i], states.numbers[i], states.counts[i], states.past[i])
