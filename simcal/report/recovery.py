"""How a known market was found again: estimates around the truth, and the directions that are hardly seen."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.lines import Line2D

from simcal.report.style import GAUSSIAN, REAL, alternatives, house_style, name_grid, new_grid
from simcal.report.tables import require_columns


@house_style()
def plot_recovered(
    estimates: pd.DataFrame,
    *,
    units: Mapping[str, str] | None = None,
    title: str = "Estimates of every method around the truth",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:
    """One panel per parameter, in it the estimates of every method beside the truth with its standard error.

    Parameters
    ----------
    estimates
        One row per estimate: columns `parameter`, `method`, `estimate`, `truth`, `standard error` (that of the method
        by theory).
    units
        Units by name; parameters without one are dimensionless.

    Returns
    -------
    The panels, shape (rows, up to 3); panels left over are invisible.
    """
    require_columns(estimates, ("parameter", "method", "estimate", "truth", "standard error"))
    names, methods = (list(dict.fromkeys(estimates[column])) for column in ("parameter", "method"))
    palette = alternatives(methods)
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    grid = new_grid(axes, rows, columns, height=1.0 + 1.75 * rows, share_x=False)
    for panel, name in zip(grid.flat, names, strict=False):
        for place, method in enumerate(methods):
            mine: Any = estimates[(estimates["parameter"] == name) & (estimates["method"] == method)]
            y = mine["estimate"].to_numpy(dtype=float)
            truth, error = (float(mine[column].iloc[0]) for column in ("truth", "standard error"))
            low, high = min(y.min(), truth), max(y.max(), truth)
            reach = max(high - low, 1e-12)
            ends = np.clip([truth - error, truth + error], low - 0.3 * reach, high + 0.3 * reach)
            panel.plot([place - 0.38] * 2, ends, color=GAUSSIAN, lw=4.0, solid_capstyle="butt")
            x = place + np.linspace(-0.25, 0.35, len(y)) if len(y) > 1 else [float(place)]
            panel.plot(x, y, ls="", marker="o", ms=3.5, color=palette[method])
            panel.axhline(truth, color=REAL, ls="--", lw=1.0)
        unit = (units or {}).get(name)
        panel.set(title=name, ylabel=f"value ({unit})" if unit else "value", xlim=(-0.6, len(methods) - 0.4))
        panel.set_xticks([])
        panel.grid(False, axis="x")
    for panel in grid.flat[len(names) :]:
        panel.set_visible(False)
    handles = [Line2D([], [], color=palette[m], marker="o", ls="", ms=4, label=m) for m in methods]
    handles.append(Line2D([], [], color=REAL, ls="--", lw=1.0, label="true value"))
    handles.append(Line2D([], [], color=GAUSSIAN, lw=4.0, label="± standard error, cut at the panel's range"))
    return name_grid(grid, title, handles)


@house_style()
def plot_directions(
    directions: pd.DataFrame,
    parameters: Sequence[str],
    *,
    title: str = "Directions in the parameters, from weak to strong",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:
    """One panel per method: a row per direction, a column per parameter, the components as colours with numbers.

    Parameters
    ----------
    directions
        One row per method and direction: columns `method`, `standard error (%)` and one per parameter.
    parameters
        Which columns to draw.

    Returns
    -------
    The panels, shape (number of methods, 1).
    """
    require_columns(directions, ("method", "standard error (%)", *parameters))
    methods = list(dict.fromkeys(directions["method"]))
    grid = new_grid(axes, len(methods), 1, height=0.9 + (0.6 + 0.27 * len(parameters)) * len(methods))
    for panel, method in zip(grid.flat, methods, strict=True):
        mine: Any = directions[directions["method"] == method]
        values = mine[list(parameters)].to_numpy(dtype=float)
        panel.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
        for (i, j), value in np.ndenumerate(values):
            shade = "white" if abs(value) > 0.65 else "black"
            panel.text(j, i, f"{value:+.2f}", ha="center", va="center", fontsize=7.5, color=shade)
        errors = [f"{e:.0f} %" if e >= 10 else f"{e:.1f} %" for e in mine["standard error (%)"]]
        panel.set_yticks(range(len(mine)), errors)
        panel.set_xticks(range(len(parameters)), list(parameters), fontsize=7.5)
        panel.grid(False)
        panel.set(title=str(method), ylabel="standard error (%)")
        panel.set_xlabel("component: relative change of the parameter (1)" if method == methods[-1] else "")
    return name_grid(grid, title, [])
