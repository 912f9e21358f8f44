"""What dealers measure from their requests for quotes: hit ratios, curves, distances, mark-outs, profit; no market."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import DataError, ParameterError
from simcal.intervals import mean_interval, share_interval, weighted_share_interval
from simcal.rfq.table import AWAY, Requests, Status

ENDS = {"done": (Status.DONE,), "traded_away": AWAY, "not_traded": (Status.NOT_TRADED,), "lost": (Status.LOST,)}
"""How quoted requests end; lost are those of which it is not known whether another dealer traded."""

_MOST_LABELS = 12
_SIZE_BUCKETS = 4


def hit_ratios(requests: Requests, level: float = 0.95) -> pd.DataFrame:
    """Hit ratio by count and by volume, against the expected one.

    The hit ratio is done requests / quoted requests. Quoted are those that this dealer quoted to their end: neither
    passed nor expired. (Some call the share of requests that are answered "hit rate"; `measure` calls it the response
    ratio.) Expected is the mean of 1 / n_dealers over the quoted requests: what a dealer gets who is as good as the
    others, if every request trades. The score is the difference. By volume, requests count by their notional.

    Returns
    -------
    Rows "count" and "volume" with the columns n, done, hit_ratio, low, high, expected, score.
    """
    require_quoted(requests)
    kinds = ("count", "volume")
    return pd.DataFrame([_ratio(requests, requests.quoted, kind, level) for kind in kinds], index=list(kinds))


def hit_ratios_by_group(requests: Requests, level: float = 0.95) -> pd.DataFrame:
    """Hit ratio by count for each client side, bucket of size, number of dealers, and label of each group.

    Returns
    -------
    One row per group with the columns by, group, n, done, hit_ratio, low, high (Wilson), expected, score, mean_margin
    (half spreads). Of groups with many labels the largest have their own row and the others share one. Quartiles bound
    the sizes.
    """
    require_quoted(requests)
    rows = []
    for by, group, members in _groups(requests):
        quoted = members & requests.quoted
        if quoted.any():
            row = _ratio(requests, quoted, "count", level)
            rows.append({"by": by, "group": group, **row, "mean_margin": float(np.mean(requests.margin[quoted]))})
    return pd.DataFrame(rows)


def require_quoted(requests: Requests) -> None:
    """Refuse a table in which nothing was quoted to its end."""
    if not requests.quoted.any():
        raise DataError(
            f"None of the {requests.n} requests of '{requests.name}' was quoted to its end, so there is nothing to "
            "measure. Give a table with done, lost or not traded requests."
        )


def _ratio(requests: Requests, quoted: np.ndarray, how: str, level: float) -> dict[str, object]:
    done = requests.done[quoted].astype(float)
    weights = np.ones(done.size) if how == "count" else requests.size[quoted]
    ratio, low, high = weighted_share_interval(done, weights, level)
    if how == "count":
        low, high = (float(end) for end in share_interval(int(done.sum()), done.size, level))
    expected = float(np.sum(weights / requests.n_dealers[quoted]) / np.sum(weights))
    return {"n": done.size, "done": int(done.sum()), "hit_ratio": ratio, "low": low, "high": high,
            "expected": expected, "score": ratio - expected}  # fmt: skip


def _groups(requests: Requests) -> Iterator[tuple[str, str, np.ndarray]]:
    yield "side", "client buys", requests.side > 0
    yield "side", "client sells", requests.side < 0
    edges = np.unique(np.quantile(requests.size, np.linspace(0, 1, _SIZE_BUCKETS + 1)))
    if edges.size > 2:
        bucket = np.clip(np.searchsorted(edges, requests.size, side="left"), 1, edges.size - 1)
        for k in range(1, edges.size):
            yield "size", f"{edges[k - 1]:.4g} to {edges[k]:.4g}", bucket == k
    if np.ptp(requests.n_dealers) > 0:
        for number in np.unique(requests.n_dealers):
            yield "n_dealers", f"{number}", requests.n_dealers == number
    for name, labels in requests.groups.items():
        counts = pd.Series(labels).value_counts()
        if counts.size < 2:
            continue
        shown = list(counts.index[: _MOST_LABELS if counts.size > _MOST_LABELS + 1 else counts.size])
        for label in shown:
            yield name, str(label) or "(none)", labels == label
        if len(shown) < counts.size:
            yield name, f"{counts.size - len(shown)} others", ~np.isin(labels, shown)


def hit_curve(requests: Requests, bins: int = 12, level: float = 0.95) -> pd.DataFrame:
    """The share of quoted requests that are done, by the margin that was quoted.

    Returns
    -------
    One row per bin of about as many requests with the columns margin (mean of the bin), margin_low, margin_high (its
    edges; half spreads), n, done, hit_ratio, low, high (Wilson's interval).
    """
    bin_of, table = _bins(requests, bins)
    done = np.bincount(bin_of, weights=requests.done[requests.quoted], minlength=len(table)).astype(int)
    low, high = share_interval(done, table["n"].to_numpy(), level)
    return table.assign(done=done, hit_ratio=done / table["n"], low=low, high=high)


def ends_by_margin(requests: Requests, bins: int = 12) -> pd.DataFrame:
    """How quoted requests end, by the margin that was quoted: whether my price was worse, or the client was fishing.

    Returns
    -------
    The bins of `hit_curve` with the columns margin, margin_low, margin_high, n, and the shares done, traded_away,
    not_traded and lost, which add up to 1. Lost are those of which it is not known whether another dealer traded.
    """
    bin_of, table = _bins(requests, bins)
    status = requests.status[requests.quoted]
    for name, codes in ENDS.items():
        counts = np.bincount(bin_of, weights=np.isin(status, codes), minlength=len(table))
        table[name] = counts / table["n"].to_numpy()
    return table


def _bins(requests: Requests, bins: int) -> tuple[np.ndarray, pd.DataFrame]:
    """The bin of each quoted request, and the bins; fewer than asked for where quotes repeat."""
    if bins < 1:
        raise ParameterError(f"{bins} bins were asked for; give at least 1, for example 12.")
    margin = requests.margin[requests.quoted]
    edges = np.unique(np.quantile(margin, np.linspace(0, 1, min(bins, margin.size) + 1)))
    edges = edges if edges.size > 1 else np.repeat(edges, 2)
    bin_of = np.clip(np.searchsorted(edges, margin, side="right") - 1, 0, edges.size - 2)
    filled, bin_of = np.unique(bin_of, return_inverse=True)
    n = np.bincount(bin_of)
    means = np.bincount(bin_of, weights=margin) / n
    return bin_of, pd.DataFrame(
        {"margin": means, "margin_low": edges[filled], "margin_high": edges[filled + 1], "n": n}
    )


def cover_distances(requests: Requests) -> pd.DataFrame:
    """By how much each winning quote beat the next: what was left on the table.

    The cover gap of a market (`simcal.rfq.closed_forms`) is that of all its requests, whoever quoted best.

    Returns
    -------
    One row per done request whose cover price is known, with the columns request (its position), margin and distance
    (half spreads), price (the distance in price) and money (the distance in price times the notional).
    """
    known = requests.done & ~np.isnan(requests.cover_price)
    return _distances(requests, known, requests.side * (requests.cover_price - requests.quote))


def missed_by(requests: Requests) -> pd.DataFrame:
    """By how much each losing quote was worse for the client than the price at which another dealer traded.

    Returns
    -------
    As `cover_distances`, one row per request traded away whose traded price is known. Negative where the client traded
    at a worse price elsewhere.
    """
    known = np.isin(requests.status, AWAY) & ~np.isnan(requests.traded_price)
    return _distances(requests, known, requests.side * (requests.quote - requests.traded_price))


def _distances(requests: Requests, known: np.ndarray, price: np.ndarray) -> pd.DataFrame:
    price = price[known]
    columns = {"request": np.flatnonzero(known), "margin": requests.margin[known]}
    columns |= {"distance": price / requests.half_spread[known], "price": price, "money": price * requests.size[known]}
    return pd.DataFrame(columns)


def mark_outs(requests: Requests, level: float = 0.95) -> pd.DataFrame:
    """Moves of the mid after requests, positive where they favour the position a trade gives the dealer.

    The dealer who sells to a client that buys gains when the mid falls: the mark-out is
    - side (mid at the horizon - mid at the request) / half spread at the request. Its mean over done requests is
    usually negative: clients know something, and the quote that wins is the one that erred most (the winner's curse).
    The intervals take the requests as independent, which overlapping horizons are while the sides do not follow each
    other.

    Returns
    -------
    One row per horizon and kind of request, with the columns horizon, requests ("done", or "not done": quoted but not
    done), n, mark_out, low, high (half spreads), price (mean in price) and margin_left (mean margin + mark-out: what
    remains of the spread at the horizon, for done requests). Horizons at which no mid is known are left out.
    """
    rows = []
    for horizon, mid in requests.mids.items():
        move = -requests.side * (mid - requests.mid)
        for name, members in (("done", requests.done), ("not done", requests.quoted & ~requests.done)):
            known = members & ~np.isnan(move)
            if not known.any():
                continue
            mean, low, high = mean_interval(move[known] / requests.half_spread[known], level)
            left = float(np.mean(requests.margin[known])) + mean if name == "done" else np.nan
            rows.append((horizon, name, int(known.sum()), mean, low, high, float(np.mean(move[known])), left))
    columns = ["horizon", "requests", "n", "mark_out", "low", "high", "price", "margin_left"]
    return pd.DataFrame(rows, columns=columns)


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
