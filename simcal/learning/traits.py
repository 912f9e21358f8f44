"""What traders differ in, how it stands in their observation, and the arms of the experiment."""

from __future__ import annotations

from typing import NamedTuple

from scipy.special import ndtri

from simcal.learning.market import LearningMarket
from simcal.parameters import check_names

_TAIL = 0.001  # of the distribution of a trait, beyond which its feature is clipped

# The corner of the grid of the source: all have the mean risk aversion and noise, and a discount of nearly 0.999.
_SAME_DISCOUNT = 0.998
_TRAITS = {"risk-aversion": "risk_aversion_sd", "noise": "noise_sd", "discount": "discount_low"}

ARMS: dict[str, tuple[str, ...]] = {
    "both": tuple(_TRAITS),
    "learning-only": (),
    **{f"{trait}-only": (trait,) for trait in _TRAITS},
    **{f"without-{trait}": tuple(t for t in _TRAITS if t != trait) for trait in _TRAITS},
}
"""Arms of the experiment, and the traits in which traders then differ."""


def arm(market: LearningMarket, name: str) -> LearningMarket:
    """The market in which traders differ in the traits of an arm only.

    Parameters
    ----------
    market
        Where traders differ in all that they shall differ in.
    name
        "both" (learning and heterogeneity: the market as it is), "learning-only" (all are alike), or a trait's name,
        "risk-aversion", "noise" or "discount", with "-only" after it or "without-" before it.

    Raises
    ------
    ParameterError
        For an unknown arm.
    """
    check_names([name], ARMS, "an arm of the experiment")
    kept = {_TRAITS[trait] for trait in ARMS[name]}
    same = {"risk_aversion_sd": 0.0, "noise_sd": 0.0, "discount_low": min(_SAME_DISCOUNT, market.discount_high)}
    return market.replace(**{field: value for field, value in same.items() if field not in kept})


class Scale(NamedTuple):
    """The range of a trait that its feature maps to [-1, 1]; `low` = `high` where all traders are alike."""

    low: float
    high: float


def scales(market: LearningMarket) -> tuple[Scale, Scale, Scale]:
    """Quantiles 0.1 % and 99.9 % of noise, risk aversion and discount: what their features are scaled with."""
    reach = float(ndtri(1 - _TAIL))
    low, high = market.discount_low, market.discount_high
    return (
        Scale(market.noise_mean - reach * market.noise_sd, market.noise_mean + reach * market.noise_sd),
        Scale(
            market.risk_aversion_mean - reach * market.risk_aversion_sd,
            market.risk_aversion_mean + reach * market.risk_aversion_sd,
        ),
        Scale(low + _TAIL * (high - low), high - _TAIL * (high - low)),
    )
