"""Single paths in detail: price with each group's demand below it, and two paths made from the same noise."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from simcal.report.style import FAIL, OTHERS, REAL, SIMULATED, colours, house_style, new_grid


@house_style()
def plot_path_with_demand(
    prices: npt.ArrayLike,
    demand: Mapping[str, npt.ArrayLike],
    *,
    fundamental: npt.ArrayLike | None = None,
    quantity: str = "demand",
    title: str = "One path and who traded on it",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:
    """A simulated price on top and, below it, what each group of traders bought or sold.

    Parameters
    ----------
    prices
        One path, shape (n + 1,).
    demand
        Demand or volume by group, in shares per step. Shape (n,) is drawn as bars for the group, (n, traders) as a row
        of colours per trader.
    fundamental
        The fundamental value, shape (n + 1,).
    quantity
        What `demand` holds, for the axes.

    Returns
    -------
    The panels, shape (1 + number of groups, 1).
    """
    rows = 1 + len(demand)
    grid = new_grid(axes, rows, height=2.4 + 1.2 * len(demand), ratios=[2.0] + [1.0] * len(demand))
    top, price = grid[0, 0], np.asarray(prices, dtype=float)
    top.plot(np.arange(price.size), price, color=REAL, label="price")
    if fundamental is not None:
        value = np.asarray(fundamental, dtype=float)
        top.plot(np.arange(value.size), value, color=OTHERS[3], lw=1.0, ls="--", label="fundamental value")
    top.set(title=title, ylabel="price")
    top.legend(loc="best", ncols=2)
    palette = colours(list(demand))
    largest = max((float(np.max(np.abs(q))) for q in demand.values() if np.ndim(q) == 2), default=0.0)
    for panel, (group, amounts) in zip(grid[1:, 0], demand.items(), strict=True):
        q = np.asarray(amounts, dtype=float)
        panel.set_title(group, fontsize=9, fontweight="normal", pad=3.0)
        if q.ndim == 2:
            _draw_traders(panel, q, largest, f"{quantity}\n(shares)")
            continue
        panel.bar(np.arange(1, q.size + 1), q, width=1.0, color=palette[group], lw=0)
        panel.axhline(0.0, color=REAL, lw=0.6)
        panel.set_ylabel(f"{quantity}\n(shares)")
    grid[-1, 0].set_xlabel("time (steps)")
    grid[-1, 0].margins(x=0.01)
    return grid


@house_style()
def plot_same_noise(
    real: npt.ArrayLike,
    calibrated: npt.ArrayLike,
    *,
    limit: float | None = None,
    title: str = "True and calibrated market on the same noise",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:
    """Two paths made from the same noise, and the relative error |P_r - P_c| / P_r below.

    Parameters
    ----------
    real, calibrated
        Prices, both of shape (n + 1,).
    limit
        Relative error to compare with, as a fraction (0.015 is 1.5 %).

    Returns
    -------
    The two panels, shape (2, 1).
    """
    grid = new_grid(axes, 2, height=4.4, ratios=[2.0, 1.0])
    p, q = np.asarray(real, dtype=float), np.asarray(calibrated, dtype=float)
    steps = np.arange(p.size)
    grid[0, 0].plot(steps, p, color=REAL, label="true market")
    grid[0, 0].plot(steps, q, color=SIMULATED, ls="--", label="calibrated market")
    grid[0, 0].set(title=title, ylabel="price")
    grid[0, 0].legend(loc="best")
    error = 100.0 * np.abs(p - q) / p
    grid[1, 0].plot(steps, error, color=SIMULATED, lw=1.0, label=f"error, largest {error.max():.2g} %")
    if limit is not None:
        grid[1, 0].axhline(100.0 * limit, color=FAIL, ls="--", lw=1.0, label=f"{100.0 * limit:g} %")
    grid[1, 0].set(
        ylabel="relative error (%)",
        xlabel="time (steps)",
        ylim=(0.0, 1.25 * max(error.max(), 100.0 * (limit or 0.0), 1e-12)),
    )
    grid[1, 0].margins(x=0.01)
    grid[1, 0].legend(loc="upper left", ncols=2)
    return grid


def _draw_traders(panel: Axes, demand: np.ndarray, largest: float, label: str) -> None:
    n_steps, n_traders = demand.shape
    extent = (0.5, n_steps + 0.5, n_traders + 0.5, 0.5)
    scale = {"cmap": "PuOr_r", "vmin": -largest, "vmax": largest}
    image = panel.imshow(demand.T, aspect="auto", interpolation="nearest", extent=extent, **scale)
    panel.figure.colorbar(image, ax=panel, label=label, pad=0.01, aspect=8)
    panel.set_yticks(sorted({1, n_traders}))
    panel.set_ylabel("trader")
    panel.grid(False)
