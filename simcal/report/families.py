"""A family of strategies: Sharpe ratios with their bands, and what one place shows against another."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from simcal.report.style import OTHERS, REAL, SIMULATED, house_style, legend_below, new_axes, new_grid
from simcal.report.tables import require_columns

_HELD_OUT, _TRAINING = REAL, OTHERS[3]
_COLUMNS = 2  # of panels


@house_style()
def plot_family(
    table: pd.DataFrame,
    *,
    level: float = 0.95,
    title: str = "Sharpe ratios of the family",
    ax: Axes | None = None,
) -> Axes:
    """A line per strategy, the best on top: mean over the market's paths, its band, the paths, and real prices.

    Parameters
    ----------
    table
        Indexed by strategy, columns `sharpe`, `low`, `high`, `path_low`, `path_high`; where there are, `held_out`,
        `held_out_low`, `held_out_high` and `training`.
    level
        Of the bands.
    """
    require_columns(table, ("sharpe", "low", "high", "path_low", "path_high"))
    ax = new_axes(ax, height=1.4 + 0.17 * len(table))
    y = np.arange(len(table))[::-1]
    words = f"{100 * level:g} % band"
    ax.hlines(y + 0.12, table["path_low"], table["path_high"], color=SIMULATED, lw=1.0, alpha=0.45,
              label="95 % of the market's paths")  # fmt: skip
    ax.hlines(y + 0.12, table["low"], table["high"], color=SIMULATED, lw=4.0, alpha=0.55, label=f"{words} of the mean")
    ax.plot(table["sharpe"], y + 0.12, "o", ms=3.5, color=SIMULATED, label="mean in the market")
    if "training" in table:
        ax.plot(table["training"], y - 0.2, "x", ms=3.5, color=_TRAINING, label="training prices")
    if "held_out" in table:
        ax.hlines(y - 0.2, table["held_out_low"], table["held_out_high"], color=_HELD_OUT, lw=0.8, alpha=0.6)
        ax.plot(table["held_out"], y - 0.2, "D", ms=3.0, color=_HELD_OUT, label=f"held-out prices, {words}")
    ax.axvline(0.0, color=REAL, lw=0.6)
    ax.set_yticks(y, [str(name) for name in table.index], fontsize=7.0)
    ax.set_ylim(-0.8, len(table) - 0.2)
    ax.set_xlabel("Sharpe ratio a year")
    ax.set_title(title)
    legend_below(ax)
    return ax


@house_style()
def plot_places(
    places: Mapping[str, pd.DataFrame],
    held_out: pd.DataFrame,
    *,
    correlations: Mapping[str, str] | None = None,
    title: str = "Each place against held-out prices",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:
    """Sharpe ratios of all strategies in each place against those on held-out prices, a panel per place.

    Parameters
    ----------
    places
        By name: a frame indexed by strategy with the columns `sharpe`, `low`, `high`.
    held_out
        The same of held-out prices.
    correlations
        Words in the corner of each panel, by name.

    Returns
    -------
    The panels, shape (rows, 2).
    """
    for frame in (*places.values(), held_out):
        require_columns(frame, ("sharpe", "low", "high"))
    rows = -(-len(places) // _COLUMNS)
    grid = new_grid(axes, rows, _COLUMNS, height=2.9 * rows + 0.3, share_x=False)
    for ax, (name, frame) in zip(grid.flat, places.items(), strict=False):
        y = held_out.loc[frame.index]
        errors: Any = {
            "xerr": [frame["sharpe"] - frame["low"], frame["high"] - frame["sharpe"]],
            "yerr": [y["sharpe"] - y["low"], y["high"] - y["sharpe"]],
        }
        ax.errorbar(frame["sharpe"], y["sharpe"], **errors, fmt="o", ms=3.5, color=SIMULATED, elinewidth=0.5,
                    ecolor="#b5b5b5")  # fmt: skip
        ax.axhline(0.0, color=REAL, lw=0.6)
        ax.axvline(0.0, color=REAL, lw=0.6)
        ax.set_xlabel(f"Sharpe ratio, {name}")
        ax.set_ylabel("Sharpe ratio, held out")
        if correlations and name in correlations:
            ax.set_title(correlations[name], fontsize=8.5, fontweight="normal")
    for ax in grid.flat[len(places) :]:
        ax.set_visible(False)
    grid[0, 0].figure.suptitle(title, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
    return grid
