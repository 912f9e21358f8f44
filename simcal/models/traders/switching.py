"""Who becomes a fundamentalist: two shares of traders that follow what is attractive.

The balance b = n_f - n_c stands for both shares, which add up to 1:

    b(t+1) = tanh(beta a(t) / 2)
    a(t)   = alpha_0 + alpha_n b(t) + alpha_p g(t)^2 + alpha_m g(t) + alpha_r m(t-1)

with a mispricing g and a trend m that the market defines. Source: Franke and Westerhoff (2012), see `HerdingMarket`;
alpha_m and alpha_r are not in it.
"""

from __future__ import annotations

from typing import Any


def attractiveness(balance: Any, gap: Any, predisposition: Any, herding: Any, misalignment: Any, tilt: Any) -> Any:
    """a(t) of fundamentalism over its rival, without the trend."""
    return predisposition + herding * balance + gap * (tilt + misalignment * gap)
