r"""Would the request have been done at another margin, given how it ended?

In reduced units (half spreads from the mid, on the dealer's side) a request has the client's value V with density f
and survival function S_f, and m = N - 1 rivals with densities g_j and survival functions S_j, all independent. The best
rival is B, S_B = prod S_j. The dealer quoted y and asks what y' = y + shift had done; the client takes the lowest quote
if it lies below V, so a margin x is DONE where x < min(B, V). Rivals and client do not see the dealer's quote, so that
their law given the outcome at y is their law restricted to it. With

.. math::
    h(x) &= S_f(x) S_B(x)                                  && \text{DONE at } x \\
    K(x) &= \int_{-\infty}^x f(v) S_B(v) dv                && V < x, V < B \\
    A(x) &= \int_{-\infty}^x g_B(b) S_f(b) db              && B < x, B < V \\
    A_j(x) &= \int_{-\infty}^x g_j(b) S_f(b) db

the probabilities of DONE at y' given what was seen at y are, for a higher quote (y' >= y), 0 unless DONE at y, and

* DONE, cover c known: B = c, V > y. 1{y' < c} S_f(max(y, y')) / S_f(y)
* DONE: h(max(y, y')) / h(y)
* NOT_TRADED: V < min(y, B). (K(y) - K(y')) / K(y) for y' < y: V in (y', y) and below B
* TRADED_AWAY at a known price b: B = b < V. 1{y' < b}
* TRADED_AWAY, of all that went elsewhere: (A(y) - A(y')) / A(y) for y' < y: B in (y', y) and below V
* COVER: one rival j below y and V, the others above y.
  sum_j (A_j(y) - A_j(y')) prod_{k != j} S_k(y), over the same with A_j(y') = 0. TIED_COVER likewise.
* TRADED_AWAY where COVER is told apart: numerator and denominator of the last but one less those of COVER
* TIED: B = y. 1 for y' < y
* lost, the reason unknown: (h(y') - h(y)) / (1 - h(y)) for y' < y

Where the rivals differ and fewer than all are asked, S_B, A, K and the sums are averages over who may have been asked.
Averaged over the outcomes at y these give h(y'): the law of total probability.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simcal.models.dealers.panels import Law, PanelLaws, sum_over_first
from simcal.models.dealers.quadrature import Cells

if TYPE_CHECKING:
    from simcal.models.dealers.market import RfqMarket

Integral = Callable[[Any], np.ndarray]
"""Up to x, of any shape."""


@dataclass(frozen=True, eq=False)
class PanelTables:
    """The integrals above for one panel size, as functions of reduced margins (arrays in, arrays out)."""

    laws: PanelLaws
    not_traded: Integral  # K
    away: Integral  # A
    beaten: dict[Law, Integral]  # A_j by the law of j

    def cover(self, y: Any, x: Any) -> np.ndarray:
        """Probability that the best rival lies below y and V but above x, and all others above y (x <= y)."""
        above = self.laws.dealer_sf(y)
        between = self.laws.by_dealer(lambda law: self.beaten[law](y) - self.beaten[law](x))
        return self.laws.average(lambda panel: sum_over_first(between, above, panel[1:]))


def panel_tables(market: RfqMarket, n_dealers: int) -> PanelTables:
    """Tables for requests that ask `n_dealers` dealers; the tick and dealer 0's own law and inventory do not count."""
    always = np.eye(market.n_dealers)[n_dealers - 1].tolist()
    laws = PanelLaws(market.replace(panel_weights=always, inventory_skew=0.0, tick=0.0))
    cells = Cells([laws.client, *laws.dealers])
    x, client = cells.x, laws.client_sf(cells.x)
    densities = dict(zip(laws.dealers, laws.dealer_pdf(x), strict=True))
    return PanelTables(
        laws,
        not_traded=cells.antiderivative(laws.client_pdf(x) * laws.best_rival_sf(x)),
        away=cells.antiderivative(laws.best_rival_pdf(x) * client),
        beaten={law: cells.antiderivative(density * client) for law, density in densities.items()},
    )
