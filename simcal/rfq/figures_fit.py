"""How a dealer market was fitted to requests: estimates side by side, and how requests end beside the data."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from simcal.report.style import REAL, SIMULATED, alternatives, house_style, legend_below, name_grid, new_axes, new_grid
from simcal.report.tables import require_columns


@house_style()
def plot_estimates(
    estimates: pd.DataFrame, *, truth: Mapping[str, float] | None = None, units: Mapping[str, str] | None = None,
    title: str = "Estimates of every method with their 95 % intervals", axes: npt.ArrayLike | None = None,
) -> np.ndarray:  # fmt: skip
    """One panel per parameter, in it a point with an error bar for every method (and replication).

    Parameters
    ----------
    estimates
        One row per estimate: columns `parameter`, `method`, `estimate`, `standard error`; several rows of a method in
        one panel stand beside each other.
    truth, units
        True values by name, drawn as a dashed line, and units.

    Returns
    -------
    The panels, shape (rows, up to 3); panels left over are invisible.
    """
    require_columns(estimates, ("parameter", "method", "estimate", "standard error"))
    names = list(dict.fromkeys(estimates["parameter"]))
    methods = list(dict.fromkeys(estimates["method"]))
    palette = alternatives(methods)
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    grid = new_grid(axes, rows, columns, height=1.0 + 1.75 * rows, share_x=False)
    for panel, name in zip(grid.flat, names, strict=False):
        for place, method in enumerate(methods):
            mine: Any = estimates[(estimates["parameter"] == name) & (estimates["method"] == method)]
            x = place + np.linspace(-0.3, 0.3, len(mine)) if len(mine) > 1 else np.full(len(mine), float(place))
            reach = 1.96 * mine["standard error"].fillna(0.0).to_numpy()
            y = mine["estimate"].to_numpy()
            panel.errorbar(x, y, yerr=reach, fmt="o", ms=4, lw=1.2, capsize=2.5, color=palette[method])
        if truth is not None and name in truth:
            panel.axhline(truth[name], color=REAL, ls="--", lw=1.0)
        unit = (units or {}).get(name)
        panel.set(title=name, ylabel=f"value ({unit})" if unit else "value", xlim=(-0.6, len(methods) - 0.4))
        panel.set_xticks([])
        panel.grid(False, axis="x")
    for panel in grid.flat[len(names) :]:
        panel.set_visible(False)
    handles = [Line2D([], [], color=palette[m], marker="o", ms=4, label=m) for m in methods]
    if truth:
        handles.append(Line2D([], [], color=REAL, ls="--", lw=1.0, label="true value"))
    name_grid(grid, title, handles)
    return grid


@house_style()
def plot_ends_fit(
    ends: pd.DataFrame, *, title: str = "How requests end by the own margin: data and calibrated market",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:  # fmt: skip
    """Shares of requests by own margin, real ones as points on the 95 % bands of simulated ones; a panel per end.

    Parameters
    ----------
    ends
        One row per end and bin: columns `end`, `margin`, `data`, `low`, `high`.

    Returns
    -------
    The panels, shape (1, number of ends).
    """
    require_columns(ends, ("end", "margin", "data", "low", "high"))
    names = list(dict.fromkeys(ends["end"]))
    grid = new_grid(axes, 1, len(names), height=3.0, share_x=False)
    for panel, name in zip(grid.flat, names, strict=True):
        mine = ends[ends["end"] == name]
        panel.fill_between(mine["margin"], mine["low"], mine["high"], color=SIMULATED, alpha=0.25, lw=0)
        panel.plot(mine["margin"], (mine["low"] + mine["high"]) / 2, color=SIMULATED, lw=1.2)
        panel.plot(mine["margin"], mine["data"], ls="", marker="o", ms=3.5, color=REAL)
        panel.set(title=name, xlabel="own margin (half spreads)", ylabel="share of requests", ylim=(0, None))
    handles: list[Any] = [
        Line2D([], [], color=REAL, marker="o", ls="", ms=3.5, label="data"),
        Patch(color=SIMULATED, alpha=0.25, label="the same requests, simulated: 95 % band"),
    ]
    name_grid(grid, title, handles)
    return grid


@house_style()
def plot_identification(
    errors: pd.DataFrame, parameters: Sequence[str], *, title: str = "What the parameters can be told from",
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Standard errors of each parameter by what is seen of the requests, on a logarithmic scale.

    Parameters
    ----------
    errors
        One row per way of seeing: column `what is seen` and one per parameter; rows without numbers are left out.
    parameters
        Which columns to draw.
    """
    require_columns(errors, ("what is seen", *parameters))
    shown: Any = errors.dropna(subset=list(parameters))
    ax = new_axes(ax, height=3.2)
    palette = alternatives(list(shown["what is seen"]))
    x = np.arange(len(parameters))
    for k, (_, row) in enumerate(shown.iterrows()):
        offset = (k - (len(shown) - 1) / 2) * 0.12
        values = [float(row[name]) for name in parameters]
        label = str(row["what is seen"])
        ax.plot(x + offset, values, ls="", marker="o", ms=5, color=palette[row["what is seen"]], label=label)
    ax.set_yscale("log")
    ax.set_xticks(x, list(parameters))
    ax.grid(False, axis="x")
    ax.set(title=title, ylabel="standard error")
    legend_below(ax)
    return ax
