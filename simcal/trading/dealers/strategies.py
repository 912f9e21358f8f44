"""Pricing policies that come with simcal, as quoting functions: numbers or arrays in, a margin in half spreads out.

All are called with (side, size, n_dealers, mid, half_spread, inventory, step) and are made of arithmetic that NumPy
does on arrays and Numba on numbers, so that ``numba.njit(fixed(0.5))`` is the same policy, compiled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simcal.errors import ParameterError
from simcal.models.dealers.closed_forms import expected_margin_profit, optimal_margin

if TYPE_CHECKING:
    from simcal.models.dealers.market import Quoting, RfqMarket

_TABLE = 161  # costs at which the averse policy knows its margin


def fixed(margin: float) -> Quoting:
    """The same margin for every request."""
    margin = finite_number("margin", margin)

    def quote(side, size, n_dealers, mid, half_spread, inventory, step):
        return margin + 0.0 * side

    return quote


def skewed(margin: float, skew: float) -> Quoting:
    """A margin, and both prices lower by `skew` half spreads per unit held: margin - side * skew * inventory."""
    margin, skew = finite_number("margin", margin), finite_number("skew", skew)

    def quote(side, size, n_dealers, mid, half_spread, inventory, step):
        return margin - side * (skew * inventory)

    return quote


def optimal(market: RfqMarket, cost: float | None = None) -> Quoting:
    """The one margin with the largest expected profit against this market's rivals, `best_margin` at a cost.

    `cost` is what a trade is expected to lose after it, in half spreads; None is the market's ``information``.
    """
    return fixed(best_margin(market, market.information if cost is None else finite_number("cost", cost)))


def averse(market: RfqMarket, risk_aversion: float) -> Quoting:
    r"""Margins that lean against the inventory as far as its risk is worth it.

    Maximises, per request, expected profit less :math:`\frac{\gamma}{2} \sigma^2 q^2` for an inventory q, sigma the
    mid's volatility in half spreads per request (Avellaneda and Stoikov 2008; Gueant, Lehalle and Fernandez-Tapia 2013;
    the quadratic approximation is that of Bergault, Evangelista, Gueant and Vieira 2021). With the profit of a request
    at cost p, :math:`H(p) = \max_x (x - p) h(x)`, h the hit curve, the value of an inventory is -A q^2 where the terms
    in q^2 of the stationary equation balance:

    .. math:: \tfrac12 \gamma \sigma^2 = 2 E[z] H''(0) A^2, \qquad z \text{ the size}

    A trade of size z then costs :math:`p = A (z - 2 d q)` per unit, d the side, and the margin is the best one at this
    cost plus the market's ``information``.

    Parameters
    ----------
    market
        With the hard rule.
    risk_aversion
        gamma, per half spread and unit.
    """
    gamma = finite_number("risk_aversion", risk_aversion)
    if gamma < 0:
        raise ParameterError(f"risk_aversion is {gamma:g}, but must be at least 0.")
    market = market.replace(inventory_skew=0.0, tick=0.0)
    volatility = market.mid_volatility / market.half_spread
    mean_size = market.size_median * float(np.exp(0.5 * market.size_log_sd**2))
    base, step = market.information, 0.05 * (market.client_scale + 0.1)
    near = base + step * np.array([-1.0, 0.0, 1.0])
    profits = expected_margin_profit(market, optimal_margin(market, near), near)
    curvature = max((profits[0] - 2 * profits[1] + profits[2]) / step**2, 1e-12)
    slope = 0.5 * np.sqrt(gamma * volatility**2 / (mean_size * curvature))
    reach = 4.0 * market.client_scale + 1.0
    costs = np.linspace(base - reach, base + reach, _TABLE)
    margins = optimal_margin(market, costs)

    def quote(side, size, n_dealers, mid, half_spread, inventory, step):
        cost = base + slope * (size - 2.0 * side * inventory)
        beyond = np.minimum(cost - costs[0], 0.0) + np.maximum(cost - costs[-1], 0.0)
        return np.interp(cost, costs, margins) + beyond

    return quote


def best_margin(market: RfqMarket, cost: Any = 0.0) -> Any:
    """`closed_forms.optimal_margin` of the market without inventory skew and tick, at a cost or at several (any shape).

    Raises
    ------
    ParameterError
        Where the market has the smoothed rule, for which there is no hit curve in closed form.
    """
    return optimal_margin(market.replace(inventory_skew=0.0, tick=0.0), cost)


def finite_number(name: str, value: Any) -> float:
    """`value` as a finite float, or `ParameterError`."""
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float, np.integer, np.floating))
        or not np.isfinite(value)
    ):
        raise ParameterError(f"{name} is {value!r}, but must be a finite number.")
    return float(value)
