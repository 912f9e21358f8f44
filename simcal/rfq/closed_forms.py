"""Exact numbers of the dealer market with flat inventories, by quadrature: the yardstick for every engine and fit.

All in reduced terms: a request is a client who buys at the best of the margins Q_j of the dealers asked if it is below
her value V. Client and dealers may each have a law of their own; panel sizes and rings of rivals are averaged over
(for one size n use ``market.replace(panel_weights=...)`` with all weight on it). S is a survival function. The cover
gap is the distance from the best to the second-best margin, whoever quoted them.

All raise `ParameterError` for a market with the smoothed rule, inventory skew or a tick.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from simcal.errors import ParameterError
from simcal.rfq.laws import pdf, sf
from simcal.rfq.market import RfqMarket
from simcal.rfq.quadrature import Cells, Law

HALVINGS = 64  # of a bracket: down to neighbouring numbers


class PanelLaws:
    """The laws of a market's client and dealers with flat inventories, and who is asked together.

    Attributes
    ----------
    client, dealers
        The law of the client and of each dealer, in half spreads.
    panels
        The probability of each panel, a tuple of the dealers asked, dealer 0 first.

    Raises
    ------
    ParameterError
        The market has the smoothed rule, inventory skew or a tick.
    """

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
        self.panels: dict[tuple[int, ...], float] = {}
        rivals = len(self.dealers) - 1
        starts = range(rivals if len(set(self.dealers[1:])) > 1 else 1)  # equal rivals: one beginning is as another
        shares = market.panel_probabilities
        for asked in np.flatnonzero(shares):  # rivals asked
            for start in starts:
                panel = (0, *sorted(1 + (start + i) % rivals for i in range(asked)))
                self.panels[panel] = self.panels.get(panel, 0.0) + float(shares[asked]) / len(starts)

    def average(self, of: Callable[[tuple[int, ...]], Any]) -> Any:
        """The mean of a function of the panel."""
        return sum(share * of(panel) for panel, share in self.panels.items())

    def by_dealer(self, of: Callable[[Law], Any]) -> np.ndarray:
        """A function of the law for every dealer, (n_dealers, ...); called once per law."""
        known = {law: of(law) for law in set(self.dealers)}
        return np.stack([known[law] for law in self.dealers])

    def dealer_sf(self, x: Any) -> np.ndarray:
        """Probability that each dealer quotes above x, (n_dealers, ...)."""
        return self.by_dealer(lambda law: sf(x, *law))

    def dealer_pdf(self, x: Any) -> np.ndarray:
        """Density of each dealer's margin, (n_dealers, ...)."""
        return self.by_dealer(lambda law: pdf(x, *law))

    def client_sf(self, x: Any) -> Any:
        """Probability that the client pays more than x, S_f."""
        return sf(x, *self.client)

    def client_pdf(self, x: Any) -> Any:
        """Density of the client's reserve price, f."""
        return pdf(x, *self.client)

    def best_rival_sf(self, x: Any) -> Any:
        """Probability that every rival asked quotes above x, S_B: 1 where dealer 0 is asked alone."""
        above = self.dealer_sf(x)
        return self.average(lambda panel: np.prod(above[list(panel[1:])], axis=0))[()]

    def best_rival_pdf(self, x: Any) -> Any:
        """Density of the rivals' best margin, g_B; it integrates to the probability that a rival is asked."""
        density, above = self.dealer_pdf(x), self.dealer_sf(x)
        return self.average(lambda panel: sum_over_first(density, above, panel[1:]))[()]

    def hit_curve(self, x: Any) -> Any:
        """Probability that dealer 0 trades when it quotes x: h = S_f S_B."""
        return self.client_sf(x) * self.best_rival_sf(x)

    def hit_slope(self, x: Any) -> Any:
        """Derivative of the hit curve: -f S_B - S_f g_B."""
        return -self.client_pdf(x) * self.best_rival_sf(x) - self.client_sf(x) * self.best_rival_pdf(x)


def sum_over_first(first: np.ndarray, others: np.ndarray, panel: Sequence[int]) -> np.ndarray:
    """Sum over j in the panel of first_j times the product of the others' survival functions."""
    total = np.zeros(first.shape[1:])
    for j in panel:
        total = total + first[j] * np.prod(others[[k for k in panel if k != j]], axis=0)
    return total


def acceptance(market: RfqMarket) -> float:
    """Probability that a request trades at all: E[1 - prod_j S_j(V)] over the dealers asked."""
    laws, cells = _prepare(market)
    above = laws.dealer_sf(cells.x)
    none_below = laws.average(lambda panel: np.prod(above[list(panel)], axis=0))
    return cells.total(laws.client_pdf(cells.x) * (1 - none_below))


def not_traded(market: RfqMarket) -> float:
    """Probability that a request does not trade."""
    return 1.0 - acceptance(market)


def hit_ratio(market: RfqMarket) -> float:
    """Probability that dealer 0 trades a request when it quotes by its own law: E[hit curve at Q_0]."""
    laws, cells = _prepare(market)
    return cells.total(laws.dealer_pdf(cells.x)[0] * laws.hit_curve(cells.x))


def traded_away(market: RfqMarket) -> float:
    """Probability that a request trades with a rival of dealer 0, which quotes by its own law."""
    laws, cells = _prepare(market)
    return cells.total(laws.best_rival_pdf(cells.x) * laws.dealer_sf(cells.x)[0] * laws.client_sf(cells.x))


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
    laws, cells = _prepare(market)
    if not any(len(panel) > 1 for panel in laws.panels):
        raise ParameterError("A cover needs two dealers, but every panel of this market has one; ask more dealers.")
    above, density, client = laws.dealer_sf(cells.x), laws.dealer_pdf(cells.x), laws.client_sf(cells.x)
    # P(Q_j < x), or P(Q_j < x, Q_j < V)
    below = np.stack([cells.up_to(one * client, cells.x) for one in density]) if given_trade else 1 - above

    def best_below(panel: tuple[int, ...]) -> np.ndarray | float:
        """Probability that the best lies below x and the second above: the gap is its integral."""
        return sum_over_first(below, above, panel) if len(panel) > 1 else 0.0

    def counted(panel: tuple[int, ...]) -> float:
        if len(panel) == 1:
            return 0.0
        return cells.total(sum_over_first(density, above, panel) * client) if given_trade else 1.0

    share = laws.average(counted)
    if share == 0:
        raise ParameterError("No request of this market trades, so that there is no gap given a trade.")
    return cells.total(laws.average(best_below)) / share


def hit_curve(market: RfqMarket, margins: Any) -> Any:
    """Probability that dealer 0 trades when it quotes these margins (any shape): h(x) = S_rivals(x) S_client(x)."""
    return PanelLaws(market).hit_curve(margins)


def expected_margin_profit(market: RfqMarket, margins: Any, cost: Any = 0.0) -> Any:
    """Expected profit per request of dealer 0 at these margins, in half spreads per unit of size: (x - cost) h(x).

    `cost` is what a trade is expected to lose after it, in half spreads; it broadcasts with the margins.
    """
    return (np.asarray(margins) - cost) * hit_curve(market, margins)


def optimal_margin(market: RfqMarket, cost: Any = 0.0) -> Any:
    """The margin with the largest `expected_margin_profit` at a cost, or at each of several (any shape).

    To rounding: where the derivative h + (x - cost) h' changes its sign. The cost itself where no client pays more.
    """
    laws, cells = _prepare(market)
    nodes = np.unique(cells.x)
    hits, costs = laws.hit_curve(nodes), np.asarray(cost, float)
    best = np.array([np.argmax((nodes - one) * hits) for one in costs.ravel()]).reshape(costs.shape)
    low = np.maximum(nodes[np.maximum(best - 1, 0)], costs)
    high = np.maximum(nodes[np.minimum(best + 1, nodes.size - 1)], costs)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        rises = laws.hit_curve(middle) + (middle - costs) * laws.hit_slope(middle) > 0
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    return (0.5 * (low + high))[()]


def _prepare(market: RfqMarket) -> tuple[PanelLaws, Cells]:
    """A market's laws, and cells that fit them."""
    laws = PanelLaws(market)
    return laws, Cells.exact([laws.client, *laws.dealers])
