"""The verb `forecast`: paths from the last observed day, in the filtered state, with what is not known."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import root_scalar
from scipy.special import softmax

from simcal import models
from simcal.calibration.estimate import Estimate
from simcal.calibration.scale import FreeScale
from simcal.data import PriceSeries
from simcal.errors import ParameterError
from simcal.inference.filtering import Filtered, filter
from simcal.models import Market
from simcal.noise import check_integer
from simcal.simulation import simulate

HORIZONS = (1, 5, 10, 20)
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@dataclass(frozen=True, eq=False)
class Forecast:
    """Prices to come.

    Attributes
    ----------
    filtered
        Where the paths begin.
    prices
        (n_paths, horizon + 1), the last observed price first.
    n_draws
        Sets of parameters that the paths were drawn with; 1 where their uncertainty is left out.
    effective
        Of a scenario: how many independent paths it is worth.
    """

    filtered: Filtered = field(repr=False)
    prices: np.ndarray = field(repr=False)
    n_draws: int
    effective: float | None = None

    @property
    def horizon(self) -> int:
        """Steps ahead."""
        return self.prices.shape[1] - 1

    def quantiles(self, levels: Sequence[float] = QUANTILES) -> pd.DataFrame:
        """Of the price, a row per step ahead."""
        found = np.quantile(self.prices[:, 1:], levels, axis=0).T
        table = pd.DataFrame(found, columns=[f"{100 * q:g} %" for q in levels])
        table.insert(0, "step", np.arange(1, self.horizon + 1))
        return table

    def risk(self, horizons: Sequence[int] = HORIZONS, levels: Sequence[float] = (0.01, 0.05)) -> pd.DataFrame:
        """Value at risk and expected shortfall of the return, as shares of today's price: losses are positive."""
        rows = []
        for steps in (h for h in horizons if h <= self.horizon):
            returns = np.sort(self.prices[:, steps] / self.prices[:, 0] - 1)
            row: dict[str, float] = {"steps": steps}
            for level in levels:
                worst = returns[: max(int(np.ceil(level * len(returns))), 1)]
                row |= {f"VaR {100 * level:g} %": -worst[-1], f"ES {100 * level:g} %": -worst.mean()}
            rows.append(row)
        return pd.DataFrame(rows)

    def probability_of_fall(self, share: float, *, within: int | None = None) -> float:
        """Probability that the price lies a `share` below today's at some step within so many; None is the horizon."""
        steps = self.horizon if within is None else within
        return float((self.prices[:, 1 : steps + 1].min(axis=1) <= (1 - share) * self.prices[:, 0]).mean())

    def given(self, fall: float, *, within: int, tilted: bool = False, seed: int = 0) -> Forecast:
        r"""The scenario in which the price lies a share `fall` lower after so many steps: paths from there on, too.

        Paths that fall by less are left out. With `tilted`, each is instead drawn again with a probability
        proportional to :math:`e^{-\theta r}`, r its log return over those steps and :math:`\theta` such that the price
        is on average that much lower: the least change of the law of paths that has it (entropy pooling), which also
        tells of falls that hardly a path has.

        Raises
        ------
        ParameterError
            The paths tell nothing of such a fall.

        Examples
        --------
        >>> import simcal
        >>> prices = simcal.simulate(simcal.load("herding-today"), 1, 300, seed=2).prices[0]
        >>> found = simcal.forecast("herding-today", prices, 20, n_paths=5000)
        >>> worse, far = found.given(0.02, within=5), found.given(0.1, within=5, tilted=True)
        >>> bool((worse.prices[:, 5] <= 0.98 * worse.prices[:, 0]).all()), far.effective < 5000
        (True, True)
        """
        check_integer("within", within, 1, self.horizon)
        if not 0 < fall < 1:
            raise ParameterError(f"fall is {fall:g}, but is a share of the price between 0 and 1, such as 0.15.")
        relative = self.prices[:, within] / self.prices[:, 0]
        words = f"by {100 * fall:g} % within {within} steps"
        if not tilted:
            kept = self.prices[relative <= 1 - fall]
            if not len(kept):
                raise ParameterError(
                    f"None of {len(self.prices)} paths falls {words}; raise n_paths, or tilt the paths."
                )
            return dataclasses.replace(self, prices=kept, effective=float(len(kept)))
        if not relative.min() < 1 - fall < relative.max():
            raise ParameterError(f"No path falls more than {words} or none less, so paths cannot be tilted to it.")
        returns = np.log(relative)
        weights = softmax(-_tilt(returns, relative, 1 - fall) * returns)
        # Systematic: every path comes as often as its weight says, up to one.
        places = (np.random.default_rng(seed).random() + np.arange(len(weights))) / len(weights)
        chosen = np.minimum(np.searchsorted(np.cumsum(weights), places), len(weights) - 1)
        return dataclasses.replace(self, prices=self.prices[chosen], effective=float(1 / np.square(weights).sum()))

    def summary(self) -> pd.DataFrame:
        """The risk table."""
        return self.risk()

    def to_dict(self) -> dict[str, Any]:
        """Plain values: quantiles, risk, probabilities of falls by 5, 10 and 20 %."""
        return {
            "series": self.filtered.series.name, "from": str(self.filtered.series.dates[-1]), "horizon": self.horizon,
            "n_paths": len(self.prices), "n_draws": self.n_draws, "next_deviation": self.filtered.next_deviation,
            "quantiles": self.quantiles().to_dict("records"), "risk": self.risk().to_dict("records"),
            "probability_of_fall": {f"{100 * s:g} %": self.probability_of_fall(s) for s in (0.05, 0.1, 0.2)},
            "effective": self.effective,
        }  # fmt: skip

    def plot(self, n_before: int = 120) -> Any:
        """The last prices and the fan of those to come."""
        from simcal.report.shapes import draw_fan
        from simcal.report.style import REAL, SIMULATED, house_style, legend_below, new_axes

        known = self.filtered.series.prices[-n_before - 1 :]
        levels = (0.025, 0.25, 0.5, 0.75, 0.975)
        fan = pd.DataFrame(np.quantile(self.prices, levels, axis=0).T, columns=[f"q{q:g}" for q in levels])
        fan = fan.assign(step=np.arange(self.horizon + 1), mean=self.prices.mean(axis=0))
        with house_style():
            ax = new_axes(None)
            ax.plot(np.arange(1 - len(known), 1), known, color=REAL, lw=1.2, label="observed")
            draw_fan(ax, fan, SIMULATED, "forecast")
            ax.set_xlabel("steps from the last observed price")
            ax.set_ylabel("price")
            ax.set_title(f"{self.filtered.series.name} from {_day(self.filtered.series)} on")
            legend_below(ax)
        return ax


def _tilt(returns: np.ndarray, relative: np.ndarray, wanted: float) -> float:
    """The tilt with which the price is on average so many times today's."""

    def off(tilt: float) -> float:
        return float(softmax(-tilt * returns) @ relative) - wanted

    reach = 1.0 / returns.std()
    while off(reach) > 0 or off(-reach) < 0:
        reach *= 2
    return root_scalar(off, bracket=(-reach, reach)).root


def _day(series: PriceSeries) -> str:
    last = series.dates[-1]
    return f"{last:%Y-%m-%d}" if isinstance(last, pd.Timestamp) else f"step {last}"


def forecast(
    market: Market | str | Path,
    data: Any,
    horizon: int = 20,
    *,
    n_paths: int = 10_000,
    seed: int = 0,
    estimate: Estimate | None = None,
    n_draws: int = 20,
) -> Forecast:
    """Simulate a market from the last observed price on, in the state that the prices tell.

    Parameters
    ----------
    market, data
        As of `simcal.inference.filter`.
    horizon, n_paths, seed
        Steps ahead, paths, seed of the noise.
    estimate
        With standard errors, as ``calibration.estimate``: parameters are then drawn around it, normal on the scale of
        their logarithms and logits, and the state is followed anew under each draw. None: the market's own are certain.
    n_draws
        How many such sets of parameters share the paths.

    Returns
    -------
    Forecast

    Raises
    ------
    ParameterError
        The market has no exact likelihood, or an argument is not allowed.

    Examples
    --------
    >>> import simcal
    >>> prices = simcal.simulate(simcal.load("herding-today"), 1, 300, seed=2).prices[0]
    >>> forecast("herding-today", prices, 5, n_paths=100).prices.shape
    (100, 6)
    """
    horizon, n_paths = check_integer("horizon", horizon, 1, 100_000), check_integer("n_paths", n_paths, 1, 10**8)
    model = models.load(market)
    begun = filter(model, data)
    drawn = [begun]
    if estimate is not None:
        drawn = [filter(one, begun.series) for one in _around(model, estimate, n_draws, seed)]
    sizes = np.diff(np.linspace(0, n_paths, len(drawn) + 1).astype(int))
    parts, first = [], 0
    for one, size in zip(drawn, sizes, strict=True):
        if size:
            parts.append(simulate(one.market, int(size), horizon, seed=seed, first_path=first).prices)
            first += int(size)
    return Forecast(begun, np.concatenate(parts), len(drawn))


def _around(market: Market, estimate: Estimate, n_draws: int, seed: int) -> list[Market]:
    """Markets with parameters drawn from what an estimate leaves open."""
    check_integer("n_draws", n_draws, 1, 10_000)
    if not np.isfinite(estimate.covariance).all():
        raise ParameterError(
            f"The estimate has no standard errors ({estimate.status}), so parameters cannot be drawn around it; leave "
            "the estimate out for a forecast with the market's own parameters."
        )
    scale = FreeScale(market, estimate.names)
    center, slopes = scale.free_of(market), scale.slopes(scale.free_of(market))
    covariance = estimate.covariance / np.outer(slopes, slopes)
    rng = np.random.default_rng(seed)
    draws = rng.multivariate_normal(center, covariance, size=n_draws, method="eigh")
    return [scale.market(free) for free in draws]
