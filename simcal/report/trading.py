"""What a strategy earned and held, beside a baseline; and what other margins would have brought."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from scipy.stats import norm

from simcal.report.style import (
    GAUSSIAN,
    OTHERS,
    REAL,
    SIMULATED,
    house_style,
    legend_below,
    new_axes,
    new_grid,
)
from simcal.report.tables import require_columns

_BASELINE = OTHERS[3]
_FAN = ("step", "q0.025", "q0.25", "q0.5", "q0.75", "q0.975", "mean")


@house_style()
def plot_profit_fan(
    profit: pd.DataFrame,
    baseline: pd.DataFrame | None = None,
    difference: pd.DataFrame | None = None,
    *,
    names: tuple[str, str] = ("strategy", "baseline"),
    unit: str = "price × units",
    period: str = "requests",
    level: float = 0.95,
    title: str = "Profit and loss",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:
    """Profit so far over the paths, the baseline's beside it, and below the mean difference on the same noise.

    Main arguments
    --------------
    profit
        Columns `step`, `mean` and the quantiles over paths `q0.025`, `q0.25`, `q0.5`, `q0.75`, `q0.975`.
    baseline
        The same of another strategy.
    difference
        Columns `step`, `mean` and `standard_error` of the difference path by path.

    Other arguments
    ---------------
    names
        What the two are called.
    unit
        Of profit.
    period
        What the steps are.
    level
        Of the band around the mean difference.

    Returns
    -------
    The panels, shape (1, 1), or (2, 1) with a difference.
    """
    rows = 1 if difference is None else 2
    grid = new_grid(axes, rows, height=3.6 + 1.5 * (rows - 1), ratios=[2.2, 1.0][:rows])
    top = grid[0, 0]
    draw_fan(top, profit, SIMULATED, names[0])
    if baseline is not None:
        require_columns(baseline, _FAN)
        top.plot(baseline["step"], baseline["mean"], color=_BASELINE, lw=1.5, label=f"{names[1]}, mean")
        for column, label in (("q0.025", f"{names[1]}, 95 % of paths"), ("q0.975", None)):
            top.plot(baseline["step"], baseline[column], color=_BASELINE, lw=0.9, ls="--", label=label)
    top.axhline(0.0, color=REAL, lw=0.6)
    top.set_ylabel(f"P&L ({unit})")
    handles = top.get_legend_handles_labels()[0]
    if difference is not None:
        require_columns(difference, ("step", "mean", "standard_error"))
        lower = grid[1, 0]
        half = norm.ppf(0.5 + 0.5 * level) * difference["standard_error"]
        lower.fill_between(
            difference["step"], difference["mean"] - half, difference["mean"] + half, color=OTHERS[1], alpha=0.3, lw=0
        )
        lower.plot(
            difference["step"], difference["mean"], color=OTHERS[1], label=f"mean difference, {100 * level:g} % band"
        )
        lower.axhline(0.0, color=REAL, lw=0.6)
        lower.set_ylabel(f"difference\n({unit})")
        handles += lower.get_legend_handles_labels()[0]
    grid[-1, 0].set_xlabel(period)
    name_panels(grid, title, handles)
    return grid


@house_style()
def plot_inventory(
    inventory: pd.DataFrame,
    last: npt.ArrayLike,
    baseline_last: npt.ArrayLike | None = None,
    *,
    names: tuple[str, str] = ("strategy", "baseline"),
    unit: str = "units",
    period: str = "requests",
    title: str = "Inventory",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:
    """Inventory over time as a fan over paths, and beside it the inventories at the end.

    Main arguments
    --------------
    inventory
        Columns as `plot_profit_fan` takes them.
    last, baseline_last
        Inventory at the end of each path, of the strategy and of another one.

    Returns
    -------
    The panels, shape (1, 2).
    """
    grid = new_grid(axes, 1, 2, height=3.4, share_x=False)
    fan, bars = grid[0]
    draw_fan(fan, inventory, SIMULATED, names[0])
    fan.axhline(0.0, color=REAL, lw=0.6)
    fan.set(ylabel=f"inventory ({unit})", xlabel=period)
    handles = fan.get_legend_handles_labels()[0]
    ends = [np.asarray(values, float) for values in (last, baseline_last) if values is not None]
    everything = np.concatenate(ends)
    edges = np.linspace(everything.min() - 0.5, everything.max() + 0.5, 42)
    bars.hist(ends[0], edges, density=True, color=SIMULATED, alpha=0.5, label=f"{names[0]}, at the end")
    if len(ends) > 1:
        bars.hist(
            ends[1], edges, density=True, histtype="step", color=_BASELINE, lw=1.4, label=f"{names[1]}, at the end"
        )
    bars.set(xlabel=f"inventory at the end ({unit})", ylabel="density of paths")
    name_panels(grid, title, [*handles, *bars.get_legend_handles_labels()[0]])
    return grid


@house_style()
def plot_shifted_margins(
    curve: pd.DataFrame,
    *,
    unit: str = "price × units",
    kept: str = "as quoted",
    title: str = "Had every margin been shifted",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:
    """Profit and hit ratio against a shift of all margins, with bands.

    Parameters
    ----------
    curve
        Columns `shift` (half spreads), `profit`, `profit_low`, `profit_high`, `hit_ratio`, `hit_ratio_low`,
        `hit_ratio_high`; other kinds of profit in columns that end in `_pnl` are drawn as lines.
    unit
        Of profit.
    kept
        What to call shift 0.

    Returns
    -------
    The panels, shape (2, 1).
    """
    require_columns(curve, ("shift", "profit", "profit_low", "profit_high", "hit_ratio"))
    grid = new_grid(axes, 2, height=4.6, ratios=[1.6, 1.0])
    x = curve["shift"].to_numpy(float)
    _draw_band(grid[0, 0], x, curve, "profit", SIMULATED, "profit")
    others = [column for column in curve if str(column).endswith("_pnl")]
    for column, colour in zip(others, (OTHERS[1], OTHERS[0], OTHERS[2]), strict=False):
        label = str(column).removesuffix("_pnl").replace("_", " ")
        grid[0, 0].plot(x, curve[column], color=colour, lw=1.0, ls="--", label=label)
    _draw_band(grid[1, 0], x, curve, "hit_ratio", OTHERS[2], "hit ratio")
    for panel in grid[:, 0]:
        panel.axvline(0.0, color=GAUSSIAN, lw=1.0, ls=":", label=kept if panel is grid[0, 0] else None)
    grid[0, 0].axhline(0.0, color=REAL, lw=0.6)
    grid[0, 0].set_ylabel(f"P&L ({unit})")
    grid[1, 0].set(ylabel="hit ratio", xlabel="shift of the margins (half spreads)")
    grid[1, 0].yaxis.set_major_formatter(PercentFormatter(1.0))
    name_panels(
        grid, title, [*grid[0, 0].get_legend_handles_labels()[0], *grid[1, 0].get_legend_handles_labels()[0]]
    )  # fmt: skip
    return grid


@house_style()
def plot_profit_frontier(
    curve: pd.DataFrame,
    *,
    unit: str = "price × units",
    points: dict[str, tuple[float, float]] | None = None,
    title: str = "Profit against hit ratio",
    ax: Axes | None = None,
) -> Axes:
    """Profit against the hit ratio, one mark per shift of the margins.

    Parameters
    ----------
    curve
        As `plot_shifted_margins` takes it.
    unit
        Of profit.
    points
        Other strategies: (hit ratio, profit) by name.
    """
    require_columns(curve, ("shift", "profit", "profit_low", "profit_high", "hit_ratio"))
    ax = new_axes(ax)
    y = curve["profit"].to_numpy(float)
    reach = np.abs(np.stack([y - curve["profit_low"], curve["profit_high"] - y]))
    ax.errorbar(
        curve["hit_ratio"], y, reach, color=SIMULATED, marker="o", ms=4, lw=1.2, elinewidth=0.9, label="shifted margins"
    )
    for hit, profit, shift in zip(curve["hit_ratio"], y, curve["shift"], strict=True):
        ax.annotate(f"{shift:+.2g}" if shift else "0", (hit, profit), (5, 5), textcoords="offset points", fontsize=7.5)
    for (name, (hit, profit)), colour in zip((points or {}).items(), OTHERS, strict=False):
        ax.plot([hit], [profit], color=colour, marker="D", ms=6, ls="", label=name)
    ax.axhline(0.0, color=REAL, lw=0.6)
    ax.set(title=title, xlabel="hit ratio", ylabel=f"P&L ({unit})")
    ax.xaxis.set_major_formatter(PercentFormatter(1.0))
    legend_below(ax)
    return ax


def draw_fan(ax: Axes, fan: pd.DataFrame, colour: str, name: str) -> None:
    """Quantiles over paths as two shades, and the mean."""
    require_columns(fan, _FAN)
    x = fan["step"]
    ax.fill_between(x, fan["q0.025"], fan["q0.975"], color=colour, alpha=0.14, lw=0, label=f"{name}, 95 % of paths")
    ax.fill_between(x, fan["q0.25"], fan["q0.75"], color=colour, alpha=0.24, lw=0, label=f"{name}, 50 % of paths")
    ax.plot(x, fan["mean"], color=colour, lw=1.5, label=f"{name}, mean")
    ax.margins(x=0.01)


def _draw_band(ax: Axes, x: np.ndarray, curve: pd.DataFrame, name: str, colour: str, label: str) -> None:
    if f"{name}_low" in curve:
        ax.fill_between(x, curve[f"{name}_low"], curve[f"{name}_high"], color=colour, alpha=0.2, lw=0)
    ax.plot(x, curve[name], color=colour, marker="o", ms=3.5, label=label)


def name_panels(grid: np.ndarray, title: str, handles: list[Any]) -> None:
    """One title over the panels and one legend below; strategies may have long names."""
    figure = grid[0, 0].figure
    figure.suptitle(title, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
    longest = max(len(handle.get_label()) for handle in handles)
    figure.legend(handles=handles, loc="outside lower center", ncols=max(min(len(handles), 110 // (longest + 8)), 1))
