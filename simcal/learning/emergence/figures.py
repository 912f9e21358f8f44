"""The figures of the experiment: arms side by side, clustering, tails, specialisation, the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from scipy.special import erfc

from simcal.learning.emergence.comparison import band
from simcal.learning.emergence.policy_maps import PolicyMap
from simcal.learning.emergence.settings import ARMS
from simcal.learning.emergence.specialisation import BEHAVIOURS, TRAITS
from simcal.learning.emergence.statistics import STATISTICS
from simcal.report.style import GAUSSIAN, SIMULATED, alternatives, house_style, name_grid, new_grid

SHOWN = ("hill", "kurtosis", "acf_return", "acf_1", "acf_10", "decay", "volume", "mispricing")
_COLOURS = alternatives(ARMS)
_SHORT = {"both": "both", "learning-only": "learn.", "heterogeneity-only": "heter.", "neither": "neither"}
_POINT: dict[str, Any] = {"ls": "", "marker": "o"}


@house_style()
def plot_arms(
    runs: Mapping[str, pd.DataFrame],
    *,
    statistics: Sequence[str] = SHOWN,
    title: str = "Statistics of the four arms, both clocks",
    axes: Any = None,
) -> np.ndarray:
    """A panel per statistic: every run, with mean and 95 % interval over seeds, for each arm on each clock.

    Parameters
    ----------
    runs
        Clock to a row per run: arm and statistics.
    """
    rows = -(-len(statistics) // 2)
    grid = new_grid(axes, rows, 2, height=1.9 * rows + 0.6, share_x=False)
    clocks = alternatives(list(runs))
    for ax, name in zip(grid.flat, statistics, strict=False):
        for k, (clock, table) in enumerate(runs.items()):
            for i, arm in enumerate(ARMS):
                values = table.loc[table["arm"] == arm, name].dropna().to_numpy(float)
                x = i + 0.3 * (k - (len(runs) - 1) / 2)
                ax.plot(np.full(len(values), x), values, ".", ms=4, alpha=0.45, color=clocks[clock])
                mean, low, high = band(values)
                if np.isfinite(low):
                    ax.vlines(x + 0.09, low, high, color=clocks[clock], lw=1.6)
                ax.plot([x + 0.09], [mean], "_", ms=8, mew=1.8, color=clocks[clock])
                _keep_to_values(ax, runs, name)
        ax.set_xticks(range(len(ARMS)), [_SHORT[arm] for arm in ARMS])
        ax.set_xlim(-0.5, len(ARMS) - 0.5)
        ax.set_title(STATISTICS[name], fontsize=9)
    for ax in list(grid.flat)[len(statistics) :]:
        ax.set_visible(False)
    handles = [Line2D([], [], color=c, marker="o", ms=4, label=f"{clock}: runs, mean, 95 % interval")
               for clock, c in clocks.items()]  # fmt: skip
    name_grid(grid, title, handles)
    return grid


def _keep_to_values(ax: Any, runs: Mapping[str, pd.DataFrame], name: str) -> None:
    """Intervals of two or three runs can be far wider than all values; the axis shows three times the range."""
    values = np.concatenate([table[name].dropna().to_numpy(float) for table in runs.values()])
    if len(values) > 1 and np.ptp(values) > 0:
        room = np.ptp(values)
        ax.set_ylim(values.min() - 0.6 * room, values.max() + 0.6 * room)


@house_style()
def plot_clustering(
    autocorrelations: Mapping[str, Mapping[str, np.ndarray]],
    *,
    title: str = "Autocorrelation of absolute returns",
    axes: Any = None,
) -> np.ndarray:
    """A panel per clock: mean over runs of each arm with its 95 % interval.

    Parameters
    ----------
    autocorrelations
        Clock, then arm, to (n_runs, n_lags): lags 1, 2, ...
    """
    grid = new_grid(axes, 1, len(autocorrelations), height=3.4)
    for ax, (clock, arms) in zip(grid.flat, autocorrelations.items(), strict=True):
        for arm, values in arms.items():
            if not len(values):
                continue
            lags = np.arange(1, values.shape[1] + 1)
            bands = np.array([band(column) for column in values.T])
            ax.plot(lags, bands[:, 0], color=_COLOURS[arm])
            if len(values) > 2:
                ax.fill_between(lags, bands[:, 1], bands[:, 2], color=_COLOURS[arm], alpha=0.15, lw=0)
        ax.axhline(0.0, color=GAUSSIAN, lw=0.8)
        ax.set_title(clock, fontsize=9)
        ax.set(xlabel="lag (bars)", ylabel="autocorrelation of |return|")
    name_grid(grid, title, [Line2D([], [], color=_COLOURS[arm], label=arm) for arm in ARMS])
    return grid


@house_style()
def plot_tails_of_arms(
    returns: Mapping[str, Mapping[str, np.ndarray]],
    *,
    title: str = "Tails of the returns of the four arms",
    axes: Any = None,
) -> np.ndarray:
    """A panel per clock: P(|z| > x) of all days of all runs of each arm, beside the Gaussian law.

    Parameters
    ----------
    returns
        Clock, then arm, to z-scored returns of any shape.
    """
    grid = new_grid(axes, 1, len(returns), height=3.6)
    x = np.geomspace(0.3, 20.0, 200)
    for ax, (clock, arms) in zip(grid.flat, returns.items(), strict=True):
        for arm, z in arms.items():
            if z.size:
                ordered = np.sort(np.abs(z), axis=None)
                share = 1.0 - np.searchsorted(ordered, x, side="right") / ordered.size
                ax.plot(x, np.where(share > 0, share, np.nan), color=_COLOURS[arm])
        ax.plot(x, erfc(x / np.sqrt(2.0)), color=GAUSSIAN, ls="--")
        ax.set(xscale="log", yscale="log", ylim=(1e-5, 1.2), xlabel="absolute return |z| (deviations of the day)",
               ylabel="probability of a larger one")  # fmt: skip
        ax.set_xticks([0.5, 1, 2, 5, 10, 20])
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.xaxis.set_minor_formatter(lambda value, _: "")
        ax.set_title(clock, fontsize=9)
    handles = [Line2D([], [], color=_COLOURS[arm], label=arm) for arm in ARMS]
    name_grid(grid, title, [*handles, Line2D([], [], color=GAUSSIAN, ls="--", label="Gaussian")])
    return grid


@house_style()
def plot_specialisation(
    table: pd.DataFrame, *, title: str = "What traders with more of a trait do more", axes: Any = None
) -> np.ndarray:
    """A panel per trait: rank correlation with each behaviour, mean over seeds and its 95 % interval.

    Parameters
    ----------
    table
        See `EmergenceResult.specialisation`.
    """
    grid = new_grid(axes, 1, len(TRAITS), height=2.6)
    y = np.arange(len(BEHAVIOURS))[::-1]
    for i, (ax, (trait, words)) in enumerate(zip(grid.flat, TRAITS.items(), strict=True)):
        part = table[table["trait"] == trait].set_index("behaviour").reindex(list(BEHAVIOURS))
        ax.hlines(y, part["low"].clip(-1, 1), part["high"].clip(-1, 1), color=SIMULATED, lw=3.5, alpha=0.5)
        ax.plot(part["correlation"], y, color=SIMULATED, ms=5, **_POINT)
        ax.axvline(0.0, color=GAUSSIAN, lw=0.8)
        ax.set_yticks(y, list(BEHAVIOURS) if i == 0 else [""] * len(y))
        ax.set(xlim=(-1.02, 1.02), ylim=(-0.6, len(y) - 0.4), xlabel="rank correlation")
        ax.set_title(words, fontsize=9)
    handles = [Line2D([], [], color=SIMULATED, marker="o", ms=5, lw=3.5, label="mean over seeds, 95 % interval")]
    name_grid(grid, title, handles)
    return grid


@house_style()
def plot_policy(
    maps: Sequence[PolicyMap], *, title: str = "What the policy does, all else at a base state", axes: Any = None
) -> np.ndarray:
    """Heat maps of the policy's means; features and actions from -1 to 1.

    Parameters
    ----------
    maps
        See `simcal.learning.emergence.policy_maps`.
    """
    rows = -(-len(maps) // 2)
    grid = new_grid(axes, rows, 2, height=3.0 * rows, share_x=False)
    for ax, found in zip(grid.flat, maps, strict=False):
        reach = max(float(np.abs(found.values).max()), 1e-3)
        drawn = ax.pcolormesh(found.axis, found.axis, found.values, cmap="RdBu_r", vmin=-reach, vmax=reach,
                              shading="nearest", rasterized=True)  # fmt: skip
        ax.grid(False)
        ax.set(xlabel=found.across, ylabel=found.up)
        words = "volume (above 0: buys)" if found.action == "volume" else "price (above 0: patient)"
        ax.set_title(words, fontsize=9)
        ax.figure.colorbar(drawn, ax=ax, fraction=0.05)
    grid[0, 0].figure.suptitle(title, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
    return grid
