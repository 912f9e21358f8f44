"""The description of the stock market: three groups of traders, a fundamental value, a price impact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from simcal.errors import ParameterError
from simcal.models.described import Described
from simcal.models.stock.specs import PARAMETERS, SPECS, STREAM_TRADERS, SWITCHING
from simcal.parameters import Parameter, check_factor, check_names

if TYPE_CHECKING:
    from simcal.models.stock.stepper import StockStepper
    from simcal.models.stock.twin import StockTwin

Number = float | Sequence[float]


@dataclass(frozen=True)
class StockMarket(Described):
    r"""Noise, technical and fundamental traders whose orders move one price (an immutable description).

    Everybody who acts at step :math:`t` knows the prices up to :math:`t-1`:

    .. math::
        P(t) &= P(t-1)\,(1 + \rho D(t) / N)                                         \quad (2) \\
        \eta_i &= b_i S(t) + c_i S_i(t), \quad S \sim N(0, \sigma_f^2),\ S_i \sim N(0, \sigma_p^2)  \quad (3) \\
        M_i &= \text{mean of the last } l_{1,i} \text{ prices} - \text{mean of the last } l_{2,i} \text{ prices} \\
        X_i &= P^*(t) + w_i(t) - P(t-1), \quad w_i \sim N(0, \sigma_F^2) \\
        \sigma(t) &= \sigma(t-1) + v_2(\mu_2 - \sigma(t-1)) + \xi \sqrt{\sigma(t-1)^+}\,\varepsilon_2(t)  \quad (8) \\
        P^*(t) &= P^*(t-1) + v_1(\mu_1 - P^*(t-1)) + \sqrt{\sigma(t)^+}\,\varepsilon_1(t)   \quad (7)

    Traders may switch between the technical and the fundamental group: with the balance b of
    `simcal.models.switching.rules` (:math:`\beta = 1`, no trend, mispricing :math:`g = (P(t-1) - P^*(t)) / P^*(t)`) the
    orders of the groups count :math:`1 - b(t)` and :math:`1 + b(t)` times, b(1) = 0. That is not in the paper, and off
    where ``predisposition``, ``herding``, ``misalignment`` and ``misalignment_tilt`` are 0.

    The smoothed rules order tanh(eta/2), tanh(d M/2) and tanh(k X/2); the hard rules the sign of eta, the sign
    of M where ``|M| >= gamma``, and the sign of X. A technical trader acts from step l2 on.

    The fields and their bounds are listed in ``StockMarket.SPECS``. A field with a group takes one number for
    all traders of the group or a list with one per trader. ``variance_start=None`` starts the variance at its mean.
    ``vol_of_vol`` (xi) and ``leverage_correlation``, the correlation of eps1 and eps2, are not in the paper, which
    has 1 and 0.

    Source: "A generative adversarial network approach to calibrate multi-agent simulators", sections 3.1 and 4,
    with moving averages over exactly l prices and full truncation of the variance.

    Raises
    ------
    ParameterError
        Where a value is not allowed, in one sentence.
    """

    kind: ClassVar[str] = "stock"
    title: ClassVar[str] = "stock market"
    SPECS: ClassVar[dict[str, Parameter]] = SPECS
    OUTPUTS: ClassVar[tuple[str, ...]] = (
        "demand_noise", "demand_technical", "demand_fundamental",
        "volume_noise", "volume_technical", "volume_fundamental",
        "fundamental_value", "fundamental_variance", "share_fundamental",
    )  # fmt: skip

    n_noise: int = 7
    n_technical: int = 5
    n_fundamental: int = 3
    impact: float = 0.1
    initial_price: float = 100.0
    public_weight: Number = 1.0
    private_weight: Number = 1.0
    public_sd: float = 1.0
    private_sd: float = 3.0
    short_window: int | Sequence[int] = (7, 4, 2, 7, 6)
    long_window: int | Sequence[int] = (8, 10, 10, 8, 7)
    trend_sensitivity: Number = 0.5
    trend_threshold: Number = 0.0
    value_sensitivity: Number = 1.0
    observation_sd: Number = 1.0
    fundamental_mean: float = 100.0
    fundamental_reversion: float = 0.1
    fundamental_start: float = 100.0
    variance_mean: float = 0.01
    variance_reversion: float = 0.1
    variance_start: float | None = 0.01
    vol_of_vol: float = 1.0
    leverage_correlation: float = 0.0
    predisposition: float = 0.0
    herding: float = 0.0
    misalignment: float = 0.0
    misalignment_tilt: float = 0.0
    rule: Literal["smoothed", "hard"] = "smoothed"

    def __post_init__(self) -> None:
        counts = {p.name: p.check(getattr(self, p.name)) for p in PARAMETERS if p.name.startswith("n_")}
        for spec in PARAMETERS:
            value = getattr(self, spec.name)
            if value is None and spec.name == "variance_start":
                continue
            count = counts[spec.group] if spec.group else None
            object.__setattr__(self, spec.name, spec.check(value, count))  # type: ignore[arg-type]
        if self.rule not in ("smoothed", "hard"):
            raise ParameterError(f"rule is {self.rule!r}, but must be 'smoothed' or 'hard'.")
        if self.n_traders == 0:
            raise ParameterError("The market has no traders; give at least one of n_noise, n_technical, n_fundamental.")
        for i, (short, long) in enumerate(zip(self.vector("short_window"), self.vector("long_window"), strict=True)):
            if short >= long:
                raise ParameterError(
                    f"Technical trader {i} has short_window {short:g} and long_window {long:g}; "
                    "the short window must be shorter than the long one."
                )

    @property
    def n_traders(self) -> int:
        """N, the number of traders."""
        return self.n_noise + self.n_technical + self.n_fundamental

    @property
    def draws_per_step(self) -> int:
        """Standard normals that one step of one path consumes: streams 0 to this number minus one."""
        return STREAM_TRADERS + self.n_noise + self.n_fundamental

    @property
    def switching(self) -> bool:
        """Whether technical and fundamental traders switch."""
        return any(getattr(self, name) != 0 for name in SWITCHING)

    @property
    def longest_window(self) -> int:
        """Prices that the market remembers (at least 1)."""
        return int(max(self.vector("long_window"), default=1))

    @property
    def starting_variance(self) -> float:
        """sigma(0), the mean where it is not given."""
        return self.variance_mean if self.variance_start is None else self.variance_start

    def vector(self, name: str) -> np.ndarray:
        """A parameter of a group as an array with one value per trader, shape (count,), float64."""
        spec = SPECS[name]
        if spec.group is None:
            raise ParameterError(f"{name} belongs to the whole market and has no value per trader.")
        return np.broadcast_to(np.asarray(getattr(self, name), dtype=float), (getattr(self, spec.group),)).copy()

    def rescaled(self, factor: float) -> Self:
        """The market whose returns are `factor` times as large, to first order in them.

        Prices move `factor` times as far around the mean fundamental value, and the rules answer to moves of that size
        as before. `impact` stays below 1: what it lacks then goes into the sensitivities, and returns that noise
        traders make fall short of the factor.
        """
        check_factor(factor)

        def times(name: str, power: float) -> Number:
            value = getattr(self, name)
            return tuple(x * power for x in value) if isinstance(value, tuple) else value * power

        impact = min(factor * self.impact, max(0.9, self.impact))
        steeper = self.impact / impact  # 1 / factor, unless the impact met its bound
        return self.replace(
            impact=impact,
            trend_sensitivity=times("trend_sensitivity", steeper),
            trend_threshold=times("trend_threshold", factor),
            value_sensitivity=times("value_sensitivity", steeper),
            observation_sd=times("observation_sd", factor),
            variance_mean=self.variance_mean * factor**2,
            variance_start=None if self.variance_start is None else self.variance_start * factor**2,
            vol_of_vol=self.vol_of_vol * factor,
            misalignment=self.misalignment / factor**2,
            misalignment_tilt=self.misalignment_tilt / factor,
        )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The market that a TOML file describes; `ParameterError` for unknown names."""
        return super().from_dict({"variance_start": None, **values})

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

        Returns
        -------
        ``prices`` and each name in `save`, shape (n_paths, n_steps // every + 1), and ``failed_step``, shape
        (n_paths,): the first step (burn-in included) whose price or value is not a usable number, 0 for none.
        """
        from simcal.models.stock import kernel

        return kernel.simulate_chunk(
            self, seed, first_path, n_paths, n_steps, save=save, every=every, burn_in=burn_in, dtype=dtype,
            threads=threads,
        )  # fmt: skip

    def stepper(self, seed: int, first_path: int, n_paths: int, *, dtype: str = "float64") -> StockStepper:
        """The same paths one step at a time, with room for orders from outside: see `StockStepper`."""
        from simcal.models.stock.stepper import StockStepper

        return StockStepper(self, seed, first_path, n_paths, dtype=dtype)

    def twin(self, trainable: Sequence[str] = (), *, per_trader: Sequence[str] = (), **options: Any) -> StockTwin:
        """The differentiable twin with the named parameters trainable; `options` as of `StockTwin`."""
        from simcal.models.stock.twin import StockTwin

        check_names(options, ["dtype", "device", "engine", "variance_gradient_floor"], "an option of the twin")
        return StockTwin(self, trainable, per_trader=per_trader, **options)
