"""What a calibration to requests leaves: the market, every method's estimates, and a run folder."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from simcal import models
from simcal.calibration.recipe import Recipe, RequestSettings
from simcal.calibration.result import checkpoint_path, versions
from simcal.calibration.runs import read_manifest
from simcal.calibration.start import StartResult
from simcal.errors import DataError
from simcal.files import write_atomically
from simcal.json_text import json_text
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
    def settings(self) -> RequestSettings:
        """The recipe's section on requests."""
        return self.recipe.requests or RequestSettings()

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
        folder = Path(folder)
        for name, market in (("market", self.market), ("origin", self.origin), ("truth", self.truth)):
            if market is not None:
                models.save(market, folder / f"{name}.toml")
        write_atomically(folder / "recipe.toml", self.recipe.to_toml())
        write_atomically(folder / "estimates.csv", self.estimates.to_csv(index=False))
        write_atomically(folder / "history.csv", self.history.to_csv(index=False))
        if len(self.starts):
            checkpoint = checkpoint_path(folder, int(self.starts.set_index("chosen").at[True, "start"]))
            if checkpoint.is_file():
                write_atomically(folder / "weights.safetensors", checkpoint.read_bytes())
        record = self.to_dict()
        source = {"source": self.data_name, "mapping": dict(self.mapping)}
        manifest = {**record, "data": record["data"] | source, "seed": self.recipe.seed, "versions": versions()}
        write_atomically(folder / "manifest.json", json_text(manifest, indent=2))
        return folder


def training_requests(requests: Requests, recipe: Recipe) -> Requests:
    """The first ``train_share`` of the table, all of it where the share is 1."""
    return requests.split(recipe.train_share)[0] if recipe.train_share < 1 else requests


def starts_table(starts: list[StartResult], chosen: int) -> pd.DataFrame:
    """A row per adversarial start: how it ended."""
    rows = [(s.number, s.number == chosen, s.distance, s.seconds, s.non_finite, s.status) for s in starts]
    return pd.DataFrame(rows, columns=["start", "chosen", "energy distance", "seconds", "skipped steps", "status"])


def history_of(starts: list[StartResult]) -> pd.DataFrame:
    """Losses and parameters at every iteration of every start."""
    empty = pd.DataFrame(columns=["iteration", "discriminator_loss", "generator_loss", "start"])
    return pd.concat([s.history.assign(start=s.number) for s in starts], ignore_index=True) if starts else empty


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
        recipe = Recipe.model_validate(tomllib.loads((folder / "recipe.toml").read_text(encoding="utf-8")))
        history = pd.read_csv(folder / "history.csv")
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
    requests = requests if requests is not None else _requests(folder, data)
    if requests.sha256 != data["sha256"]:
        raise DataError(
            f"The table {requests.name} is not the one that {folder} was calibrated to, or it has changed since. "
            "Give the run's own data."
        )
    return RfqCalibration(
        market, origin, recipe, requests, fits, chosen, dealer, starts, history, seconds, truth,
        data.get("source") or "", data.get("mapping") or {}, _validation(folder),
    )  # fmt: skip


def judge_rfq_run(
    folder: str | Path, *, requests: Requests | None = None, n_samples: int = 200, seed: int = 0
) -> RfqValidation:
    """Judge the market of a run by the run's own table, and keep the result as ``validation.json``."""
    run = read_rfq_run(folder, requests)
    validation = validate_requests(
        run.market, run.requests, view=run.settings.view, train_share=run.recipe.train_share, n_samples=n_samples,
        seed=seed,
    )  # fmt: skip
    write_atomically(Path(folder) / "validation.json", json_text(validation.to_dict(), indent=1))
    return validation


def _requests(folder: Path, data: Mapping[str, Any]) -> Requests:
    if not data.get("source"):
        raise DataError(f"The data of {folder} were given as a table in memory and have no name; give them again.")
    try:
        return load_requests(data["source"], data.get("mapping") or None)
    except DataError as error:
        raise DataError(f"The data of {folder} cannot be read any more; give them again. {error}") from None


def _validation(folder: Path) -> RfqValidation | None:
    path = folder / "validation.json"
    try:
        return RfqValidation.from_dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{path} cannot be read; make it anew with `simcal validate {folder}`.") from None
