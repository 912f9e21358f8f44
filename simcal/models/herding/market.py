"""The description of the herding market: two ways to trade, and shares of traders that follow what is attractive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from simcal.errors import ParameterError
from simcal.models.described import Described
from simcal.models.herding.specs import PARAMETERS, SPECS, STARTS_AT_MEAN, STREAM_VALUE, STREAM_VARIANCE
from simcal.parameters import Parameter, check_factor, check_names

if TYPE_CHECKING:
    from simcal.models.herding.stepper import HerdingStepper
    from simcal.models.herding.twin import HerdingTwin


@dataclass(frozen=True)
class HerdingMarket(Described):
    r"""Fundamentalists and chartists whose shares follow their attractiveness (an immutable description).

    With the log price :math:`p`, its fundamental value :math:`p^*` and the change :math:`r(t) = p(t) - p(t-1)`,
    everybody who acts at step :math:`t` knows the prices up to :math:`t-1`:

    .. math::
        p(t)   &= p(t-1) + \mu\,[n_f(t)\,d_f(t) + n_c(t)\,d_c(t)] \\
        d_f(t) &= \phi\,(p^*(t) - p(t-1)) + \sigma_f\,z_f(t) \\
        d_c(t) &= \chi\,r(t-1) + \sigma_c\,(1 - \tanh(\lambda m(t-1) / 2))\,z_c(t) \\
        m(t)   &= \omega\,m(t-1) + (1 - \omega)\,r(t) \\
        n_f(t+1) &= 1 / (1 + e^{-\beta a(t)}), \quad n_c = 1 - n_f \\
        a(t)   &= \alpha_0 + \alpha_n\,(n_f(t) - n_c(t)) + \alpha_p\,g(t)^2 + \alpha_m\,g(t) + \alpha_r\,m(t-1), \quad
                  g(t) = p(t-1) - p^*(t)

    A rush to fundamentalism when the price strays (``misalignment``), imitation (``herding``), a ``predisposition``.
    Volatility clusters because chartists are noisier and their share persists.

    In the source z is standard normal and :math:`p^*` constant; :math:`\alpha_m, \alpha_r, \lambda` and
    :math:`\omega` are 0. The extensions are off by default:

    * ``misalignment_tilt`` and ``trend_attraction`` let the shares answer to falls otherwise than to rises,
      ``fall_response`` the size of the chartists' own demand, which at most doubles; ``trend_memory`` makes the trend m
      an exponentially weighted mean of past changes, so that they answer to the falls of days or weeks.
    * ``fundamental_tail`` and ``chartist_tail`` h and ``chartist_skew`` s give z heavy tails and a skew at mean 0 and
      variance 1: a multiple of :math:`(z + s\,(z^2 - 1/(1 - h)))\,e^{h z^2 / 2}` of a normal z (Tukey's h where s is
      0), whose moments below order 1/h are finite.
    * ``growth`` g makes price and fundamental value :math:`e^{g t}` times as large, which traders do not trade on.
    * The log fundamental value follows the process of the stock market, `simcal.models.fundamental.rules`, with
      variance ``variance_mean`` per step (a random walk where ``fundamental_reversion`` is 0).

    Demand is per head of the population: its unit is one unit for every trader. The fields and their bounds are listed
    in ``HerdingMarket.SPECS``. ``fundamental_start=None`` and ``variance_start=None`` start at the mean.

    Source: Franke and Westerhoff, "Structural stochastic volatility in asset pricing dynamics: Estimation and model
    contest", Journal of Economic Dynamics and Control 36 (2012) 1193-1211, discrete choice with herding, predisposition
    and misalignment.

    Raises
    ------
    ParameterError
        Where a value is not allowed, in one sentence.
    """

    kind: ClassVar[str] = "herding"
    title: ClassVar[str] = "herding market"
    SPECS: ClassVar[dict[str, Parameter]] = SPECS
    OUTPUTS: ClassVar[tuple[str, ...]] = (
        "demand_fundamental", "demand_chartist", "volume", "share_fundamental", "fundamental_value",
        "fundamental_variance",
    )  # fmt: skip

    initial_price: float = 100.0
    impact: float = 0.01
    value_sensitivity: float = 0.12
    trend_sensitivity: float = 1.5
    fundamental_sd: float = 0.758
    chartist_sd: float = 2.087
    choice_intensity: float = 1.0
    predisposition: float = -0.327
    herding: float = 1.79
    misalignment: float = 18.43
    share_start: float = 0.5
    misalignment_tilt: float = 0.0
    trend_attraction: float = 0.0
    trend_memory: float = 0.0
    fall_response: float = 0.0
    fundamental_tail: float = 0.0
    chartist_tail: float = 0.0
    chartist_skew: float = 0.0
    growth: float = 0.0
    fundamental_mean: float = 100.0
    fundamental_reversion: float = 0.0
    fundamental_start: float | None = None
    variance_mean: float = 0.0
    variance_reversion: float = 0.1
    variance_start: float | None = None
    vol_of_vol: float = 0.0
    leverage_correlation: float = 0.0

    def __post_init__(self) -> None:
        for spec in PARAMETERS:
            value = getattr(self, spec.name)
            if value is not None or spec.name not in STARTS_AT_MEAN:
                object.__setattr__(self, spec.name, spec.check(value))
        for name in ("fundamental_tail", "chartist_tail"):
            if getattr(self, name) == SPECS[name].high:
                raise ParameterError(f"{name} is 0.5, at which the variance is infinite, but must be below 0.5.")

    @property
    def moving(self) -> bool:
        """Whether the fundamental value moves, or would if its mean were another."""
        drifts = self.fundamental_reversion > 0 and self.fundamental_start is not None
        return drifts or self.variance_mean > 0 or self.vol_of_vol > 0 or self.starting("variance_start") > 0

    @property
    def draws_per_step(self) -> int:
        """Standard normals that one step of one path consumes: streams 0 to this number minus one."""
        return STREAM_VARIANCE + 1 if self.moving else STREAM_VALUE

    def starting(self, name: str) -> float:
        """``fundamental_start`` or ``variance_start``, the mean where it is not given."""
        value = getattr(self, name)
        return getattr(self, STARTS_AT_MEAN[name]) if value is None else value

    def rescaled(self, factor: float) -> Self:
        """The market whose log returns are `factor` times as large, exactly; impact and sensitivities stay."""
        check_factor(factor)

        def level(value: float | None) -> float | None:
            return None if value is None else self.initial_price * (value / self.initial_price) ** factor

        return self.replace(
            fundamental_sd=self.fundamental_sd * factor,
            chartist_sd=self.chartist_sd * factor,
            misalignment=self.misalignment / factor**2,
            misalignment_tilt=self.misalignment_tilt / factor,
            trend_attraction=self.trend_attraction / factor,
            fall_response=self.fall_response / factor,
            growth=self.growth * factor,
            fundamental_mean=level(self.fundamental_mean),
            fundamental_start=level(self.fundamental_start),
            variance_mean=self.variance_mean * factor**2,
            variance_start=None if self.variance_start is None else self.variance_start * factor**2,
            vol_of_vol=self.vol_of_vol * factor,
        )

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
        from simcal.models.herding import kernel

        return kernel.simulate_chunk(
            self, seed, first_path, n_paths, n_steps, save=save, every=every, burn_in=burn_in, dtype=dtype,
            threads=threads,
        )  # fmt: skip

    def stepper(self, seed: int, first_path: int, n_paths: int, *, dtype: str = "float64") -> HerdingStepper:
        """The same paths one step at a time, with room for orders from outside: see `HerdingStepper`."""
        from simcal.models.herding.stepper import HerdingStepper

        return HerdingStepper(self, seed, first_path, n_paths, dtype=dtype)

    def twin(self, trainable: Sequence[str] = (), *, per_trader: Sequence[str] = (), **options: Any) -> HerdingTwin:
        """The differentiable twin with the named parameters trainable; `options` as of `PriceTwin`."""
        from simcal.models.herding.twin import HerdingTwin

        check_names(options, ["dtype", "device", "engine", "variance_gradient_floor"], "an option of the twin")
        return HerdingTwin(self, trainable, per_trader=per_trader, **options)
