"""All that a dealer measures from a request table, in one place, and its report."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simcal.intervals import mean_interval, share_interval
from simcal.rfq.measures import (
    ENDS,
    cover_distances,
    ends_by_margin,
    hit_curve,
    hit_ratios,
    hit_ratios_by_group,
    mark_outs,
    missed_by,
    profit_and_loss,
    require_quoted,
)
from simcal.rfq.table import Requests, Status

if TYPE_CHECKING:
    from simcal.report import Section

_SPREADS, _MONEY = "half spreads", "price × notional"
_HITS = {
    "count": ("", "", "done requests / quoted requests (not the share of requests that are answered)"),
    "volume": (", by volume", ", weighted by notional", "notional of done requests / notional of quoted requests"),
}
_END_MEANINGS = {
    "traded_away": ("traded away", "quoted requests that another dealer traded: my price was worse"),
    "not_traded": ("not traded", "quoted requests that nobody traded: the client was fishing, or all were too wide"),
    "lost": ("lost, end unknown", "quoted requests not done, of which it is not known whether another traded"),
}


@dataclass(frozen=True)
class RfqFacts:
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


def measure(requests: Requests, level: float = 0.95, bins: int = 12) -> RfqFacts:
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

    Examples
    --------
    >>> from simcal.rfq import load_requests, measure
    >>> table = measure(load_requests("rfq-example")).table().set_index("quantity")
    >>> table.loc[["hit ratio", "expected hit ratio"], "value"].round(3).tolist()
    [0.188, 0.289]
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
        *_profit_rows(profit, level),
    ]
    quantities = pd.DataFrame(rows, columns=["quantity", "value", "low", "high", "n", "unit", "meaning"])
    groups, curve = hit_ratios_by_group(requests, level), hit_curve(requests, bins, level)
    ends = ends_by_margin(requests, bins)
    return RfqFacts(requests.name, requests.n, level, quantities, groups, curve, ends, covers, missed, outs, profit)


Row = tuple[str, float, float, float, int, str, str]


def _alone(name: str, value: float, n: int, unit: str, meaning: str) -> Row:
    """A number without an interval."""
    return name, value, np.nan, np.nan, n, unit, meaning


def _share(name: str, happened: np.ndarray, among: np.ndarray, level: float, meaning: str) -> Row:
    n, count = int(among.sum()), int((happened & among).sum())
    low, high = share_interval(count, n, level)
    return name, count / n, float(low), float(high), n, "share", meaning


def _mean(name: str, values: Any, level: float, unit: str, meaning: str) -> Row:
    values = np.asarray(values, dtype=float)
    return name, *mean_interval(values, level), values.size, unit, meaning


def _hit_rows(requests: Requests, level: float) -> list[Row]:
    rows: list[Row] = []
    for row in hit_ratios(requests, level).reset_index(names="kind").to_dict("records"):
        suffix, weighted, meaning = _HITS[row["kind"]]
        ratio, low, high, expected = (float(row[name]) for name in ("hit_ratio", "low", "high", "expected"))
        n = int(row["n"])
        score = f"hit ratio - expected hit ratio{suffix}; equal dealers score below 0 where clients walk away"
        rows += [
            (f"hit ratio{suffix}", ratio, low, high, n, "share", meaning),
            _alone(f"expected hit ratio{suffix}", expected, n, "share", f"mean of 1 / n_dealers{weighted}"),
            (f"score{suffix}", ratio - expected, low - expected, high - expected, n, "share", score),
        ]
    quoted, answered = requests.quoted, ~np.isnan(requests.quote)
    panel = 1 / float(np.mean(requests.n_dealers[quoted]))
    meaning = "requests answered with a quote / all requests (some call this the hit rate)"
    return [
        *rows,
        _alone("1 / mean panel", panel, int(quoted.sum()), "share", "another expected hit ratio in use"),
        _share("response ratio", answered, np.ones(requests.n, dtype=bool), level, meaning),
    ]


def _end_rows(requests: Requests, level: float) -> list[Row]:
    quoted = requests.quoted
    ended = {name: np.isin(requests.status, codes) for name, codes in ENDS.items()}
    rows = [
        _share(label, ended[name], quoted, level, meaning)
        for name, (label, meaning) in _END_MEANINGS.items()
        if name != "lost" or ended[name].any()
    ]
    traded = ended["done"] | ended["traded_away"]
    if traded.any() and not ended["lost"].any():
        fair = float(np.mean(1 / requests.n_dealers[traded]))
        meaning = f"done / (done + traded away); equal dealers have the mean of 1 / n_dealers here, {fair:.3f}"
        rows.append(_share("share of traded requests won", ended["done"], traded, level, meaning))
    return rows


def _margin_rows(requests: Requests, level: float) -> list[Row]:
    return [
        _mean(f"mean margin {name}", requests.margin[members], level, _SPREADS,
              f"side (quote - mid) / half spread over {name} requests")
        for name, members in (("quoted", requests.quoted), ("done", requests.done))
        if members.any()
    ]  # fmt: skip


def _distance_rows(covers: pd.DataFrame, missed: pd.DataFrame, level: float) -> list[Row]:
    rows: list[Row] = []
    told = "cover price - quote of done requests, on the client's worse side: left on the table"
    lost = "quote - price traded elsewhere, on the client's worse side"
    for what, frame, meaning in (("cover distance", covers, told), ("missed by", missed, lost)):
        if len(frame):
            rows += [
                _mean(f"mean {what}", frame["distance"], level, _SPREADS, meaning),
                _mean(f"mean {what}, in price", frame["price"], level, "price", meaning),
                _alone(f"median {what}", float(np.median(frame["distance"])), len(frame), _SPREADS, meaning),
            ]
    if len(covers):
        meaning = "cover distances in price times notional, added"
        rows.append(_alone("left on the table", float(covers["money"].to_numpy().sum()), len(covers), _MONEY, meaning))
    return rows


def _mark_out_rows(outs: pd.DataFrame) -> list[Row]:
    meanings = {
        "done": "move of the mid in favour of the position taken, after done requests",
        "not done": "the same move after quoted requests that were not done",
    }
    return [
        (f"mark-out {row['horizon']}, {row['requests']}", float(row["mark_out"]), float(row["low"]), float(row["high"]),
         int(row["n"]), _SPREADS, meanings[row["requests"]])
        for row in outs.to_dict("records")
    ]  # fmt: skip


def _profit_rows(profit: pd.DataFrame, level: float) -> list[Row]:
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
    inventory = profit["inventory"].to_numpy()
    meaning = f"mean over the requests; low and high are quantiles that hold a share of {level:g} of them"
    low, high = map(float, np.quantile(inventory, [0.5 - level / 2, 0.5 + level / 2]))
    return [*rows, ("inventory", float(np.mean(inventory)), low, high, len(profit), "notional", meaning)]


# -- the report -------------------------------------------------------------------------------------------------------


def write_facts_report(path: str | Path, requests: Requests, facts: RfqFacts) -> Path:
    """Write what `measure` found in a table as one self-contained HTML file, and return its path.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    from simcal.report import write_report

    rows = facts.quantities.set_index("quantity").loc[
        ["hit ratio", "expected hit ratio", "mean margin quoted", "P&L, total"]
    ]
    labels = [name if unit == "share" else f"{name} ({unit})" for name, unit in rows["unit"].items()]
    return write_report(
        path,
        f"Requests of {facts.name}",
        _facts_sections(requests, facts),
        subtitle=f"What a dealer measures from {facts.n:,} requests for quotes; intervals at {100 * facts.level:g} %.",
        key_numbers={"requests": facts.n} | dict(zip(labels, rows["value"].astype(float), strict=True)),
        provenance={"sha256 of the table": requests.sha256},
    )


def _facts_sections(requests: Requests, facts: RfqFacts) -> list[Section]:
    from simcal.report import Picture, Section, Table
    from simcal.rfq import figures

    counts = pd.DataFrame(
        [{"status": code.name, "requests": int((requests.status == code).sum())} for code in Status]
    ).query("requests > 0")
    measured = [
        "The hit ratio is done requests over quoted requests, those neither passed nor expired. It is compared with "
        "the mean of 1 over the number of dealers asked, which equal dealers reach where every request trades."
    ]
    hits = [
        Picture(
            figures.plot_hit_curve(facts.hit_curve), "Each bin holds about as many requests; intervals are Wilson's."
        ),
        Picture(figures.plot_hit_ratios(facts.groups), "The numbers at the right are quoted requests."),
    ]
    ends = "Traded away: the price was worse than another's. Not traded: the client was fishing, or all were too wide."
    found = [
        Section("What is measured", measured,
                [Table(counts, "How the requests ended."), Table(facts.quantities, "All numbers.")]),
        Section("Hit ratio and hit curve", figures=hits),
        Section("How requests end", figures=[Picture(figures.plot_request_ends(facts.ends), ends)]),
    ]  # fmt: skip
    if not (facts.covers.empty and facts.missed.empty):
        drawing = figures.plot_quote_distances(facts.covers["distance"], facts.missed["distance"])
        caption = "Left on the table when winning, and by how much losing quotes were missed; the largest 1 % not "
        found.append(Section("Distance to the quote that mattered", figures=[Picture(drawing, caption + "shown.")]))
    if not facts.mark_outs.empty:
        table = facts.mark_outs.rename(columns=lambda name: name.replace("_", " "))
        caption = "Negative: the mid moves against the position that the trade gave the dealer."
        found.append(
            Section("Mark-outs", tables=[Table(table, "In half spreads; price in price.")],
                    figures=[Picture(figures.plot_mark_outs(facts.mark_outs), caption)])
        )  # fmt: skip
    times, profit = requests.timestamp, facts.profit
    source = "begins at 0 and follows the trades" if requests.inventory_before is None else "is that of the table"
    drawn = [
        Picture(figures.plot_profit_sources(profit, times=times), "Spread captured and carry of the inventory."),
        Picture(figures.plot_inventory_path(profit["inventory"], times=times)),
    ]
    prose = [f"The inventory {source}. What hedges earn or cost is not in a request table."]
    return [*found, Section("Profit and inventory", prose, figures=drawn)]
