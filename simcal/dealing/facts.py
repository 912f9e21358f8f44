"""All that a dealer measures from a request table, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from simcal.data import Requests
from simcal.dealing.curves import ENDS, ends_by_margin, hit_curve
from simcal.dealing.distances import cover_distances, missed_by
from simcal.dealing.hits import hit_ratios, hit_ratios_by_group, require_quoted
from simcal.dealing.intervals import mean_interval, share_interval
from simcal.dealing.markouts import mark_outs
from simcal.dealing.profit import profit_and_loss

_SPREADS, _MONEY = "half spreads", "price × notional"
_HITS = {
    "count": ("", "", "done requests / quoted requests (not the share of requests that are answered)"),
    "volume": (", by volume", ", weighted by notional", "notional of done requests / notional of quoted requests"),
}


@dataclass(frozen=True)
class DealingFacts:
    """What a dealer measures from its requests; each frame is described by the function that makes it.

    Attributes
    ----------
    name, n, level
        Of the table; its number of requests; the level of all intervals.
    quantities
        One row per number with the columns quantity, value, low, high, n, unit, meaning.
    groups
        Hit ratios by side, size, number of dealers and labels (`hit_ratios_by_group`).
    hit_curve, ends
        By margin (`hit_curve`, `ends_by_margin`).
    covers, missed
        Distance to the cover of each win, to the traded price of each loss (`cover_distances`, `missed_by`).
    mark_outs
        By horizon (`mark_outs`).
    profit
        By request (`profit_and_loss`).
    """

    name: str
    n: int
    level: float
    quantities: pd.DataFrame = field(repr=False)
    groups: pd.DataFrame = field(repr=False)
    hit_curve: pd.DataFrame = field(repr=False)
    ends: pd.DataFrame = field(repr=False)
    covers: pd.DataFrame = field(repr=False)
    missed: pd.DataFrame = field(repr=False)
    mark_outs: pd.DataFrame = field(repr=False)
    profit: pd.DataFrame = field(repr=False)

    def table(self) -> pd.DataFrame:
        """A copy of `quantities`."""
        return self.quantities.copy()

    def to_dict(self) -> dict[str, Any]:
        """Numbers and text only: the table, the groups, the curves and the mark-outs as lists of rows."""
        frames = {
            "quantities": self.quantities,
            "hit_ratios_by_group": self.groups,
            "hit_curve": self.hit_curve,
            "ends_by_margin": self.ends,
            "mark_outs": self.mark_outs,
        }
        rows = {name: frame.to_dict(orient="records") for name, frame in frames.items()}
        return {"name": self.name, "n": self.n, "level": self.level, **rows}


def measure(requests: Requests, level: float = 0.95, bins: int = 12) -> DealingFacts:
    """Measure what a dealer's request table tells; what it cannot tell is left out.

    Parameters
    ----------
    level
        Of all intervals: Wilson's for shares by count, linearised for shares by volume, normal for means.
    bins
        Of the margin, with about as many requests in each.

    Raises
    ------
    DataError
        No request was quoted to its end.
    """
    require_quoted(requests)
    covers, missed = cover_distances(requests), missed_by(requests)
    outs, profit = mark_outs(requests, level), profit_and_loss(requests)
    rows = [
        *_hit_rows(requests, level),
        *_end_rows(requests, level),
        *_margin_rows(requests, level),
        *_distance_rows(covers, missed, level),
        *_mark_out_rows(outs),
        *_profit_rows(requests, profit, level),
    ]
    return DealingFacts(
        requests.name,
        requests.n,
        level,
        pd.DataFrame(rows, columns=["quantity", "value", "low", "high", "n", "unit", "meaning"]),
        hit_ratios_by_group(requests, level),
        hit_curve(requests, bins, level),
        ends_by_margin(requests, bins),
        covers,
        missed,
        outs,
        profit,
    )


Row = tuple[str, float, float, float, int, str, str]


def _hit_rows(requests: Requests, level: float) -> list[Row]:
    rows: list[Row] = []
    for row in hit_ratios(requests, level).reset_index(names="kind").to_dict("records"):
        suffix, weighted, meaning = _HITS[row["kind"]]
        ratio, low, high, expected = (float(row[name]) for name in ("hit_ratio", "low", "high", "expected"))
        n = int(row["n"])
        score = f"hit ratio - expected hit ratio{suffix}; equal dealers score below 0 where clients walk away"
        rows += [
            (f"hit ratio{suffix}", ratio, low, high, n, "share", meaning),
            (f"expected hit ratio{suffix}", expected, np.nan, np.nan, n, "share", f"mean of 1 / n_dealers{weighted}"),
            (f"score{suffix}", ratio - expected, low - expected, high - expected, n, "share", score),
        ]
    quoted, answered = requests.quoted, ~np.isnan(requests.quote)
    panel = 1 / float(np.mean(requests.n_dealers[quoted]))
    rows.append(
        ("1 / mean panel", panel, np.nan, np.nan, int(quoted.sum()), "share", "another expected hit ratio in use")
    )
    meaning = "requests answered with a quote / all requests (some call this the hit rate)"
    return [*rows, _share("response ratio", answered, np.ones(requests.n, dtype=bool), level, meaning)]


def _end_rows(requests: Requests, level: float) -> list[Row]:
    quoted = requests.quoted
    ended = {name: np.isin(requests.status, codes) for name, codes in ENDS.items()}
    meanings = {
        "traded_away": ("traded away", "quoted requests that another dealer traded: my price was worse"),
        "not_traded": (
            "not traded",
            "quoted requests that nobody traded: the client was fishing, or all were too wide",
        ),
        "lost": ("lost, end unknown", "quoted requests not done, of which it is not known whether another traded"),
    }
    rows = [
        _share(label, ended[name], quoted, level, meaning)
        for name, (label, meaning) in meanings.items()
        if name != "lost" or ended[name].any()
    ]
    traded = ended["done"] | ended["traded_away"]
    if traded.any() and not ended["lost"].any():
        fair = float(np.mean(1 / requests.n_dealers[traded]))
        meaning = f"done / (done + traded away); equal dealers have the mean of 1 / n_dealers here, {fair:.3f}"
        rows.append(_share("share of traded requests won", ended["done"], traded, level, meaning))
    return rows


def _margin_rows(requests: Requests, level: float) -> list[Row]:
    rows = []
    for name, members in (("quoted", requests.quoted), ("done", requests.done)):
        if members.any():
            values = requests.margin[members]
            meaning = f"side (quote - mid) / half spread over {name} requests"
            rows.append((f"mean margin {name}", *mean_interval(values, level), values.size, _SPREADS, meaning))
    return rows


def _distance_rows(covers: pd.DataFrame, missed: pd.DataFrame, level: float) -> list[Row]:
    rows: list[Row] = []
    for what, frame, meaning in (
        (
            "cover distance",
            covers,
            "cover price - quote of done requests, on the client's worse side: left on the table",
        ),
        ("missed by", missed, "quote - price traded elsewhere, on the client's worse side"),
    ):
        if len(frame):
            for column, suffix, unit in (("distance", "", _SPREADS), ("price", ", in price", "price")):
                values = frame[column].to_numpy(dtype=float)
                rows.append((f"mean {what}{suffix}", *mean_interval(values, level), values.size, unit, meaning))
            median = float(np.median(frame["distance"].to_numpy(dtype=float)))
            rows.append((f"median {what}", median, np.nan, np.nan, len(frame), _SPREADS, meaning))
    if len(covers):
        total = float(np.sum(covers["money"].to_numpy(dtype=float)))
        meaning = "cover distances in price times notional, added"
        rows.append(("left on the table", total, np.nan, np.nan, len(covers), _MONEY, meaning))
    return rows


def _mark_out_rows(outs: pd.DataFrame) -> list[Row]:
    meanings = {
        "done": "move of the mid in favour of the position taken, after done requests",
        "not done": "the same move after quoted requests that were not done",
    }
    rows: list[Row] = []
    for row in outs.to_dict("records"):
        value, low, high = (float(row[name]) for name in ("mark_out", "low", "high"))
        name = f"mark-out {row['horizon']}, {row['requests']}"
        rows.append((name, value, low, high, int(row["n"]), _SPREADS, meanings[row["requests"]]))
    return rows


def _profit_rows(requests: Requests, profit: pd.DataFrame, level: float) -> list[Row]:
    meanings = {
        "spread": "side (quote - mid) notional of done requests",
        "carry": "inventory times the move of the mid until the next request",
        "total": "spread + carry, before hedging costs",
    }
    rows: list[Row] = []
    for name, meaning in meanings.items():
        values = profit[name].to_numpy()
        total, low, high = (float(values.size * end) for end in mean_interval(values, level))
        rows.append((f"P&L, {name}", total, low, high, values.size, _MONEY, meaning))
    inventory, n = profit["inventory"].to_numpy(), requests.n
    meaning = f"mean over the requests; low and high are quantiles that hold a share of {level:g} of them"
    ends = np.quantile(inventory, [0.5 - level / 2, 0.5 + level / 2])
    rows.append(("inventory", float(np.mean(inventory)), float(ends[0]), float(ends[1]), n, "notional", meaning))
    return rows


def _share(name: str, happened: np.ndarray, among: np.ndarray, level: float, meaning: str) -> Row:
    n, count = int(among.sum()), int((happened & among).sum())
    low, high = share_interval(count, n, level)
    return name, count / n, float(low), float(high), n, "share", meaning
