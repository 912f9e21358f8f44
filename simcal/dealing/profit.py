"""Profit and loss over the requests: what the spread earns and what the inventory gains or loses."""

from typing import Any

import numpy as np
import pandas as pd

from simcal.data import Requests


def spread_captured(side: Any, quote: Any, mid: Any, volume: Any) -> Any:
    """What trades earn beyond the mid: side (quote - mid) volume, side +1 where the client buys."""
    return side * (quote - mid) * volume


def inventory_carry(inventory: np.ndarray, mid: np.ndarray) -> np.ndarray:
    """What the inventory after each request gains by the move of the mid until the next, where it is noted.

    Both have the requests on the last axis; the carry of the first is 0.
    """
    carry = np.zeros(np.shape(mid))
    carry[..., 1:] = inventory[..., :-1] * np.diff(mid)
    return carry


def profit_and_loss(requests: Requests) -> pd.DataFrame:
    """Spread captured, carry of the inventory, and the inventory itself, request by request.

    A done request earns its spread, side (quote - mid) notional, and changes the inventory by -side notional. The
    carry is the inventory after a request times the move of the mid until the next request, for each instrument by
    itself where the table names several. The inventory is the one before the request that the table has, with the
    trade added; without that column it begins at 0 and is accumulated from the trades. What hedges earn or cost is not
    in a request table. The carry means nothing where the mids of successive requests do not belong together: several
    instruments without a column `instrument`, or a market that draws each mid anew.

    Returns
    -------
    One row per request with the columns spread and carry (price times notional, in which the request's carry is that
    since the one before), total (both), cumulative_spread, cumulative_carry, cumulative_total, and inventory (after
    the request, added over instruments).
    """
    n, mid = requests.n, requests.mid
    change = np.where(requests.done, -requests.side * requests.size, 0.0)
    spread = np.where(requests.done, spread_captured(requests.side, requests.quote, mid, requests.size), 0.0)
    carry, after = np.zeros(n), np.zeros(n)
    total_inventory = np.zeros(n)
    for rows in _instruments(requests):
        before = requests.inventory_before
        after[rows] = np.cumsum(change[rows]) if before is None else before[rows] + change[rows]
        carry[rows] = inventory_carry(after[rows], mid[rows])
        total_inventory[rows] += np.diff(after[rows], prepend=0.0)  # an instrument counts from its first request on
    frame = pd.DataFrame({"spread": spread, "carry": carry, "total": spread + carry})
    for name in ("spread", "carry", "total"):
        frame[f"cumulative_{name}"] = frame[name].cumsum()
    frame["inventory"] = np.cumsum(total_inventory)
    return frame


def _instruments(requests: Requests) -> list[np.ndarray]:
    """The positions of each instrument's requests, in their order."""
    if "instrument" not in requests.groups:
        return [np.arange(requests.n)]
    codes = pd.factorize(requests.groups["instrument"])[0]
    return [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
