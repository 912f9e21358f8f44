"""The shares of the next step in compiled loops over lanes.

`p` has the fields intensity, predisposition, herding, misalignment, tilt and attraction.
"""

from __future__ import annotations

from numba import njit

from simcal.models.lanes import OPTIONS
from simcal.models.switching import rules

attractiveness, next_balance = njit(**OPTIONS)(rules.attractiveness), njit(**OPTIONS)(rules.next_balance)


@njit(**OPTIONS)
def choose(p, balance_before, gap, trend, balance):
    """The balance of the next step."""
    for lane in range(balance.size):
        a = attractiveness(
            balance_before[lane], gap[lane], trend[lane], p.predisposition, p.herding, p.misalignment, p.tilt,
            p.attraction,
        )  # fmt: skip
        balance[lane] = next_balance(p.intensity, a)
