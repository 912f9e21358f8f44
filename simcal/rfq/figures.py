"""How a dealer's quotes fare and what its trades earn: hit curve, groups, ends, distances, mark-outs, profit.

All refuse a table that lacks a column by a `ParameterError`; `ax` (or `axes`) is what to draw on, a new figure without.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from simcal.errors import ParameterError
from simcal.report.style import FAIL, GAUSSIAN, OTHERS, REAL, SIMULATED, house_style, legend_below, new_axes, new_grid
from simcal.report.tables import format_number, require_columns

_MARGIN = "margin of the quote (half spreads)"
_ENDS = {
    "done": ("done", SIMULATED),
    "traded_away": ("traded away", OTHERS[0]),
    "not_traded": ("not traded", "#c9c9c9"),
    "lost": ("lost, end unknown", OTHERS[3]),
}
_KINDS = {"done": REAL, "not done": GAUSSIAN}
_SOURCES = {"spread": ("spread", SIMULATED), "carry": ("carry of the inventory", OTHERS[3]), "total": ("total", REAL)}


@house_style()
def plot_hit_curve(
    table: pd.DataFrame, model: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]] | None = None, *,
    title: str = "Hit curve: the share of quotes that are done", ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Hit ratio by margin with its intervals, and curves of models beside it.

    Parameters
    ----------
    table
        One row per bin with the columns `margin`, `hit_ratio`, `low`, `high`, and optionally `margin_low` and
        `margin_high`, the bin's edges.
    model
        Margins and probabilities of a curve, by its name.
    """
    require_columns(table, ("margin", "hit_ratio", "low", "high"))
    ax = new_axes(ax)
    x, y = (table[name].to_numpy(dtype=float) for name in ("margin", "hit_ratio"))
    reach = _reach(y, table["low"], table["high"])
    if {"margin_low", "margin_high"} <= set(table):
        ends = _reach(x, table["margin_low"], table["margin_high"])
        ax.errorbar(x, y, xerr=ends, fmt="none", ecolor="#c9c9c9", elinewidth=1.0, label="width of the bin")
    ax.errorbar(
        x, y, yerr=reach, fmt="o", color=REAL, ms=4.5, capsize=2.5, elinewidth=1.1, label="measured, with interval"
    )
    for i, (name, (margins, probabilities)) in enumerate((model or {}).items()):
        ax.plot(margins, probabilities, color=[SIMULATED, *OTHERS][i % (1 + len(OTHERS))], lw=1.6, label=name)
    ax.set(title=title, xlabel=_MARGIN, ylabel="hit ratio (share)")
    ax.set_ylim(bottom=0.0)
    ax.margins(x=0.03)
    legend_below(ax)
    return ax


@house_style()
def plot_hit_ratios(
    table: pd.DataFrame, *, title: str = "Hit ratio by group, against the expected one", ax: Axes | None = None
) -> Axes:
    """Hit ratios of groups with their intervals, and what equal dealers would get.

    Parameters
    ----------
    table
        One row per group with the columns `by`, `group`, `n`, `hit_ratio`, `low`, `high`, `expected`.
    """
    require_columns(table, ("by", "group", "n", "hit_ratio", "low", "high", "expected"))
    ax = new_axes(ax, height=1.2 + 0.25 * len(table))
    for y, row in enumerate(table.to_dict("records")):
        ax.plot([row["low"], row["high"]], [y, y], color=REAL, lw=1.2)
        ax.plot(row["hit_ratio"], y, "o", color=REAL, ms=5)
        ax.plot(row["expected"], y, "D", color=SIMULATED, ms=4.5, mfc="none", mew=1.3)
        ax.text(1.02, y, f"{row['n']:,}", transform=ax.get_yaxis_transform(), va="center", fontsize=8)
    breaks = np.flatnonzero(table["by"].to_numpy()[1:] != table["by"].to_numpy()[:-1])
    for y in breaks + 0.5:
        ax.axhline(y, color="#9a9a9a", lw=0.6)
    ax.text(1.02, -0.95, "quoted", transform=ax.get_yaxis_transform(), va="center", fontsize=8, weight="bold")
    ax.set_yticks(range(len(table)), [_group(row) for row in table.to_dict("records")])
    ax.set(xlabel="hit ratio (share)", ylabel="", ylim=(len(table) - 0.4, -0.6))
    ax.set_xlim(left=0.0)
    ax.set_title(title, pad=18.0)
    ax.tick_params(axis="y", labelsize=8)
    ax.grid(False, axis="y")
    handles = [
        Line2D([], [], color=REAL, marker="o", ms=5, label="hit ratio, with interval"),
        Line2D([], [], color=SIMULATED, marker="D", mfc="none", ls="", label="expected: mean of 1 / dealers asked"),
    ]
    legend_below(ax, handles)
    return ax


@house_style()
def plot_request_ends(
    table: pd.DataFrame, *, title: str = "How requests end, by the margin quoted", ax: Axes | None = None
) -> Axes:
    """Shares of requests done, traded away and not traded over the margin, stacked to 1.

    Parameters
    ----------
    table
        One row per bin with the columns `margin`, `done`, `traded_away`, `not_traded`, and optionally `lost`.
    """
    require_columns(table, ("margin", "done", "traded_away", "not_traded"))
    ax = new_axes(ax)
    shown = [name for name in _ENDS if name in table and (name != "lost" or bool((table[name] > 0).any()))]
    x = np.arange(len(table))
    bottom = np.zeros(len(table))
    for name in shown:
        label, colour = _ENDS[name]
        share = table[name].to_numpy(dtype=float)
        ax.bar(x, share, bottom=bottom, width=0.86, color=colour, alpha=0.85, label=label)
        bottom += share
    ax.set_xticks(x, [format_number(float(margin), 2) for margin in table["margin"]], rotation=45 if len(x) > 14 else 0)
    ax.set(title=title, ylim=(0.0, 1.0), ylabel="share of quoted requests")
    ax.set_xlabel("mean margin of the bin (half spreads); each bin holds about as many requests")
    ax.grid(False, axis="x")
    legend_below(ax, [Patch(color=_ENDS[name][1], alpha=0.85, label=_ENDS[name][0]) for name in shown])
    return ax


@house_style()
def plot_quote_distances(
    cover: npt.ArrayLike | None = None, missed: npt.ArrayLike | None = None, *,
    title: str = "Distance to the quote that mattered", axes: npt.ArrayLike | None = None,
) -> np.ndarray:  # fmt: skip
    """Histograms of what was left on the table when winning, and of what was missing when losing.

    Parameters
    ----------
    cover, missed
        Distances from the own quote to the cover of wins, and from the traded price to the own quote of losses, in half
        spreads, each in one dimension; one of them may be absent.

    Returns
    -------
    The panels, shape (1, number of histograms).
    """
    kinds = [("won: cover − quote", cover, SIMULATED), ("lost: quote − traded price", missed, FAIL)]
    drawn = [(label, np.asarray(x, dtype=float), c) for label, x, c in kinds if x is not None and np.size(x) > 0]
    if not drawn:
        raise ParameterError("There are no distances to draw. Give those of the cover, of the traded price, or both.")
    grid = new_grid(axes, 1, len(drawn), height=3.2, share_x=False)
    for ax, (label, values, colour) in zip(grid[0], drawn, strict=True):
        low, high = np.quantile(values, [0.0, 0.99])
        edges = np.linspace(low, max(high, low + 1e-9), 41)
        inside = values[values <= edges[-1]]
        ax.hist(inside, bins=edges, weights=np.full(inside.size, 1 / values.size), color=colour, alpha=0.75)
        ax.axvline(np.median(values), color=REAL, lw=1.2, ls="--", label=f"median {format_number(np.median(values))}")
        ax.axvline(np.mean(values), color=REAL, lw=1.2, label=f"mean {format_number(np.mean(values))}")
        ax.set(xlabel=f"{label} (half spreads)", ylabel=f"share of {values.size:,} requests")
        ax.margins(x=0.02)
        ax.legend(loc="upper right")
    grid[0, 0].set_title(title)
    return grid


@house_style()
def plot_mark_outs(
    table: pd.DataFrame, *, title: str = "Mark-outs: where the mid goes after a request", ax: Axes | None = None
) -> Axes:
    """Mean move of the mid in the dealer's favour by horizon, after done requests and after the others.

    Parameters
    ----------
    table
        One row per horizon and kind with the columns `horizon`, `requests` ("done", "not done"), `mark_out`, `low`,
        `high`, and optionally `margin_left`, what remains of the spread.
    """
    require_columns(table, ("horizon", "requests", "mark_out", "low", "high"))
    if table.empty:
        raise ParameterError("There are no mark-outs to draw. Give at least one horizon.")
    ax = new_axes(ax, height=3.4)
    horizons = list(dict.fromkeys(table["horizon"]))
    for k, (kind, colour) in enumerate(_KINDS.items()):
        rows = table.loc[table["requests"] == kind]
        if rows.empty:
            continue
        x = np.array([horizons.index(horizon) for horizon in rows["horizon"]]) + 0.16 * (k - 0.5)
        y = rows["mark_out"].to_numpy(dtype=float)
        reach = _reach(y, rows["low"], rows["high"])
        ax.errorbar(x, y, yerr=reach, fmt="o", color=colour, ms=5, capsize=3, label=f"mid after {kind} requests")
        if kind == "done" and "margin_left" in rows:
            ax.plot(x, rows["margin_left"], "D", color=SIMULATED, mfc="none", mew=1.4, label="margin left after it")
    ax.axhline(0.0, color=FAIL, ls="--", lw=1.0)
    ax.set_xticks(range(len(horizons)), horizons)
    ax.set(title=title, xlabel="horizon", ylabel="in the dealer's favour (half spreads)")
    ax.set_xlim(-0.5, len(horizons) - 0.5)
    ax.grid(False, axis="x")
    legend_below(ax)
    return ax


@house_style()
def plot_profit_sources(
    table: pd.DataFrame, *, times: pd.Index | None = None, unit: str = "price × notional",
    title: str = "Profit by source", ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Cumulative spread, carry and total over the requests.

    Parameters
    ----------
    table
        One row per request with the columns `cumulative_spread`, `cumulative_carry`, `cumulative_total`.
    times
        Of the requests, for the horizontal axis; else they are counted.
    """
    require_columns(table, tuple(f"cumulative_{name}" for name in _SOURCES))
    ax = new_axes(ax)
    x = _steps(len(table), times)
    for name, (label, colour) in _SOURCES.items():
        ax.plot(x, table[f"cumulative_{name}"], color=colour, lw=1.6 if name == "total" else 1.2, label=label)
    ax.axhline(0.0, color="#9a9a9a", lw=0.8)
    ax.set(title=title, ylabel=f"cumulative profit ({unit})")
    _name_steps(ax, times)
    legend_below(ax)
    return ax


@house_style()
def plot_inventory_path(
    inventory: npt.ArrayLike, *, times: pd.Index | None = None, unit: str = "notional", title: str = "Inventory",
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """The inventory after each request, (n,), and the range that holds 95 % of it; `times` as above."""
    ax = new_axes(ax, height=3.0)
    values = np.asarray(inventory, dtype=float)
    low, high = np.quantile(values, [0.025, 0.975])
    ax.axhspan(low, high, color=SIMULATED, alpha=0.12, lw=0, label="95 % of the requests")
    ax.plot(_steps(values.size, times), values, color=SIMULATED, lw=0.9, drawstyle="steps-post", label="inventory")
    ax.axhline(0.0, color=REAL, lw=0.8)
    ax.set(title=title, ylabel=f"inventory ({unit})")
    _name_steps(ax, times)
    legend_below(ax)
    return ax


def _steps(n: int, times: pd.Index | None) -> np.ndarray | pd.Index:
    if times is not None and len(times) != n:
        raise ParameterError(f"{len(times)} times were given for {n} requests. Give one time per request, or none.")
    return np.arange(1, n + 1) if times is None else times


def _name_steps(ax: Axes, times: pd.Index | None) -> None:
    ax.set_xlabel("requests" if times is None else "time")
    ax.margins(x=0.01)
    if isinstance(times, pd.DatetimeIndex):
        locator = AutoDateLocator(maxticks=9)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _reach(middle: np.ndarray, low: Any, high: Any) -> np.ndarray:
    """How far intervals reach to both sides, (2, n), as error bars want it."""
    return np.abs(np.stack([middle - low, high - middle]))


def _group(row: dict[Any, Any]) -> str:
    text = f"{row['by']}: {row['group']}".replace("_", " ")
    return text if len(text) <= 34 else text[:33] + "…"
