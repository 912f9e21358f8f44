"""Volume and its moments: data beside a model."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from simcal.report.style import REAL, SIMULATED, house_style, legend_below, new_axes, new_grid


@house_style()
def plot_moment_distances(
    moments: Sequence[Mapping[str, object]], *, title: str = "Moments: data less model", ax: Axes | None = None
) -> Axes:
    """How far each moment of the data is from the model's, in standard errors of the data's; grey: within two.

    Main arguments
    --------------
    moments
        A row each with `moment` (its name) and `distance`.
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
def plot_volume_memory(
    volume: npt.ArrayLike,
    model: npt.ArrayLike,
    *,
    most: int = 60,
    period: str = "steps",
    real_name: str = "data",
    title: str = "How long volume remembers",
    axes: npt.ArrayLike | None = None,
) -> np.ndarray:
    """Autocorrelation of volume, and its distribution in units of its mean, of data and model.

    Main arguments
    --------------
    volume
        Of the data, (n,).
    model
        Of simulated series, (series, n).

    Returns
    -------
    The panels, shape (1, 2).
    """
    real, fake = np.asarray(volume, dtype=float), np.atleast_2d(np.asarray(model, dtype=float))
    grid = new_grid(axes, 1, 2, height=3.3, share_x=False)
    lags = np.arange(1, min(most, real.size // 4) + 1)
    left, right = grid[0]
    left.axhline(0, color=REAL, lw=0.5)
    left.plot(lags, _autocorrelation(real[None], lags)[0], color=REAL, label=real_name)
    left.plot(lags, _autocorrelation(fake, lags).mean(axis=0), color=SIMULATED, label="model")
    left.set(title=title, xlabel=f"lag ({period})", ylabel="autocorrelation", xlim=(0, lags[-1]))
    end = float(np.quantile(real / real.mean(), 0.995)) * 1.1
    bins = np.linspace(0, max(end, 2.0), 50).tolist()
    shown = {"density": True, "histtype": "step", "lw": 1.3}
    right.hist(np.clip(real / real.mean(), 0, bins[-1]), bins, color=REAL, label=real_name, **shown)
    right.hist(np.clip((fake / fake.mean()).ravel(), 0, bins[-1]), bins, color=SIMULATED, label="model", **shown)
    right.set(title="Its distribution", xlabel="volume (mean 1)", ylabel="density")
    legend_below(left)
    return grid


def _autocorrelation(values: np.ndarray, lags: np.ndarray) -> np.ndarray:
    centred = values - values.mean(axis=1, keepdims=True)
    size = (centred**2).mean(axis=1)
    return np.stack([(centred[:, h:] * centred[:, :-h]).mean(axis=1) / size for h in lags], axis=1)
