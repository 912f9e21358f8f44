"""Parameters between bounds as free numbers, of which a search may choose any, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from simcal.errors import check_names
from simcal.models import Market

_INSIDE = 1e-3  # of the way between two bounds, for a start that lies on one
_ABOVE = 1e-8  # of a parameter's scale, for a start on its only bound


class FreeScale:
    """Named parameters of a market, each one number, as numbers without bounds.

    A parameter between two bounds goes by its logit, one with one bound by the logarithm of its distance from it, and
    any other in units of its ``scale``: the scale of `simcal.definition.trainable`, for searches without PyTorch.

    Parameters
    ----------
    market
        Supplies the other parameters.
    names
        The parameters, in the order of the free numbers.
    """

    def __init__(self, market: Market, names: Sequence[str]) -> None:
        check_names(names, market.SPECS, "a parameter of this market")
        self._market, self.names = market, tuple(names)
        self._specs = [market.SPECS[name] for name in names]

    @property
    def units(self) -> np.ndarray:
        """What a parameter without bounds changes by as its free number changes by 1; 1 for the others."""
        return np.where(self._bounded, 1.0, [spec.scale for spec in self._specs])

    @property
    def per_step(self) -> np.ndarray:
        """Which parameters are changes per step, without bounds: what priors tell in deviations of the returns."""
        return np.array([spec.unit == "1/step" for spec in self._specs]) & ~self._bounded

    @property
    def _bounded(self) -> np.ndarray:
        return np.array([math.isfinite(spec.low) or math.isfinite(spec.high) for spec in self._specs])

    def free_of(self, market: Market) -> np.ndarray:
        """The free numbers of a market; one at a bound begins a little inside."""
        free = []
        for name, spec in zip(self.names, self._specs, strict=True):
            value = float(np.max(getattr(market, name)))
            below, above = math.isfinite(spec.low), math.isfinite(spec.high)
            if below and above:
                share = (value - spec.low) / (spec.high - spec.low)
                share = min(max(share, _INSIDE), 1 - _INSIDE)
                free.append(math.log(share / (1 - share)))
            elif below or above:
                away = value - spec.low if below else spec.high - value
                free.append(math.log(max(away, _ABOVE * spec.scale)))
            else:
                free.append(value / spec.scale)
        return np.array(free)

    def values(self, free: np.ndarray) -> dict[str, float]:
        """The parameters at free numbers, strictly inside their bounds."""
        return {name: value for name, (value, _) in zip(self.names, self._natural(free), strict=True)}

    def slopes(self, free: np.ndarray) -> np.ndarray:
        """Derivatives of the parameters in the free numbers."""
        return np.array([slope for _, slope in self._natural(free)])

    def market(self, free: np.ndarray) -> Market:
        """The market at free numbers; `ParameterError` where one of its parameters is not finite."""
        return self._market.replace(**self.values(free))

    def _natural(self, free: np.ndarray) -> list[tuple[float, float]]:
        return [_natural(float(x), spec) for x, spec in zip(free, self._specs, strict=True)]


def _natural(x: float, spec: Any) -> tuple[float, float]:
    """A parameter at a free number, and its derivative there."""
    below, above = math.isfinite(spec.low), math.isfinite(spec.high)
    if below and above:
        share, width = 1 / (1 + math.exp(-min(max(x, -36.0), 36.0))), spec.high - spec.low
        value, slope = spec.low + width * share, width * share * (1 - share)
    elif below or above:
        away, sign = math.exp(min(x, 700.0)), 1.0 if below else -1.0
        value, slope = (spec.low if below else spec.high) + sign * away, sign * away
    else:
        return spec.scale * x, spec.scale
    # Rounding may land on a bound.
    return min(max(value, math.nextafter(spec.low, math.inf)), math.nextafter(spec.high, -math.inf)), slope
