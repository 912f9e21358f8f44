"""Figures of solved markets over time, against the trading cost, and of volume beside that of data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from simcal.facts import autocorrelation
from simcal.report.style import (
    OTHERS,
    REAL,
    SIMULATED,
    alternatives,
    house_style,
    legend_below,
    name_grid,
    new_axes,
    new_grid,
)

_ENDS = (0.05, 0.95)  # of bands


@house_style()
def plot_over_time(
    time: npt.ArrayLike, values: Mapping[str, npt.ArrayLike], *, quantity: str = "value", path: int | None = None,
    title: str = "Over time", logarithmic: bool = False, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Mean over paths (line) and the middle 90 % of them (band) of one quantity, for each solution.

    Parameters
    ----------
    time, values
        Shape (n,); by solution (n_paths, n), or (n,) for what does not depend on the path.
    quantity, path
        For the axis; a path to draw as a thin line beside the others.
    logarithmic
        Of the axis; zeros are left out then.
    """
    ax, t = new_axes(ax, height=3.0 if logarithmic else 3.6), np.asarray(time, dtype=float)
    palette = alternatives(list(values))
    for number, (name, array) in enumerate(values.items()):
        y = np.atleast_2d(np.asarray(array, dtype=float))
        y = np.where(y > 0, y, np.nan) if logarithmic else y
        # Later lines are dashed, so that solutions that agree can both be seen.
        ax.plot(t, y.mean(axis=0), color=palette[name], label=name, ls="--" if number else "-", lw=1.6)
        if len(y) > 1:
            ax.fill_between(t, *np.quantile(y, _ENDS, axis=0), color=palette[name], alpha=0.16, lw=0)
            if path is not None:
                ax.plot(t, y[path], color=palette[name], lw=0.7, alpha=0.8)
    ax.set(title=title, xlabel="time", ylabel=quantity, xlim=(t[0], t[-1]), yscale="log" if logarithmic else "linear")
    legend_below(ax)
    return ax


@house_style()
def plot_agents_over_time(
    time: npt.ArrayLike, values: Mapping[str, npt.ArrayLike], *, agents: Sequence[int] | None = None,
    quantity: str = "value", path: int = 0, title: str = "Agents over time", axes: npt.ArrayLike | None = None,
) -> np.ndarray:  # fmt: skip
    """One path of a quantity of some agents, a panel each, all solutions on the same noise; band: the first's paths.

    Parameters
    ----------
    time, values
        Shape (n,); by solution (n_paths, n, n_agents).
    agents, quantity, path
        Which agents, counted from 0 (without it the two whose paths vary most); for the axes; which path.

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
        band = np.quantile(first[:, :, agent], _ENDS, axis=0)
        panel.fill_between(t, *band, color=next(iter(palette.values())), alpha=0.13, lw=0)
        panel.axhline(0.0, color=REAL, lw=0.5)
        for number, (name, array) in enumerate(arrays.items()):
            panel.plot(t, array[path, :, agent], color=palette[name], ls="--" if number else "-")
        panel.set(ylabel=f"{quantity}\nof agent {agent + 1}", xlim=(t[0], t[-1]))
    grid[-1, 0].set_xlabel("time")
    lines = [Line2D([], [], color=c, label=n, ls="--" if i else "-") for i, (n, c) in enumerate(palette.items())]
    name_grid(grid, title, lines)
    return grid


@house_style()
def plot_cost_predictions(
    costs: Sequence[float], quantities: Mapping[str, Sequence[float]], exponents: Mapping[str, float], *,
    leading_order: Mapping[str, Sequence[float]], labels: Mapping[str, str], title: str,
) -> np.ndarray:  # fmt: skip
    """Quantities against the cost, both on logarithmic axes, a panel each; a straight line has the exponent of theory.

    Parameters
    ----------
    costs, quantities
        Increasing, (n,); by name, (n,): drawn are their sizes, and a quantity that is zero is left empty.
    exponents, leading_order
        By name: the slope for small costs, whose line goes through the first point; (n,), the values of the theory
        instead of its slope alone, or nothing.
    labels
        By name, for the vertical axes.

    Returns
    -------
    The panels, shape (2, 2) for four quantities.
    """
    x, rows = np.asarray(costs, dtype=float), -(-len(quantities) // 2)
    grid = new_grid(None, rows, 2, height=2.6 * rows + 0.5)
    for panel, (name, values) in zip(grid.ravel(), quantities.items(), strict=False):
        y = np.abs(np.asarray(values, dtype=float))
        line = y[0] * (x / x[0]) ** exponents[name]
        theory = np.abs(np.asarray(leading_order[name], dtype=float)) if leading_order else line
        panel.plot(x, np.where(theory > 0, theory, np.nan), color=OTHERS[3], ls="--")
        panel.plot(x, np.where(y > 0, y, np.nan), "o-", color=SIMULATED, ms=4)
        panel.set(xscale="log", yscale="log", ylabel=labels[name])
        panel.set_title(f"slope of theory {exponents[name]:+.3f}", fontsize=8.5, fontweight="normal")
        low, high = panel.get_ylim()
        if high < 3.2 * low:  # at least half a decade, so that ticks have numbers and a flat line looks flat
            panel.set_ylim(np.sqrt(low * high) / 1.8, np.sqrt(low * high) * 1.8)
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


@house_style()
def plot_moment_distances(
    moments: Sequence[Mapping[str, object]], *, title: str = "Moments: data less model", ax: Axes | None = None
) -> Axes:
    """How far each moment of the data is from the model's, in standard errors of the data's; grey: within two.

    Each of `moments` has a `moment` (its name) and a `distance`.
    """
    names = [str(row["moment"]) for row in moments]
    distance = np.array([float(str(row["distance"])) for row in moments])
    ax, at = new_axes(ax, height=1.2 + 0.24 * len(names)), np.arange(len(names))
    ax.axvspan(-2, 2, color=REAL, alpha=0.07, lw=0)
    ax.axvline(0, color=REAL, lw=0.8)
    ax.hlines(at, 0, distance, color=SIMULATED, lw=1.2)
    ax.plot(distance, at, "o", color=SIMULATED, ms=4)
    ax.set(title=title, xlabel="standard errors", yticks=at, ylim=(len(names) - 0.5, -0.5))
    ax.set_yticklabels(names)
    ax.grid(axis="y", visible=False)
    return ax


@house_style()
def plot_volume_memory(volume: npt.ArrayLike, model: npt.ArrayLike, *, most: int = 60) -> np.ndarray:
    """Autocorrelation of volume up to `most` steps, and its distribution in units of its mean, of data and model.

    `volume` of the data has shape (n,), that of the model (series, n); the panels have shape (1, 2).
    """
    real, fake = np.asarray(volume, dtype=float), np.atleast_2d(np.asarray(model, dtype=float))
    grid = new_grid(None, 1, 2, height=3.3, share_x=False)
    lags = np.arange(1, min(most, real.size // 4) + 1)
    left, right = grid[0]
    left.axhline(0, color=REAL, lw=0.5)
    left.plot(lags, autocorrelation(real, lags.tolist()), color=REAL, label="data")
    left.plot(lags, autocorrelation(fake, lags.tolist()).mean(axis=0), color=SIMULATED, label="model")
    left.set(title="How long volume remembers", xlabel="lag (steps)", ylabel="autocorrelation", xlim=(0, lags[-1]))
    end = float(np.quantile(real / real.mean(), 0.995)) * 1.1
    bins = np.linspace(0, max(end, 2.0), 50).tolist()
    for values, colour, name in ((real / real.mean(), REAL, "data"), (fake / fake.mean(), SIMULATED, "model")):
        right.hist(
            np.clip(values.ravel(), 0, bins[-1]), bins, color=colour, label=name, density=True, histtype="step", lw=1.3
        )
    right.set(title="Its distribution", xlabel="volume (mean 1)", ylabel="density")
    legend_below(left)
    return grid
