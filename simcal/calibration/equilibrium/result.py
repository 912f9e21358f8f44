"""What a calibration to prices and volume leaves: the market, the estimates with their errors, and a run folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from simcal import models
from simcal.calibration.equilibrium.fit import BACKGROUND, GROUPS, IMPLIED, LAW, MomentFit
from simcal.calibration.equilibrium.observations import Observations
from simcal.calibration.recipe import Recipe
from simcal.calibration.result import versions
from simcal.data import PriceSeries
from simcal.files import write_atomically
from simcal.json_text import json_text
from simcal.models.trading_costs import EquilibriumMarket

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

    Main attributes
    ---------------
    market : the calibrated market, ready for `simcal.simulate`.
    estimates : a row per number: what it is, its value, its standard error.
    status : how well the moments are matched, and what the data do not tell.

    Other attributes
    ----------------
    series : the whole series, of which the recipe's ``train_share`` was used. fit : the `MomentFit`.
    observations : what the moments were taken of. recipe : the resolved recipe.
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
        folder = Path(folder)
        models.save(self.market, folder / "market.toml")
        models.save(self.origin, folder / "origin.toml")
        write_atomically(folder / "recipe.toml", self.recipe.to_toml())
        write_atomically(folder / "estimates.csv", self.estimates.to_csv(index=False))
        write_atomically(folder / "history.csv", self.history.to_csv(index=False))
        record = self.to_dict()
        manifest = {
            **record,
            "data": {**record["data"], "source": self.data_name},
            "seed": self.recipe.seed,
            "starts": [],
            "versions": versions(),
        }
        write_atomically(folder / "manifest.json", json_text(manifest, indent=2))
        return folder


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
    said = ["The search settled." if fit["settled"] else "The search did not settle; do not trust it."]
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
