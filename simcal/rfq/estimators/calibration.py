"""What a calibration to requests leaves: the market, every method's estimates, and a run folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from simcal import models
from simcal.calibration.recipe import Recipe
from simcal.calibration.result import (
    data_of,
    read_history,
    read_recipe,
    read_validation,
    write_run,
    write_validation,
)
from simcal.calibration.runs import read_manifest
from simcal.errors import DataError
from simcal.files import write_atomically
from simcal.rfq.estimators.estimate import Estimate, disagreements, estimates_table, true_values
from simcal.rfq.market import RfqMarket
from simcal.rfq.table import Requests, load_requests
from simcal.rfq.validate import RfqValidation, validate_requests

KIND = "requests"
"""What the manifest of such a run calls it."""


@dataclass(frozen=True)
class OwnDealer:
    """How the own dealer quotes: the law of its margins with a flat inventory, and how it leans against it."""

    law: Estimate
    skew: float


@dataclass(frozen=True, eq=False)
class RfqCalibration:
    """A dealer market calibrated to a request table, by one method or several.

    Attributes
    ----------
    market
        The calibrated market, ready for `simcal.simulate` and `simcal.backtest`; `origin` gave what is not estimated.
    recipe, requests
        The resolved recipe, and the whole table, of which the recipe's ``train_share`` was used.
    fits, chosen
        Every method's `Estimate`, and the method whose estimates are in the market.
    own
        The own dealer.
    starts, history
        How the adversarial starts ended, and their losses and parameters at every iteration; empty without any.
    truth
        The market that made the data, or None.
    validation
        How the market was judged, of a run that was read back; else None.
    """

    market: RfqMarket
    origin: RfqMarket
    recipe: Recipe
    requests: Requests
    fits: tuple[Estimate, ...]
    chosen: str
    own: OwnDealer
    starts: pd.DataFrame
    history: pd.DataFrame
    seconds: float
    truth: RfqMarket | None = None
    data_name: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    validation: RfqValidation | None = None

    def fit(self, method: str) -> Estimate:
        """The estimate of one method."""
        return next(f for f in self.fits if f.method == method)

    @property
    def estimates(self) -> pd.DataFrame:
        """One row per parameter and method: parameter, method, estimate, standard error, seconds, (truth, error).

        The error is in standard errors.
        """
        return estimates_table(self.fits, self.truth)

    @property
    def summary(self) -> pd.DataFrame:
        """One row per parameter: each method's estimate with its standard error, as text, and the truth if known."""
        table = self.estimates
        table["cell"] = [f"{v:.4g} ({e:.2g})" for v, e in zip(table["estimate"], table["standard error"], strict=True)]
        wide = table.pivot(index="parameter", columns="method", values="cell").fillna("n/a")
        wide = (
            wide.loc[table["parameter"].unique(), [f.method for f in self.fits]].reset_index().rename_axis(columns=None)
        )
        if self.truth is not None:
            wide["truth"] = true_values(self.truth, tuple(wide["parameter"]))
        return wide

    @property
    def status(self) -> str:
        """One sentence on the chosen method, and one where others disagree with it."""
        return " ".join([self.fit(self.chosen).status, *disagreements(self.fits, self.chosen)])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``--json`` prints them."""
        return {
            "kind": KIND,
            "market": self.market.to_dict(),
            "estimates": self.estimates.to_dict(orient="records"),
            "fits": [f.to_dict() for f in self.fits],
            "chosen": self.chosen,
            "status": self.status,
            "own_dealer": {**self.own.law.to_dict(), "skew": self.own.skew},
            "starts": self.starts.to_dict(orient="records"),
            "seconds": self.seconds,
            "recipe": self.recipe.name,
            "data": {"name": self.requests.name, "n": self.requests.n, "sha256": self.requests.sha256},
        }

    def save(self, folder: str | Path) -> Path:
        """Write market, recipe, estimates, history, weights and manifest into a folder that `simcal.load` reads."""
        folder, record = Path(folder), self.to_dict()
        write_atomically(folder / "estimates.csv", self.estimates.to_csv(index=False))
        record["data"] |= {"source": self.data_name, "mapping": dict(self.mapping)}
        markets = {"market": self.market, "origin": self.origin, "truth": self.truth}
        start = int(self.starts.set_index("chosen").at[True, "start"]) if len(self.starts) else None
        return write_run(folder, record, self.recipe, self.history, markets, start=start)


def training_requests(requests: Requests, recipe: Recipe) -> Requests:
    """The first ``train_share`` of the table, all of it where the share is 1."""
    return requests.split(recipe.train_share)[0] if recipe.train_share < 1 else requests


def is_rfq_run(folder: str | Path) -> bool:
    """Whether the folder is that of a finished calibration to requests."""
    return (Path(folder) / "manifest.json").is_file() and read_manifest(folder).get("kind") == KIND


def read_rfq_run(folder: str | Path, requests: Requests | None = None) -> RfqCalibration:
    """Read the folder of a calibration to requests; `requests` stands in for data that have no name or have moved.

    Raises
    ------
    DataError
        The folder is not that of a finished run, or the data are not those of the run.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if manifest.get("kind") != KIND:
        raise DataError(f"{folder} is not a calibration to requests; give the folder of one.")
    try:
        recipe, history = read_recipe(folder), read_history(folder)
        fits = tuple(Estimate.from_dict(values) for values in manifest["fits"])
        own, data = dict(manifest["own_dealer"]), manifest["data"]
        dealer = OwnDealer(skew=own.pop("skew"), law=Estimate.from_dict(own))
        starts, chosen, seconds = pd.DataFrame(manifest["starts"]), manifest["chosen"], manifest["seconds"]
        market, origin = (models.load(folder / f"{name}.toml") for name in ("market", "origin"))
        truth = models.load(folder / "truth.toml") if (folder / "truth.toml").is_file() else None
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"The run {folder} is damaged ({error}); calibrate again.") from None
    if not (isinstance(market, RfqMarket) and isinstance(origin, RfqMarket) and isinstance(truth, RfqMarket | None)):
        raise DataError(f"The run {folder} is damaged (its market is not one of dealers); calibrate again.")
    mapping = data.get("mapping") or {}
    found = data_of(folder, data, requests, partial(load_requests, mapping=mapping or None))
    return RfqCalibration(
        market, origin, recipe, found, fits, chosen, dealer, starts, history, seconds, truth,
        data.get("source") or "", mapping, read_validation(folder, RfqValidation),
    )  # fmt: skip


def judge_rfq_run(
    folder: str | Path, *, requests: Requests | None = None, n_samples: int = 200, seed: int = 0
) -> RfqValidation:
    """Judge the market of a run by the run's own table, and keep the result as ``validation.json``."""
    run = read_rfq_run(folder, requests)
    view, train_share = run.recipe.requests.view, run.recipe.train_share
    validation = validate_requests(
        run.market, run.requests, view=view, train_share=train_share, n_samples=n_samples, seed=seed
    )
    write_validation(folder, validation)
    return validation
