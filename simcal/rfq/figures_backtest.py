"""The backtest of a dealer: what a strategy held, and what other margins would have brought."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from simcal.report.shapes import draw_band, draw_fan, draw_histograms, draw_zero
from simcal.report.style import (
    GAUSSIAN,
    OTHERS,
    SIMULATED,
    house_style,
    legend_below,
    name_grid,
    new_axes,
    new_grid,
)
from simcal.report.tables import require_columns


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

    Parameters
    ----------
    inventory
        Columns as `plot_profit_fan` takes them.
    last, baseline_last
        Inventory at the end of each path, of the strategy and of another one.

    Returns
    -------
    The panels, shape (1, 2).
    """
    grid = new_grid(axes, 1, 2, height=3.4, share_x=False)
    draw_fan(grid[0, 0], inventory, SIMULATED, names[0])
    draw_zero(grid[0, 0])
    grid[0, 0].set(ylabel=f"inventory ({unit})", xlabel=period)
    ends = {f"{name}, at the end": of for name, of in zip(names, (last, baseline_last), strict=True) if of is not None}
    everything = np.concatenate([np.asarray(values, float) for values in ends.values()])
    draw_histograms(grid[0, 1], ends, np.linspace(everything.min() - 0.5, everything.max() + 0.5, 42))
    grid[0, 1].set(xlabel=f"inventory at the end ({unit})", ylabel="density of paths")
    return name_grid(grid, title)


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
        Columns ``shift`` (half spreads), ``profit``, ``profit_low``, ``profit_high``, ``hit_ratio``, ``hit_ratio_low``,
        ``hit_ratio_high``; other kinds of profit in columns that end in ``_pnl`` are drawn as lines.
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
    x, marks = curve["shift"].to_numpy(float), {"marker": "o", "ms": 3.5}
    draw_band(grid[0, 0], x, curve, "profit", SIMULATED, "profit", alpha=0.2, **marks)
    others = [str(column) for column in curve if str(column).endswith("_pnl")]
    for column, colour in zip(others, (OTHERS[1], OTHERS[0], OTHERS[2]), strict=False):
        label = column.removesuffix("_pnl").replace("_", " ")
        grid[0, 0].plot(x, curve[column], color=colour, lw=1.0, ls="--", label=label)
    draw_band(grid[1, 0], x, curve, "hit_ratio", OTHERS[2], "hit ratio", alpha=0.2, **marks)
    for panel in grid[:, 0]:
        panel.axvline(0.0, color=GAUSSIAN, lw=1.0, ls=":", label=kept if panel is grid[0, 0] else None)
    draw_zero(grid[0, 0])
    grid[0, 0].set_ylabel(f"P&L ({unit})")
    grid[1, 0].set(ylabel="hit ratio", xlabel="shift of the margins (half spreads)")
    grid[1, 0].yaxis.set_major_formatter(PercentFormatter(1.0))
    return name_grid(grid, title)


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
    reach: Any = np.abs(np.stack([y - curve["profit_low"], curve["profit_high"] - y]))
    ax.errorbar(
        curve["hit_ratio"], y, reach, color=SIMULATED, marker="o", ms=4, lw=1.2, elinewidth=0.9, label="shifted margins"
    )
    for hit, profit, shift in zip(curve["hit_ratio"], y, curve["shift"], strict=True):
        ax.annotate(f"{shift:+.2g}" if shift else "0", (hit, profit), (5, 5), textcoords="offset points", fontsize=7.5)
    for (name, (hit, profit)), colour in zip((points or {}).items(), OTHERS, strict=False):
        ax.plot([hit], [profit], color=colour, marker="D", ms=6, ls="", label=name)
    draw_zero(ax)
    ax.set(title=title, xlabel="hit ratio", ylabel=f"P&L ({unit})")
    ax.xaxis.set_major_formatter(PercentFormatter(1.0))
    legend_below(ax)
    return ax
