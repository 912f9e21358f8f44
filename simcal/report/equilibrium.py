"""Price dynamics and trading of solved markets over time: one or several solutions on the same noise."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from simcal.report.style import REAL, alternatives, house_style, legend_below, name_grid, new_axes, new_grid

_BAND = 0.9


@house_style()
def plot_over_time(
    time: npt.ArrayLike,
    values: Mapping[str, npt.ArrayLike],
    *,
    quantity: str = "value",
    path: int | None = None,
    title: str = "Over time",
    ax: Axes | None = None,
) -> Axes:
    """Mean over paths (line) and the middle 90 % of them (band) of one quantity, for each solution.

    Main arguments
    --------------
    time
        Shape (n,).
    values
        By solution, shape (n_paths, n), or (n,) for what does not depend on the path.

    Other arguments
    ---------------
    quantity
        For the axis.
    path
        A path to draw as a thin line beside them.
    """
    ax, t = new_axes(ax), np.asarray(time, dtype=float)
    palette = alternatives(list(values))
    for number, (name, array) in enumerate(values.items()):
        y = np.atleast_2d(np.asarray(array, dtype=float))
        # Later lines are dashed, so that solutions that agree can both be seen.
        ax.plot(t, y.mean(axis=0), color=palette[name], label=name, ls="--" if number else "-", lw=1.6)
        if len(y) > 1:
            low, high = np.quantile(y, [(1 - _BAND) / 2, (1 + _BAND) / 2], axis=0)
            ax.fill_between(t, low, high, color=palette[name], alpha=0.16, lw=0)
            if path is not None:
                ax.plot(t, y[path], color=palette[name], lw=0.7, alpha=0.8)
    ax.set(title=title, xlabel="time", ylabel=quantity, xlim=(t[0], t[-1]))
    legend_below(ax)
    return ax


@house_style()
def plot_agents_over_time(
    time: npt.ArrayLike,
    values: Mapping[str, npt.ArrayLike],
    *,
    agents: Sequence[int] | None = None,
    quantity: str = "value",
    path: int = 0,
    title: str = "Agents over time",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:
    """One path of a quantity of some agents, a panel each, all solutions on the same noise; band: the first's paths.

    Main arguments
    --------------
    time
        Shape (n,).
    values
        By solution, shape (n_paths, n, n_agents).

    Other arguments
    ---------------
    agents
        Which, counted from 0; without it the two whose paths vary most.
    quantity
        For the axes.
    path
        Which path.

    Returns
    -------
    The panels, shape (number of agents, 1).
    """
    t, palette = np.asarray(time, dtype=float), alternatives(list(values))
    arrays = {name: np.asarray(array, dtype=float) for name, array in values.items()}
    first = next(iter(arrays.values()))
    if agents is None:
        agents = sorted(int(n) for n in np.argsort(first.std(axis=(0, 1)))[::-1][:2])
    grid = new_grid(axes, len(agents), height=1.2 + 1.7 * len(agents))
    for panel, agent in zip(grid[:, 0], agents, strict=True):
        low, high = np.quantile(first[:, :, agent], [(1 - _BAND) / 2, (1 + _BAND) / 2], axis=0)
        panel.fill_between(t, low, high, color=next(iter(palette.values())), alpha=0.13, lw=0)
        panel.axhline(0.0, color=REAL, lw=0.5)
        for number, (name, array) in enumerate(arrays.items()):
            panel.plot(t, array[path, :, agent], color=palette[name], ls="--" if number else "-")
        panel.set(ylabel=f"{quantity}\nof agent {agent + 1}", xlim=(t[0], t[-1]))
    grid[-1, 0].set_xlabel("time")
    name_grid(
        grid,
        title,
        [Line2D([], [], color=c, label=n, ls="--" if i else "-") for i, (n, c) in enumerate(palette.items())],
    )
    return grid


@house_style()
def plot_residuals(
    time: npt.ArrayLike,
    residuals: Mapping[str, npt.ArrayLike],
    *,
    title: str = "How far marginal costs are from marginal values",
    ax: Axes | None = None,
) -> Axes:
    """Root mean square residual of the first-order condition at each step, on a logarithmic axis.

    Main arguments
    --------------
    time
        Beginning of each step, shape (n_steps,).
    residuals
        By solution, shape (n_steps,); zeros are left out.
    """
    ax, t = new_axes(ax, height=3.0), np.asarray(time, dtype=float)
    for name, colour in alternatives(list(residuals)).items():
        y = np.asarray(residuals[name], dtype=float)
        ax.plot(t, np.where(y > 0, y, np.nan), color=colour, label=name)
    ax.set(title=title, xlabel="time", ylabel="residual (money per share)", yscale="log")
    legend_below(ax)
    return ax
