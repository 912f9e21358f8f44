"""Volatility, liquidity discount and volume of an equilibrium against its trading cost."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from simcal.report.style import OTHERS, SIMULATED, house_style, name_grid, new_grid


@house_style()
def plot_cost_predictions(
    costs: Sequence[float],
    quantities: Mapping[str, Sequence[float]],
    exponents: Mapping[str, float],
    *,
    leading_order: Mapping[str, Sequence[float]] | None = None,
    labels: Mapping[str, str] | None = None,
    title: str = "Against the trading cost",
    axes: object = None,
) -> np.ndarray:
    """Quantities against the cost, both on logarithmic axes, a panel each; a straight line has the exponent of theory.

    Main arguments
    --------------
    costs
        Increasing, (n,).
    quantities
        By name, (n,); drawn are their sizes, and a quantity that is zero is left empty.
    exponents
        By name: the slope for small costs. Its line goes through the first point, or is `leading_order` itself.

    Other arguments
    ---------------
    leading_order
        By name, (n,): the values of the theory, instead of its slope alone.
    labels
        By name, for the vertical axes.

    Returns
    -------
    The panels, shape (2, 2) for four quantities.
    """
    x, rows = np.asarray(costs, dtype=float), -(-len(quantities) // 2)
    grid = new_grid(axes, rows, 2, height=2.6 * rows + 0.5)
    for panel, (name, values) in zip(grid.ravel(), quantities.items(), strict=False):
        y = np.abs(np.asarray(values, dtype=float))
        line = y[0] * (x / x[0]) ** exponents[name]
        theory = np.abs(np.asarray(leading_order[name], dtype=float)) if leading_order else line
        panel.plot(x, np.where(theory > 0, theory, np.nan), color=OTHERS[3], ls="--")
        panel.plot(x, np.where(y > 0, y, np.nan), "o-", color=SIMULATED, ms=4)
        panel.set(xscale="log", yscale="log", ylabel=(labels or {}).get(name, name))
        panel.set_title(f"slope of theory {exponents[name]:+.3f}", fontsize=8.5, fontweight="normal")
        _roomy(panel)
    for panel in grid.ravel()[len(quantities) :]:
        panel.set_visible(False)
    for panel in grid[-1]:
        panel.set_xlabel("cost $\\lambda$")
    theory = "to leading order in the cost" if leading_order else "slope for small costs"
    handles = [
        Line2D([], [], color=SIMULATED, marker="o", ms=4, label="solved"),
        Line2D([], [], color=OTHERS[3], ls="--", label=theory),
    ]
    name_grid(grid, title, handles)
    return grid


def _roomy(ax: Axes) -> None:
    """At least half a decade, so that ticks have numbers and a flat line looks flat."""
    low, high = ax.get_ylim()
    if high < 3.2 * low:
        middle = np.sqrt(low * high)
        ax.set_ylim(middle / 1.8, middle * 1.8)
