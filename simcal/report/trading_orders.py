"""What a strategy's orders earn and lose: drawdowns, distributions over paths, capacity."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, SymmetricalLogLocator

from simcal.report.style import OTHERS, REAL, SIMULATED, house_style, new_grid
from simcal.report.tables import require_columns
from simcal.report.trading import draw_fan, name_panels

_OTHER = OTHERS[3]


@house_style()
def plot_drawdowns(
    drawdown: pd.DataFrame,
    other: pd.DataFrame | None = None,
    *,
    names: tuple[str, str] = ("strategy", "other"),
    unit: str = "price × traders",
    period: str = "steps",
    title: str = "Drawdowns",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:
    """Money below the highest so far, as a fan over paths that hangs from zero.

    Parameters
    ----------
    drawdown, other
        Columns `step`, `mean` and the quantiles over paths `q0.025` to `q0.975`, of amounts of at least 0.
    names
        What the two are called.
    unit, period
        Of the amounts, and what the steps are.

    Returns
    -------
    The panel, shape (1, 1).
    """
    grid = new_grid(axes, 1, height=3.4)
    ax = grid[0, 0]
    amounts = [column for column in drawdown if column != "step"]
    draw_fan(ax, drawdown.assign(**{str(c): -drawdown[c] for c in amounts}), SIMULATED, names[0])
    if other is not None:
        require_columns(other, ("step", "mean", "q0.975"))
        ax.plot(other["step"], -other["mean"], color=_OTHER, lw=1.5, label=f"{names[1]}, mean")
        ax.plot(other["step"], -other["q0.975"], color=_OTHER, lw=0.9, ls="--", label=f"{names[1]}, 97.5 % of paths")
    ax.axhline(0.0, color=REAL, lw=0.6)
    ax.set(ylabel=f"below the peak\n({unit})", xlabel=period)
    name_panels(grid, title, ax.get_legend_handles_labels()[0])
    return grid


@house_style()
def plot_path_distributions(
    paths: pd.DataFrame,
    other: pd.DataFrame | None = None,
    *,
    measures: dict[str, str],
    names: tuple[str, str] = ("strategy", "other"),
    title: str = "Distribution over the paths",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:
    """Histograms of measures of each path, of two results beside each other.

    Parameters
    ----------
    paths, other
        A row per path.
    measures
        Column to label, one panel each; what is not finite is left out.
    names
        What the two are called.

    Returns
    -------
    The panels, shape (1, number of measures).
    """
    require_columns(paths, tuple(measures))
    grid = new_grid(axes, 1, len(measures), height=3.2, share_x=False)
    for ax, (column, label) in zip(grid[0], measures.items(), strict=True):
        values = [_finite(frame[column]) for frame in (paths, other) if frame is not None]
        everything = np.concatenate(values)
        if not everything.size:
            ax.set(xlabel=label, ylabel="density of paths")
            continue
        low, high = everything.min(), everything.max()
        pad = 0.5 if low == high else 0.0
        edges = np.linspace(low - pad, high + pad, 46)
        ax.hist(values[0], edges, density=True, color=SIMULATED, alpha=0.5, label=names[0])
        if other is not None:
            ax.hist(values[1], edges, density=True, histtype="step", color=_OTHER, lw=1.4, label=names[1])
        ax.axvline(0.0, color=REAL, lw=0.6)
        ax.set(xlabel=label, ylabel="density of paths")
    name_panels(grid, title, grid[0, 0].get_legend_handles_labels()[0])
    return grid


@house_style()
def plot_capacity(
    curve: pd.DataFrame,
    *,
    unit: str = "price × traders",
    title: str = "Capacity",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:
    """Profit and Sharpe ratio against size, beside what a replay says, whose prices do not notice the orders.

    Parameters
    ----------
    curve
        Columns `size` and, for `pnl` and `sharpe`, the name itself, `_low`, `_high` and `_replayed`.
    unit
        Of profit.

    Returns
    -------
    The panels, shape (2, 1).
    """
    require_columns(curve, tuple(f"{m}{s}" for m in ("pnl", "sharpe") for s in ("", "_low", "_high", "_replayed")))
    grid = new_grid(axes, 2, height=4.8, ratios=[1.4, 1.0])
    x = curve["size"]
    for ax, name, label in zip(grid[:, 0], ("pnl", "sharpe"), (f"P&L ({unit})", "Sharpe ratio"), strict=True):
        ax.fill_between(x, curve[f"{name}_low"], curve[f"{name}_high"], color=SIMULATED, alpha=0.22, lw=0)
        ax.plot(x, curve[name], color=SIMULATED, marker="o", ms=3.5, label="with impact")
        replayed = curve[f"{name}_replayed"]
        ax.plot(x, replayed, color=_OTHER, marker="s", ms=3, ls="--", label="replayed: prices do not notice")
        ax.axhline(0.0, color=REAL, lw=0.6)
        ax.set_ylabel(label)
    _grow_by_factors(grid[0, 0], _smallest(curve["pnl"], curve["pnl_replayed"]))
    grid[1, 0].set_xscale("log")
    grid[1, 0].set_xlabel("size of a unit (traders)")
    name_panels(grid, title, grid[0, 0].get_legend_handles_labels()[0])
    return grid


def _grow_by_factors(ax: Axes, smallest: float) -> None:
    """A logarithmic axis of profit on both sides of zero, linear below the decade of the smallest amount."""
    edge = 10.0 ** np.floor(np.log10(smallest))
    ax.set_yscale("symlog", linthresh=edge, linscale=0.4)
    ax.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=edge))
    ax.yaxis.get_major_locator().set_params(numticks=8)  # type: ignore[attr-defined]
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: "" if 0 < abs(value) < 1.01 * edge else f"{value:g}"))


def _smallest(*columns: Any) -> float:
    """Where a symmetric logarithmic axis turns linear: the smallest amount that is not zero."""
    amounts = np.abs(np.concatenate([_finite(column) for column in columns]))
    amounts = amounts[amounts > 0]
    return float(amounts.min()) if amounts.size else 1.0


def _finite(values: Any) -> np.ndarray:
    numbers = np.asarray(values, float)
    return numbers[np.isfinite(numbers)]
