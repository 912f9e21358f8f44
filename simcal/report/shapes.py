"""What figures are made of, by shape: fans and bands over time, points with errors, histograms.

Each `draw_` function draws into a panel and labels it; `style.name_grid` then puts title and legend around the panels.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from scipy.special import ndtri

from simcal.report.style import OTHERS, REAL, SIMULATED, house_style, name_grid, new_grid
from simcal.report.tables import require_columns

BASELINE = OTHERS[3]
"""The colour of what a result is compared with."""

_FAN = ("step", "q0.025", "q0.25", "q0.5", "q0.75", "q0.975", "mean")


def draw_fan(ax: Axes, fan: pd.DataFrame, colour: str, name: str) -> None:
    """Quantiles over paths as two shades, and the mean, against the steps.

    Parameters
    ----------
    fan
        Columns ``step``, ``mean`` and the quantiles over paths ``q0.025``, ``q0.25``, ``q0.5``, ``q0.75``, ``q0.975``.
    """
    require_columns(fan, _FAN)
    x = fan["step"]
    ax.fill_between(x, fan["q0.025"], fan["q0.975"], color=colour, alpha=0.14, lw=0, label=f"{name}, 95 % of paths")
    ax.fill_between(x, fan["q0.25"], fan["q0.75"], color=colour, alpha=0.24, lw=0, label=f"{name}, 50 % of paths")
    ax.plot(x, fan["mean"], color=colour, lw=1.5, label=f"{name}, mean")
    ax.margins(x=0.01)


def draw_compared(ax: Axes, fan: pd.DataFrame, name: str, ends: Mapping[str, str | None]) -> None:
    """Another fan beside the first, as lines: its mean, and dashed the quantiles in `ends` with their words."""
    require_columns(fan, ("step", "mean", *ends))
    ax.plot(fan["step"], fan["mean"], color=BASELINE, lw=1.5, label=f"{name}, mean")
    for column, words in ends.items():
        label = None if words is None else f"{name}, {words}"
        ax.plot(fan["step"], fan[column], color=BASELINE, lw=0.9, ls="--", label=label)


def draw_band(
    ax: Axes, x: Any, curve: pd.DataFrame, name: str, colour: str, label: str, *, alpha: float = 0.22, **line: Any
) -> None:
    """A line and its band: the columns `name`, ``low`` and ``high`` (of "mean"), else `name`_low and `name`_high."""
    low, high = ("low", "high") if name == "mean" else (f"{name}_low", f"{name}_high")
    if low in curve:
        ax.fill_between(x, curve[low], curve[high], color=colour, alpha=alpha, lw=0)
    ax.plot(x, curve[name], color=colour, label=label, **line)


def draw_sample_band(ax: Axes, x: np.ndarray, paths: np.ndarray, middle: np.ndarray) -> None:
    """What simulated paths (n_paths, n) show: a line, and from ten paths on the range of 95 % of them."""
    if len(paths) >= 10:
        low, high = np.quantile(paths, [0.025, 0.975], axis=0)
        ax.fill_between(x, low, high, color=SIMULATED, alpha=0.18, lw=0, label="simulated, 95 % of paths")
    ax.plot(x, middle, color=SIMULATED, label="simulated, median")


def draw_histograms(ax: Axes, samples: Mapping[str, npt.ArrayLike | None], edges: np.ndarray | None = None) -> None:
    """One or two samples as densities: the first filled, the second as an outline; what is not finite is left out."""
    found = {name: finite(values) for name, values in samples.items() if values is not None}
    everything = np.concatenate(list(found.values()))
    if not everything.size:
        return
    bins: Any = edges
    if edges is None:
        low, high = everything.min(), everything.max()
        pad = 0.5 if low == high else 0.0
        bins = np.linspace(low - pad, high + pad, 46)
    for number, (name, values) in enumerate(found.items()):
        style: Any = (
            {"histtype": "step", "color": BASELINE, "lw": 1.4} if number else {"color": SIMULATED, "alpha": 0.5}
        )
        ax.hist(values, bins, density=True, label=name, **style)


def draw_zero(ax: Axes) -> None:
    """A thin line at zero."""
    ax.axhline(0.0, color=REAL, lw=0.6)


def finite(values: npt.ArrayLike) -> np.ndarray:
    """The numbers that are finite, as floats."""
    numbers = np.asarray(values, float)
    return numbers[np.isfinite(numbers)]


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

    Parameters
    ----------
    profit, baseline
        Of a strategy and of another one: columns ``step``, ``mean`` and the quantiles over paths ``q0.025``, ``q0.25``,
        ``q0.5``, ``q0.75``, ``q0.975``.
    difference
        Columns ``step``, ``mean`` and ``standard_error`` of the difference path by path.
    names
        What the two are called.
    unit, period
        Of profit, and what the steps are.
    level
        Of the band around the mean difference.

    Returns
    -------
    The panels, shape (1, 1), or (2, 1) with a difference.
    """
    rows = 1 if difference is None else 2
    grid = new_grid(axes, rows, height=3.6 + 1.5 * (rows - 1), ratios=[2.2, 1.0][:rows])
    draw_fan(grid[0, 0], profit, SIMULATED, names[0])
    if baseline is not None:
        draw_compared(grid[0, 0], baseline, names[1], {"q0.025": "95 % of paths", "q0.975": None})
    grid[0, 0].set_ylabel(f"P&L ({unit})")
    if difference is not None:
        require_columns(difference, ("step", "mean", "standard_error"))
        half = ndtri(0.5 + 0.5 * level) * difference["standard_error"]
        banded = difference.assign(low=difference["mean"] - half, high=difference["mean"] + half)
        words = f"mean difference, {100 * level:g} % band"
        draw_band(grid[1, 0], difference["step"], banded, "mean", OTHERS[1], words, alpha=0.3)
        grid[1, 0].set_ylabel(f"difference\n({unit})")
    for panel in grid[:, 0]:
        draw_zero(panel)
    grid[-1, 0].set_xlabel(period)
    return name_grid(grid, title)
