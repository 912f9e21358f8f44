"""A synthetic experiment with requests: a known market makes the tables, and every method looks for it again."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal import models
from simcal.calibration.recipe import Recipe, check_recipe, load_recipe
from simcal.calibration.result import read_history, read_recipe, write_run
from simcal.calibration.starts import Listener
from simcal.calibration.study.data import seed_of
from simcal.calibration.study.run import thinned
from simcal.errors import DataError, ParameterError
from simcal.files import make_folder, write_atomically
from simcal.json_text import json_text
from simcal.rfq.estimators.calibrate import check_rfq_recipe, closed_fits, request_sample
from simcal.rfq.estimators.estimate import Estimate, estimates_table
from simcal.rfq.estimators.game import adversarial_estimate, play_games
from simcal.rfq.estimators.information import COVERS, identification
from simcal.rfq.market import RfqMarket
from simcal.rfq.simulated import request_table

EXPERIMENT_KIND = "request experiment"
"""What the manifest of such a folder calls it."""

_BIASED = 3.0  # standard errors of the mean error, from which on a method is called biased
_DATA_STREAM = 0xDA7B  # keeps the seeds of the data apart from all others that are derived from the recipe's


@dataclass(frozen=True, eq=False)
class RfqExperiment:
    """How well each method finds a known dealer market again.

    Attributes
    ----------
    recipe, truth
        The resolved recipe and the true market.
    fits
        For each replication the `Estimate` of every method.
    identification
        Standard errors by what is seen, see `identification`; None with inventory skew.
    history, seconds
        Losses and parameters of the games, every tenth iteration; wall time of all.
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
        rows: list[dict[str, Any]] = []
        bound: Any = None
        if self.identification is not None:
            bound = self.identification.set_index("what is seen").loc[COVERS].to_dict()
        for key, of in self.estimates.groupby(["method", "parameter"], sort=False):
            method, name = map(str, key)  # type: ignore[arg-type]
            truth, values, errors = (of[c].to_numpy() for c in ("truth", "estimate", "standard error"))
            rmse, error = float(np.sqrt(np.mean((values - truth) ** 2))), float(errors.mean())
            row = {
                "method": method, "parameter": name, "truth": truth[0], "mean estimate": values.mean(), "RMSE": rmse,
                "standard error": error, "RMSE / s.e.": rmse / error,
                "largest error (s.e.)": np.max(np.abs(values - truth) / errors),
            }  # fmt: skip
            if bound is not None:
                row["RMSE / own view"] = rmse / float(bound[name])
            rows.append(row | {"seconds": float(of["seconds"].to_numpy().mean())})
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

    def save(self, folder: str | Path) -> Path:
        """Write a folder that `load_rfq_experiment` reads; the manifest comes last."""
        folder, record = Path(folder), self.to_dict()
        write_atomically(folder / "estimates.csv", self.estimates.to_csv(index=False))
        write_atomically(folder / "experiment.json", json_text(record, indent=1))
        record = {name: record[name] for name in ("kind", "recipe", "status", "seconds")}
        return write_run(folder, record, self.recipe, self.history, {"origin": self.truth})


def load_rfq_experiment(folder: str | Path) -> RfqExperiment:
    """Read back what `RfqExperiment.save` wrote; `DataError` where it cannot."""
    folder = Path(folder)
    try:
        found = json.loads((folder / "experiment.json").read_text(encoding="utf-8"))
        truth, seen = models.load(folder / "origin.toml"), found["identification"]
        assert isinstance(truth, RfqMarket)
        return RfqExperiment(
            read_recipe(folder), truth, tuple(tuple(map(Estimate.from_dict, fits)) for fits in found["fits"]),
            None if seen is None else pd.DataFrame(seen).astype({"condition": float}), read_history(folder),
            found["seconds"],
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AssertionError) as error:
        raise DataError(
            f"{folder} is not the folder of a finished experiment with requests ({error}). Give the folder that the "
            "experiment wrote, or let it finish."
        ) from None


def run_rfq_experiment(
    recipe: Recipe | str | Path, *, out: str | Path | None = None, replications: int | None = None,
    iterations: int | None = None, jobs: int | None = None, listen: Listener | None = None,
) -> RfqExperiment:  # fmt: skip
    """Calibrate to fresh requests of the recipe's own market, by every method of the recipe, many times.

    Requests are made with the hard rule, whatever the twin of the adversarial method trains with.

    Parameters
    ----------
    recipe
        A recipe with a section ``[requests.experiment]``; its market, with its changes, is the truth.
    out
        A folder for the result; with one, an experiment that was killed continues.
    replications, iterations
        Override the recipe's.

    Other Parameters
    ----------------
    jobs
        Games played at the same time, each in a process of its own; one per core when absent.
    listen
        Called with (replication, history row) now and then.

    Raises
    ------
    ParameterError
        The recipe cannot be used so, in one sentence.
    """
    recipe = _override(recipe if isinstance(recipe, Recipe) else load_recipe(recipe), replications, iterations)
    settings, truth = recipe.requests, _truth(recipe)
    check_rfq_recipe(recipe)
    out = None if out is None else make_folder(out)
    began = time.monotonic()
    samples = []
    for r in range(settings.experiment.replications):
        seed = seed_of(recipe, _DATA_STREAM, r)
        samples.append(
            request_sample(request_table(truth, settings.experiment.n_requests, seed=seed, platform=True), settings)
        )
    fits = [list(closed_fits(sample, settings).values()) for sample in samples]
    history = pd.DataFrame()
    if "adversarial" in settings.methods:
        played, windows = play_games(truth, samples, recipe, out=out, jobs=jobs, listen=listen)
        for found, result, seen, sample in zip(fits, played, windows, samples, strict=True):
            found.append(adversarial_estimate(result, seen, recipe, sample.n))
        history = thinned(played, replication=range(len(played)))
    told = None
    if not truth.vector("inventory_skew").any() and truth.tick == 0:
        told = identification(truth, settings.experiment.n_requests)
    result = RfqExperiment(recipe, truth, tuple(map(tuple, fits)), told, history, time.monotonic() - began)
    if out is not None:
        result.save(out)
    return result


def _truth(recipe: Recipe) -> RfqMarket:
    market = models.load(recipe.market).replace(**recipe.changes)
    if not isinstance(market, RfqMarket):
        raise ParameterError(
            f"The recipe {recipe.name} has a section [requests], but its market {recipe.market!r} is one of prices; "
            "give market = 'rfq'."
        )
    if "inventory_skew" not in recipe.trainable and market.vector("inventory_skew").any():
        raise ParameterError(
            "The recipe's market has an inventory_skew that is not among its trainable parameters; name it there, or "
            "set it to 0."
        )
    return market.replace(rule="hard")


def _override(recipe: Recipe, replications: int | None, iterations: int | None) -> Recipe:
    if recipe.requests is None or recipe.requests.experiment is None:
        raise ParameterError(
            f"The recipe {recipe.name} has no section [requests.experiment]; add one with n_requests and replications, "
            "or use the recipe to calibrate to a request table."
        )
    values = recipe.model_dump()
    if replications is not None:
        values["requests"]["experiment"]["replications"] = replications
    if iterations is not None:
        values["game"]["iterations"] = iterations
    values["starts"]["count"] = 1
    return check_recipe(values)
