"""A dealer market as plain numbers, and requests simulated from scipy's laws: nothing of the engines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent))  # for the modules beside it


class Simulated(NamedTuple):
    """Requests of a market without inventories: margins (dealers, n), NaN where not asked, and client values (n,)."""

    margins: np.ndarray
    value: np.ndarray

    @property
    def best(self) -> np.ndarray:
        return np.nanmin(self.margins, axis=0)

    @property
    def trades(self) -> np.ndarray:
        return self.best < self.value


def exponential_power(rng: np.random.Generator, mean: float, scale: float, shape: float, n: int) -> np.ndarray:
    return stats.gennorm.rvs(shape, loc=mean, scale=scale * shape ** (1 / shape), size=n, random_state=rng)


def simulate_requests(market: Any, n: int, seed: int) -> Simulated:
    rng, dealers = np.random.default_rng(seed), market.n_dealers
    laws = zip(
        *(np.broadcast_to(x, dealers) for x in (market.quote_mean, market.quote_scale, market.quote_shape)), strict=True
    )
    margins = np.stack([exponential_power(rng, *law, n) for law in laws])
    if market.panel_weights is not None:
        weights = np.asarray(market.panel_weights) / np.sum(market.panel_weights)
        rivals = rng.choice(dealers, size=n, p=weights)  # asked beside dealer 0
        first = rng.integers(0, dealers - 1, size=n)
        for dealer in range(1, dealers):
            asked = (dealer - 1 - first) % (dealers - 1) < rivals
            margins[dealer, ~asked] = np.nan
    value = exponential_power(rng, market.client_mean, market.client_scale, market.client_shape, n)
    return Simulated(margins, value)


@pytest.fixture
def requests_of():
    return simulate_requests


@pytest.fixture(scope="session")
def market():
    """`market(seed, n, ...)` simulates a desk's table; `market.hit_probability(margin, n_dealers)` is exact."""
    import rfq_desk

    rfq_desk.simulate.hit_probability = rfq_desk.hit_probability
    return rfq_desk.simulate
