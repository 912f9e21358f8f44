"""The report of a backtest of a dealer: sections with tables and figures."""

from __future__ import annotations

from typing import Any

import pandas as pd

from simcal.report import (
    Picture,
    Section,
    Table,
    plot_inventory,
    plot_profit_fan,
    plot_profit_frontier,
    plot_shifted_margins,
)
from simcal.rfq.history import HistoryShift
from simcal.trading.result import Backtest
from simcal.trading.wording import banded


def sections(backtest: Backtest, history: HistoryShift | None = None) -> list[Section]:
    """What came out, profit, inventory, and where they are given other margins and the dealer's own requests."""
    found = [_result(backtest), _profit(backtest), _inventory(backtest)]
    if backtest.shifts is not None:
        found.append(_shifts(backtest))
    if history is not None:
        found.append(_history(history))
    return found


def key_numbers(backtest: Backtest) -> dict[str, Any]:
    """What stands at the top."""
    row = backtest.summary.loc["pnl"]
    numbers = {"P&L per path": banded(row["value"], row["low"], row["high"])}
    if backtest.baseline is not None:
        numbers[f"more than {backtest.baseline}"] = banded(
            row["difference"], row["difference_low"], row["difference_high"]
        )
    hit = backtest["hit_ratio"]
    numbers["hit ratio"] = f"{hit:.1%}"
    return numbers | {"expected shortfall": backtest["expected_shortfall"]}


def _result(backtest: Backtest) -> Section:
    s = backtest.settings
    level = f"{100 * s['level']:g} %"
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
    return Section("What came out", prose, [Table(backtest.table(), "Measures, their bands, and the baseline.")])


def _names(backtest: Backtest) -> tuple[str, str]:
    return backtest.strategy, backtest.baseline or "baseline"


def _profit(backtest: Backtest) -> Section:
    figure = plot_profit_fan(
        backtest.series["pnl"],
        backtest.series.get("baseline_pnl"),
        backtest.series.get("difference"),
        names=_names(backtest),
        level=backtest.settings["level"],
        title="Profit over the requests",
    )
    prose = [
        "Profit is cash plus inventory at the mid. It is the spread captured by trades (price beyond the mid, times "
        "the volume) plus what the inventory gained by the moves of the mid; the two add up without a rest."
    ]
    return Section("Profit", prose, figures=[Picture(figure)])


def _inventory(backtest: Backtest) -> Section:
    other = backtest.baseline_paths
    figure = plot_inventory(
        backtest.series["inventory"],
        backtest.paths["last_inventory"],
        None if other is None else other["last_inventory"],
        names=_names(backtest),
        title="Inventory over the requests and at the end",
    )
    return Section("Inventory", figures=[Picture(figure)])


def _shifts(backtest: Backtest) -> Section:
    curve = backtest.shift_curve()
    points = {backtest.baseline: _point(backtest)} if backtest.baseline is not None else None
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


def _point(backtest: Backtest) -> tuple[float, float]:
    hit, pnl = backtest.summary["baseline"].loc[["hit_ratio", "pnl"]].to_numpy(float)
    return float(hit), float(pnl)


def _history(history: HistoryShift) -> Section:
    curve = history.table.rename(columns=lambda name: name.replace("spread_pnl", "profit"))
    prose = [
        f"{history.n_requests} requests that were quoted to their end. What another margin would have done is an "
        "integral over the rivals and the client given how each request ended, not a simulation; the band is that of "
        "the outcomes that are not known. Profit is the spread captured."
    ]
    if history.n_unexplained:
        prose.append(
            f"{history.n_unexplained} of them ended in a way that this market does not explain; they count as new "
            "requests."
        )
    figure = plot_shifted_margins(curve, title="Your own requests, had every margin been shifted")
    return Section("Your own requests", prose, [_curve_table(curve)], [Picture(figure)])


def _curve_table(curve: pd.DataFrame) -> Table:
    return Table(curve.rename(columns=_words), "Shifts in half spreads, profit in price × units, hit ratios as shares.")


def _words(name: str) -> str:
    return str(name).replace("_", " ").replace("pnl", "P&L")
