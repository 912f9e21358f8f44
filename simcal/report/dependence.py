"""The shape and the memory of returns: tails and autocorrelations, real against simulated."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from scipy.special import erfc

from simcal.facts import autocorrelation
from simcal.facts.arrays import standardised
from simcal.report.style import GAUSSIAN, REAL, SIMULATED, draw_lines, house_style, legend_below, new_axes

_BAND = (0.025, 0.975)


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

    Main arguments
    --------------
    real
        Log returns, shape (n,).
    simulated
        Log returns of simulated paths, shape (n_paths, m) or (m,); the median over paths and, from ten paths on, their
        95 % band.

    Other arguments
    ---------------
    baselines
        Log returns of other models by name, shape (k,) or (paths, k); the median over paths is drawn.
    """
    ax = new_axes(ax, height=4.0)
    data = np.sort(np.abs(standardised(np.asarray(real, dtype=float), np)))
    paths = np.atleast_2d(np.asarray(simulated, dtype=float))
    largest = max(data[-1], float(np.quantile(np.max(np.abs(standardised(paths, np)), axis=1), 0.9)))
    x = np.geomspace(0.1, 1.1 * largest, 200)
    exceeded = _exceedances(paths, x)
    if len(paths) >= 10:
        low, high = np.quantile(exceeded, _BAND, axis=0)
        ax.fill_between(x, low, high, color=SIMULATED, alpha=0.18, lw=0, label="simulated, 95 % of paths")
    ax.plot(x, _ended(np.median(exceeded, axis=0)), color=SIMULATED, label="simulated, median")
    others = {name: _ended(np.median(_exceedances(r, x), axis=0)) for name, r in (baselines or {}).items()}
    draw_lines(ax, x, others, lw=1.1)
    ax.plot(x, erfc(x / np.sqrt(2.0)), color=GAUSSIAN, ls="--", label="Gaussian")
    ax.plot(data, (np.arange(data.size, 0, -1) - 0.5) / data.size, ".", ms=3.0, color=REAL, label=real_name)
    # A band that reaches zero has no lower end on a logarithmic axis; it is cut where the data end.
    ax.set(xscale="log", yscale="log", xlim=(x[0], x[-1]), ylim=(0.3 / data.size, 1.3))
    ax.set_xticks([0.1, 0.2, 0.5, 1, 2, 5, *([10] if x[-1] > 10 else []), *([20] if x[-1] > 20 else [])])
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.xaxis.set_minor_formatter(lambda value, _: "")
    ax.set(
        title=title,
        xlabel="absolute return |z| (standard deviations)",
        ylabel="probability of a larger one (per period)",
    )
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

    Main arguments
    --------------
    real
        Log returns, shape (n,).
    simulated
        Log returns of simulated paths, shape (n_paths, m) or (m,), m > max_lag; median over paths and, from ten paths
        on, their 95 % band. Paths as long as the real series make the band comparable.

    Other arguments
    ---------------
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
    if len(ours) >= 10:
        low, high = np.quantile(ours, _BAND, axis=0)
        ax.fill_between(lags, low, high, color=SIMULATED, alpha=0.18, lw=0, label="simulated, 95 % of paths")
    ax.plot(lags, np.median(ours, axis=0), color=SIMULATED, label="simulated, median")
    draw_lines(ax, lags, {k: np.median(correlogram(v), axis=0) for k, v in (baselines or {}).items()}, lw=1.1)
    ax.plot(lags, correlogram(real)[0], ".", ms=4.0, color=REAL, label=real_name)
    ax.set(
        title=title or f"Autocorrelation of {of}",
        xlabel=f"lag ({period})",
        ylabel="autocorrelation",
        xlim=(0, max_lag + 1),
    )
    legend_below(ax)
    return ax


def _exceedances(returns: npt.ArrayLike, x: np.ndarray) -> np.ndarray:
    """Share of each path's |z| above each x, shape (n_paths, number of x)."""
    z = np.sort(np.abs(standardised(np.atleast_2d(np.asarray(returns, dtype=float)), np)), axis=-1)
    return np.stack([1.0 - np.searchsorted(path, x, side="right") / path.size for path in z])


def _ended(share: np.ndarray) -> np.ndarray:
    """nan instead of zero, so that a line on a logarithmic axis ends there."""
    return np.where(share > 0.0, share, np.nan)
