"""The house style of every figure, and how a figure function gets its axes.

Figures are made through the object API: nothing is registered with pyplot, so nothing has to be closed and no
global state is left behind.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import seaborn as sns
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's colours: told apart with every common kind of colour blindness.
REAL = "#1a1a1a"
SIMULATED = "#0072B2"
GAUSSIAN = "#8a8a8a"
PASS, FAIL = "#009E73", "#D55E00"
GRID, TEXT = "#e6e6e6", "#2b2b2b"
OTHERS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5C00")
"""For baselines, groups and starts, in this order."""

_STYLE: Any = {
    **sns.axes_style("ticks"),
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "axes.labelsize": 9.0,
    "axes.labelcolor": TEXT,
    "axes.edgecolor": "#9a9a9a",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=[SIMULATED, *OTHERS]),
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "text.color": TEXT,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "lines.linewidth": 1.3,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "white",
    "svg.hashsalt": "simcal",
}
_WIDTH = 7.6  # inches; the report shows a figure at the width of its text


def house_style() -> Any:
    """The style as a context or, with parentheses, a decorator; matplotlib's own settings come back afterwards."""
    return mpl.rc_context(_STYLE)


def new_axes(ax: Axes | None, height: float = 3.6) -> Axes:
    """The axes given, or those of a new figure of the report's width (height in inches)."""
    if ax is not None:
        return ax
    return Figure(figsize=(_WIDTH, height), layout="constrained").subplots()


def new_grid(
    axes: Any,
    rows: int,
    columns: int = 1,
    *,
    height: float,
    ratios: Sequence[float] | None = None,
    share_x: bool = True,
) -> np.ndarray:
    """The axes given, or those of a new figure, as an array of shape (rows, columns)."""
    if axes is None:
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        axes = figure.subplots(rows, columns, sharex=share_x, squeeze=False, height_ratios=ratios)
    return np.asarray(axes, dtype=object).reshape(rows, columns)


def colours(names: Sequence[Any]) -> dict[Any, str]:
    """A colour for each baseline, group or start."""
    return {name: OTHERS[i % len(OTHERS)] for i, name in enumerate(names)}


def alternatives(names: Sequence[Any]) -> dict[Any, str]:
    """A colour for each of a few alternatives, none of them the colour of failing."""
    palette = (SIMULATED, OTHERS[3], OTHERS[1], OTHERS[2], OTHERS[4], OTHERS[5])
    return {name: palette[i % len(palette)] for i, name in enumerate(names)}


def legend_below(ax: Axes, handles: list[Any] | None = None) -> None:
    """The legend under a figure of one panel, where it covers nothing; inside the axes of other figures."""
    drawn = ax.get_legend_handles_labels()[0] if handles is None else handles
    figure = ax.figure
    if isinstance(figure, Figure) and figure.axes == [ax] and figure.get_constrained_layout():
        figure.legend(handles=drawn, loc="outside lower center", ncols=min(len(drawn), 4))
    else:
        ax.legend(handles=drawn)


def name_grid(grid: np.ndarray, title: str, handles: list[Any] | None = None) -> np.ndarray:
    """One title over all panels of a figure and one legend below, of `handles` or of all that has a label once."""
    figure = grid[0, 0].figure
    figure.suptitle(title, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
    if handles is None:
        labelled = [handle for ax in grid.flat for handle in ax.get_legend_handles_labels()[0]]
        handles = list(dict(zip((h.get_label() for h in labelled), labelled, strict=True)).values())
    if handles:
        longest = max(len(handle.get_label()) for handle in handles)  # strategies may have long names
        columns = max(min(len(handles), 110 // (longest + 8), 6), 1)
        figure.legend(handles=handles, loc="outside lower center", ncols=columns)
    return grid
