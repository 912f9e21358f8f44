"""Verdicts in one picture: facts in their bands, the classifier ladder, errors against the best possible ones."""

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from simcal.report.style import FAIL, GAUSSIAN, GRID, PASS, REAL, alternatives, house_style, legend_below, new_axes
from simcal.report.tables import format_number, require_columns

_REACH = 3.2  # in half bands; what lies further out is drawn at the edge, with an arrow
_CLASSIFIERS = {"logistic": "logistic regression", "forest": "random forest"}


@house_style()
def plot_fact_bands(
    table: pd.DataFrame, *, title: str = "Stylised facts in their 95 % bands", ax: Axes | None = None
) -> Axes:
    """Every fact on the scale of its own band, which reaches from -1 to 1; the numbers stand at the right.

    Parameters
    ----------
    table
        As `facts.compare` gives it: one row per fact with the columns `label`, `data` (real value), `low` and `high`
        (band around it), `simulated` (median over paths), and optionally `unit`, `simulated_low` and `simulated_high`.
        A simulated median inside the band passes. Facts without a band show their numbers only.
    """
    require_columns(table, ("label", "data", "low", "high", "simulated"))
    ax = new_axes(ax, height=1.3 + 0.24 * len(table))
    middle, half = (table["low"] + table["high"]) / 2, (table["high"] - table["low"]) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = [name for name in ("data", "simulated", "simulated_low", "simulated_high") if name in table]
        scaled = {name: ((table[name] - middle) / half).to_numpy(dtype=float) for name in drawn}
    for y, row in enumerate(table.to_dict("records")):
        if np.isfinite(scaled["data"][y]):
            ax.barh(y, 2.0, left=-1.0, height=0.62, color=GRID, lw=0)
            ax.plot([scaled["data"][y]] * 2, [y - 0.31, y + 0.31], color=REAL, lw=2.0)
        x = scaled["simulated"][y]
        inside = row["low"] <= row["simulated"] <= row["high"]
        colour = PASS if inside else FAIL
        if "simulated_low" in scaled and "simulated_high" in scaled:
            ends = np.clip([scaled["simulated_low"][y], scaled["simulated_high"][y]], -_REACH, _REACH)
            ax.plot(ends, [y, y], color=colour, lw=1.2, alpha=0.8)
        if np.isfinite(x):
            marker = ("o" if inside else "X") if abs(x) <= _REACH else (">" if x > 0 else "<")
            ax.plot(np.clip(x, -_REACH, _REACH), y, marker, color=colour, ms=6.5, mec="white", mew=0.6)
        _write_beside(ax, y, f"{format_number(row['data'])}  |  {format_number(row['simulated'])}")
    _write_beside(ax, -0.95, "real  |  simulated", weight="bold")
    ax.set_yticks(range(len(table)), [_fact_name(row) for row in table.to_dict("records")])
    ax.set(xlim=(-_REACH - 0.15, _REACH + 0.15), ylim=(len(table) - 0.4, -0.6), xticks=range(-3, 4))
    ax.set(xlabel="half band widths from the middle", ylabel="")
    ax.tick_params(axis="y", labelsize=8)
    ax.set_title(title, pad=18.0)  # above the heading of the numbers, which may be narrower than the title
    ax.grid(False, axis="y")
    handles = [
        Patch(color=GRID, label="95 % band"),
        Line2D([], [], color=REAL, lw=2.0, label="real"),
        Line2D([], [], color=PASS, marker="o", ls="", label="simulated, inside"),
        Line2D([], [], color=FAIL, marker="X", ls="", label="simulated, outside"),
    ]
    if np.nanmax(np.abs(scaled["simulated"]), initial=0.0) > _REACH:
        handles.append(Line2D([], [], color=FAIL, marker=">", ls="", label="further out"))
    legend_below(ax, handles)
    return ax


@house_style()
def plot_ladder(
    table: pd.DataFrame, *, title: str = "Can a classifier tell it from the real market?", ax: Axes | None = None
) -> Axes:
    """AUC of classifiers that tell each model's windows from real ones, with intervals; 0.5 is chance.

    Parameters
    ----------
    table
        As `facts.ladder` gives it: one row per model, named by the index, and for every classifier the columns
        `<classifier>_auc`, `<classifier>_low`, `<classifier>_high`. Rows whose name begins with "real" are drawn pale:
        real against real is the floor, and nothing can be asked to do better.

    Raises
    ------
    ParameterError
        There is no AUC, or one without its interval.
    """
    classifiers = [str(column).removesuffix("_auc") for column in table.columns if str(column).endswith("_auc")]
    if not classifiers:
        require_columns(table, ("logistic_auc", "logistic_low", "logistic_high"))
    require_columns(table, tuple(f"{name}_{end}" for name in classifiers for end in ("low", "high")))
    thickness = 0.74 / len(classifiers)
    ax = new_axes(ax, height=1.3 + 0.22 * len(table) * (len(classifiers) + 0.6))
    palette = alternatives(classifiers)
    names = [str(name) for name in table.index]
    for i, (name, row) in enumerate(zip(names, table.to_dict("records"), strict=True)):
        for j, classifier in enumerate(classifiers):
            y = i + (j - (len(classifiers) - 1) / 2) * thickness
            auc, low, high = (row[f"{classifier}_{end}"] for end in ("auc", "low", "high"))
            alpha = 0.35 if name.lower().startswith("real") else 0.85
            ax.barh(y, auc, height=0.9 * thickness, color=palette[classifier], alpha=alpha)
            ax.plot([low, high], [y, y], color=REAL, lw=1.1, marker="|", ms=5)
            _write_beside(ax, y, "n/a" if np.isnan(auc) else f"{auc:.2f}")
    ax.axvline(0.5, color=FAIL, ls="--", lw=1.2)
    ax.set_yticks(range(len(names)), [textwrap.fill(name, 24) for name in names])
    ax.set(xlim=(0.0, 1.0), ylim=(len(names) - 0.4, -0.6), title=title, ylabel="")
    ax.set_xlabel("area under the ROC curve (AUC): 0.5 cannot be told apart, 1 always told apart")
    ax.grid(False, axis="y")
    handles = [Patch(color=palette[name], label=_CLASSIFIERS.get(name, name)) for name in classifiers]
    handles += [
        Line2D([], [], color=FAIL, ls="--", label="chance"),
        Line2D([], [], color=REAL, marker="|", label="interval"),
    ]
    legend_below(ax, handles)
    return ax


@house_style()
def plot_errors_against_bound(
    errors: pd.DataFrame,
    bound: Mapping[str, float],
    *,
    target: float | None = 1.25,
    title: str = "Errors against the best that the data allow",
    ax: Axes | None = None,
) -> Axes:
    """Errors of repeated estimates in units of the efficient standard error, and their root mean square.

    Parameters
    ----------
    errors
        One column per parameter and one row per replication; with a column `recipe`, each recipe has its colour.
    bound
        The efficient standard error of each parameter, in the same unit as its errors.
    target
        The multiple of the bound that was aimed at; None draws no line.
    """
    require_columns(errors, tuple(bound))
    ax = new_axes(ax, height=3.6)
    recipes = errors["recipe"] if "recipe" in errors else pd.Series("estimates", index=errors.index)
    scaled = (errors[list(bound)].abs() / pd.Series(bound)).assign(recipe=recipes)
    long = scaled.melt(id_vars="recipe", var_name="parameter", value_name="error")
    names = list(dict.fromkeys(recipes))
    palette = alternatives(names)
    style = {"palette": palette, "dodge": len(names) > 1, "jitter": False, "alpha": 0.45, "size": 4}
    sns.stripplot(long, x="parameter", y="error", hue="recipe", ax=ax, **style)
    width = 0.8 / len(names)
    for j, parameter in enumerate(bound):
        for k, name in enumerate(names):
            e = scaled.loc[scaled["recipe"] == name, parameter]
            x = j + (k - (len(names) - 1) / 2) * width
            ax.hlines(np.sqrt(np.mean(e**2)), x - 0.35 * width, x + 0.35 * width, color=palette[name], lw=2.6)
    ax.axhline(1.0, color=REAL, ls="--", lw=1.0, label="efficient bound")
    if target is not None:
        ax.axhline(target, color=FAIL, ls=":", lw=1.3, label=f"target ({target:g} × bound)")
    ax.plot([], [], color=GAUSSIAN, lw=2.6, label="root mean square")
    if float(np.max(long["error"].to_numpy())) > 8.0:
        ax.set_yscale("symlog", linthresh=2.0)
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.set(title=title, xlabel="parameter", ylabel="absolute error (efficient standard errors)")
    ax.set_ylim(bottom=0.0)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), title=None)
    return ax


def _write_beside(ax: Axes, y: float, words: str, **style: Any) -> None:
    """Words at the right of a row."""
    ax.text(1.02, y, words, transform=ax.get_yaxis_transform(), va="center", fontsize=8, **style)


def _fact_name(row: dict[Any, Any]) -> str:
    return f"{row['label']} ({row['unit']})" if row.get("unit") else str(row["label"])
