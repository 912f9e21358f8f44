"""The order-book market: traders by rule who meet in one limit order book."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

import numpy as np

from simcal.book.parameters import BookParameters
from simcal.errors import ParameterError
from simcal.noise.counters import key_of
from simcal.parameters import check_factor
from simcal.threads import check_threads, run, split

if TYPE_CHECKING:
    from simcal.book.stepper import BookStepper


@dataclass(frozen=True)
class BookMarket(BookParameters):
    r"""Traders by rule who meet in one limit order book (an immutable description).

    At a step the log fundamental value moves (`simcal.book.rules`; a random walk by default), then
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
      `simcal.StockMarket`, between -1 and 1; times ``signal_volume`` and rounded it is their order. With probability
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
    `simcal.book.events`.

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

    Examples
    --------
    >>> from simcal import BookMarket
    >>> market = BookMarket(n_fcn=50, n_makers=5)
    >>> market.n_traders, market.most_orders
    (55, 60)
    >>> market.stepper(seed=1, first_path=0, n_paths=2).prices.shape
    (2,)
    """

    kind: ClassVar[str] = "book"
    OUTPUTS: ClassVar[tuple[str, ...]] = (
        "mid", "last_price", "spread", "depth_bid", "depth_ask", "resting", "volume", "buy_volume", "trades", "trading",
        "fundamental_value", "fundamental_variance",
    )  # fmt: skip

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
        from simcal.book.kernel import NAMES, simulate_paths
        from simcal.book.layout import constants, new_states

        saved = ["prices", *save]
        out = np.empty((len(saved), n_paths, n_steps // every + 1), dtype)
        failed = np.empty(n_paths, np.int64)
        slots = np.array([saved.index(name) if name in saved else -1 for name in NAMES])
        k0, k1 = map(np.uint32, key_of(seed))
        what = (constants(self), k0, k1, np.uint64(first_path), n_steps, every, burn_in, slots, out, failed)
        parts = split(n_paths, check_threads(threads))
        run([(simulate_paths, (new_states(self, 1), *what, begin, end)) for begin, end in parts])
        return {**dict(zip(saved, out, strict=True)), "failed_step": failed}

    def stepper(self, seed: int, first_path: int, n_paths: int, *, dtype: str = "float64") -> BookStepper:
        """The same paths one step at a time, with room for orders from outside: see `BookStepper`."""
        from simcal.book.stepper import BookStepper

        return BookStepper(self, seed, first_path, n_paths, dtype=dtype)

    def twin(self, trainable: Sequence[str] = (), *, per_trader: Sequence[str] = (), **options: Any) -> NoReturn:
        """An order book has no differentiable twin: `ParameterError`."""
        raise ParameterError(
            "A market of kind 'book' has no differentiable twin, because orders are whole shares at whole ticks and "
            "no trade changes smoothly with a parameter. Calibrate a market of kind 'stock', 'herding' or 'rfq'."
        )
