"""The report of a request table: what dealers measure, as tables and figures in one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from simcal.data import Requests, Status
from simcal.dealing.facts import DealingFacts

if TYPE_CHECKING:
    from simcal.report import Section


def write_dealing_report(path: str | Path, requests: Requests, facts: DealingFacts) -> Path:
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
        [
            _measured(requests, facts),
            _hits(facts),
            _ends(facts),
            *_distances(facts),
            *_mark_outs(facts),
            _profit(requests, facts),
        ],
        subtitle=f"What a dealer measures from {facts.n:,} requests for quotes; intervals at {100 * facts.level:g} %.",
        key_numbers={"requests": facts.n} | dict(zip(labels, rows["value"].astype(float), strict=True)),
        provenance={"sha256 of the table": requests.sha256},
    )


def _measured(requests: Requests, facts: DealingFacts) -> Section:
    from simcal.report import Section, Table

    counts = pd.DataFrame(
        [{"status": code.name, "requests": int((requests.status == code).sum())} for code in Status]
    ).query("requests > 0")
    prose = [
        "The hit ratio is done requests over quoted requests, those neither passed nor expired. It is compared with "
        "the mean of 1 over the number of dealers asked, which equal dealers reach where every request trades."
    ]
    tables = [Table(counts, "How the requests ended."), Table(facts.quantities, "All numbers.")]
    return Section("What is measured", prose, tables)


def _hits(facts: DealingFacts) -> Section:
    from simcal.report import Picture, Section, plot_hit_curve, plot_hit_ratios

    return Section(
        "Hit ratio and hit curve",
        figures=[
            Picture(plot_hit_curve(facts.hit_curve), "Each bin holds about as many requests; intervals are Wilson's."),
            Picture(plot_hit_ratios(facts.groups), "The numbers at the right are quoted requests."),
        ],
    )


def _ends(facts: DealingFacts) -> Section:
    from simcal.report import Picture, Section, plot_request_ends

    caption = (
        "Traded away: the price was worse than another's. Not traded: the client was fishing, or all were too wide."
    )
    return Section("How requests end", figures=[Picture(plot_request_ends(facts.ends), caption)])


def _distances(facts: DealingFacts) -> list[Section]:
    from simcal.report import Picture, Section, plot_quote_distances

    if facts.covers.empty and facts.missed.empty:
        return []
    drawing = plot_quote_distances(facts.covers["distance"], facts.missed["distance"])
    caption = (
        "What was left on the table when winning, and by how much losing quotes were missed; the largest 1 % not shown."
    )
    return [Section("Distance to the quote that mattered", figures=[Picture(drawing, caption)])]


def _mark_outs(facts: DealingFacts) -> list[Section]:
    from simcal.report import Picture, Section, Table, plot_mark_outs

    if facts.mark_outs.empty:
        return []
    caption = "Negative: the mid moves against the position that the trade gave the dealer."
    tables = [
        Table(facts.mark_outs.rename(columns=lambda name: name.replace("_", " ")), "In half spreads; price in price.")
    ]
    return [Section("Mark-outs", tables=tables, figures=[Picture(plot_mark_outs(facts.mark_outs), caption)])]


def _profit(requests: Requests, facts: DealingFacts) -> Section:
    from simcal.report import Picture, Section, plot_inventory_path, plot_profit_sources

    times = requests.timestamp
    source = "begins at 0 and follows the trades" if requests.inventory_before is None else "is that of the table"
    return Section(
        "Profit and inventory",
        [f"The inventory {source}. What hedges earn or cost is not in a request table."],
        figures=[
            Picture(plot_profit_sources(facts.profit, times=times), "Spread captured and carry of the inventory."),
            Picture(plot_inventory_path(facts.profit["inventory"], times=times)),
        ],
    )
