r"""The likelihood route: the law of what one dealer learns about a request, given its own quote, by quadrature.

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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from simcal.calibration.recipe import CLIENT_AND_QUOTES
from simcal.errors import DataError
from simcal.rfq.estimators.estimate import Estimate
from simcal.rfq.estimators.maximise import LogProbabilities, Part, maximum_likelihood
from simcal.rfq.estimators.sample import Event, Sample
from simcal.rfq.laws import cdf, pdf, sf
from simcal.rfq.quadrature import Cells, Law

NAMES = CLIENT_AND_QUOTES
FEWEST = 200
"""Requests below which shapes cannot be told."""

TINY = 1e-300  # of a probability: what cannot happen is not rewarded, but has a logarithm
NORMAL_SHAPE = 2.0  # the centre of the prior


def starting_values(sample: Sample) -> np.ndarray:
    """Where every search begins, in the order of `NAMES`: everybody like the own dealer's quotes, shapes normal."""
    middle = float(np.median(sample.margin))
    spread = float(np.std(sample.margin)) or 1.0
    return np.array([middle, spread, 2.0, middle, spread, 2.0])


def fit_likelihood(
    sample: Sample, start: np.ndarray | None = None, *, platform: bool = False, shape_prior: float | None = None
) -> Estimate:
    """Maximum likelihood of the six parameters in `NAMES`, with standard errors from the observed information.

    Parameters
    ----------
    sample
        The requests; a platform's must hold all quotes.
    start
        Where the search begins, in the order of `NAMES`; `starting_values` when absent.
    platform
        Use every quote instead of the own dealer's censored view.
    shape_prior
        Deviation of the weak prior on the shapes, see `prior_terms`; None for none.

    Raises
    ------
    DataError
        The sample has too few requests, or every one of them ended alike.
    """
    check_sample(sample)
    values = starting_values(sample) if start is None else np.asarray(start, dtype=float)

    def part(of: slice, rows: LogProbabilities) -> Part:
        names = NAMES[of]

        def with_prior(v: np.ndarray) -> np.ndarray:
            return np.concatenate([rows(v), -0.5 * prior_terms(names, v, shape_prior) ** 2])

        return Part(names, values[of], with_prior)

    if not platform:
        return maximum_likelihood([part(slice(6), lambda v: log_probabilities(sample, Laws.of(v)))], sample.n)
    client = part(slice(3), lambda v: acceptance_log_probabilities(sample, v))
    quotes = part(slice(3, 6), lambda v: quote_log_densities(sample, v))
    return maximum_likelihood([client, quotes], sample.n)  # they are apart: two searches in three parameters


def fit_quotes(margins: np.ndarray) -> Estimate:
    """The exponential power law of quotes that are all seen, (n,): mean, scale and shape."""
    spread = float(np.std(margins))
    if margins.size < 3 or spread < 1e-9:
        raise DataError(
            "The own dealer's margins are all the same, so that no law of its quotes can be fitted; give requests that "
            "it quoted differently."
        )
    start = np.array([float(np.median(margins)), spread, NORMAL_SHAPE])
    law = Part(NAMES[3:], start, lambda v: np.log(np.maximum(pdf(margins, *v), TINY)))
    return maximum_likelihood([law], margins.size)


def check_sample(sample: Sample) -> None:
    """`DataError` where nothing can be estimated from the sample at all."""
    if sample.n < FEWEST:
        raise DataError(
            f"The table holds {sample.n} requests that were quoted to their end, but at least {FEWEST} are needed to "
            "estimate two laws with their shapes; give a longer table."
        )
    if not (sample.rivals > 0).any():
        raise DataError(
            "No request of the table went to another dealer (n_dealers is 1 throughout), so that it says nothing about "
            "rivals; give a table with other dealers, or correct n_dealers."
        )
    if sample.done.all() or not sample.done.any():
        what = "all" if sample.done.all() else "none"
        raise DataError(
            f"Of the requests in the table {what} were done by the own dealer, so that there is nothing to compare; "
            "check the column status and its mapping."
        )


def prior_terms(names: Sequence[str], values: np.ndarray, deviation: float | None) -> np.ndarray:
    """Standardised distances of the shapes among the values from a weak prior's centre; empty without a prior.

    Half the sum of their squares is minus the log density. Without a prior, a few thousand requests often fit best with
    a client whose law is uniform, or has a spike: the shape is the last thing that a table tells. The prior, log shape
    ~ N(log 2, deviation^2), is worth one observation; where the table tells the shape, it moves it by a small part of
    its standard error.
    """
    if deviation is None:
        return np.empty(0)
    shapes = [value for name, value in zip(names, values, strict=True) if name.endswith("_shape")]
    return np.log(np.array(shapes) / NORMAL_SHAPE) / deviation


# -- the law of what one dealer learns ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Laws:
    """The client's and the rivals' exponential power laws, each (mean, scale, shape)."""

    client: Law
    quote: Law

    @classmethod
    def of(cls, values: Iterable[float]) -> Laws:
        """From six numbers in the order of `NAMES`."""
        a, b, c, d, e, f = (float(v) for v in values)
        return cls((a, b, c), (d, e, f))


def log_probabilities(sample: Sample, laws: Laws) -> np.ndarray:
    """Log probability (or density) of each observed event, (n,), given own quotes and numbers of rivals."""
    probability, integrals = np.empty(sample.n), Integrals(laws)
    for event in np.unique(sample.event):
        for m in np.unique(sample.rivals[sample.event == event]):
            rows = np.flatnonzero((sample.event == event) & (sample.rivals == m))
            probability[rows] = integrals.of(Event(event), int(m), sample.margin[rows], sample.other[rows])
    return np.log(np.maximum(probability, TINY))


def quote_log_densities(sample: Sample, quote: Iterable[float]) -> np.ndarray:
    """On a platform: log density of every rival's quote, (number of quotes,), of a law (mean, scale, shape)."""
    assert sample.quotes is not None
    return np.log(np.maximum(pdf(sample.quotes[np.isfinite(sample.quotes)], *quote), TINY))


def acceptance_log_probabilities(sample: Sample, client: Iterable[float]) -> np.ndarray:
    """On a platform: log probability that the client took the best quote, or not; (requests whose end is known,)."""
    rows = sample.outcome_known
    best = sample.ordered[rows, 0]
    refused = sample.event[rows] == Event.NOT_TRADED
    return np.log(np.maximum(np.where(refused, cdf(best, *client), sf(best, *client)), TINY))


def both_tails(x: np.ndarray, mean: float, scale: float, shape: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities above and below x, each accurate where it is small, at the price of one."""
    tail = sf(mean + np.abs(x - mean), mean, scale, shape)
    right = x > mean
    return np.where(right, tail, 1 - tail), np.where(right, 1 - tail, tail)


class Integrals:
    """The probabilities of single events, for the laws f of the client and g of the rivals."""

    def __init__(self, laws: Laws) -> None:
        self._f, self._g = laws.client, laws.quote
        self.cells = Cells.fast((laws.client, laws.quote))
        x = self.cells.x
        self._density, self._survival = pdf(x, *laws.quote), sf(x, *laws.quote)
        self._client_above, self._client_below = both_tails(x, *laws.client)

    def best_density(self, rivals: int) -> np.ndarray:
        """Density of the best quote of some rivals, at the nodes of the cells."""
        return rivals * self._density * self._survival ** (rivals - 1)

    def of(self, event: Event, m: int, y: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Of one event with m rivals, at own quotes y and, where one was told, a rival's quote; arrays (n,)."""
        f, g = self._f, self._g

        def below(rivals: int, weight: np.ndarray) -> np.ndarray:
            """E[weight(R) 1(R < y)] for the best quote R of some rivals."""
            if not rivals:
                return 0 * y
            return self.cells.up_to(self.best_density(rivals) * weight, y)

        def told() -> np.ndarray:
            """The best rival's quote is the one told, and the client pays it."""
            return sf(other, *f) * (m * pdf(other, *g) * sf(other, *g) ** (m - 1))

        def second_told() -> np.ndarray:
            return m * sf(other, *f) * pdf(other, *g) * sf(y, *g) ** (m - 1)

        def second() -> np.ndarray:
            return m * below(1, self._client_above) * sf(y, *g) ** (m - 1)

        match event:
            case Event.DONE:
                return sf(y, *f) * sf(y, *g) ** m
            case Event.LOST:
                return 1 - sf(y, *f) * sf(y, *g) ** m
            case Event.DONE_COVER:
                return sf(y, *f) * (m * pdf(other, *g) * sf(other, *g) ** (m - 1))
            case Event.AWAY:
                return below(m, self._client_above)
            case Event.AWAY_AT:
                return told()
            case Event.SECOND:
                return second()
            case Event.SECOND_AT:
                return second_told()
            case Event.BEHIND:
                return below(m, self._client_above) - second()
            case Event.BEHIND_AT:
                return told() - second_told()
            case Event.SHARED:
                others = (m - 1) * pdf(y, *g) * sf(y, *g) ** (m - 2)
                return m * below(1, self._client_above) * others
        return cdf(y, *f) * sf(y, *g) ** m + below(m, self._client_below)  # not traded
