"""The report of a backtest of a dealer: sections with tables and figures."""

from __future__ import annotations

from typing import Any

import pandas as pd

from simcal.report import (
    Picture,
    Section,
    Table,
    banded,
    plot_profit_fan,
)
from simcal.rfq.figures_backtest import plot_inventory, plot_profit_frontier, plot_shifted_margins
from simcal.rfq.history import HistoryShift
from simcal.trading.result import Backtest


def key_numbers(backtest: Backtest) -> dict[str, Any]:
    """What stands at the top."""
    row = backtest.summary.loc["pnl"]
    numbers: dict[str, Any] = {"P&L per path": banded(row["value"], row["low"], row["high"])}
    if backtest.baseline is not None:
        more = banded(row["difference"], row["difference_low"], row["difference_high"])
        numbers[f"more than {backtest.baseline}"] = more
    numbers["hit ratio"] = f"{backtest['hit_ratio']:.1%}"
    return numbers | {"expected shortfall": backtest["expected_shortfall"]}


def sections(backtest: Backtest) -> list[Section]:
    """What came out, profit, inventory, and where they are given other margins."""
    s, series, other = backtest.settings, backtest.series, backtest.baseline_paths
    level, names = f"{100 * s['level']:g} %", (backtest.strategy, backtest.baseline or "baseline")
    prose = [
        f"{s['n_paths']} paths of {s['n_steps']} requests. Values are means over paths (ratios: of sums over all "
        f"paths) with normal {level} bands; standard deviation, value at risk and expected shortfall are over the "
        "paths' profits, with bands from a bootstrap over paths.",
        *backtest.notes,
    ]
    if backtest.baseline is not None:
        prose.insert(
            1,
            f"The difference to {backtest.baseline} is taken path by path: both met the same clients, rivals and mids, "
            "so that the noise that they share cancels. What the mid does to inventories that only one of them holds "
            "does not.",
        )
    profit = plot_profit_fan(
        series["pnl"], series.get("baseline_pnl"), series.get("difference"), names=names, level=s["level"],
        title="Profit over the requests",
    )  # fmt: skip
    inventory = plot_inventory(
        series["inventory"], backtest.paths["last_inventory"], None if other is None else other["last_inventory"],
        names=names, title="Inventory over the requests and at the end",
    )  # fmt: skip
    earned = (
        "Profit is cash plus inventory at the mid. It is the spread captured by trades (price beyond the mid, times "
        "the volume) plus what the inventory gained by the moves of the mid; the two add up without a rest."
    )
    found = [
        Section("What came out", prose, [Table(backtest.table(), "Measures, their bands, and the baseline.")]),
        Section("Profit", [earned], figures=[Picture(profit)]),
        Section("Inventory", figures=[Picture(inventory)]),
    ]
    if backtest.shifts is not None:
        found.append(_shifts(backtest))
    return found


def _shifts(backtest: Backtest) -> Section:
    curve, points = backtest.shift_curve(), None
    if backtest.baseline is not None:
        hit, pnl = backtest.summary["baseline"].loc[["hit_ratio", "pnl"]].to_numpy(float)
        points = {backtest.baseline: (float(hit), float(pnl))}
    best = curve.loc[curve["profit"].idxmax(), "shift"]
    prose = [
        "The same strategy with all its margins higher or lower, on the same requests.",
        f"Of these shifts {best:+.3g} half spreads earns most." if best else "None of these shifts earns more.",
    ]
    figures = [
        Picture(plot_shifted_margins(curve)),
        Picture(plot_profit_frontier(curve, points=points), "Numbers at the marks: the shift in half spreads."),
    ]
    return Section("Had every margin been shifted", prose, [_curve_table(curve)], figures)


def history_section(history: HistoryShift) -> Section:
    """What a dealer's own requests would have brought."""
    curve = history.table.rename(columns=lambda name: name.replace("spread_pnl", "profit"))
    prose = [
        f"{history.n_requests} requests that were quoted to their end. What another margin would have done is an "
        "integral over the rivals and the client given how each request ended, not a simulation; the band is that of "
        "the outcomes that are not known. Profit is the spread captured."
    ]
    if history.n_unexplained:
        ended = "ended in a way that this market does not explain; they count as new requests"
        prose.append(f"{history.n_unexplained} of them {ended}.")
    figure = plot_shifted_margins(curve, title="Your own requests, had every margin been shifted")
    return Section("Your own requests", prose, [_curve_table(curve)], [Picture(figure)])


def _curve_table(curve: pd.DataFrame) -> Table:
    shown = curve.rename(columns=lambda name: str(name).replace("_", " ").replace("pnl", "P&L"))
    return Table(shown, "Shifts in half spreads, profit in price × units, hit ratios as shares.")
