"""What a calibration to requests leaves: the market, every method's estimates, and a run folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal import models
from simcal.calibration.recipe import Recipe
from simcal.calibration.requests.compose import OwnDealer
from simcal.calibration.requests.estimate import Estimate
from simcal.calibration.result import checkpoint_path, versions
from simcal.calibration.start import StartResult
from simcal.data.requests import Requests
from simcal.files import write_atomically
from simcal.json_text import json_text
from simcal.models.dealers.market import RfqMarket

KIND = "requests"
"""What the manifest of such a run calls it."""


@dataclass(frozen=True, eq=False)
class RequestCalibration:
    """A dealer market calibrated to a request table, by one method or several.

    Main attributes
    ---------------
    market : the calibrated market, ready for `simcal.simulate` and `simcal.backtest`.
    estimates : a row per parameter and method; truth and error too where the data's market is known.
    status : how the chosen method ended, and where the methods disagree.

    Other attributes
    ----------------
    requests : the whole table, of which the recipe's ``train_share`` was used. recipe : the resolved recipe.
    fits : every method's `Estimate`. chosen : the method whose estimates are in the market. own : the own dealer.
    starts : how the adversarial starts ended, none without that method. truth : the market that made the data, or None.
    """

    market: RfqMarket
    origin: RfqMarket
    recipe: Recipe
    requests: Requests
    fits: tuple[Estimate, ...]
    chosen: str
    own: OwnDealer
    starts: tuple[StartResult, ...]
    chosen_start: int
    seconds: float
    truth: RfqMarket | None = None
    data_name: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)

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
        names = tuple(dict.fromkeys(name for fit in self.fits for name in fit.names))
        columns: dict[str, Any] = {"parameter": names}
        for fit in self.fits:
            errors = dict(zip(fit.names, fit.standard_errors, strict=True))
            columns[fit.method] = [f"{fit.value(n):.4g} ({errors[n]:.2g})" if n in fit.names else "n/a" for n in names]
        if self.truth is not None:
            columns["truth"] = true_values(self.truth, names)
        return pd.DataFrame(columns)

    @property
    def status(self) -> str:
        """One sentence on the chosen method, and one where others disagree with it."""
        return " ".join([self.fit(self.chosen).status, *disagreements(self.fits, self.chosen)])

    @property
    def history(self) -> pd.DataFrame:
        """Losses and parameters at every iteration of every adversarial start; empty without any."""
        if not self.starts:
            return pd.DataFrame(columns=["iteration", "discriminator_loss", "generator_loss", "start"])
        return pd.concat([s.history.assign(start=s.number) for s in self.starts], ignore_index=True)

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
            "starts": [_start_row(s, s.number == self.chosen_start) for s in self.starts],
            "seconds": self.seconds,
            "recipe": self.recipe.name,
            "data": {"name": self.requests.name, "n": self.requests.n, "sha256": self.requests.sha256},
        }

    def save(self, folder: str | Path) -> Path:
        """Write market, recipe, estimates, history, weights and manifest into a folder that `simcal.load` reads."""
        folder = Path(folder)
        models.save(self.market, folder / "market.toml")
        models.save(self.origin, folder / "origin.toml")
        if self.truth is not None:
            models.save(self.truth, folder / "truth.toml")
        write_atomically(folder / "recipe.toml", self.recipe.to_toml())
        write_atomically(folder / "estimates.csv", self.estimates.to_csv(index=False))
        write_atomically(folder / "history.csv", self.history.to_csv(index=False))
        checkpoint = checkpoint_path(folder, self.chosen_start)
        if self.starts and checkpoint.is_file():
            write_atomically(folder / "weights.safetensors", checkpoint.read_bytes())
        record = self.to_dict()
        manifest = {
            **record,
            "data": {**record["data"], "source": self.data_name, "mapping": dict(self.mapping)},
            "seed": self.recipe.seed,
            "versions": versions(),
        }
        write_atomically(folder / "manifest.json", json_text(manifest, indent=2))
        return folder


def true_values(truth: RfqMarket, names: tuple[str, ...]) -> np.ndarray:
    """What the estimates should be: of the dealers' parameters the mean over the rivals."""
    return np.array(
        [float(np.mean(truth.vector(n)[1:])) if truth.SPECS[n].group else float(getattr(truth, n)) for n in names]
    )


def estimates_table(fits: tuple[Estimate, ...], truth: RfqMarket | None = None) -> pd.DataFrame:
    """The estimates of several methods under each other; error: estimate less truth in standard errors."""
    tables = []
    for fit in fits:
        table = fit.table()
        if truth is not None:
            true = true_values(truth, fit.names)
            table = table.assign(truth=true, error=(fit.values - true) / fit.standard_errors)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def disagreements(fits: tuple[Estimate, ...], chosen: str) -> list[str]:
    """A sentence for each method whose estimates lie more than four standard errors from the chosen one's."""
    first, said = next(f for f in fits if f.method == chosen), []
    for fit in fits:
        shared = [n for n in fit.names if n in first.names]
        if fit is first or not shared:
            continue
        here, there = [fit.names.index(n) for n in shared], [first.names.index(n) for n in shared]
        spread = np.hypot(fit.standard_errors[here], first.standard_errors[there])
        far = np.abs(fit.values[here] - first.values[there]) > 4 * spread
        if far.any():
            names = ", ".join(n for n, f in zip(shared, far, strict=True) if f)
            said.append(
                f"The method {fit.method} gives values for {names} that lie more than four standard errors from those "
                f"of the method {chosen}: the market does not describe all of what the table shows."
            )
    return said


def _start_row(start: StartResult, chosen: bool) -> dict[str, Any]:
    return {
        "start": start.number, "chosen": chosen, "energy distance": start.distance, "seconds": start.seconds,
        "skipped steps": start.non_finite, "status": start.status,
    }  # fmt: skip
