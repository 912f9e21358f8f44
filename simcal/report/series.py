"""Real prices and returns beside simulated ones: over time, in their tails, and in their memory."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter
from scipy.special import erfc

from simcal.errors import ParameterError
from simcal.facts import autocorrelation
from simcal.facts.arrays import standardised
from simcal.report.shapes import draw_sample_band
from simcal.report.style import (
    GAUSSIAN,
    OTHERS,
    REAL,
    SIMULATED,
    colours,
    house_style,
    legend_below,
    new_axes,
    new_grid,
)


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

    Parameters
    ----------
    paths
        Simulated prices, shape (n_paths, n + 1). Every path starts at 100 in the picture.
    real
        Real prices, shape (m + 1,), rebased the same way.
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
        times = np.arange(rebased.size) if dates is None else dates[: rebased.size]
        ax.plot(times, rebased, color=REAL, label=real_name)
        drawn.append(rebased)
    if max(np.max(y) for y in drawn) > 3.0 * min(np.min(y) for y in drawn):
        ax.set_yscale("log")
        _plain_log_ticks(ax)
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

    Parameters
    ----------
    returns
        Log returns (dimensionless) by name, each of shape (n,).
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


@house_style()
def plot_tails(
    real: npt.ArrayLike,
    simulated: npt.ArrayLike,
    *,
    baselines: Mapping[str, npt.ArrayLike] | None = None,
    real_name: str = "real",
    title: str = "Tails of the return distribution",
    ax: Axes | None = None,
) -> Axes:
    """P(|z| > x) of standardised log returns on two logarithmic axes, with the Gaussian law.

    Parameters
    ----------
    real
        Log returns, shape (n,).
    simulated
        Log returns of simulated paths, shape (n_paths, m) or (m,); the median over paths and, from ten paths on, their
        95 % band.
    baselines
        Log returns of other models by name, shape (k,) or (paths, k); the median over paths is drawn.
    """
    ax = new_axes(ax, height=4.0)
    data = np.sort(np.abs(standardised(np.asarray(real, dtype=float), np)))
    paths = np.atleast_2d(np.asarray(simulated, dtype=float))
    largest = max(data[-1], float(np.quantile(np.max(np.abs(standardised(paths, np)), axis=1), 0.9)))
    x = np.geomspace(0.1, 1.1 * largest, 200)
    exceeded = _exceedances(paths, x)
    draw_sample_band(ax, x, exceeded, _ended(np.median(exceeded, axis=0)))
    _draw_baselines(ax, x, {k: _ended(np.median(_exceedances(r, x), axis=0)) for k, r in (baselines or {}).items()})
    ax.plot(x, erfc(x / np.sqrt(2.0)), color=GAUSSIAN, ls="--", label="Gaussian")
    ax.plot(data, (np.arange(data.size, 0, -1) - 0.5) / data.size, ".", ms=3.0, color=REAL, label=real_name)
    # A band that reaches zero has no lower end on a logarithmic axis; it is cut where the data end.
    ax.set(xscale="log", yscale="log", xlim=(x[0], x[-1]), ylim=(0.3 / data.size, 1.3))
    ax.set_xticks([0.1, 0.2, 0.5, 1, 2, 5, *([10] if x[-1] > 10 else []), *([20] if x[-1] > 20 else [])])
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.xaxis.set_minor_formatter(lambda value, _: "")
    x_label, y_label = "absolute return |z| (standard deviations)", "probability of a larger one (per period)"
    ax.set(title=title, xlabel=x_label, ylabel=y_label)
    ax.legend(loc="lower left")
    return ax


@house_style()
def plot_autocorrelation(
    real: npt.ArrayLike,
    simulated: npt.ArrayLike,
    *,
    of: Literal["returns", "absolute returns"] = "absolute returns",
    max_lag: int = 100,
    baselines: Mapping[str, npt.ArrayLike] | None = None,
    real_name: str = "real",
    period: str = "days",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Autocorrelation of returns or of their absolute values at lags 1..max_lag.

    Parameters
    ----------
    real
        Log returns, shape (n,).
    simulated
        Log returns of simulated paths, shape (n_paths, m) or (m,), m > max_lag; median over paths and, from ten paths
        on, their 95 % band. Paths as long as the real series make the band comparable.
    baselines
        Log returns of other models by name, shape (k,) or (paths, k); the median over paths is drawn.
    """
    ax = new_axes(ax)
    lags = np.arange(1, max_lag + 1)

    def correlogram(returns: npt.ArrayLike) -> np.ndarray:
        r = np.atleast_2d(np.asarray(returns, dtype=float))
        return np.asarray(autocorrelation(np.abs(r) if of == "absolute returns" else r, range(1, max_lag + 1)))

    ours = correlogram(simulated)
    ax.axhline(0.0, color=GAUSSIAN, lw=0.8)
    draw_sample_band(ax, lags, ours, np.median(ours, axis=0))
    _draw_baselines(ax, lags, {k: np.median(correlogram(v), axis=0) for k, v in (baselines or {}).items()})
    ax.plot(lags, correlogram(real)[0], ".", ms=4.0, color=REAL, label=real_name)
    ax.set(title=title or f"Autocorrelation of {of}", xlabel=f"lag ({period})", ylabel="autocorrelation")
    ax.set_xlim(0, max_lag + 1)
    legend_below(ax)
    return ax


def _rebased(prices: np.ndarray) -> np.ndarray:
    return 100.0 * prices / prices[..., :1]


def _plain_log_ticks(ax: Axes) -> None:
    """Write the ticks of a logarithmic price axis as plain numbers, fewer of them over several decades."""
    low, high = ax.get_ylim()
    shown = range(1, 10) if high < 12.0 * low else (1, 2, 5)

    def plain(value: float, _: int) -> str:
        return f"{value:,.10g}" if round(value / 10.0 ** np.floor(np.log10(value) + 1e-9)) in shown else ""

    ax.yaxis.set_major_formatter(FuncFormatter(plain))
    ax.yaxis.set_minor_formatter(FuncFormatter(plain))
    ax.tick_params(axis="y", which="minor", labelsize=7.5, labelcolor="#777777")


def _draw_baselines(ax: Axes, x: np.ndarray, lines: Mapping[str, np.ndarray]) -> None:
    for (name, y), colour in zip(lines.items(), colours(list(lines)).values(), strict=True):
        ax.plot(x, y, color=colour, label=name, lw=1.1)


def _exceedances(returns: npt.ArrayLike, x: np.ndarray) -> np.ndarray:
    """Share of each path's |z| above each x, shape (n_paths, number of x)."""
    z = np.sort(np.abs(standardised(np.atleast_2d(np.asarray(returns, dtype=float)), np)), axis=-1)
    return np.stack([1.0 - np.searchsorted(path, x, side="right") / path.size for path in z])


def _ended(share: np.ndarray) -> np.ndarray:
    """nan instead of zero, so that a line on a logarithmic axis ends there."""
    return np.where(share > 0.0, share, np.nan)
