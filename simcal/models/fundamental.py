"""A fundamental value that reverts to its mean with a Heston variance: what price markets share.

The value is in units of price or of log price, as the market has it; t counts steps:

    sigma(t) = sigma(t-1) + v2 (mu2 - sigma(t-1)) + xi sqrt(sigma(t-1)^+) eps2(t)
    P*(t)    = P*(t-1) + v1 (mu1 - P*(t-1)) + sqrt(sigma(t)^+) eps1(t)

Equations (8) and (7) of "A generative adversarial network approach to calibrate multi-agent simulators"; there xi is 1
and the correlation of the shocks is 0.
"""

from __future__ import annotations

from typing import Any

from simcal.definition import root


def correlated(shock: Any, other: Any, correlation: Any) -> Any:
    """A standard normal that has this correlation with `other`."""
    return correlation * other + root(1.0 - correlation * correlation) * shock


def next_variance(variance: Any, mean: Any, reversion: Any, vol_of_vol: Any, shock: Any) -> Any:
    """sigma(t) from sigma(t-1), eq. (8) with full truncation: only the root takes the positive part."""
    return variance + reversion * (mean - variance) + vol_of_vol * root(variance) * shock


def next_value(value: Any, mean: Any, reversion: Any, variance: Any, shock: Any) -> Any:
    """P*(t) from P*(t-1) and sigma(t), eq. (7)."""
    return value + reversion * (mean - value) + root(variance) * shock
