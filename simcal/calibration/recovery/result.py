"""What a recovery leaves: every estimate, the theory beside it, and the tables made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from simcal.calibration.estimate import Estimate
from simcal.calibration.recipe import Recipe
from simcal.calibration.recovery.tables import FAR, estimates, searches, summary
from simcal.calibration.recovery.theory import Theory
from simcal.models import Market

RECOVERY_KIND = "recovery"
"""What the manifest of such a folder calls it."""

_BIASED = 3.0  # standard errors of the bias, from which on a method is called biased


@dataclass(frozen=True, eq=False)
class RecoveryResult:
    """How well each method finds a known market again from one long sample.

    Main attributes
    ---------------
    status : sentences on what came out.
    summary : a row per method and parameter: truth, mean, bias, spread, standard errors, root mean square error.
    weak : sentences on the directions that each method hardly sees.

    Other attributes
    ----------------
    recipe, truth : the resolved recipe and the true market.
    theories : the `Theory` of each method, by its name.
    fits : every `Estimate`, method by method. history : losses and parameters of the games, every tenth iteration.
    seconds : wall time of all.
    """

    recipe: Recipe
    truth: Market
    theories: dict[str, Theory]
    fits: tuple[Estimate, ...]
    history: pd.DataFrame = field(repr=False)
    seconds: float = 0.0

    @property
    def methods(self) -> list[str]:
        """The methods, in the order of the recipe."""
        return list(self.theories)

    def of(self, method: str) -> list[Estimate]:
        """The estimates of one method, by replication."""
        return [f for f in self.fits if f.method == method]

    @property
    def summary(self) -> pd.DataFrame:
        """See `tables.summary`."""
        return summary(self.fits, self.theories)

    @property
    def overview(self) -> pd.DataFrame:
        """The most important columns of the summary."""
        names = [
            "method",
            "parameter",
            "truth",
            "mean estimate",
            "bias",
            "s.e. of bias",
            "spread",
            "standard error",
            "RMSE",
        ]
        return self.summary.loc[:, names]

    @property
    def estimates(self) -> pd.DataFrame:
        """See `tables.estimates`."""
        return estimates(self.fits, self.theories)

    @property
    def searches(self) -> pd.DataFrame:
        """See `tables.searches`."""
        return searches(self.fits)

    @property
    def correlations(self) -> pd.DataFrame:
        """Correlations of the estimates by theory, a row per method and parameter."""
        return pd.concat([t.correlation_table() for t in self.theories.values()], ignore_index=True)

    @property
    def directions(self) -> pd.DataFrame:
        """The principal directions by theory, the weakest first; a row per method and direction."""
        return pd.concat([t.direction_table() for t in self.theories.values()], ignore_index=True)

    @property
    def weak(self) -> list[str]:
        """Sentences on weakly identified directions, method by method."""
        return [sentence for t in self.theories.values() for sentence in t.in_words()]

    @property
    def status(self) -> str:
        """What came out, a sentence or two per method."""
        said = []
        for method, rows in self.summary.groupby("method", sort=False):
            fits = self.of(str(method))
            ratios, seconds = rows["RMSE / s.e."], np.mean([f.seconds for f in fits])
            text = (
                f"{str(method).capitalize()}: over {len(fits)} samples the root mean square errors are "
                f"{ratios.min():.2f} to {ratios.max():.2f} standard errors by theory, "
                f"{seconds:.0f} s a sample"
            )
            if len(biased := rows.loc[rows["bias"].abs() > _BIASED * rows["s.e. of bias"], "parameter"]):
                text += f"; biased in {', '.join(biased)}"
            if len(far := rows.loc[rows["far off"] > 0]):
                number = ", ".join(f"{n} ({p})" for n, p in zip(far["far off"], far["parameter"], strict=True))
                text += f"; more than {FAR:g} standard errors off are {number}"
            if failed := sum(not f.succeeded for f in fits):
                text += f"; {failed} searches did not end well"
            said.append(text + ".")
        return " ".join(said)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``--json`` prints them."""
        return {
            "kind": RECOVERY_KIND,
            "recipe": self.recipe.name,
            "status": self.status,
            "weak": self.weak,
            "summary": self.summary.to_dict(orient="records"),
            "correlations": self.correlations.to_dict(orient="records"),
            "directions": self.directions.to_dict(orient="records"),
            "theories": {name: t.to_dict() for name, t in self.theories.items()},
            "fits": [f.to_dict() for f in self.fits],
            "seconds": self.seconds,
        }
