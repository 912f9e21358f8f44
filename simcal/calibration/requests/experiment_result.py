"""What an experiment with requests leaves: every estimate, the tables made of them, and a folder."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal import models
from simcal.calibration.recipe import Recipe
from simcal.calibration.requests.estimate import Estimate
from simcal.calibration.requests.information import COVERS
from simcal.calibration.requests.result import estimates_table, true_values
from simcal.calibration.result import versions
from simcal.errors import DataError, ParameterError
from simcal.files import write_atomically
from simcal.json_text import json_text
from simcal.models.dealers.market import RfqMarket

EXPERIMENT_KIND = "request experiment"
"""What the manifest of such a folder calls it."""

_BIASED = 3.0  # standard errors of the mean error, from which on a method is called biased


@dataclass(frozen=True, eq=False)
class RequestExperimentResult:
    """How well each method finds a known dealer market again.

    Main attributes
    ---------------
    status : sentences on what came out.
    summary : a row per method and parameter: truth, mean estimate, root mean square error and standard errors.

    Other attributes
    ----------------
    recipe, truth : the resolved recipe and the true market.
    fits : for each replication the `Estimate` of every method.
    identification : standard errors by what is seen, see `identification`; None with inventory skew.
    history : losses and parameters of the games, every tenth iteration. seconds : wall time of all.
    """

    recipe: Recipe
    truth: RfqMarket
    fits: tuple[tuple[Estimate, ...], ...]
    identification: pd.DataFrame | None
    history: pd.DataFrame = field(repr=False)
    seconds: float = 0.0

    @property
    def methods(self) -> list[str]:
        """The methods, in the order of the recipe."""
        return [f.method for f in self.fits[0]]

    @property
    def estimates(self) -> pd.DataFrame:
        """One row per replication, method and parameter, the error in standard errors."""
        tables = [estimates_table(fits, self.truth).assign(replication=r) for r, fits in enumerate(self.fits)]
        return pd.concat(tables, ignore_index=True)

    @property
    def summary(self) -> pd.DataFrame:
        """A row per method and parameter.

        RMSE / s.e. compares the root mean square error over the replications with the mean of the method's own
        standard errors; RMSE / own view with the smallest standard error from one dealer's statuses and covers.
        """
        bound = None
        if self.identification is not None:
            bound = self.identification.set_index("what is seen").loc[COVERS]
        rows: list[dict[str, Any]] = []
        for method in self.methods:
            of = [f for fits in self.fits for f in fits if f.method == method]
            names = of[0].names
            truth = true_values(self.truth, names)
            values, errors = np.stack([f.values for f in of]), np.stack([f.standard_errors for f in of])
            rmse = np.sqrt(np.mean((values - truth) ** 2, axis=0))
            for k, name in enumerate(names):
                error = float(errors[:, k].mean())
                row: dict[str, Any] = {
                    "method": method, "parameter": name, "truth": truth[k], "mean estimate": values[:, k].mean(),
                    "RMSE": rmse[k], "standard error": error, "RMSE / s.e.": rmse[k] / error,
                    "largest error (s.e.)": np.max(np.abs(values[:, k] - truth[k]) / errors[:, k]),
                }  # fmt: skip
                if bound is not None:
                    row["RMSE / own view"] = rmse[k] / float(bound[name])
                row["seconds"] = float(np.mean([f.seconds for f in of]))
                rows.append(row)
        return pd.DataFrame(rows)

    @property
    def overview(self) -> pd.DataFrame:
        """A row per parameter: truth, and for each method the mean estimate with its root mean square error."""
        summary = self.summary
        rows = summary["mean estimate"].map("{:.4g}".format) + " (" + summary["RMSE"].map("{:.2g}".format) + ")"
        wide = summary.assign(cell=rows).pivot(index="parameter", columns="method", values="cell")[self.methods]
        truth = summary.drop_duplicates("parameter").set_index("parameter")["truth"]
        return truth.to_frame().join(wide).reset_index()

    @property
    def status(self) -> str:
        """What came out, a sentence per method."""
        n, said = len(self.fits), []
        for method, rows in self.summary.groupby("method", sort=False):
            bias = (rows["mean estimate"] - rows["truth"]) / (rows["standard error"] / np.sqrt(n))
            biased = rows.loc[np.abs(bias) > _BIASED, "parameter"]
            failed = sum(not f.succeeded for fits in self.fits for f in fits if f.method == method)
            text = (
                f"{str(method).capitalize()}: the largest of all errors is {rows['largest error (s.e.)'].max():.1f} "
                f"standard errors, {rows['seconds'].iloc[0]:.1f} s a table"
            )
            if len(biased):
                text += f"; biased in {', '.join(biased)}"
            if failed:
                text += f"; {failed} of {n} searches failed"
            said.append(text + ".")
        return " ".join(said)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``--json`` prints them."""
        return {
            "kind": EXPERIMENT_KIND,
            "recipe": self.recipe.name,
            "status": self.status,
            "summary": self.summary.to_dict(orient="records"),
            "identification": None if self.identification is None else self.identification.to_dict(orient="records"),
            "fits": [[f.to_dict() for f in fits] for fits in self.fits],
            "seconds": self.seconds,
        }


def save_request_experiment(folder: str | Path, result: RequestExperimentResult) -> Path:
    """Write an experiment into a folder that `load_request_experiment` reads; the manifest comes last."""
    folder = Path(folder)
    models.save(result.truth, folder / "origin.toml")
    write_atomically(folder / "recipe.toml", result.recipe.to_toml())
    write_atomically(folder / "estimates.csv", result.estimates.to_csv(index=False))
    write_atomically(folder / "history.csv", result.history.to_csv(index=False))
    write_atomically(folder / "experiment.json", json_text(result.to_dict(), indent=1))
    manifest = {
        "kind": EXPERIMENT_KIND, "recipe": result.recipe.name, "seed": result.recipe.seed, "status": result.status,
        "seconds": result.seconds, "versions": versions(),
    }  # fmt: skip
    write_atomically(folder / "manifest.json", json_text(manifest, indent=2))
    return folder


def load_request_experiment(folder: str | Path) -> RequestExperimentResult:
    """Read back what `save_request_experiment` wrote; `DataError` where it cannot."""
    folder = Path(folder)
    try:
        found = json.loads((folder / "experiment.json").read_text(encoding="utf-8"))
        recipe = Recipe.model_validate(tomllib.loads((folder / "recipe.toml").read_text(encoding="utf-8")))
        truth = models.load(folder / "origin.toml")
        assert isinstance(truth, RfqMarket)
        history = (folder / "history.csv").read_text(encoding="utf-8")
        seen = found["identification"]
        return RequestExperimentResult(
            recipe,
            truth,
            tuple(tuple(Estimate.from_dict(f) for f in fits) for fits in found["fits"]),
            None if seen is None else pd.DataFrame(seen).astype({"condition": float}),
            pd.read_csv(folder / "history.csv") if history.strip() else pd.DataFrame(),
            found["seconds"],
        )
    except (OSError, ValueError, KeyError, TypeError, AssertionError, ParameterError) as error:
        raise DataError(
            f"{folder} is not the folder of a finished experiment with requests ({error}). Give the folder that the "
            "experiment wrote, or let it finish."
        ) from None
