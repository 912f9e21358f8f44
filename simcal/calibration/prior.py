"""Priors learned from other series: what a market's parameters mostly are, before a series has been seen.

A parameter is told as its distance, on the free scale, from the market with returns as large as the series'; so the
numbers of an index, a stock and a currency can stand in one table. What a parameter changes by per step is told in
deviations of the returns. The prior of a series has as centre the median over the others, as width their robust
deviation, and never more than the recipe's weak width.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from simcal import models
from simcal.calibration.recipe import PriceRecipe, Recipe
from simcal.calibration.runs import read_manifest
from simcal.calibration.scale import FreeScale
from simcal.errors import DataError, ParameterError
from simcal.models import Market
from simcal.resources import resource_folder

FEWEST = 5  # other series, of which a robust deviation can be told
_ALWAYS = 10**9  # returns, more than any series has
_NARROWEST = 0.1  # of the weak width: other series never know better


def learned_prior(runs: Iterable[str | Path]) -> pd.DataFrame:
    """The table of a prior, from estimates by likelihood of the same parameters on several series.

    Parameters
    ----------
    runs
        Run folders, or folders of run folders such as `calibrate_many` leaves. Their data are not read.

    Returns
    -------
    pandas.DataFrame
        A row per series, indexed by its name; columns are parameters, told as recipes tell the widths of priors.

    Raises
    ------
    DataError
        A folder has no finished estimate by likelihood, or the estimates are of different parameters.
    """
    rows: dict[str, dict[str, float]] = {}
    for folder in _expanded(runs):
        manifest = read_manifest(folder)
        details = (manifest.get("estimate") or {}).get("details", {})
        if "deviation" not in details:
            raise DataError(f"{folder} has no estimate by likelihood, from which a prior is learned; leave it out.")
        names = tuple(manifest["estimate"]["names"])
        origin = models.load(folder / "origin.toml")
        scale = FreeScale(origin, names)
        at, before = scale.free_of(models.load(folder / "market.toml")), scale.free_of(origin)
        told = np.where(scale.per_step, at / details["deviation"], at - before) * scale.units
        name = manifest["data"]["name"] if manifest["data"]["source"] else folder.name
        rows[name] = dict(zip(names, told.tolist(), strict=True))
    table = pd.DataFrame(rows).T.rename_axis("series")
    if table.isna().to_numpy().any():
        raise DataError("The runs of a prior calibrate different parameters; give runs of one recipe.")
    return table


def read_prior(source: str | Path) -> pd.DataFrame:
    """A prior by its name from ``calibration/``, from a CSV file, or from a folder of runs; see `learned_prior`."""
    path = Path(source)
    if path.is_dir():
        return learned_prior([path])
    shipped = resource_folder("calibration") / f"{source}.csv"
    path = path if path.is_file() or not shipped.is_file() else shipped
    try:
        return pd.read_csv(path, index_col="series", comment="#").astype(float)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{source} is not the prior of other series ({error}); give a folder of runs, or a CSV file with a column "
            "series and one for each parameter."
        ) from None


def with_prior_from(recipe: Recipe, source: str | Path) -> Recipe:
    """The recipe with a prior learned from `source`, as `read_prior` takes it, however long the series is."""
    if not isinstance(recipe, PriceRecipe) or recipe.estimator != "likelihood":
        raise ParameterError(
            f"A prior was given, but the recipe {recipe.name} does not estimate by likelihood; leave the prior out, or "
            "give a recipe that does."
        )
    read_prior(source)  # what is wrong with it is said before the search
    rules = recipe.likelihood.model_copy(update={"learned": str(source), "learned_below": _ALWAYS})
    return recipe.model_copy(update={"likelihood": rules})


def with_learned(origin: Market, recipe: PriceRecipe, prices: np.ndarray, name: str) -> tuple[Market, PriceRecipe, str]:
    """The market and the recipe with the centre and the widths of the prior that the recipe names, and a sentence.

    `origin` has returns as large as those of `prices`, (n_steps + 1,). The series `name` is left out of the table, and
    what has the same name up to a hyphen: "sp500" leaves out "sp500-long". All stays as it is where the series is as
    long as ``learned_below``, or where fewer than `FEWEST` others are left.
    """
    rules, returns = recipe.likelihood, np.diff(np.log(prices))
    if rules.learned is None or len(returns) >= rules.learned_below:
        return origin, recipe, ""
    prior = read_prior(rules.learned)
    others = prior[[_stem(other) != _stem(name) for other in prior.index]]
    names = [n for n in recipe.trainable if n in others.columns and n in rules.priors]
    if len(others) < FEWEST or not names:
        return origin, recipe, f" Of the prior {rules.learned} nothing could be used; it is the recipe's weak one."
    table, scale = others.filter(names), FreeScale(origin, names)
    middle = table.median()
    spread = 1.4826 * table.sub(middle).abs().median()
    widths = {n: float(np.clip(spread[n], _NARROWEST * rules.priors[n], rules.priors[n])) for n in names}
    told = middle.to_numpy()
    free = np.where(scale.per_step, told * returns.std(), scale.free_of(origin) * scale.units + told) / scale.units
    likelihood = rules.model_copy(update={"priors": rules.priors | widths})
    said = f" The prior is what {len(others)} other series say."
    return scale.market(free), recipe.model_copy(update={"likelihood": likelihood}), said


def _expanded(runs: Iterable[str | Path]) -> Iterable[Path]:
    for folder in map(Path, runs):
        inner = sorted(path.parent for path in folder.glob("*/manifest.json"))
        if not inner and not (folder / "manifest.json").is_file():
            raise DataError(
                f"{folder} is neither a run nor a folder of runs; calibrate several series first, as in `simcal "
                "calibrate A.csv B.csv C.csv --out FOLDER`."
            )
        yield from inner or [folder]


def _stem(name: str) -> str:
    return name.lower().split("-")[0]
