"""What a dealer's trades earn: mark-outs, profit by source, and the inventory behind it."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from simcal.errors import ParameterError
from simcal.report.style import FAIL, GAUSSIAN, OTHERS, REAL, SIMULATED, house_style, legend_below, new_axes
from simcal.report.tables import require_columns

_KINDS = {"done": REAL, "not done": GAUSSIAN}
_SOURCES = {"spread": ("spread", SIMULATED), "carry": ("carry of the inventory", OTHERS[3]), "total": ("total", REAL)}


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

    Raises
    ------
    ParameterError
        A column or every row is missing.
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
        reach = np.abs(np.stack([y - rows["low"], rows["high"] - y]))
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
    table: pd.DataFrame,
    *,
    times: pd.Index | None = None,
    unit: str = "price × notional",
    title: str = "Profit by source",
    ax: Axes | None = None,
) -> Axes:
    """Cumulative spread, carry and total over the requests.

    Parameters
    ----------
    table
        One row per request with the columns `cumulative_spread`, `cumulative_carry`, `cumulative_total`.
    times
        Of the requests, for the horizontal axis; else they are counted.

    Raises
    ------
    ParameterError
        A column is missing, or there are not as many times as requests.
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
    inventory: npt.ArrayLike,
    *,
    times: pd.Index | None = None,
    unit: str = "notional",
    title: str = "Inventory",
    ax: Axes | None = None,
) -> Axes:
    """The inventory after each request, and the range that holds 95 % of it.

    Parameters
    ----------
    inventory
        Shape (n,).
    times
        Of the requests, for the horizontal axis; else they are counted.
    """
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
