"""The description of the dealer market: clients who ask several dealers for a quote and take the best, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from simcal.errors import ParameterError, check_names
from simcal.models.described import Described
from simcal.parameters import Parameter, check_choices, check_factor

if TYPE_CHECKING:
    from simcal.rfq.kernel.stepper import RfqStepper
    from simcal.rfq.twin import RfqTwin

Number = float | Sequence[float]
Quoting = Callable[..., Any]
MOST_DEALERS = 9

# What many parameters share.
_HALF: Any = {"unit": "half spreads"}
_FIXED: Any = {"trainable": False}
_DEALERS: Any = {"group": "n_dealers"}
_PRICE: Any = {"low": 0, "open": True, "unit": "price", **_FIXED}
PARAMETERS = (
    Parameter("n_dealers", 5, "number of dealers", 1, MOST_DEALERS, integer=True, letter="N", **_FIXED),
    Parameter("panel_weights", 1.0, "how often a request goes to 1, 2, ... dealers; absent: always to all", 0,
              **_DEALERS, **_FIXED),
    Parameter("client_mean", 0.2, "mean of a client's reserve price beyond the mid", letter="mu0", **_HALF),
    Parameter("client_scale", 1.0, "its scale", 0, open=True, letter="sigma0", **_HALF),
    Parameter("client_shape", 2.0, "its shape: 1 Laplace, 2 normal", 0.3, 50, letter="alpha0"),
    Parameter("quote_mean", 0.6, "mean of a dealer's margin", letter="mu1", **_HALF, **_DEALERS),
    Parameter("quote_scale", 0.8, "its scale", 0, open=True, letter="sigma1", **_HALF, **_DEALERS),
    Parameter("quote_shape", 1.2, "its shape", 0.3, 50, letter="alpha1", **_DEALERS),
    Parameter("inventory_skew", 0.0, "how far a dealer lowers both its prices per unit that it is long", 0,
              unit="half spreads/unit", **_DEALERS),
    Parameter("buy_share", 0.5, "share of the clients who buy", 0, 1, **_FIXED),
    Parameter("half_spread", 0.05, "half the spread between composite bid and ask", letter="Delta", **_PRICE),
    Parameter("mid_low", 95.0, "lowest mid, law 'uniform'", letter="p_min", **_PRICE),
    Parameter("mid_high", 105.0, "highest mid, law 'uniform'", letter="p_max", **_PRICE),
    Parameter("initial_price", 100.0, "first mid, law 'walk'", **_PRICE),
    Parameter("mid_volatility", 0.0, "deviation of the mid's moves, law 'walk'", 0, unit="price/request", **_FIXED),
    Parameter("information", 0.0, "expected move of the mid in the client's direction after a request, law 'walk'",
              **_HALF, **_FIXED),
    Parameter("size_median", 1.0, "median size of a request", 0, open=True, unit="units", **_FIXED),
    Parameter("size_log_sd", 0.0, "deviation of the logarithm of the size", 0, 10, **_FIXED),
    Parameter("tick", 0.0, "quotes are multiples of it; 0: any number", 0, unit="price", **_FIXED),
    Parameter("temperature", 0.1, "how softly the smoothed rule chooses", 0, open=True, **_HALF, **_FIXED),
)  # fmt: skip
SPECS: dict[str, Parameter] = {p.name: p for p in PARAMETERS}
CHOICES = {"mid_law": ("uniform", "walk"), "rule": ("hard", "smoothed")}
"""The parameters that are words, and the words."""


@dataclass(frozen=True)
class RfqMarket(Described):
    r"""Clients who request quotes from dealers and trade at the best one, or not at all (an immutable description).

    A step is one request. Its client is on side :math:`d = +1` (she buys) or :math:`-1` (she sells). With the mid P
    and the half spread :math:`\Delta`, a price p has the reduced value :math:`d\,(p - P) / \Delta`, so that every
    request is one to buy in reduced terms, and a dealer's reduced quote is what it earns:

    .. math::
        V &= \mu_0 + \sigma_0 z_0, \quad z_0 \sim EP(\alpha_0) \\
        O_i &= \mu_i + \sigma_i z_i - d\, k_i I_i, \quad z_i \sim EP(\alpha_i) \\
        EP(\alpha) &: \text{density } \exp(-|z|^\alpha / \alpha) / c, \quad c = 2 \alpha^{1/\alpha - 1} \Gamma(1/\alpha)

    V is the client's reserve price, I_i the inventory of dealer i before the request, k_i its ``inventory_skew``: a
    dealer who is long lowers both its prices. Hard rule: the lowest O_i trades if it lies below V. Smoothed rule: the
    client spreads the size over the dealers asked and not trading, with the shares of a multinomial logit in
    :math:`-O_i / T` and :math:`-V / T`, T the ``temperature``; T to 0 is the hard rule.

    The mid is uniform on ``mid_low`` to ``mid_high``, anew for each request, or walks from ``initial_price``:
    :math:`P(t+1) = P(t) + d(t)\, J \Delta + s\, \varepsilon(t+1)`, J the ``information`` and s ``mid_volatility``.

    Dealer 0 is the user's own, who is always asked; a panel of n takes n - 1 rivals beside it, neighbours in a ring
    that begins at a random one, so that all rivals are asked equally often. With a ``tick`` prices are rounded to its
    nearest multiple and ties are broken at random.

    The fields and their bounds are listed in ``RfqMarket.SPECS``. A field of the group ``n_dealers`` takes one number
    or a list with one per dealer. ``panel_weights`` is None (all dealers are always asked) or a list: entry i says
    how often i + 1 dealers are asked, relative to the others.

    Source: "A generative adversarial network approach to calibrate multi-agent simulators", section 3.2, which has
    buyers only, equal dealers, all asked. Its densities f0((v - P) / Delta) lack the factor 1 / Delta, which the laws
    here have. Clients who sell are reflected: their reduced prices follow the same laws.

    Raises
    ------
    ParameterError
        Where a value is not allowed, in one sentence.

    Examples
    --------
    >>> from simcal.rfq import RfqMarket, closed_forms
    >>> market = RfqMarket(n_dealers=3, quote_mean=0.5)
    >>> round(closed_forms.acceptance(market), 3), round(float(closed_forms.optimal_margin(market)), 3)
    (0.649, 0.368)
    """

    kind: ClassVar[str] = "rfq"
    title: ClassVar[str] = "dealer market"
    SPECS: ClassVar[dict[str, Parameter]] = SPECS
    OUTPUTS: ClassVar[tuple[str, ...]] = (
        "side", "size", "n_dealers", "client_value", "own_quote", "rival_quote", "best_quote", "cover_quote",
        "winner", "traded", "own_done", "own_status", "own_inventory",
        *(f"quote_{i}" for i in range(1, MOST_DEALERS)),
    )  # fmt: skip

    n_dealers: int = 5
    panel_weights: Sequence[float] | None = None
    client_mean: float = 0.2
    client_scale: float = 1.0
    client_shape: float = 2.0
    quote_mean: Number = 0.6
    quote_scale: Number = 0.8
    quote_shape: Number = 1.2
    inventory_skew: Number = 0.0
    buy_share: float = 0.5
    half_spread: float = 0.05
    mid_law: Literal["uniform", "walk"] = "uniform"
    mid_low: float = 95.0
    mid_high: float = 105.0
    initial_price: float = 100.0
    mid_volatility: float = 0.0
    information: float = 0.0
    size_median: float = 1.0
    size_log_sd: float = 0.0
    tick: float = 0.0
    rule: Literal["hard", "smoothed"] = "hard"
    temperature: float = 0.1

    def __post_init__(self) -> None:
        count = SPECS["n_dealers"].check(self.n_dealers)
        self._check_panel_weights(count)
        for spec in PARAMETERS:
            value = getattr(self, spec.name)
            if value is not None or spec.name != "panel_weights":
                object.__setattr__(self, spec.name, spec.check(value, count if spec.group else None))  # type: ignore[arg-type]
        self._check_together()

    def _check_panel_weights(self, n: Any) -> None:
        weights = self.panel_weights
        size = len(weights) if hasattr(weights, "__len__") and not isinstance(weights, str) else None  # type: ignore[arg-type]
        if weights is not None and size != n:
            given = f"is {weights!r}" if size is None else f"lists {size} values"
            raise ParameterError(
                f"panel_weights {given}, but must be a list with {n} weights, for panels of 1 to {n} dealers; leave it "
                "out where all are always asked."
            )

    def _check_together(self) -> None:
        """Refuse what is allowed alone but not together."""
        check_choices(self, CHOICES)
        if self.panel_weights is not None and sum(self.panel_weights) <= 0:
            raise ParameterError("panel_weights are all 0, but must hold at least one positive weight.")
        if self.mid_low >= self.mid_high:
            raise ParameterError(
                f"mid_low is {self.mid_low:g}, but must be below mid_high, which is {self.mid_high:g}."
            )
        first = "mid_low" if self.mid_law == "uniform" else "initial_price"
        if self.half_spread >= getattr(self, first):
            raise ParameterError(
                f"half_spread is {self.half_spread:g}, but must be below {first}, which is {getattr(self, first):g}, "
                "so that the bid is positive."
            )
        for name in ("mid_volatility", "information"):
            if self.mid_law == "uniform" and getattr(self, name) != 0:
                raise ParameterError(
                    f"{name} is {getattr(self, name):g}, but must be 0 where the mid is drawn anew for each request; "
                    "give mid_law = 'walk' for a mid that moves."
                )
        if self.rule == "smoothed" and self.tick > 0:
            raise ParameterError(
                f"tick is {self.tick:g}, but must be 0 with the smoothed rule, where every move of a quote counts."
            )

    @property
    def starting_mid(self) -> float:
        """The mid before the first request."""
        return self.initial_price if self.mid_law == "walk" else (self.mid_low + self.mid_high) / 2

    @property
    def panel_probabilities(self) -> np.ndarray:
        """Probability of a panel of 1, 2, ..., n_dealers dealers, shape (n_dealers,)."""
        if self.panel_weights is None:
            return np.eye(self.n_dealers)[-1]
        weights = np.asarray(self.panel_weights) / max(self.panel_weights)
        return weights / weights.sum()

    def vector(self, name: str) -> np.ndarray:
        """A parameter of the dealers as an array with one value per dealer, shape (n_dealers,), float64."""
        if SPECS[name].group is None:
            raise ParameterError(f"{name} belongs to the whole market and has no value per dealer.")
        return np.broadcast_to(np.asarray(getattr(self, name), dtype=float), (self.n_dealers,)).copy()

    def rescaled(self, factor: float) -> Self:
        """The market whose distances in price are `factor` times as large: half spread, tick and moves of the mid.

        Reduced quotes, and so who trades, stay as they are, but for roundings to the tick. The range of a uniform mid
        widens about its centre as far as the bid stays positive.
        """
        check_factor(factor)
        half_spread = self.half_spread * factor
        centre, reach = (self.mid_low + self.mid_high) / 2, (self.mid_high - self.mid_low) / 2
        if factor > 1:
            reach = max(min(reach * factor, 0.9 * centre - half_spread), reach)
        else:
            reach *= factor
        return self.replace(
            half_spread=half_spread, tick=self.tick * factor, mid_volatility=self.mid_volatility * factor,
            mid_low=centre - reach, mid_high=centre + reach,
        )  # fmt: skip

    def simulate_chunk(
        self, seed: int, first_path: int, n_paths: int, n_steps: int, *, save: Sequence[str] = (), every: int = 1,
        burn_in: int = 0, dtype: str = "float64", threads: int | None = 1, quoting: Quoting | None = None,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        """Run the kernel; the arguments are those of `simcal.simulate`, which checks them, and `quoting`.

        Parameters
        ----------
        quoting
            How dealer 0 quotes, instead of its own law: a function
            ``f(side, size, n_dealers, mid, half_spread, inventory, step)`` that returns the margin, that is the
            reduced quote; NaN where it does not quote. One that Numba has compiled gets numbers and runs inside the
            kernel. A Python function gets arrays (n_paths,), a number for the half spread and a whole number for the
            step, once per request. Steps count from 1, burn-in included. The rivals' noise is the same whatever it
            does.

        Returns
        -------
        ``prices`` (the mids) and each name in `save`, shape (n_paths, n_steps // every + 1), and ``failed_step``,
        shape (n_paths,): the first step (burn-in included) whose mid is not a usable number, 0 for none. Prices and
        quotes are prices; what does not exist, such as the cover of a single quote, is NaN. Time 0 is a request that
        did not happen: zeros, no winner (-1), NaN for quotes. All is computed in float64, whatever `dtype`.

        =================  ========================================================================================
        side               +1 where the client buys, -1 where she sells
        size, n_dealers    size of the request, dealers asked
        client_value       the client's reserve price
        own_quote          quote of dealer 0; ``rival_quote`` the best of the others asked
        best_quote         best of all; ``cover_quote`` the second best
        winner             the dealer who trades (smoothed rule: who trades most), -1 where nobody does
        traded, own_done   share of the size that trades, and that trades with dealer 0
        own_status         `simcal.rfq.Status` of dealer 0; NaN under the smoothed rule
        own_inventory      inventory of dealer 0 before the request
        quote_1, ...       quotes of the rivals
        =================  ========================================================================================

        Raises
        ------
        ParameterError
            Where `quoting` is no function, cannot be compiled, or does not return one number per request.
        """
        from simcal.rfq.kernel import chunks, stepper

        place = (self, seed, first_path, n_paths, n_steps)
        options: dict[str, Any] = {"save": save, "every": every, "burn_in": burn_in, "dtype": dtype, "quoting": quoting}
        if quoting is None or chunks.is_compiled(quoting):
            return chunks.simulate_chunk(*place, threads=threads, **options)
        return stepper.simulate_chunk(*place, **options)

    def request_stepper(self, seed: int, first_path: int, n_paths: int) -> RfqStepper:
        """The same paths one request at a time, quoted by whoever asks: see `RfqStepper`."""
        from simcal.rfq.kernel.stepper import RfqStepper

        return RfqStepper(self, seed, first_path, n_paths)

    def twin(self, trainable: Sequence[str] = (), *, per_trader: Sequence[str] = (), **options: Any) -> RfqTwin:
        """The differentiable twin with the named parameters trainable; `options` as of `RfqTwin`."""
        from simcal.rfq.twin import RfqTwin

        check_names(options, ["dtype", "device"], "an option of the twin")
        return RfqTwin(self, trainable, per_trader=per_trader, **options)

    def backtest(self, strategy: Any, noise: Any, **options: Any) -> Any:
        """What `simcal.backtest` does in a dealer market, see `simcal.rfq.backtest`."""
        from simcal.rfq.backtest import backtest_rfq

        return backtest_rfq(self, strategy, noise, **options)
