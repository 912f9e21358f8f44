"""Who becomes a fundamentalist, for numbers or arrays that broadcast together.

The balance b = n_f - n_c stands for both shares, which add up to 1:

    b(t+1) = tanh(beta a(t) / 2)
    a(t)   = alpha_0 + alpha_n b(t) + alpha_p g(t)^2 + alpha_m g(t) + alpha_r m(t-1)

with a mispricing g and a trend m that the market defines. Source: Franke and Westerhoff (2012), see `HerdingMarket`;
alpha_m and alpha_r are not in it.
"""

from __future__ import annotations

from typing import Any

from simcal.models.elementary import tanh_half


def attractiveness(
    balance: Any, gap: Any, trend: Any, predisposition: Any, herding: Any, misalignment: Any, tilt: Any, attraction: Any
) -> Any:
    """a(t), of fundamentalism over its rival."""
    return predisposition + herding * balance + gap * (tilt + misalignment * gap) + attraction * trend


def next_balance(intensity: Any, attractiveness: Any) -> Any:
    """n_f - n_c = tanh(beta a / 2) of the next step."""
    return tanh_half(intensity * attractiveness)
