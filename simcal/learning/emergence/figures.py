"""The figures of the experiment: arms side by side, clustering, tails, specialisation, and maps of the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.lines import Line2D
from scipy.special import erfc

from simcal.learning.emergence.measures import BEHAVIOURS, STATISTICS, TRAITS, band
from simcal.learning.emergence.settings import ARMS
from simcal.learning.market import ACTIONS, FEATURES
from simcal.learning.trained import TrainedMarket
from simcal.report.style import GAUSSIAN, SIMULATED, alternatives, house_style, name_grid, new_grid

BASE = {
    "asset ratio": 0.0, "liquidable ratio": -0.75, "inverse buying power": -0.75, "return": 0.0, "volatility": -0.2,
    "bid depth": -0.25, "ask depth": -0.25, "blurred value": 0.0, "noise": 0.0, "risk aversion": 0.0, "discount": 0.0,
}  # fmt: skip
"""Of the features, from -1 to 1: a trader of mean traits, half invested, who sees the price at the value."""
MAPS = (
    ("volume", "risk aversion", "volatility"),
    ("volume", "noise", "blurred value"),
    ("volume", "noise", "return"),
    ("price", "discount", "risk aversion"),
)
"""Action, and the features across and up."""


class PolicyMap(NamedTuple):
    """An action over two features: values (n, n), rows along `up`, both axes `axis` from -1 to 1."""

    action: str
    across: str
    up: str
    axis: np.ndarray
    values: np.ndarray


def policy_maps(trained: TrainedMarket, n: int = 41) -> list[PolicyMap]:
    """The maps of `MAPS` of a policy, n by n points each; where all traders are alike, the trait's feature is 0."""
    axis, found = np.linspace(-1.0, 1.0, n), []
    for action, across, up in MAPS:
        features = np.tile(np.array([BASE[name] for name in FEATURES], np.float32), (n * n, 1))
        x, y = np.meshgrid(axis, axis)
        features[:, FEATURES.index(across)], features[:, FEATURES.index(up)] = x.ravel(), y.ravel()
        values = trained.act(features)[:, ACTIONS.index(action)].reshape(n, n)
        found.append(PolicyMap(action, across, up, axis, values))
    return found


SHOWN = ("hill", "kurtosis", "acf_return", "acf_1", "acf_10", "decay", "volume", "mispricing")
_COLOURS = alternatives(ARMS)
_SHORT = {"both": "both", "learning-only": "learn.", "heterogeneity-only": "heter.", "neither": "neither"}


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
    table = pd.concat([part.assign(clock=clock) for clock, part in runs.items()], ignore_index=True)
    palette = alternatives(list(runs))
    shared: dict[str, Any] = {"x": "arm", "hue": "clock", "order": ARMS, "palette": palette, "legend": False}
    interval: dict[str, Any] = {"errorbar": lambda values: band(values)[1:], "dodge": 0.3}
    for ax, name in zip(grid.flat, statistics, strict=False):
        sns.stripplot(table, y=name, ax=ax, jitter=False, size=4, alpha=0.45, dodge=True, **shared)
        low, high = ax.get_ylim()
        room = 0.5 * (high - low)  # intervals of two or three runs can be far wider than all values
        sns.pointplot(table, y=name, ax=ax, linestyle="none", marker="_", **interval, **shared)
        ax.set(xlabel="", ylabel="", ylim=(low - room, high + room))
        ax.set_xticks(range(len(ARMS)), [_SHORT[arm] for arm in ARMS])
        ax.set_title(STATISTICS[name], fontsize=9)
    for ax in list(grid.flat)[len(statistics) :]:
        ax.set_visible(False)
    handles = [Line2D([], [], color=c, marker="o", ms=4, label=f"{clock}: runs, mean, 95 % interval")
               for clock, c in palette.items()]  # fmt: skip
    name_grid(grid, title, handles)
    return grid


@house_style()
def plot_clustering(
    autocorrelations: Mapping[str, Mapping[str, np.ndarray]],
    *,
    title: str = "Clustering of volatility in the four arms",
    axes: Any = None,
) -> np.ndarray:
    """A panel per clock: autocorrelation of absolute returns of each arm, mean over runs and its 95 % interval.

    Parameters
    ----------
    autocorrelations
        Clock, then arm, to (n_runs, n_lags): lags 1, 2, ...
    """
    grid = new_grid(axes, 1, len(autocorrelations), height=3.4)
    for ax, (clock, arms) in zip(grid.flat, autocorrelations.items(), strict=True):
        for arm, values in arms.items():
            if len(values):
                bands, lags = np.array([band(column) for column in values.T]), np.arange(1, values.shape[1] + 1)
                ax.plot(lags, bands[:, 0], color=_COLOURS[arm])
                if len(values) > 2:
                    ax.fill_between(lags, bands[:, 1], bands[:, 2], color=_COLOURS[arm], alpha=0.15, lw=0)
        ax.axhline(0.0, color=GAUSSIAN, lw=0.8)
        ax.set_title(clock, fontsize=9)
        ax.set(xlabel="lag (bars)", ylabel="autocorrelation of |return|")
    name_grid(grid, title, _handles())
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
                sns.ecdfplot(x=np.abs(z).ravel(), complementary=True, ax=ax, color=_COLOURS[arm])
        ax.plot(x, erfc(x / np.sqrt(2.0)), color=GAUSSIAN, ls="--")
        ax.set(xscale="log", yscale="log", xlim=(x[0], x[-1]), ylim=(1e-5, 1.2), ylabel="probability of a larger one",
               xlabel="absolute return |z| (deviations of the day)")  # fmt: skip
        ax.set_xticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
        ax.set_xticks([], minor=True)
        ax.set_title(clock, fontsize=9)
    name_grid(grid, title, [*_handles(), Line2D([], [], color=GAUSSIAN, ls="--", label="Gaussian")])
    return grid


def _handles() -> list[Line2D]:
    return [Line2D([], [], color=_COLOURS[arm], label=arm) for arm in ARMS]


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
        ax.plot(part["correlation"], y, "o", color=SIMULATED, ms=5)
        ax.axvline(0.0, color=GAUSSIAN, lw=0.8)
        ax.set_yticks(y, list(BEHAVIOURS) if i == 0 else [""] * len(y))
        ax.set(xlim=(-1.02, 1.02), ylim=(-0.6, len(y) - 0.4), xlabel="rank correlation")
        ax.set_title(words, fontsize=9)
    label = "mean over seeds, 95 % interval"
    name_grid(grid, title, [Line2D([], [], color=SIMULATED, marker="o", ms=5, lw=3.5, label=label)])
    return grid


@house_style()
def plot_policy(
    maps: Sequence[PolicyMap], *, title: str = "What the policy does, all else at a base state", axes: Any = None
) -> np.ndarray:
    """Heat maps of the policy's means; features and actions from -1 to 1.

    Parameters
    ----------
    maps
        See `simcal.learning.emergence.figures`.
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
