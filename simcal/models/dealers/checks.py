"""Which parameters of the dealer market fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simcal.errors import ParameterError
from simcal.parameters import check_choices

if TYPE_CHECKING:
    from simcal.models.dealers.market import RfqMarket

CHOICES = {"mid_law": ("uniform", "walk"), "rule": ("hard", "smoothed")}
"""The parameters that are words, and the words."""


def check_together(market: RfqMarket) -> None:
    """Refuse what is allowed alone but not together, with `ParameterError`; numbers are those of `Parameter.check`."""
    check_choices(market, CHOICES)
    if market.panel_weights is not None and sum(market.panel_weights) <= 0:  # type: ignore[arg-type]
        raise ParameterError("panel_weights are all 0, but must hold at least one positive weight.")
    _check_mid(market)
    if market.rule == "smoothed" and market.tick > 0:
        raise ParameterError(
            f"tick is {market.tick:g}, but must be 0 with the smoothed rule, where every move of a quote counts."
        )


def check_panel_weights(weights: Any, n: Any) -> None:
    """Refuse what is no list of n weights; the weights themselves are those of `Parameter.check`."""
    size = len(weights) if hasattr(weights, "__len__") and not isinstance(weights, str) else None
    if weights is None or size == n:
        return
    given = f"is {weights!r}" if size is None else f"lists {size} values"
    raise ParameterError(
        f"panel_weights {given}, but must be a list with {n} weights, for panels of 1 to {n} dealers; leave it out "
        "where all are always asked."
    )


def _check_mid(market: RfqMarket) -> None:
    low, high, half_spread = market.mid_low, market.mid_high, market.half_spread
    if low >= high:
        raise ParameterError(f"mid_low is {low:g}, but must be below mid_high, which is {high:g}.")
    name = "mid_low" if market.mid_law == "uniform" else "initial_price"
    if half_spread >= getattr(market, name):
        raise ParameterError(
            f"half_spread is {half_spread:g}, but must be below {name}, which is {getattr(market, name):g}, so that "
            "the bid is positive."
        )
    for name in ("mid_volatility", "information"):
        if market.mid_law == "uniform" and getattr(market, name) != 0:
            raise ParameterError(
                f"{name} is {getattr(market, name):g}, but must be 0 where the mid is drawn anew for each request; "
                "give mid_law = 'walk' for a mid that moves."
            )
