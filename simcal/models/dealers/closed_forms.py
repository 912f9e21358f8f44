"""Exact numbers of the dealer market with flat inventories, by quadrature: the yardstick for every engine and fit.

All in reduced terms: a request is a client who buys at the best of the margins Q_j of the dealers asked if it is below
her value V. Client and dealers may each have a law of their own; panel sizes and rings of rivals are averaged over
(for one size n use ``market.replace(panel_weights=...)`` with all weight on it). S is a survival function.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize_scalar

from simcal.errors import ParameterError
from simcal.models.dealers import exponential_power

if TYPE_CHECKING:
    from simcal.models.dealers.market import RfqMarket

ORDER = 24  # nodes per cell
FINEST = -40  # half octaves of the scale down to which cells shrink towards a mean, where the density may have a cusp
NOTHING = 1e-22  # probability beyond which a tail is left out

Law = tuple[float, float, float]


def acceptance(market: RfqMarket) -> float:
    """Probability that a request trades at all: E[1 - prod_j S_j(V)] over the dealers asked."""
    laws = _Laws(market)
    grid = _Grid([laws.client, *laws.dealers])
    dealers = laws.dealer_sf(grid.x)
    none_below = laws.average(lambda panel: np.prod(dealers[list(panel)], axis=0))
    return grid.integral(exponential_power.pdf(grid.x, *laws.client) * (1 - none_below))


def not_traded(market: RfqMarket) -> float:
    """Probability that a request does not trade."""
    return 1.0 - acceptance(market)


def hit_ratio(market: RfqMarket) -> float:
    """Probability that dealer 0 trades a request when it quotes by its own law: E[hit curve at Q_0]."""
    laws = _Laws(market)
    grid = _Grid([laws.client, *laws.dealers])
    return grid.integral(exponential_power.pdf(grid.x, *laws.dealers[0]) * hit_curve(market, grid.x))


def traded_away(market: RfqMarket) -> float:
    """Probability that a request trades with a rival of dealer 0, which quotes by its own law."""
    laws = _Laws(market)
    grid = _Grid([laws.client, *laws.dealers])
    other_sf = exponential_power.sf(grid.x, *laws.dealers[0]) * exponential_power.sf(grid.x, *laws.client)
    return grid.integral(best_rival_pdf(market, grid.x) * other_sf)


def expected_cover_gap(market: RfqMarket, given_trade: bool = False) -> float:
    """Mean distance from the best to the second-best margin, in half spreads, over the panels of at least two.

    Parameters
    ----------
    given_trade
        Over the requests that trade only; otherwise over all.

    Raises
    ------
    ParameterError
        Where no panel has two dealers.
    """
    laws = _Laws(market)
    if not any(len(panel) > 1 for panel in laws.panels):
        raise ParameterError("A cover needs two dealers, but every panel of this market has one; ask more dealers.")
    grid = _Grid([laws.client, *laws.dealers])
    sf = laws.dealer_sf(grid.x)
    below = 1 - sf  # P(Q_j < x), or P(Q_j < x, Q_j < V)
    if given_trade:
        client = exponential_power.sf(grid.x, *laws.client)
        below = np.stack([grid.cumulative(exponential_power.pdf(grid.x, *law) * client) for law in laws.dealers])

    def best_below(panel: tuple[int, ...]) -> np.ndarray | float:
        """Probability that the best lies below x and the second above: the gap is its integral."""
        return _sum_over_first(below, sf, panel) if len(panel) > 1 else 0.0

    def counted(panel: tuple[int, ...]) -> float:
        if len(panel) == 1:
            return 0.0
        return grid.integral(_sum_over_first(laws.dealer_pdf(grid.x), sf, panel) * client) if given_trade else 1.0

    return grid.integral(laws.average(best_below)) / laws.average(counted)


def hit_curve(market: RfqMarket, margins: Any) -> Any:
    """Probability that dealer 0 trades when it quotes these margins (any shape): h(x) = S_rivals(x) S_client(x)."""
    client = _Laws(market).client
    return best_rival_sf(market, margins) * exponential_power.sf(margins, *client)


def expected_margin_profit(market: RfqMarket, margins: Any) -> Any:
    """Expected profit per request of dealer 0 at these margins, in half spreads per unit of size: x h(x)."""
    return np.asarray(margins) * hit_curve(market, margins)


def optimal_margin(market: RfqMarket) -> float:
    """The margin with the largest expected profit, to about 1e-7."""
    laws = _Laws(market)
    nodes = _Grid([laws.client, *laws.dealers]).x.ravel()
    nodes = np.sort(nodes[nodes > 0])
    best = int(np.argmax(expected_margin_profit(market, nodes)))
    low, high = nodes[max(best - 1, 0)], nodes[min(best + 1, nodes.size - 1)]
    found = minimize_scalar(
        lambda x: -float(expected_margin_profit(market, x)),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-10 * high},
    )
    return float(found.x)


def best_rival_sf(market: RfqMarket, x: Any) -> Any:
    """Probability that every rival asked quotes above x (any shape): 1 where dealer 0 is asked alone."""
    laws = _Laws(market)
    sf = laws.dealer_sf(x)
    return laws.average(lambda panel: np.prod(sf[list(panel[1:])], axis=0))[()]


def best_rival_pdf(market: RfqMarket, x: Any) -> Any:
    """Density of the rivals' best margin (any shape); it integrates to the probability that a rival is asked."""
    laws = _Laws(market)
    pdf, sf = laws.dealer_pdf(x), laws.dealer_sf(x)
    return laws.average(lambda panel: _sum_over_first(pdf, sf, panel[1:]))[()]


def _sum_over_first(first: np.ndarray, others: np.ndarray, panel: Sequence[int]) -> np.ndarray:
    """Sum over j in the panel of first_j times the product of the others' survival functions."""
    total = np.zeros(first.shape[1:])
    for j in panel:
        total = total + first[j] * np.prod(others[[k for k in panel if k != j]], axis=0)
    return total


class _Laws:
    """The laws of a market's client and dealers, and its panels: tuples of dealers with their probabilities."""

    def __init__(self, market: RfqMarket) -> None:
        if market.rule != "hard":
            raise ParameterError("The closed forms are those of the hard rule; use market.replace(rule='hard').")
        if np.any(np.asarray(market.inventory_skew) != 0):
            raise ParameterError(
                "The closed forms hold for dealers with flat inventories; use market.replace(inventory_skew=0)."
            )
        if market.tick != 0:
            raise ParameterError("The closed forms hold for quotes without a tick; use market.replace(tick=0).")
        columns = (market.vector(name) for name in ("quote_mean", "quote_scale", "quote_shape"))
        self.client: Law = (market.client_mean, market.client_scale, market.client_shape)
        self.dealers: list[Law] = [(float(m), float(s), float(a)) for m, s, a in zip(*columns, strict=True)]
        self.panels = self._panels(market.panel_probabilities)

    def _panels(self, shares: np.ndarray) -> dict[tuple[int, ...], float]:
        rivals = len(self.dealers) - 1
        starts = range(rivals if len(set(self.dealers[1:])) > 1 else 1)  # equal rivals: one beginning is as another
        panels: dict[tuple[int, ...], float] = {}
        for asked in np.flatnonzero(shares):  # rivals asked
            for start in starts:
                panel = (0, *sorted(1 + (start + i) % rivals for i in range(asked)))
                panels[panel] = panels.get(panel, 0.0) + float(shares[asked]) / len(starts)
        return panels

    def average(self, of: Callable[[tuple[int, ...]], Any]) -> Any:
        return sum(share * of(panel) for panel, share in self.panels.items())

    def dealer_sf(self, x: Any) -> np.ndarray:
        return self._each(exponential_power.sf, x)

    def dealer_pdf(self, x: Any) -> np.ndarray:
        return self._each(exponential_power.pdf, x)

    def _each(self, function: Callable[..., Any], x: Any) -> np.ndarray:
        known = {law: function(x, *law) for law in set(self.dealers)}
        return np.stack([known[law] for law in self.dealers])


class _Grid:
    """Gauss-Legendre nodes x, shape (cells, ORDER), in cells that shrink geometrically towards the mean of each law."""

    def __init__(self, laws: Sequence[Law]) -> None:
        edges = []
        for mean, scale, shape in set(laws):
            last = 2 * math.log2(exponential_power.tail_distance(NOTHING, shape))
            steps = scale * 2.0 ** (np.arange(FINEST, math.ceil(last) + 1) / 2)
            edges += [mean - steps, [mean], mean + steps]
        edges = np.unique(np.concatenate(edges))
        half = np.diff(edges)[:, None] / 2
        self.x = edges[:-1, None] + half * (_NODES + 1)
        self._half = half

    def integral(self, values: Any) -> float:
        return float(np.sum(values * self._half * _WEIGHTS))

    def cumulative(self, values: np.ndarray) -> np.ndarray:
        """The integral up to every node."""
        cells = np.sum(values * self._half * _WEIGHTS, axis=1)
        return (np.cumsum(cells) - cells)[:, None] + values * self._half @ _PARTIAL


def _partial_weights(nodes: np.ndarray) -> np.ndarray:
    """Entry (j, i): integral from -1 to node i of the polynomial that is 1 at node j and 0 at the others."""
    legendre = np.polynomial.legendre
    at_nodes = legendre.legvander(nodes, nodes.size - 1)
    antiderivatives = [legendre.legint(row, lbnd=-1) for row in np.eye(nodes.size)]
    integrals = np.stack([legendre.legval(nodes, a) for a in antiderivatives])
    return np.linalg.solve(at_nodes.T, integrals)


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(ORDER)
_PARTIAL = _partial_weights(_NODES)
