"""What an order-book market is made of: every parameter with its default and bounds, and what one allows another."""

# ruff: noqa: RUF009 (`parameter` makes fields)

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from simcal.book.events import MarketEvent, events_of
from simcal.errors import ParameterError
from simcal.fields import check_fields, parameter, parameters_of
from simcal.models.described import Described
from simcal.parameters import Parameter

Number = float | Sequence[float]
GROUPS = ("n_fcn", "n_cara", "n_noise", "n_technical", "n_fundamental", "n_makers")
# Starts that are at their means where they are not given.
STARTS_AT_MEAN = {"fundamental_start": "fundamental_mean", "variance_start": "variance_mean"}

_MOST_TICKS = 2**22  # of the initial price
_MOST_ORDERS = 2**22  # that may rest
_LOG_LARGEST = 33 * math.log(2)  # an exponential number made of a word is at most this many times its mean


def _count(default: int, description: str) -> int:
    return parameter(default, description, 0, 1_000_000, integer=True)


@dataclass(frozen=True)
class BookParameters(Described):
    """The parameters of `simcal.BookMarket`, which says what they mean; checked when they are set."""

    title: ClassVar[str] = "book market"
    SPECS: ClassVar[dict[str, Parameter]]

    # Who trades.
    n_fcn: int = _count(100, "number of fundamental-chartist-noise traders")
    n_cara: int = _count(0, "number of those with constant absolute risk aversion")
    n_noise: int = _count(0, "number of noise traders")
    n_technical: int = _count(0, "number of technical traders")
    n_fundamental: int = _count(0, "number of fundamental traders")
    n_makers: int = _count(0, "number of market makers")
    orders_per_step: int = parameter(1, "decisions in one step", 1, 100_000, integer=True)
    # The exchange.
    initial_price: float = parameter(
        100.0, "price before the first step", 0, open=True, letter="P(0)", unit="price", trainable=False
    )
    tick: float = parameter(
        0.01, "distance of two prices of the book", 0, open=True, letter="delta", unit="price", trainable=False
    )
    order_lifetime: int = parameter(
        200, "steps after which an order of a trader without a horizon lapses", 0, 100_000, integer=True, unit="steps"
    )
    warm_up: int = parameter(
        100, "steps before time 0 in which orders only rest", 0, 10_000_000, integer=True, unit="steps"
    )
    session_steps: int = parameter(
        0, "steps of a trading session; 0: it never ends", 0, 10_000_000, integer=True, unit="steps"
    )
    break_steps: int = parameter(
        0, "steps between two sessions, in which orders only rest", 0, 10_000_000, integer=True, unit="steps"
    )
    outside_volume: int = parameter(
        10, "shares that one unit of demand from outside counts as", 1, 1_000_000, integer=True, unit="shares"
    )
    # Endowments.
    shares_mean: float = parameter(50.0, "mean endowment with shares", 0, 1e6, unit="shares")
    shares_spread: float = parameter(1.0, "half the range of a uniform endowment, relative to its mean", 0, 1)
    cash_mean: float = parameter(20_000.0, "mean endowment with cash", 0, 1e12, unit="money")
    cash_spread: float = parameter(0.5, "half the range of a uniform endowment, relative to its mean", 0, 1)
    # Fundamental-chartist-noise traders, with or without risk aversion.
    value_weight: float = parameter(10.0, "mean weight of the fundamental value", 0, 1e3, letter="E w_F")
    trend_weight: float = parameter(1.25, "mean weight of the trend", 0, 1e3, letter="E w_C")
    noise_weight: float = parameter(1.0, "mean weight of noise", 0, 1e3, letter="E w_N")
    noise_scale: float = parameter(1e-4, "deviation of the noise in an expected return per step", 0, 1, unit="1/step")
    value_horizon: float = parameter(
        200.0, "steps in which the price is expected to reach its value", 0, 1e9, open=True, letter="tau_r",
        unit="steps"
    )  # fmt: skip
    horizon: float = parameter(
        100.0, "steps that a trader looks back and ahead, before her weights change them", 1, 1e5, letter="tau_0",
        unit="steps", trainable=False
    )  # fmt: skip
    horizon_inertia: float = parameter(
        20.0, "the larger, the less weights change a horizon", 0, 1e9, open=True, letter="b", trainable=False
    )
    order_margin: float = parameter(
        0.01, "largest distance of a limit order from the price it starts from", 0, 1, open=True, letter="k"
    )
    order_volume: int = parameter(
        1, "shares in an order of a trader without risk aversion", 1, 100_000, integer=True, unit="shares"
    )
    risk_aversion: float = parameter(
        0.1, "absolute risk aversion, before weights change it", 0, open=True, letter="a", unit="1/money"
    )
    risk_inertia: float = parameter(1.0, "the larger, the less weights change risk aversion", 0, 1e9, open=True)
    # Traders on signals.
    public_weight: Number = parameter(1.0, "weight of the public signal", letter="b", group="n_noise")
    private_weight: Number = parameter(1.0, "weight of the private signal", letter="c", group="n_noise")
    public_sd: float = parameter(1.0, "deviation of the public signal", 0, letter="sigma_f")
    private_sd: float = parameter(3.0, "deviation of a private signal", 0, letter="sigma_p")
    short_window: int | Sequence[int] = parameter(
        10, "prices in the short moving average", 1, 100_000, integer=True, letter="l1", unit="steps",
        group="n_technical"
    )  # fmt: skip
    long_window: int | Sequence[int] = parameter(
        50, "prices in the long moving average", 2, 100_000, integer=True, letter="l2", unit="steps",
        group="n_technical"
    )  # fmt: skip
    trend_sensitivity: Number = parameter(
        0.5, "steepness of the smoothed trend rule", 0, open=True, letter="d", unit="1/price", group="n_technical"
    )
    trend_threshold: Number = parameter(
        0.0, "smallest trend that the hard rule acts on", 0, letter="gamma", unit="price", group="n_technical",
        trainable=False
    )  # fmt: skip
    value_sensitivity: Number = parameter(
        1.0, "steepness of the smoothed value rule", 0, open=True, letter="k", unit="1/price", group="n_fundamental"
    )
    observation_sd: Number = parameter(
        1.0, "error of a trader's view of the fundamental value", 0, letter="sigma_F", unit="price",
        group="n_fundamental"
    )  # fmt: skip
    signal_volume: int = parameter(
        10, "shares in the full order of a trader on a signal", 1, 100_000, integer=True, unit="shares"
    )
    market_share: float = parameter(0.3, "share of market orders among those of traders on signals", 0, 1)
    # Market makers.
    maker_spread: float = parameter(0.001, "half the spread of a market maker, relative to the mid", 0, 1, open=True)
    maker_skew: float = parameter(1e-5, "how far quotes move per share held, relative to the mid", 0, 1, unit="1/share")
    maker_volume: int = parameter(10, "shares in a quote", 1, 100_000, integer=True, unit="shares")
    # The logarithm of the fundamental value.
    fundamental_mean: float = parameter(
        100.0, "level that the fundamental value reverts to", 0, open=True, letter="P*", unit="price"
    )
    fundamental_reversion: float = parameter(
        0.0, "speed of that reversion, of logarithms", 0, 1, letter="v1", unit="1/step"
    )
    fundamental_start: float | None = parameter(
        None, "fundamental value before the first step; absent: at its mean", 0, open=True, letter="P*(0)",
        unit="price", trainable=False
    )  # fmt: skip
    variance_mean: float = parameter(
        1e-6, "level that the variance of the log value reverts to", 0, letter="mu2", unit="1/step"
    )
    variance_reversion: float = parameter(0.1, "speed of that reversion", 0, 1, letter="v2", unit="1/step")
    variance_start: float | None = parameter(
        None, "variance before the first step; absent: at its mean", 0, letter="sigma(0)", unit="1/step",
        trainable=False
    )  # fmt: skip
    vol_of_vol: float = parameter(0.0, "size of the variance's own shocks", 0, letter="xi", unit="1/step")
    leverage_correlation: float = parameter(
        0.0, "correlation of the shocks to value and variance", -1, 1, letter="corr"
    )
    matching: Literal["each-level", "one-price"] = "each-level"
    self_trade: Literal["allow", "cancel-resting", "cancel-incoming"] = "allow"
    price: Literal["last", "mid"] = "mid"
    endowment: Literal["uniform", "exponential"] = "uniform"
    rule: Literal["smoothed", "hard"] = "smoothed"
    replace_orders: bool = True
    events: Sequence[MarketEvent] = ()

    def __post_init__(self) -> None:
        check_fields(self)
        object.__setattr__(self, "events", events_of(self.events))
        self._check_together()

    def _check_together(self) -> None:
        """What one parameter allows another."""
        if self.n_traders == 0:
            raise ParameterError(f"The market has no traders; give at least one of {', '.join(GROUPS)}.")
        if (self.n_fcn or self.n_cara) and not self.value_weight + self.trend_weight + self.noise_weight > 0:
            raise ParameterError("value_weight, trend_weight and noise_weight are all 0; give one of them a weight.")
        for i, (short, long) in enumerate(zip(self.vector("short_window"), self.vector("long_window"), strict=True)):
            if short >= long:
                raise ParameterError(
                    f"Technical trader {i} has short_window {short:g} and long_window {long:g}; "
                    "the short window must be shorter than the long one."
                )
        if not 10 <= self.initial_price / self.tick <= _MOST_TICKS:
            raise ParameterError(
                f"initial_price is {self.initial_price:g} and tick {self.tick:g}, but a price must be from 10 to "
                f"{_MOST_TICKS} ticks; give a smaller or a larger tick."
            )
        if self.break_steps and not self.session_steps:
            raise ParameterError(
                f"break_steps is {self.break_steps}, but without session_steps the session never ends; give them too."
            )
        if self.most_orders > _MOST_ORDERS:
            raise ParameterError(
                f"Up to {self.most_orders} orders could rest, but a book holds {_MOST_ORDERS}; give fewer orders per "
                "step, shorter lives, or replace_orders."
            )

    @property
    def n_traders(self) -> int:
        """Number of traders of all groups."""
        return sum(getattr(self, name) for name in GROUPS)

    @property
    def longest_horizon(self) -> int:
        """A bound on the horizons of traders with one, in steps; 0 without such traders."""
        if not (self.n_fcn or self.n_cara):
            return 0
        most = self.horizon * (self.horizon_inertia + _LOG_LARGEST * self.value_weight) / self.horizon_inertia
        return math.ceil(most)

    @property
    def memory(self) -> int:
        """Past prices that the market remembers, at least 1."""
        return int(max(self.longest_horizon, *self.vector("long_window"), 1))

    @property
    def most_orders(self) -> int:
        """A bound on the orders that rest at the same time."""
        if self.replace_orders:
            return self.n_traders + self.n_makers
        life = max(self.longest_horizon, self.order_lifetime, 1) + 1
        return self.orders_per_step * life * (2 if self.n_makers else 1)

    def starting(self, name: str) -> float:
        """``fundamental_start`` or ``variance_start``, the mean where it is not given."""
        value = getattr(self, name)
        return getattr(self, STARTS_AT_MEAN[name]) if value is None else value

    def vector(self, name: str) -> np.ndarray:
        """A parameter of a group as an array with one value per trader, shape (count,), float64."""
        spec = self.SPECS[name]
        if spec.group is None:
            raise ParameterError(f"{name} belongs to the whole market and has no value per trader.")
        return np.broadcast_to(np.asarray(getattr(self, name), dtype=float), (getattr(self, spec.group),)).copy()


BookParameters.SPECS = parameters_of(BookParameters)
