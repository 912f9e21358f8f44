"""What the search for a law of prices and volume moves, and where it begins."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simcal.calibration.equilibrium.observations import Observations
from simcal.calibration.recipe import EquilibriumSettings
from simcal.models.trading_costs import TradeLaw

LEAST_PREMIUM = 1e-6
"""Of the volatility; the search ends there where the premium would be below 0."""
MOST_EXCESS = 0.99
"""The search ends there where it would leave no dividend."""


@dataclass(frozen=True)
class Form:
    """The numbers that are searched for: premium where it is not known, logarithms, excess, background if there is one.

    The background is in units of the deviation of the signed volume.
    """

    premium: float | None
    background: bool

    def free(self, law: TradeLaw, background: float) -> np.ndarray:
        """The numbers of a law and a background, (4 to 6,)."""
        rho = law.persistence
        return np.array([
            *([law.premium] if self.premium is None else []),
            math.log(law.volatility), math.log(rho / (1 - rho)), math.log(law.trading), law.excess,
            *([background / law.trading] if self.background else []),
        ])  # fmt: skip

    def __call__(self, free: np.ndarray) -> tuple[TradeLaw, float]:
        """Law and background of the numbers."""
        x = [float(v) for v in free]
        premium = x.pop(0) if self.premium is None else self.premium
        law = TradeLaw(premium, math.exp(x[0]), 1 / (1 + math.exp(-x[1])), math.exp(x[2]), x[3])
        return law, x[4] * law.trading if self.background else 0.0

    def bounds(self, law: TradeLaw) -> tuple[np.ndarray, np.ndarray]:
        """Between which the numbers may lie: premium above 0, excess below 1."""
        low, high = np.full(self._size, -np.inf), np.full(self._size, np.inf)
        if self.premium is None:
            low[0] = LEAST_PREMIUM * law.volatility
        high[3 + (self.premium is None)] = MOST_EXCESS
        return low, high

    def scale(self, free: np.ndarray) -> np.ndarray:
        """Of the steps of a derivative: a premium stays positive."""
        scale = np.ones(self._size)
        if self.premium is None:
            scale[0] = abs(free[0])
        return scale

    @property
    def rows(self) -> slice:
        """The moments that are used: a premium that is known needs none."""
        return slice(self.premium is not None, None)

    @property
    def _size(self) -> int:
        return 4 + (self.premium is None) + self.background


def starting_law(seen: Observations, settings: EquilibriumSettings) -> tuple[TradeLaw, float]:
    """A law near the data, and the background: moments one after another."""
    changes, volume = seen.changes, seen.volume
    premium = float(changes.mean()) if seen.premium is None else seen.premium
    mean, spread = float(volume.mean()), float(volume.std())
    # The deviation of |x| is sqrt(1 - 2 / pi) of that of x.
    traded = spread / math.sqrt(1 - 2 / math.pi) if settings.background else mean * math.sqrt(math.pi / 2)
    background = mean - math.sqrt(2 / math.pi) * traded if settings.background else 0.0
    volatility = float(changes.std())
    # The autocorrelation of |x| is near 2 / (pi - 2) (sqrt(1 - r^2) + r arcsin r - 1) with r = rho^h.
    centred = volume - volume.mean()
    grid = np.linspace(0.01, 0.999, 400)
    lags = np.array(settings.lags)
    found = np.array([centred[h:] @ centred[:-h] for h in lags]) / max(centred @ centred, 1e-300)
    r = grid[:, None] ** lags
    told = 2 / (math.pi - 2) * (np.sqrt(1 - r**2) + r * np.arcsin(r) - 1)
    persistence = float(grid[((told - found) ** 2).sum(axis=1).argmin()])
    return TradeLaw(max(premium, 1e-5 * volatility), volatility, persistence, traded, 0.1), background
