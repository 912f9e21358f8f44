"""A market with trading costs from a price and volume series: the verb, its result with errors, and a run folder."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from simcal.calibration.prices import source_of
from simcal.calibration.recipe import EquilibriumSettings, Recipe
from simcal.calibration.result import write_run
from simcal.calibration.windows import training_part
from simcal.data import PriceSeries
from simcal.equilibrium.market import EquilibriumMarket
from simcal.equilibrium.moment_fit import (
    BACKGROUND,
    GROUPS,
    IMPLIED,
    LAW,
    MomentFit,
    fit_moments,
    search_status,
    starting_law,
)
from simcal.equilibrium.observations import Observations, observe, volume_series
from simcal.equilibrium.two_groups import TwoGroups
from simcal.files import make_folder, write_atomically

if TYPE_CHECKING:
    from simcal.report import Section

KIND = "equilibrium"
"""What the manifest of such a run calls it."""

MEANINGS = {
    "premium": "mean price change",
    "volatility": "deviation of price changes",
    "persistence": "share of a gap to the wanted positions that is left after a step",
    "trading": "deviation of the signed volume, in shares",
    "excess": "share of a price change that goes away again",
    "background": "constant volume of others, in shares",
    "risk_aversion[0]": "absolute risk aversion of the first group",
    "risk_aversion[1]": "absolute risk aversion of the second group",
    "exposure": "volatility of the first group's endowment per unit of W",
    "cost": "lambda: (lambda / 2) v^2 is paid at the rate v",
    "dividend_volatility": "volatility that there would be without trading costs",
    "risk_aversion_ratio": "second group's risk aversion in those of the first",
    "half_life": "steps after which half of a gap is closed",
    "excess_volatility": "volatility above that without trading costs, relative",
    "liquidity_premium": "mean price change that is there because of trading costs",
}


@dataclass(frozen=True, eq=False)
class EquilibriumCalibration:
    """A market of two groups with trading costs, calibrated to prices and volume by moments.

    Parameters
    ----------
    market, origin
        The calibrated market, ready for `simcal.simulate`, and that at which the search began.
    recipe, series
        The resolved recipe, and the whole series, of which the recipe's ``train_share`` was used.
    observations, fit
        What the moments were taken of, and what they give.
    """

    market: EquilibriumMarket
    origin: EquilibriumMarket
    recipe: Recipe
    series: PriceSeries
    observations: Observations = field(repr=False)
    fit: MomentFit = field(repr=False)
    seconds: float
    data_name: str = ""

    @property
    def estimates(self) -> pd.DataFrame:
        """One row per number: group, quantity, estimate, standard error, that if the model holds, meaning."""
        return estimates_table(self.fit.to_dict())

    @property
    def status(self) -> str:
        """The sentences of `status_sentences` as one text."""
        return " ".join(status_sentences(self.fit.to_dict(), self.recipe))

    @property
    def history(self) -> pd.DataFrame:
        """Objective and law after each renewal of the weights."""
        return pd.DataFrame(self.fit.history)

    def summary(self) -> dict[str, pd.DataFrame]:
        """The estimates, by title."""
        return {f"From {self.series.name}": self.estimates.drop(columns=["of", "if the model holds"])}

    def sections(self) -> list[Section]:
        """What a report shows."""
        from simcal.equilibrium.calibration_report import sections_of_fit

        return sections_of_fit(self.fit.to_dict(), self.recipe, self.series, ["Its prices have not been judged."])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``--json`` prints them."""
        return {
            "kind": KIND,
            "market": self.market.to_dict(),
            "fit": self.fit.to_dict(),
            "supply": self.observations.supply,
            "level": self.observations.level,
            "status": self.status,
            "seconds": self.seconds,
            "recipe": self.recipe.name,
            "data": {"name": self.series.name, "n": self.series.n, "sha256": self.series.sha256},
        }

    def save(self, folder: str | Path) -> Path:
        """Write market, recipe, estimates, history and manifest into a folder that `simcal.load` reads."""
        folder, record = Path(folder), self.to_dict()
        record |= {"data": {**record["data"], "source": self.data_name}, "starts": []}
        write_atomically(folder / "estimates.csv", self.estimates.to_csv(index=False))
        return write_run(folder, record, self.recipe, self.history, {"market": self.market, "origin": self.origin})


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
    seen = observe(training_part(series, recipe.train_share), settings)
    if out is not None:
        make_folder(out)
    began = time.monotonic()
    fit = fit_moments(seen, settings, seed=recipe.seed)
    start, _ = starting_law(seen, settings)

    def market(groups: TwoGroups) -> EquilibriumMarket:
        return groups.market(initial_price=seen.level, changes=settings.changes)

    origin = market(TwoGroups.of_law(start, supply=seen.supply))
    calibration = EquilibriumCalibration(
        market(fit.groups), origin, recipe, series, seen, fit, time.monotonic() - began, source_of(data)
    )
    if out is not None:
        calibration.save(out)
    return calibration


def estimates_table(fit: dict[str, Any]) -> pd.DataFrame:
    """The estimates of a fit as a table; `fit` as `MomentFit.to_dict` gives it."""
    kinds = {**dict.fromkeys((*LAW, BACKGROUND), "prices and volume"), **dict.fromkeys(GROUPS, "traders")}
    kinds |= dict.fromkeys(IMPLIED, "implied")
    return pd.DataFrame(
        {
            "of": [kinds[name] for name in fit["names"]],
            "parameter": fit["names"],
            "estimate": fit["values"],
            "standard error": fit["standard_errors"],
            "if the model holds": fit["model_errors"],
            "meaning": [MEANINGS[name] for name in fit["names"]],
        }
    )


def status_sentences(fit: dict[str, Any], recipe: Recipe) -> list[str]:
    """How the fit ended and what the data do not tell; `fit` as `MomentFit.to_dict` gives it."""
    value = dict(zip(fit["names"], fit["values"], strict=True))
    error = dict(zip(fit["names"], fit["standard_errors"], strict=True))
    said = [search_status(fit["settled"])]
    verdict = "agree with the model" if fit["p"] >= 0.01 else "do not agree with the model"
    said.append(f"The {fit['freedom']} moments more than parameters {verdict}: J = {fit['j']:.3g}, p = {fit['p']:.2g}.")
    if error["premium"] == 0:
        said.append("The premium was given, so that the standard errors do not count what is unknown of it.")
    elif value["premium"] < 3 * error["premium"]:
        said.append(
            f"The premium is {value['premium'] / error['premium']:.1f} standard errors above 0: the level of risk "
            "aversions and cost is hardly known, only their ratio is."
        )
    if abs(value["excess"]) < 3 * error["excess"]:
        said.append(
            f"The share of price changes that goes away again is {value['excess'] / error['excess']:.1f} standard "
            "errors from 0: the data hardly tell by how much the groups differ in risk aversion."
        )
    if recipe.equilibrium is not None and recipe.equilibrium.supply is None:
        said.append(
            f"The number of shares was not given; a mean turnover of {recipe.equilibrium.turnover:.2%} a step was "
            "assumed, on which risk aversions and cost depend. Give supply in the recipe's section [equilibrium]."
        )
    return said
