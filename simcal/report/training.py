"""What happened while a model was trained: parameters and losses over the iterations."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from simcal.report.style import (
    FAIL,
    GAUSSIAN,
    OTHERS,
    REAL,
    SIMULATED,
    alternatives,
    colours,
    house_style,
    legend_below,
    name_grid,
    new_axes,
    new_grid,
)
from simcal.report.tables import require_columns


@house_style()
def plot_parameters(
    history: pd.DataFrame,
    parameters: Sequence[str],
    *,
    truth: Mapping[str, float] | None = None,
    units: Mapping[str, str] | None = None,
    title: str = "Parameters over training",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:
    """Each parameter over the iterations, one line per start (in one colour when there are many).

    Parameters
    ----------
    history
        Columns `iteration`, one per parameter, and `start` where there were several.
    parameters
        Which columns to draw.
    truth
        True values by name, drawn as a dashed line.
    units
        Units by name; parameters without one are dimensionless.

    Returns
    -------
    The panels, shape (rows, up to 3); panels left over are invisible.
    """
    require_columns(history, ("iteration", *parameters))
    columns = min(3, len(parameters))
    rows = -(-len(parameters) // columns)
    grid = new_grid(axes, rows, columns, height=1.1 + 1.75 * rows, share_x=False)
    starts = list(dict.fromkeys(history["start"])) if "start" in history else []
    told_apart = 1 < len(starts) <= len(OTHERS)
    palette = colours(starts) if told_apart else dict.fromkeys(starts, SIMULATED)
    for panel, name in zip(grid.flat, parameters, strict=False):
        several: dict[str, Any] = {"hue": "start", "palette": palette, "lw": 1.0 if told_apart else 0.6}
        style: dict[str, Any] = several if len(starts) > 1 else {"color": SIMULATED}
        sns.lineplot(history, x="iteration", y=name, errorbar=None, legend=False, ax=panel, **style)
        if truth is not None and name in truth:
            panel.axhline(truth[name], color=REAL, ls="--", lw=1.0)
        unit = (units or {}).get(name)
        panel.set(title=name, ylabel=f"value ({unit})" if unit else "value", xlabel="iteration")
    for panel in grid.flat[len(parameters) :]:
        panel.set_visible(False)
    labels = {f"start {k}": c for k, c in palette.items()} if told_apart else {"estimate": SIMULATED}
    handles = [Line2D([], [], color=colour, label=label) for label, colour in labels.items()]
    if truth:
        handles.append(Line2D([], [], color=REAL, ls="--", label="true value"))
    return name_grid(grid, title, handles)


@house_style()
def plot_convergence(
    history: pd.DataFrame,
    parameters: Sequence[str],
    truth: Mapping[str, float],
    *,
    title: str = "Convergence of the parameters to their true values",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:
    """Parameters over the iterations: a row of panels per start, a column per parameter, the true value dashed.

    Parameters
    ----------
    history
        Columns `start`, `iteration` and one per parameter. A parameter that each trader has for itself is given as
        several columns named `name[0]`, `name[1]`, ...; they share a panel.
    parameters
        Names of the columns of panels.
    truth
        True value by name.

    Returns
    -------
    The panels, shape (number of starts, number of parameters).
    """
    require_columns(history, ("start", "iteration"))
    starts = list(dict.fromkeys(history["start"]))
    grid = new_grid(axes, len(starts), len(parameters), height=0.8 + 1.6 * len(starts))
    for i, start in enumerate(starts):
        mine = history[history["start"] == start]
        for j, name in enumerate(parameters):
            panel = grid[i, j]
            lines = [column for column in history.columns if column == name or str(column).startswith(f"{name}[")]
            for k, column in enumerate(lines):
                label = "estimate" if k == 0 else None
                panel.plot(mine["iteration"], mine[column], color=SIMULATED, lw=1.1, label=label)
            panel.axhline(truth[name], color=FAIL, ls="--", lw=1.1, label="true value")
            if i == 0:
                panel.set_title(name)
            if j == 0:
                panel.set_ylabel(f"start {start}\nvalue")
            if i == len(starts) - 1:
                panel.set_xlabel("iteration")
    return name_grid(grid, title)


@house_style()
def plot_losses(
    history: pd.DataFrame,
    losses: Mapping[str, str] | None = None,
    *,
    chosen: int | None = None,
    unit: str = "nats",
    title: str = "Losses over training",
    ax: Axes | None = None,
) -> Axes:
    """Losses over the iterations.

    Parameters
    ----------
    history
        Column `iteration` and one per loss; with a column `start`, the mean over starts and their range.
    losses
        Columns to draw and what to call them; all whose name ends in "loss" by default.
    chosen
        The iteration whose parameters were kept.
    unit
        Of the losses; a critic's losses have their own.
    """
    named = losses or {str(c): str(c).replace("_", " ") for c in history.columns if str(c).endswith("loss")}
    require_columns(history, ("iteration", *named))
    ax = new_axes(ax, height=3.0)
    for (column, label), colour in zip(named.items(), alternatives(range(6)).values(), strict=False):
        style = {"label": label, "color": colour, "errorbar": ("pi", 100), "lw": 1.0, "legend": False}
        sns.lineplot(history, x="iteration", y=column, ax=ax, **style)
    if chosen is not None:
        ax.axvline(chosen, color=GAUSSIAN, ls="--", lw=1.0, label="parameters kept")
    ax.set(title=title, xlabel="iteration", ylabel=f"loss ({unit})")
    legend_below(ax)
    return ax
