"""The verb `track`: a market's parameters through time, from windows of a price series."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal import models
from simcal.calibration.calibrate import origin_of
from simcal.calibration.estimate import Estimate
from simcal.calibration.likelihood import fit_likelihood
from simcal.calibration.penalised import Penalised
from simcal.calibration.prices import matched
from simcal.calibration.prior import with_learned
from simcal.calibration.recipe import PriceRecipe, Recipe, load_recipe
from simcal.calibration.starts import start_markets
from simcal.calibration.statistics import statistics
from simcal.data import PriceSeries, load_series
from simcal.errors import DataError, ParameterError
from simcal.files import make_folder, write_atomically
from simcal.inference.constancy import nyblom
from simcal.json_text import json_text
from simcal.models import Market
from simcal.noise import check_integer
from simcal.training import torch_threads

SHORTEST = 250  # returns


@dataclass(frozen=True, eq=False)
class Tracked:
    """Parameters through time.

    Attributes
    ----------
    series
        The prices.
    estimates
        One per window, in the order of time.
    markets
        The calibrated markets, likewise.
    windows
        First and last position of each window's prices in the series.
    constancy
        Nyblom's test of every parameter and of all together over the whole series.
    """

    series: PriceSeries
    estimates: tuple[Estimate, ...] = field(repr=False)
    markets: tuple[Market, ...] = field(repr=False)
    windows: tuple[tuple[int, int], ...] = field(repr=False)
    constancy: pd.DataFrame = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The tracked parameters."""
        return self.estimates[0].names

    def table(self) -> pd.DataFrame:
        """A row per window, indexed by its last date: returns, log-likelihood per return, parameters and errors."""
        rows = []
        for one, (first, last) in zip(self.estimates, self.windows, strict=True):
            row = {"first": self.series.dates[first], "returns": last - first, "settled": one.succeeded,
                   "log_likelihood": one.details["log_likelihood"] / one.n}  # fmt: skip
            errors = one.standard_errors
            for k, name in enumerate(one.names):
                row |= {name: one.values[k], f"{name}_error": errors[k]}
            rows.append(row)
        return pd.DataFrame(rows, index=pd.Index([self.series.dates[last] for _, last in self.windows], name="last"))

    def summary(self) -> pd.DataFrame:
        """Every parameter in the first and the last window, its range, and whether it stayed the same."""
        values = self.table()[list(self.names)]
        found = pd.DataFrame({"first window": values.iloc[0], "last window": values.iloc[-1],
                              "least": values.min(), "most": values.max()})  # fmt: skip
        found["p, constant"] = self.constancy.set_index("parameter")["p"].reindex(found.index)
        return found.rename_axis("parameter").reset_index()

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the windows and the test."""
        table = self.table().reset_index()
        return {
            "series": self.series.name, "windows": json.loads(str(table.to_json(orient="records", date_format="iso"))),
            "constancy": self.constancy.to_dict("records"),
        }  # fmt: skip

    def plot(self) -> np.ndarray:
        """The price above every parameter, with bands of two standard errors."""
        from simcal.report.style import REAL, SIMULATED, house_style, name_grid, new_grid

        table, shown = self.table(), self.names
        with house_style():
            grid = new_grid(None, 1 + len(shown), 1, height=1.3 * (1 + len(shown)))
            axes = grid.ravel()
            axes[0].plot(self.series.dates, self.series.prices, color=REAL, lw=0.8)
            axes[0].set_yscale("log")
            axes[0].set_ylabel("price")
            for ax, name in zip(axes[1:], shown, strict=True):
                value, error = table[name], 2 * table[f"{name}_error"]
                (line,) = ax.plot(table.index, value, "o-", color=SIMULATED, ms=3, lw=0.9, label="estimate")
                band = ax.fill_between(
                    table.index, value - error, value + error, color=SIMULATED, alpha=0.2, lw=0,
                    label="two standard errors",
                )  # fmt: skip
                ax.set_ylabel(name.replace("_", "\n"), rotation=0, ha="right", va="center")
            for ax in axes:
                ax.set_xlim(self.series.dates[0], self.series.dates[-1])
            axes[-1].set_xlabel("last day of a window" if isinstance(table.index, pd.DatetimeIndex) else "step")
            return name_grid(grid, f"The market of {self.series.name} through time", [line, band])


def track(
    data: Any,
    *,
    market: Market | str | Path | None = None,
    recipe: Recipe | str | Path = "likelihood",
    window: int | None = None,
    every: int = 250,
    out: str | Path | None = None,
    listen: Callable[[int, int], None] | None = None,
) -> Tracked:
    """Calibrate a market anew as time goes on, by exact likelihood, each time from the last solution.

    Parameters
    ----------
    data
        What `simcal.load_series` takes, or a `PriceSeries`.
    market
        Where the first search begins; the recipe's when absent.
    recipe
        One whose estimator is ``likelihood``; all prices of a window are used.
    window
        Returns in a window that rolls; None: windows begin at the first price and grow.
    every
        Returns from one window's end to the next; the last window ends with the series.
    out
        A folder that keeps every window that is done; the same call continues there.
    listen
        Called with how many windows are done, and of how many.

    Returns
    -------
    Tracked

    Raises
    ------
    ParameterError
        An argument is not allowed, or the folder holds the windows of something else.
    DataError
        The series is shorter than a window.

    Examples
    --------
    >>> import simcal
    >>> prices = simcal.simulate(simcal.load("herding-today"), 1, 600, seed=2).prices[0]
    >>> recipe = simcal.calibration.Recipe.model_validate(
    ...     {"name": "one", "market": "herding-today", "estimator": "likelihood", "trainable": ["chartist_sd"],
    ...      "starts": {"count": 1}}
    ... )
    >>> len(track(prices, recipe=recipe, window=300, every=300).estimates)
    2
    """
    series = data if isinstance(data, PriceSeries) else load_series(data)
    recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    if not isinstance(recipe, PriceRecipe) or recipe.estimator != "likelihood":
        raise ParameterError(
            f"The recipe {recipe.name} does not estimate by likelihood, which is what makes a market of every window "
            "in seconds; give one with estimator = \"likelihood\"."
        )  # fmt: skip
    windows = _windows(series.n - 1, window, check_integer("every", every, 1, 10**9))
    base = origin_of(None if market is None else models.load(market), recipe)
    identity = {
        "recipe": recipe.model_dump(mode="json"), "market": base.to_dict(), "windows": windows,
        "prices": hashlib.sha256(series.prices.tobytes()).hexdigest(),
    }  # fmt: skip
    store = None if out is None else make_folder(Path(out)) / "track.json"
    found = [] if store is None else _read(store, identity)
    kept, features, markets = len(found), statistics(recipe.statistics), []
    for k, (first, last) in enumerate(windows):
        prices = series.prices[first : last + 1]
        origin = matched(base, np.diff(np.log(prices)), recipe)
        if k >= kept:
            begin, rules, _ = with_learned(origin, recipe, prices, series.name)
            # From the last solution, and from afar in case that it has become a bad one.
            starts = [_at(begin, found[-1]), begin] if found else _scattered(begin, rules)
            found.append(fit_likelihood(begin, starts, prices, rules, features=features)[1])
            if store is not None:
                rows = [estimate.to_dict() for estimate in found]
                write_atomically(store, json_text({"identity": identity, "windows": rows}))
        markets.append(_at(origin, found[k]))
        if listen is not None:
            listen(k + 1, len(windows))
    constancy = _constancy(matched(base, series.log_returns, recipe), series, recipe, markets[-1])
    tracked = Tracked(series, tuple(found), tuple(markets), tuple(windows), constancy)
    if out is not None:
        write_atomically(Path(out) / "track.csv", tracked.table().to_csv())
    return tracked


def _windows(n: int, window: int | None, every: int) -> list[tuple[int, int]]:
    """First and last positions of the windows of a series of n returns."""
    shortest = SHORTEST if window is None else check_integer("window", window, SHORTEST, 10**9)
    if n < shortest:
        raise DataError(
            f"The series has {n} returns, but a window has at least {shortest}; give a longer series or a smaller "
            "window."
        )
    longest = n if window is None else window
    ends = sorted(range(n, shortest - 1, -every))
    return [(max(end - longest, 0), end) for end in ends]


def _scattered(origin: Market, recipe: PriceRecipe) -> list[Market]:
    return start_markets(origin, recipe.trainable, (), recipe.starts.model_copy(update={"law": "scatter"}), recipe.seed)


def _at(market: Market, estimate: Estimate) -> Market:
    return market.replace(**dict(zip(estimate.names, estimate.values.tolist(), strict=True)))


def _read(store: Path, identity: dict[str, Any]) -> list[Estimate]:
    """The windows that a folder holds; `ParameterError` where they are of something else."""
    if not store.is_file():
        return []
    try:
        held = json.loads(store.read_text(encoding="utf-8"))
        rows, other = held["windows"], held["identity"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{store} cannot be read ({error}); remove it, or give another folder.") from error
    differs = [name for name, value in json.loads(json_text(identity)).items() if other.get(name) != value]
    if differs:
        raise ParameterError(
            f"{store} holds windows with another {' and '.join(differs)}; give another folder, or repeat the command "
            "that wrote it."
        )
    return [Estimate.from_dict(row) for row in rows]


def _constancy(origin: Market, series: PriceSeries, recipe: PriceRecipe, near: Market) -> pd.DataFrame:
    """Nyblom's test at the estimate from all prices, by the likelihood alone."""
    target = Penalised(
        origin, recipe.trainable, series.prices, recipe.likelihood.priors, recipe.likelihood.warm_up
    )  # fmt: skip
    with torch_threads(1):
        at = target.maximise(target.scale.free_of(near), lambda row: None)[0]
        return nyblom(target.scores(at), target.names)
