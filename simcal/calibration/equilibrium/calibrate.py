"""From a price and volume series and a recipe to a market with trading costs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from simcal.calibration.equilibrium.fit import fit_moments
from simcal.calibration.equilibrium.form import starting_law
from simcal.calibration.equilibrium.observations import observe, volume_series
from simcal.calibration.equilibrium.result import EquilibriumCalibration
from simcal.calibration.recipe import EquilibriumSettings, Recipe
from simcal.files import make_folder
from simcal.models.trading_costs import EquilibriumMarket, TwoGroups


def calibrate_equilibrium(data: Any, recipe: Recipe, *, out: Path | None = None) -> EquilibriumCalibration:
    """Fit two groups of traders with trading costs to prices and volume, and make their market.

    The dividend is taken to be far away, so that all steps are alike: daily prices have no horizon after which traders
    begin anew. Time is counted in steps of the series. The model has one source of noise, so that volume is an exact
    function of past price changes; no data are like that, and a likelihood would refuse them all. Moments use what it
    says of means, memories and their relation, and the test of the surplus moments says how far that holds.

    Parameters
    ----------
    data
        What `load_series` takes, with volume.
    recipe
        The resolved recipe; its first ``train_share`` of the series is used.
    out
        The run folder.

    Raises
    ------
    DataError, NumericalError
        The data cannot be used, or no equilibrium has their moments; in one sentence.
    """
    settings = recipe.equilibrium or EquilibriumSettings()
    series = volume_series(data)
    part = series.split(recipe.train_share)[0] if recipe.train_share < 1 else series
    seen = observe(part, settings)
    if out is not None:
        make_folder(out)
    began = time.monotonic()
    fit = fit_moments(seen, settings, seed=recipe.seed)
    start, _ = starting_law(seen, settings)

    def market(groups: TwoGroups) -> EquilibriumMarket:
        return groups.market(initial_price=seen.level, changes=settings.changes)

    origin = market(TwoGroups.of_law(start, supply=seen.supply))
    calibration = EquilibriumCalibration(
        market(fit.groups), origin, recipe, series, seen, fit, time.monotonic() - began, _source(data)
    )
    if out is not None:
        calibration.save(out)
    return calibration


def _source(data: Any) -> str:
    """Where the data can be read again: a file with its whole path, or a name; empty for data that were passed in."""
    if not isinstance(data, (str, Path)):
        return ""
    return str(Path(data).resolve()) if Path(data).is_file() else str(data)
