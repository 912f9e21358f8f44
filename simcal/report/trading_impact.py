"""What a strategy's orders do to the price: impact over time, and against the size of a metaorder."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from simcal.report.style import GAUSSIAN, OTHERS, REAL, SIMULATED, house_style, new_grid
from simcal.report.tables import format_number, require_columns
from simcal.report.trading import name_panels

_MEAN = ("step", "mean", "low", "high")


@house_style()
def plot_impact_over_time(
    impact: pd.DataFrame,
    position: pd.DataFrame | None = None,
    *,
    level: float = 0.95,
    period: str = "steps",
    title: str = "Price with the strategy less that without it",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:
    """Difference of log prices on the same noise, and below it what the strategy holds.

    Parameters
    ----------
    impact
        Columns `step`, `mean`, `low`, `high` (the mean's band), `magnitude`, and quantiles over paths `q0.025`,
        `q0.975`.
    position
        Columns `step`, `mean`, `q0.025`, `q0.975`.
    level
        Of the band.

    Returns
    -------
    The panels, shape (1, 1), or (2, 1) with a position.
    """
    require_columns(impact, (*_MEAN, "magnitude", "q0.025", "q0.975"))
    rows = 1 if position is None else 2
    grid = new_grid(axes, rows, height=3.2 + 1.4 * (rows - 1), ratios=[2.2, 1.0][:rows])
    top, x = grid[0, 0], impact["step"]
    top.fill_between(x, impact["q0.025"], impact["q0.975"], color=SIMULATED, alpha=0.14, lw=0, label="95 % of paths")
    top.fill_between(x, impact["low"], impact["high"], color=SIMULATED, alpha=0.4, lw=0)
    top.plot(x, impact["mean"], color=SIMULATED, label=f"mean, {100 * level:g} % band")
    top.plot(x, impact["magnitude"], color=OTHERS[3], lw=1.0, ls="--", label="mean absolute difference")
    top.axhline(0.0, color=REAL, lw=0.6)
    top.set_ylabel("difference of log prices")
    top.yaxis.set_major_formatter(PercentFormatter(1.0))
    top.margins(x=0.01)
    handles = top.get_legend_handles_labels()[0]
    if position is not None:
        require_columns(position, ("step", "mean", "q0.025", "q0.975"))
        lower = grid[1, 0]
        lower.fill_between(
            position["step"], position["q0.025"], position["q0.975"], color=OTHERS[1], alpha=0.2, lw=0, step="pre"
        )
        lower.plot(position["step"], position["mean"], color=OTHERS[1], label="position, mean", drawstyle="steps-pre")
        lower.axhline(0.0, color=REAL, lw=0.6)
        lower.set_ylabel("position\n(units)")
        handles += lower.get_legend_handles_labels()[0]
    grid[-1, 0].set_xlabel(period)
    name_panels(grid, title, handles)
    return grid


@house_style()
def plot_impact_law(
    curve: pd.DataFrame,
    over_time: pd.DataFrame,
    *,
    exponent: tuple[float, float],
    duration: int,
    title: str = "Impact of a metaorder against its size",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:
    """Impact at the end of a metaorder against its size, log-log; and impact over time, during it and after.

    Parameters
    ----------
    curve
        Columns `size`, `impact`, `low`, `high`.
    over_time
        Columns `size`, `step`, `mean`.
    exponent
        Fitted slope and its standard error.
    duration
        Steps of buying.

    Returns
    -------
    The panels, shape (1, 2).
    """
    require_columns(curve, ("size", "impact", "low", "high"))
    require_columns(over_time, ("size", "step", "mean"))
    grid = new_grid(axes, 1, 2, height=3.6, share_x=False)
    left, right = grid[0]
    x, y, low, high = (np.asarray(curve[name], float) for name in ("size", "impact", "low", "high"))
    x, y, low, high = (values[y > 0] for values in (x, y, low, high))
    if x.size:
        reach = np.stack([np.minimum(y - low, 0.999 * y), high - y])
        left.errorbar(x, y, reach, color=SIMULATED, marker="o", ms=4, ls="", elinewidth=0.9, label="impact")
        middle, centre = np.exp(np.log(x).mean()), np.exp(np.log(y).mean())
        fit = f"fitted exponent {format_number(exponent[0])} ± {format_number(exponent[1], 1)}"
        for slope, style, label in ((exponent[0], "-", fit), (0.5, ":", "square root")):
            colour = SIMULATED if style == "-" else GAUSSIAN
            left.plot(x, centre * (x / middle) ** slope, color=colour, lw=1.2, ls=style, label=label)
        left.set(xscale="log", yscale="log")
    left.set(xlabel="size (traders)", ylabel="log price difference")
    _draw_relaxations(right, over_time)
    right.axvspan(0, duration, color="#dddddd", alpha=0.5, lw=0, label="while it is bought")
    right.axhline(0.0, color=REAL, lw=0.6)
    right.set(xlabel="steps", ylabel="log price difference\nper trader")
    handles = [*left.get_legend_handles_labels()[0], *right.get_legend_handles_labels()[0]]
    name_panels(grid, title, handles)
    return grid


def _draw_relaxations(ax: Axes, over_time: pd.DataFrame) -> None:
    """Impact over time divided by the size, of the smallest, a middle and the largest one."""
    sizes = np.unique(over_time["size"])
    chosen = dict.fromkeys(float(sizes[i]) for i in (0, sizes.size // 2, sizes.size - 1))
    for size, colour, style in zip(chosen, (OTHERS[1], OTHERS[2], OTHERS[0]), ("-", "--", ":"), strict=False):
        one = over_time[over_time["size"] == size]
        ax.plot(one["step"], one["mean"] / size, color=colour, ls=style, lw=1.4, label=f"size {size:g}")
