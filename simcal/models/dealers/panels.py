"""Who may be asked, and by which laws they quote: what the closed forms of the dealer market are sums over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simcal.errors import ParameterError
from simcal.models.dealers.exponential_power import pdf, sf

if TYPE_CHECKING:
    from simcal.models.dealers.market import RfqMarket

Law = tuple[float, float, float]
"""Mean, scale and shape."""


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
