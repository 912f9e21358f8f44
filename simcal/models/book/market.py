"""The description of the order-book market: groups of traders by rule, and the exchange where they meet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, Self

import numpy as np

from simcal.errors import ParameterError
from simcal.models.book.events import Event, events_of
from simcal.models.book.specs import CHOICES, GROUPS, PARAMETERS, SPECS, STARTS_AT_MEAN
from simcal.models.described import Described
from simcal.parameters import Parameter, check_choices, check_factor

if TYPE_CHECKING:
    from simcal.models.book.stepper import BookStepper

Number = float | Sequence[float]
_MOST_TICKS = 2**22  # of the initial price
_MOST_ORDERS = 2**22  # that may rest
_LOG_LARGEST = 33 * math.log(2)  # an exponential number made of a word is at most this many times its mean


@dataclass(frozen=True)
class BookMarket(Described):
    r"""Traders by rule who meet in one limit order book (an immutable description).

    At a step the log fundamental value moves (`simcal.models.fundamental.rules`; a random walk by default), then
    ``orders_per_step`` traders are drawn one after the other, each with the same chance, and act at once on what they
    see. With price :math:`p` (of the last trade), its value :math:`p^f`, and tau the trader's horizon:

    * Fundamental-chartist-noise traders (``n_fcn``) expect a log return per step and from it a price,

      .. math::
          \hat r = \frac{w_F \log(p^f / p) / \tau_r + w_C \log(p_t / p_{t-\tau}) / \tau + w_N s z}{w_F + w_C + w_N},
          \quad \hat p = p\,e^{\hat r \tau}, \quad
          \tau = \Big\lfloor \tau_0 \frac{b + w_F}{b + w_C} \Big\rfloor,

      buy at :math:`\hat p (1 - k)` where :math:`\hat p > p` and else sell at :math:`\hat p (1 + k)`. Weights
      are exponential, k is uniform up to ``order_margin``; both are a trader's for good. An order lives for
      :math:`\tau` steps, and :math:`\tau` is not longer than the time since the beginning.
    * With constant absolute risk aversion (``n_cara``) and v the variance of log returns over the horizon they would
      hold :math:`D(x) = \log(\hat p / x) / (a v x)` shares at price x. They draw x uniformly from the price at which
      all cash would be spent to the price :math:`\hat p` at which all shares would be sold, and order the difference
      to what they hold, at x, or at the best price of the other side where x would cross it.
    * Noise, technical and fundamental traders (``n_noise``, ``n_technical``, ``n_fundamental``) have the demand of
      `simcal.models.stock`, between -1 and 1; times ``signal_volume`` and rounded it is their order. With probability
      ``market_share`` that is a market order, else a limit order that is up to ``order_margin`` (uniform) worse for
      the other side than the mid.
    * Market makers (``n_makers``) cancel their quotes and bid and ask ``maker_volume`` shares at ``maker_spread`` on
      both sides of the mid, moved by ``maker_skew`` against what they have bought.

    ``replace_orders`` lets everybody cancel her resting order before the next; risk-averse traders and makers always
    do. Cash and shares of others may become negative.

    Before time 0 orders are only collected for ``warm_up`` steps; sessions of ``session_steps`` follow, with breaks
    between them in which orders are collected. Under the rule "each-level" a session opens with a call auction, and a
    trade has the price of the older order. Under "one-price", the rule of PAMS, all trades of an order have the price
    of the last one, and at the opening the first order sets off the trades.

    ``price`` says what the price of a step is: "last", of the last trade (before the first one the mid), or "mid",
    between best bid and best ask. Where a side is empty the mid is the price of the trade that emptied it, and else,
    as the spread, stands still. A price that reaches an end of the grid ends its path. ``events`` are listed in
    `simcal.models.book.events`.

    Demand from outside (a strategy in `simcal.backtest`) is sent as a market order at the end of a step, so that the
    price of the step shows all of its impact; one unit is ``outside_volume`` shares. What is not a whole share, or
    finds nobody to trade with, is sent at the next. A backtest counts an order at the price of the step, which for a
    mid leaves half the spread out (give that as a proportional cost) and charges a large order more than the book does:
    `BookStepper.outside_cash` has what was paid.

    Outputs: ``mid``, ``last_price``, ``spread``, ``depth_bid`` and ``depth_ask`` (shares at the best prices),
    ``resting`` (orders in the book), ``volume`` and ``buy_volume`` (shares that traded in the step, an opening after
    it included; those that a buyer took), ``trades`` (their number), ``trading`` (1 in sessions), and
    ``fundamental_value``, ``fundamental_variance``.

    The fields and their bounds are listed in ``BookMarket.SPECS``.

    Sources: Chiarella and Iori, "A simulation analysis of the microstructure of double auction markets" (2002);
    Chiarella, Iori and Perello, "The impact of heterogeneous trading rules on the limit order book and order flows"
    (2009), with the parameters and the details of the code of arXiv 2511.05207.

    Raises
    ------
    ParameterError
        Where a value is not allowed, in one sentence.
    """

    kind: ClassVar[str] = "book"
    title: ClassVar[str] = "book market"
    SPECS: ClassVar[dict[str, Parameter]] = SPECS
    OUTPUTS: ClassVar[tuple[str, ...]] = (
        "mid", "last_price", "spread", "depth_bid", "depth_ask", "resting", "volume", "buy_volume", "trades", "trading",
        "fundamental_value", "fundamental_variance",
    )  # fmt: skip

    n_fcn: int = 100
    n_cara: int = 0
    n_noise: int = 0
    n_technical: int = 0
    n_fundamental: int = 0
    n_makers: int = 0
    orders_per_step: int = 1
    initial_price: float = 100.0
    tick: float = 0.01
    order_lifetime: int = 200
    warm_up: int = 100
    session_steps: int = 0
    break_steps: int = 0
    outside_volume: int = 10
    shares_mean: float = 50.0
    shares_spread: float = 1.0
    cash_mean: float = 20_000.0
    cash_spread: float = 0.5
    value_weight: float = 10.0
    trend_weight: float = 1.25
    noise_weight: float = 1.0
    noise_scale: float = 1e-4
    value_horizon: float = 200.0
    horizon: float = 100.0
    horizon_inertia: float = 20.0
    order_margin: float = 0.01
    order_volume: int = 1
    risk_aversion: float = 0.1
    risk_inertia: float = 1.0
    public_weight: Number = 1.0
    private_weight: Number = 1.0
    public_sd: float = 1.0
    private_sd: float = 3.0
    short_window: int | Sequence[int] = 10
    long_window: int | Sequence[int] = 50
    trend_sensitivity: Number = 0.5
    trend_threshold: Number = 0.0
    value_sensitivity: Number = 1.0
    observation_sd: Number = 1.0
    signal_volume: int = 10
    market_share: float = 0.3
    maker_spread: float = 0.001
    maker_skew: float = 1e-5
    maker_volume: int = 10
    fundamental_mean: float = 100.0
    fundamental_reversion: float = 0.0
    fundamental_start: float | None = None
    variance_mean: float = 1e-6
    variance_reversion: float = 0.1
    variance_start: float | None = None
    vol_of_vol: float = 0.0
    leverage_correlation: float = 0.0
    matching: Literal["each-level", "one-price"] = "each-level"
    self_trade: Literal["allow", "cancel-resting", "cancel-incoming"] = "allow"
    price: Literal["last", "mid"] = "mid"
    endowment: Literal["uniform", "exponential"] = "uniform"
    rule: Literal["smoothed", "hard"] = "smoothed"
    replace_orders: bool = True
    events: Sequence[Event] = ()

    def __post_init__(self) -> None:
        counts = {name: SPECS[name].check(getattr(self, name)) for name in GROUPS}
        for spec in PARAMETERS:
            value = getattr(self, spec.name)
            if value is not None or spec.name not in STARTS_AT_MEAN:
                count = counts[spec.group] if spec.group else None
                object.__setattr__(self, spec.name, spec.check(value, count))  # type: ignore[arg-type]
        check_choices(self, CHOICES)
        if not isinstance(self.replace_orders, bool):
            raise ParameterError(f"replace_orders is {self.replace_orders!r}, but must be true or false.")
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
        spec = SPECS[name]
        if spec.group is None:
            raise ParameterError(f"{name} belongs to the whole market and has no value per trader.")
        return np.broadcast_to(np.asarray(getattr(self, name), dtype=float), (getattr(self, spec.group),)).copy()

    def rescaled(self, factor: float) -> Self:
        """The market whose returns are about `factor` times as large: all distances of prices are."""
        check_factor(factor)

        def times(name: str, power: float) -> Any:
            value = getattr(self, name)
            return tuple(x * power for x in value) if isinstance(value, tuple) else value * power

        def level(value: float | None) -> float | None:
            return None if value is None else self.initial_price * (value / self.initial_price) ** factor

        return self.replace(
            noise_scale=min(self.noise_scale * factor, 1.0),
            order_margin=min(self.order_margin * factor, max(0.9, self.order_margin)),
            risk_aversion=self.risk_aversion / factor,
            trend_sensitivity=times("trend_sensitivity", 1 / factor),
            trend_threshold=times("trend_threshold", factor),
            value_sensitivity=times("value_sensitivity", 1 / factor),
            observation_sd=times("observation_sd", factor),
            maker_spread=min(self.maker_spread * factor, max(0.9, self.maker_spread)),
            maker_skew=min(self.maker_skew * factor, 1.0),
            fundamental_mean=level(self.fundamental_mean),
            fundamental_start=level(self.fundamental_start),
            variance_mean=self.variance_mean * factor**2,
            variance_start=None if self.variance_start is None else self.variance_start * factor**2,
            vol_of_vol=self.vol_of_vol * factor,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as they stand in TOML: ``kind`` first, then every parameter; events where there are any."""
        values = super().to_dict()
        del values["events"]
        return {**values, **({"events": [event.to_dict() for event in self.events]} if self.events else {})}

    def simulate_chunk(
        self,
        seed: int,
        first_path: int,
        n_paths: int,
        n_steps: int,
        *,
        save: Sequence[str] = (),
        every: int = 1,
        burn_in: int = 0,
        dtype: str = "float64",
        threads: int | None = 1,
    ) -> dict[str, np.ndarray]:
        """Run the kernel; the arguments are those of `simcal.simulate`, which checks them.

        Books are kept in float64 and whole numbers; `dtype` is that of what is saved.

        Returns
        -------
        ``prices`` and each name in `save`, shape (n_paths, n_steps // every + 1), and ``failed_step``, shape
        (n_paths,): the first step (burn-in included) whose price or value is not a usable number, 0 for none. Prices
        are NaN from there on.
        """
        from simcal.models.book import kernel

        return kernel.simulate_chunk(
            self, seed, first_path, n_paths, n_steps, save=save, every=every, burn_in=burn_in, dtype=dtype,
            threads=threads,
        )  # fmt: skip

    def stepper(self, seed: int, first_path: int, n_paths: int, *, dtype: str = "float64") -> BookStepper:
        """The same paths one step at a time, with room for orders from outside: see `BookStepper`."""
        from simcal.models.book.stepper import BookStepper

        return BookStepper(self, seed, first_path, n_paths, dtype=dtype)

    def twin(self, trainable: Sequence[str] = (), *, per_trader: Sequence[str] = (), **options: Any) -> NoReturn:
        """An order book has no differentiable twin: `ParameterError`."""
        raise ParameterError(
            "A market of kind 'book' has no differentiable twin, because orders are whole shares at whole ticks and "
            "no trade changes smoothly with a parameter. Calibrate a market of kind 'stock', 'herding' or 'rfq'."
        )
