"""Prices and returns over time: the real series against simulated paths."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from simcal.errors import ParameterError
from simcal.report.style import OTHERS, REAL, SIMULATED, house_style, new_axes, new_grid, plain_log_ticks


@house_style()
def plot_price_paths(
    paths: npt.ArrayLike,
    real: npt.ArrayLike | None = None,
    *,
    dates: pd.Index | None = None,
    n_shown: int = 3,
    real_name: str = "real",
    period: str = "days",
    title: str = "Prices, 100 at the start",
    ax: Axes | None = None,
) -> Axes:
    """Simulated prices as a fan of quantiles and a few single paths, with the real series on top.

    Main arguments
    --------------
    paths
        Simulated prices, shape (n_paths, n + 1). Every path starts at 100 in the picture.
    real
        Real prices, shape (m + 1,), rebased the same way.

    Other arguments
    ---------------
    dates
        Of the longer of the two, for the horizontal axis; else steps are counted and named by `period`.
    n_shown
        How many single paths are drawn.

    Raises
    ------
    ParameterError
        Fewer dates than prices.
    """
    ax = new_axes(ax)
    simulated = _rebased(np.atleast_2d(np.asarray(paths, dtype=float)))
    longest = max(simulated.shape[1], 0 if real is None else np.size(real))
    if dates is not None and len(dates) < longest:
        raise ParameterError(f"{len(dates)} dates were given for {longest} prices. Give one date per price, or none.")
    steps = np.arange(simulated.shape[1]) if dates is None else dates[: simulated.shape[1]]
    low, lower, middle, upper, high = np.quantile(simulated, [0.025, 0.25, 0.5, 0.75, 0.975], axis=0)
    ax.fill_between(steps, low, high, color=SIMULATED, alpha=0.14, lw=0, label="simulated, 95 % of paths")
    ax.fill_between(steps, lower, upper, color=SIMULATED, alpha=0.24, lw=0, label="simulated, 50 % of paths")
    ax.plot(steps, middle, color=SIMULATED, lw=1.5, label="simulated, median")
    shown = simulated[: min(n_shown, len(simulated))]
    for i, path in enumerate(shown):
        ax.plot(steps, path, color=OTHERS[4], lw=0.6, alpha=0.9, label="single simulated paths" if i == 0 else None)
    drawn = [low, high, *shown]
    if real is not None:
        rebased = _rebased(np.asarray(real, dtype=float))
        ax.plot(
            np.arange(rebased.size) if dates is None else dates[: rebased.size], rebased, color=REAL, label=real_name
        )
        drawn.append(rebased)
    if max(np.max(y) for y in drawn) > 3.0 * min(np.min(y) for y in drawn):
        ax.set_yscale("log")
        plain_log_ticks(ax)
    ax.set(title=title, ylabel="price (first = 100)", xlabel="date" if dates is not None else f"time ({period})")
    ax.margins(x=0.01)
    ax.legend(loc="upper left", ncols=2)
    return ax


@house_style()
def plot_log_returns(
    returns: Mapping[str, npt.ArrayLike],
    *,
    dates: pd.Index | None = None,
    period: str = "days",
    title: str = "Log returns over time",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:
    """One panel of log returns per series, all on the scale of the most volatile; the first one is the real one.

    Main arguments
    --------------
    returns
        Log returns (dimensionless) by name, each of shape (n,).

    Other arguments
    ---------------
    dates
        Dates of the first series' returns; the others are drawn over the same dates as far as they reach.

    Returns
    -------
    The panels, shape (number of series, 1).
    """
    if not returns:
        raise ParameterError("No returns were given to draw. Give at least one series by name.")
    grid = new_grid(axes, len(returns), height=0.9 + 1.35 * len(returns))
    percent = {name: 100.0 * np.asarray(r, dtype=float).ravel() for name, r in returns.items()}
    reach = 1.08 * max(float(np.max(np.abs(r))) for r in percent.values())
    for i, (panel, (name, r)) in enumerate(zip(grid[:, 0], percent.items(), strict=True)):
        steps = np.arange(r.size) if dates is None or len(dates) < r.size else dates[: r.size]
        panel.plot(steps, r, lw=0.5, color=REAL if i == 0 else SIMULATED, label=name)
        panel.set(ylim=(-reach, reach), ylabel="log return (%)")
        panel.margins(x=0.01)
        panel.legend(loc="upper left", handlelength=1.2, borderpad=0.1)
    grid[0, 0].set_title(title)
    grid[-1, 0].set_xlabel("date" if dates is not None else f"time ({period})")
    return grid


def _rebased(prices: np.ndarray) -> np.ndarray:
    return 100.0 * prices / prices[..., :1]
