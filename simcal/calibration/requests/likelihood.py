r"""The law of what one dealer learns about a request, given its own quote: exact, by quadrature.

Reduced values: the client trades with the lowest quote if it lies below her value V ~ f; the m rivals quote
independently, each with density g. With S the survival functions and y the own quote (spec: censored likelihood)

.. math::
    DONE &= S_f(y) S_g(y)^m, \quad \text{with cover } c > y: \ S_f(y)\, m\, g(c) S_g(c)^{m-1} \\
    AWAY &= \int_{-\infty}^y m\, g S_g^{m-1} S_f, \quad SECOND = S_g(y)^{m-1} \int_{-\infty}^y m\, g S_f \\
    NOT\ TRADED &= F_f(y) S_g(y)^m + \int_{-\infty}^y m\, g S_g^{m-1} F_f .

Prices that are told enter with their densities. Source: Fermanian, Gueant and Pu, arXiv 1511.07773, with exponential
power laws for client and dealers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from simcal.calibration.recipe import CLIENT_AND_QUOTES
from simcal.calibration.requests.panels import Panels
from simcal.calibration.requests.sample import Event, Sample
from simcal.models.dealers.exponential_power import cdf, pdf, sf

NAMES = CLIENT_AND_QUOTES
TINY = 1e-300  # of a probability: what cannot happen is not rewarded, but has a logarithm


@dataclass(frozen=True)
class Laws:
    """The client's and the rivals' exponential power laws, each (mean, scale, shape)."""

    client: tuple[float, float, float]
    quote: tuple[float, float, float]

    @classmethod
    def of(cls, values: Iterable[float]) -> Laws:
        """From six numbers in the order of `NAMES`."""
        a, b, c, d, e, f = (float(v) for v in values)
        return cls((a, b, c), (d, e, f))


def log_probabilities(sample: Sample, laws: Laws) -> np.ndarray:
    """Log probability (or density) of each observed event, (n,), given own quotes and numbers of rivals."""
    probability = np.empty(sample.n)
    integrals = _Integrals(laws)
    for event in np.unique(sample.event):
        for m in np.unique(sample.rivals[sample.event == event]):
            rows = np.flatnonzero((sample.event == event) & (sample.rivals == m))
            probability[rows] = _EVENTS[Event(event)](integrals, int(m), sample.margin[rows], sample.other[rows])
    return np.log(np.maximum(probability, TINY))


def quote_log_densities(sample: Sample, quote: Iterable[float]) -> np.ndarray:
    """On a platform: log density of every rival's quote, (number of quotes,), of a law (mean, scale, shape)."""
    assert sample.quotes is not None
    return np.log(np.maximum(pdf(sample.quotes[np.isfinite(sample.quotes)], *quote), TINY))


def acceptance_log_probabilities(sample: Sample, client: Iterable[float]) -> np.ndarray:
    """On a platform: log probability that the client took the best quote, or not; (requests whose end is known,)."""
    assert sample.quotes is not None
    rows = sample.outcome_known
    best = np.fmin(sample.margin, np.fmin.reduce(sample.quotes, axis=1))[rows]
    refused = sample.event[rows] == Event.NOT_TRADED
    return np.log(np.maximum(np.where(refused, cdf(best, *client), sf(best, *client)), TINY))


def both_tails(x: np.ndarray, mean: float, scale: float, shape: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities above and below x, each accurate where it is small, at the price of one."""
    tail = sf(mean + np.abs(x - mean), mean, scale, shape)
    right = x > mean
    return np.where(right, tail, 1 - tail), np.where(right, 1 - tail, tail)


class _Integrals:
    """The probabilities of single events; y, other are arrays (n,), m the number of rivals."""

    def __init__(self, laws: Laws) -> None:
        self._f, self._g = laws.client, laws.quote
        self._panels = Panels((laws.client, laws.quote))
        x = self._panels.nodes
        self._density, self._survival = pdf(x, *laws.quote), sf(x, *laws.quote)
        self._client_above, self._client_below = both_tails(x, *laws.client)

    def best_rival_below(self, m: int, y: np.ndarray, weight: np.ndarray | float = 1.0) -> np.ndarray:
        """E[weight(R) 1(R < y)] for the best rival's quote R."""
        return self._panels.up_to(m * self._density * self._survival ** (m - 1) * weight, y) if m else 0 * y

    def client_above(self, y: np.ndarray) -> np.ndarray:
        return sf(y, *self._f)

    def best_rival_density(self, m: int, x: np.ndarray) -> np.ndarray:
        return m * pdf(x, *self._g) * sf(x, *self._g) ** (m - 1)

    def done(self, m: int, y: np.ndarray, _: np.ndarray) -> np.ndarray:
        return self.client_above(y) * sf(y, *self._g) ** m

    def done_cover(self, m: int, y: np.ndarray, cover: np.ndarray) -> np.ndarray:
        return self.client_above(y) * self.best_rival_density(m, cover)

    def away(self, m: int, y: np.ndarray, _: np.ndarray) -> np.ndarray:
        return self.best_rival_below(m, y, self._client_above)

    def away_at(self, m: int, _: np.ndarray, price: np.ndarray) -> np.ndarray:
        return self.client_above(price) * self.best_rival_density(m, price)

    def second(self, m: int, y: np.ndarray, _: np.ndarray) -> np.ndarray:
        return m * self.best_rival_below(1, y, self._client_above) * sf(y, *self._g) ** (m - 1)

    def second_at(self, m: int, y: np.ndarray, price: np.ndarray) -> np.ndarray:
        return m * self.client_above(price) * pdf(price, *self._g) * sf(y, *self._g) ** (m - 1)

    def behind(self, m: int, y: np.ndarray, _: np.ndarray) -> np.ndarray:
        return self.away(m, y, _) - self.second(m, y, _)

    def behind_at(self, m: int, y: np.ndarray, price: np.ndarray) -> np.ndarray:
        return self.away_at(m, y, price) - self.second_at(m, y, price)

    def shared(self, m: int, y: np.ndarray, _: np.ndarray) -> np.ndarray:
        others = (m - 1) * pdf(y, *self._g) * sf(y, *self._g) ** (m - 2)
        return m * self.best_rival_below(1, y, self._client_above) * others

    def not_traded(self, m: int, y: np.ndarray, _: np.ndarray) -> np.ndarray:
        worse = self.best_rival_below(m, y, self._client_below)
        return cdf(y, *self._f) * sf(y, *self._g) ** m + worse

    def lost(self, m: int, y: np.ndarray, _: np.ndarray) -> np.ndarray:
        return 1 - self.done(m, y, _)


_EVENTS = {
    Event.DONE: _Integrals.done,
    Event.DONE_COVER: _Integrals.done_cover,
    Event.AWAY: _Integrals.away,
    Event.AWAY_AT: _Integrals.away_at,
    Event.SECOND: _Integrals.second,
    Event.SECOND_AT: _Integrals.second_at,
    Event.BEHIND: _Integrals.behind,
    Event.BEHIND_AT: _Integrals.behind_at,
    Event.SHARED: _Integrals.shared,
    Event.NOT_TRADED: _Integrals.not_traded,
    Event.LOST: _Integrals.lost,
}
