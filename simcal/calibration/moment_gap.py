r"""Simulated moments beside those of a series, with exact derivatives: what a likelihood of one step sees badly.

.. math:: D(\theta) = \frac{1}{2K} \sum_{k=1}^K \left(\frac{\bar m_k(\theta) - m_k}{s_k}\right)^2

with :math:`\bar m` the mean over simulated paths as long as the series and s the deviation of the moment over samples
drawn from blocks of it. The noise of the paths is the same at every :math:`\theta`, so that D is smooth, and its
gradient is that of the compiled adjoint.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from simcal.calibration.moments import bootstrap_moments
from simcal.calibration.settings import LikelihoodSettings
from simcal.calibration.statistics import Statistics
from simcal.definition import PriceMarket
from simcal.definition.sweeps import adjoint_prices

_RESAMPLES = 400


class MomentGap:
    """D above, as a function of named parameters.

    Parameters
    ----------
    market, names
        Of which the parameters are those; it supplies all others.
    prices
        The series, (n_steps + 1,).
    features
        The moments.
    settings, warm_up, seed
        How many paths and how long the blocks are; steps before a path; of the noise.
    """

    def __init__(
        self, market: PriceMarket, names: Sequence[str], prices: np.ndarray, features: Statistics,
        settings: LikelihoodSettings, *, warm_up: int, seed: int,
    ) -> None:  # fmt: skip
        self.market, self.names, self.warm_up = market, tuple(names), warm_up
        self.features = features.fitted(prices[None])
        self.target = torch.as_tensor(self.features(prices[None])[0])
        block = min(settings.block, (len(prices) - 1) // 4)
        drawn = bootstrap_moments(prices, features, block=block, count=_RESAMPLES, seed=seed)
        self.spread = torch.as_tensor(np.std(drawn, axis=0))
        # A moment that all samples share tells nothing.
        self.weights = torch.where(self.spread > 0, 1 / self.spread.clamp(min=1e-300) ** 2, 0.0) / len(self.spread)
        twin = market.twin(self.names)
        self.noise = twin.draw(seed, 0, settings.simulated, warm_up + len(prices) - 1)

    @property
    def usable(self) -> bool:
        """Whether the series has these moments, and they vary."""
        return bool(torch.isfinite(self.target).all() and torch.isfinite(self.weights).all())

    def __call__(self, values: Mapping[str, float]) -> tuple[float, np.ndarray]:
        """D and its derivatives in the parameters; infinity where a simulated path has no such moments."""
        given, means = self._means(values)
        loss = 0.5 * (self.weights * (means - self.target) ** 2).sum()
        if not torch.isfinite(loss):
            return math.inf, np.zeros(len(self.names))
        return float(loss.detach()), self._slopes(loss, given)

    def jacobian(self, values: Mapping[str, float]) -> np.ndarray:
        """Derivatives of the mean moments, (moments, parameters)."""
        given, means = self._means(values)
        return np.array([self._slopes(mean, given) for mean in means])

    def _means(self, values: Mapping[str, float]) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        given = {n: torch.tensor(float(values[n]), dtype=torch.float64, requires_grad=True) for n in self.names}
        prices = adjoint_prices(self.market, given, self.noise)[:, self.warm_up :]
        if not bool((torch.isfinite(prices) & (prices > 0)).all()):
            return given, torch.full_like(self.target, math.nan)
        return given, self.features(prices).mean(dim=0)

    def _slopes(self, number: torch.Tensor, given: Mapping[str, torch.Tensor]) -> np.ndarray:
        found = torch.autograd.grad(number, list(given.values()), retain_graph=True)
        return np.array([float(slope) for slope in found])
