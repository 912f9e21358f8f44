"""What a study leaves: every estimate, the theory beside it, the tables made of them, and the folder."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from simcal import models
from simcal.calibration.estimate import Estimate
from simcal.calibration.recipe import Recipe
from simcal.calibration.result import read_history, read_recipe, write_run
from simcal.calibration.study.data import unsigned
from simcal.calibration.study.theory import Theory
from simcal.errors import DataError, ParameterError
from simcal.files import write_atomically
from simcal.json_text import json_text
from simcal.models import Market

OURS, PLAIN = "ours", "plain"
YARDSTICK = "experiment"  # the statistics whose efficient standard errors the games by many paths are judged by
FAR = 5.0  # standard errors, beyond which an estimate is far off, and its replication lost
TARGET_RATIO = 1.25  # root mean square error in units of the standard error
TARGET_SECONDS, TARGET_ITERATIONS = 60.0, 2000
TARGET_PATH_ERROR = 0.015  # of the price, throughout a path
_BIASED = 3.0  # standard errors of the bias, from which on a method is called biased


@dataclass(frozen=True, eq=False)
class StudyResult:
    """How well each method finds a known market again.

    Attributes
    ----------
    recipe, truth
        The resolved recipe and the true market.
    theories
        The `Theory` of each method, by its name.
    estimates
        Every `Estimate`, method by method. By many paths, the methods are "ours" and "plain"; estimates are means over
        traders, of sizes where the sign is not identified.
    history
        Losses and parameters of the games, every tenth iteration.
    seconds
        Wall time of the searches.
    """

    recipe: Recipe
    truth: Market
    theories: dict[str, Theory]
    estimates: tuple[Estimate, ...]
    history: pd.DataFrame = field(repr=False)
    seconds: float = 0.0

    @property
    def kind(self) -> str:
        """What the manifest calls it."""
        return self.recipe.run

    @property
    def methods(self) -> list[str]:
        """The methods, in the order of the recipe."""
        return list(self.theories)

    def of(self, method: str) -> list[Estimate]:
        """The estimates of one method, by replication."""
        return [e for e in self.estimates if e.method == method]

    def market(self, estimate: Estimate) -> Market:
        """The market that was found, with the signs that are not identified taken as positive."""
        raw = estimate.details.get("values") or dict(zip(estimate.names, estimate.values.tolist(), strict=True))
        found = self.truth.replace(**raw)
        return unsigned(found) if "values" in estimate.details else found

    def errors(self, method: str) -> np.ndarray:
        """Estimate minus truth, (replications, parameters)."""
        return np.stack([e.values for e in self.of(method)]) - self.theories[method].truth

    def is_lost(self, estimate: Estimate) -> bool:
        """Failed, not finite, or a parameter more than five standard errors from the truth."""
        found = self.theories[estimate.method]
        return not (
            estimate.succeeded and bool(np.all(np.abs(estimate.values - found.truth) <= FAR * found.standard_errors))
        )

    def median_replication(self, method: str) -> Estimate:
        """The estimate whose error on the same noise is the median one (the larger of the two in the middle)."""
        ranked = sorted(self.of(method), key=lambda e: e.details["error on the same noise"])
        return ranked[len(ranked) // 2]

    # -- tables -----------------------------------------------------------------------------------------------------

    def summary(self) -> pd.DataFrame:
        """A row per method and parameter over the replications.

        ``bias`` is the mean error, ``s.e. of bias`` the spread over the root of the number of replications, ``spread``
        the standard deviation (nan for one replication), ``standard error`` that of the method by theory, ``efficient``
        that of the best weights on its statistics. The 95 % interval of the ratio takes errors as normal around the
        truth: with n replications n RMSE^2 / variance is chi-square with n degrees of freedom. ``tie to start`` is the
        correlation of estimates with where their searches began (nan below three replications): far from 0, the data
        tell less than the errors suggest, because starts lie around the truth.
        """
        rows: list[dict[str, Any]] = []
        for method, found in self.theories.items():
            mine, errors = self.of(method), self.errors(method)
            n = len(mine)
            low, high = np.sqrt(n / stats.chi2.ppf([0.975, 0.025], n))
            for k, name in enumerate(found.names):
                truth, error = float(found.truth[k]), float(found.standard_errors[k])
                values = errors[:, k] + truth
                spread = float(values.std(ddof=1)) if n > 1 else np.nan
                rmse = float(np.sqrt(np.mean(errors[:, k] ** 2)))
                rows.append(
                    {
                        "method": method,
                        "parameter": name,
                        "truth": truth,
                        "mean estimate": float(values.mean()),
                        "median": float(np.median(values)),
                        "bias": float(values.mean()) - truth,
                        "s.e. of bias": spread / np.sqrt(n),
                        "spread": spread,
                        "standard error": error,
                        "efficient": float(found.efficient[k]),
                        "RMSE": rmse,
                        "RMSE (%)": 100 * rmse / abs(truth),
                        "RMSE / s.e.": rmse / error,
                        "95 % low": low * rmse / error,
                        "95 % high": high * rmse / error,
                        "tie to start": _tie(np.array([e.began(name) for e in mine]), values),
                        "far off": int(np.sum(~(np.abs(errors[:, k]) <= FAR * error))),
                    }
                )
        return pd.DataFrame(rows)

    @property
    def overview(self) -> pd.DataFrame:
        """The most important columns of the summary."""
        names = ["method", "parameter", "truth", "mean estimate", "bias", "s.e. of bias", "spread", "standard error",
                 "RMSE", "RMSE / s.e."]  # fmt: skip
        return self.summary().loc[:, names]

    @property
    def searches(self) -> pd.DataFrame:
        """A row per search: what it found, how it ended."""
        rows = []
        for e in self.estimates:
            row: dict[str, Any] = {"replication": e.replication, "method": e.method}
            row |= {n: float(np.mean(v)) for n, v in e.details.get("values", {}).items()}
            row |= {"objective": e.objective, "lost": self.is_lost(e), "succeeded": e.succeeded, "seconds": e.seconds}
            row |= {k: v for k, v in e.details.items() if not isinstance(v, dict)}
            rows.append(row | {"status": e.status})
        return pd.DataFrame(rows)

    @property
    def games(self) -> pd.DataFrame:
        """Lost replications, time, errors on the same noise; a row per method."""
        rows = []
        for method in self.methods:
            mine = self.of(method)
            row = {"method": method, "replications": len(mine), "lost": sum(map(self.is_lost, mine)),
                   "seconds, median": float(np.median([e.seconds for e in mine]))}  # fmt: skip
            if all("iterations" in e.details for e in mine):
                times = [e.seconds * TARGET_ITERATIONS / max(e.details["iterations"], 1) for e in mine]
                median = self.median_replication(method).details["error on the same noise"]
                paths = [e.details["the same, median over paths"] for e in mine]
                row |= {
                    "skipped steps": sum(e.details["skipped steps"] for e in mine),
                    "seconds per 2000 iterations, median": float(np.median(times)),
                    "largest": float(np.max(times)),
                    "error on the same noise (%), median replication": 100 * median,
                    "the same, median over paths too": 100 * float(np.median(paths)),
                    "paths below 1.5 % (%)": 100 * float(np.mean([e.details["share of paths below"] for e in mine])),
                }
            rows.append(row)
        return pd.DataFrame(rows)

    def estimate_table(self) -> pd.DataFrame:
        """A row per replication, method and parameter; `error` is in standard errors."""
        rows = []
        for e in self.estimates:
            found = self.theories[e.method]
            for k, name in enumerate(found.names):
                value, truth, error = float(e.values[k]), float(found.truth[k]), float(found.standard_errors[k])
                rows.append(
                    {"replication": e.replication, "method": e.method, "parameter": name, "start": e.began(name),
                     "estimate": value, "truth": truth, "standard error": error, "error": (value - truth) / error}
                )  # fmt: skip
        return pd.DataFrame(rows)

    @property
    def _different(self) -> list[Theory]:
        """The theories, each once where methods share one."""
        return list({theory.method: theory for theory in self.theories.values()}.values())

    @property
    def correlations(self) -> pd.DataFrame:
        """Correlations of the estimates by theory, a row per method and parameter."""
        return pd.concat([t.correlation_table() for t in self._different], ignore_index=True)

    @property
    def directions(self) -> pd.DataFrame:
        """The principal directions by theory, the weakest first; a row per method and direction."""
        return pd.concat([t.direction_table() for t in self._different], ignore_index=True)

    @property
    def weak(self) -> list[str]:
        """Sentences on weakly identified directions, method by method."""
        return [sentence for t in self._different for sentence in t.in_words()]

    # -- what came out ----------------------------------------------------------------------------------------------

    @property
    def targets(self) -> dict[str, bool]:
        """What our recipe was to reach by many paths, and whether it did; empty for others."""
        if OURS not in self.theories:
            return {}
        errors, ended = self.summary(), self.games.iloc[0]
        ratios = errors.loc[errors["method"] == OURS, "RMSE / s.e."]
        near = self.median_replication(OURS).details["error on the same noise"]
        return {
            f"RMSE at most {TARGET_RATIO:g} bounds": bool((ratios <= TARGET_RATIO).all()),
            "no replication lost": int(ended["lost"]) == 0,
            "error on the same noise below 1.5 %": near < TARGET_PATH_ERROR,
            "2000 iterations within 60 s": float(ended["largest"]) <= TARGET_SECONDS,
        }

    @property
    def status(self) -> str:
        """What came out, a sentence or two per method."""
        said = []
        for method, rows in self.summary().groupby("method", sort=False):
            mine = self.of(str(method))
            ratios, seconds = rows["RMSE / s.e."], np.mean([e.seconds for e in mine])
            text = (
                f"{str(method).capitalize()}: over {len(mine)} replications the root mean square errors are "
                f"{ratios.min():.2f} to {ratios.max():.2f} standard errors by theory, {seconds:.0f} s a replication"
            )
            if len(biased := rows.loc[rows["bias"].abs() > _BIASED * rows["s.e. of bias"], "parameter"]):
                text += f"; biased in {', '.join(biased)}"
            if len(far := rows.loc[rows["far off"] > 0]):
                number = ", ".join(f"{n} ({p})" for n, p in zip(far["far off"], far["parameter"], strict=True))
                text += f"; more than {FAR:g} standard errors off are {number}"
            if failed := sum(not e.succeeded for e in mine):
                text += f"; {failed} searches did not end well"
            said.append(text + ".")
        if self.targets:
            missed = [name for name, met in self.targets.items() if not met]
            said.append(f"The targets that were missed are: {'; '.join(missed)}." if missed else
                        "All targets were reached.")  # fmt: skip
        return " ".join(said)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``--json`` prints them."""
        return {
            "kind": self.kind,
            "recipe": self.recipe.name,
            "status": self.status,
            "targets": self.targets,
            "weak": self.weak,
            "summary": self.summary().to_dict(orient="records"),
            "games": self.games.to_dict(orient="records"),
            "correlations": self.correlations.to_dict(orient="records"),
            "directions": self.directions.to_dict(orient="records"),
            "theories": {name: t.to_dict() for name, t in self.theories.items()},
            "fits": [e.to_dict() for e in self.estimates],
            "seconds": self.seconds,
        }


def _tie(begun: np.ndarray, found: np.ndarray) -> float:
    if len(begun) < 3 or begun.std() == 0 or found.std() == 0:
        return np.nan
    return float(np.corrcoef(begun, found)[0, 1])


def save_study(folder: str | Path, result: StudyResult) -> Path:
    """Write a study into a folder that `load_study` reads; the manifest comes last.

    ``origin.toml`` is the true market, ``market.toml`` what our game found in replication 0, by many paths.
    """
    folder = Path(folder)
    write_atomically(folder / "summary.csv", result.summary().to_csv(index=False))
    write_atomically(folder / "estimates.csv", result.estimate_table().to_csv(index=False))
    write_atomically(folder / "study.json", json_text(result.to_dict(), indent=1))
    record = {"kind": result.kind, "recipe": result.recipe.name, "status": result.status, "seconds": result.seconds}
    found = result.market(result.of(OURS)[0]) if OURS in result.theories else None
    return write_run(folder, record, result.recipe, result.history, {"origin": result.truth, "market": found})


def load_study(folder: str | Path) -> StudyResult:
    """Read back what `save_study` wrote.

    Raises
    ------
    DataError
        The folder is not that of a finished study.
    """
    folder = Path(folder)
    try:
        found = json.loads((folder / "study.json").read_text(encoding="utf-8"))
        return StudyResult(
            read_recipe(folder),
            models.load(folder / "origin.toml"),
            {name: Theory.from_dict(values) for name, values in found["theories"].items()},
            tuple(Estimate.from_dict(values) for values in found["fits"]),
            read_history(folder),
            found["seconds"],
        )
    except (OSError, ValueError, KeyError, TypeError, ParameterError) as error:
        raise DataError(
            f"{folder} is not the folder of a finished study ({error}). Give the folder that it wrote, or let it "
            "finish."
        ) from None
