"""What an experiment leaves: how every game ended, and the tables made of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from simcal.calibration.bound import Bound
from simcal.calibration.experiment.tables import bounds, games, recovery, replications
from simcal.calibration.experiment.targets import (
    LOST,
    OURS,
    TARGET_ITERATIONS,
    TARGET_PATH_ERROR,
    TARGET_RATIO,
    TARGET_SECONDS,
    UP_TO_SIGN,
    YARDSTICK,
)
from simcal.calibration.recipe import Recipe
from simcal.models import Market
from simcal.parameters import Value


def unsigned(market: Market) -> Market:
    """The market with the same law in which the signs that are not identified are positive."""
    return market.replace(**{n: np.abs(getattr(market, n)) for n in UP_TO_SIGN if n in market.SPECS})


@dataclass(frozen=True)
class Outcome:
    """How one game of one replication ended.

    `start` and `values` hold the trained parameters, one number each or one per trader. The last three compare true
    and calibrated paths on the same noise by the largest relative error along a path: that of the replication's first
    path, the median over paths, and the share of paths that stay below 1.5 %.
    """

    recipe: str
    replication: int
    start: dict[str, Value]
    values: dict[str, Value]
    status: str
    succeeded: bool
    iterations: int
    seconds: float
    skipped_steps: int
    path_error: float
    median_path_error: float
    share_of_paths_below: float

    def estimate(self, name: str) -> float:
        """The mean over traders of the value, or of its size where the sign is not identified."""
        value = np.asarray(self.values[name])
        return float(np.mean(np.abs(value) if name in UP_TO_SIGN else value))

    @property
    def seconds_per_target(self) -> float:
        """Seconds for 2000 iterations."""
        return self.seconds * TARGET_ITERATIONS / max(self.iterations, 1)


@dataclass(frozen=True, eq=False)
class ExperimentResult:
    """A synthetic experiment: how well a recipe finds the parameters of a known market again.

    Main attributes
    ---------------
    status : one sentence on what came out.
    targets : what was aimed at, and whether it was reached.
    summary, tables : data frames to look at.

    Other attributes
    ----------------
    recipe, truth : the resolved recipe and the true market.
    bounds : efficient standard errors by the name of the statistics; ``"experiment"`` is the yardstick.
    outcomes : how every game ended. history : losses and parameters of each game, every tenth iteration.
    seconds : wall time of the games.
    """

    recipe: Recipe
    truth: Market
    bounds: dict[str, Bound]
    outcomes: tuple[Outcome, ...]
    history: pd.DataFrame = field(repr=False)
    seconds: float = 0.0

    @property
    def players(self) -> list[str]:
        """The recipes that were played: "ours", and "plain" where the recipe has one."""
        return list(dict.fromkeys(o.recipe for o in self.outcomes))

    def of(self, player: str) -> list[Outcome]:
        """The outcomes of one recipe, by replication."""
        return [o for o in self.outcomes if o.recipe == player]

    def symbol(self, name: str) -> str:
        """The paper's letter of a parameter, between bars where the sign is not identified."""
        letter = self.truth.SPECS[name].letter or name
        return f"|{letter}|" if name in UP_TO_SIGN else letter

    def true_value(self, name: str) -> float:
        """What the estimate should be."""
        value = float(getattr(self.truth, name))
        return abs(value) if name in UP_TO_SIGN else value

    def market(self, outcome: Outcome) -> Market:
        """The calibrated market, with the signs that are not identified taken as positive."""
        return unsigned(self.truth.replace(**outcome.values))

    def errors(self, player: str) -> pd.DataFrame:
        """Estimate minus truth: a row per replication, a column per parameter."""
        return pd.DataFrame(
            {n: [o.estimate(n) - self.true_value(n) for o in self.of(player)] for n in self.recipe.trainable}
        )

    def is_lost(self, outcome: Outcome) -> bool:
        """Failed, not finite, or a parameter more than five efficient standard errors from the truth."""
        bound = self.bounds[YARDSTICK]
        off = [outcome.estimate(n) - self.true_value(n) for n in bound.names]
        return not (outcome.succeeded and bool(np.all(np.abs(off) <= LOST * bound.standard_errors)))

    def median_replication(self, player: str) -> Outcome:
        """The outcome whose error on the same noise is the median one (the larger of the two in the middle)."""
        ranked = sorted(self.of(player), key=lambda o: o.path_error)
        return ranked[len(ranked) // 2]

    @property
    def recovery(self) -> pd.DataFrame:
        """Errors over the replications beside the bound; a row per recipe and parameter."""
        return recovery(self)

    @property
    def games(self) -> pd.DataFrame:
        """Lost replications, time, errors on the same noise; a row per recipe."""
        return games(self)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables by name."""
        estimates = pd.concat([replications(self, player) for player in self.players], ignore_index=True)
        return {"recovery": self.recovery, "games": self.games, "bounds": bounds(self), "estimates": estimates}

    def summary(self) -> pd.DataFrame:
        """Errors against the bound, a row per recipe and parameter."""
        columns = ["recipe", "parameter", "truth", "RMSE (%)", "bound (%)", "RMSE / bound", "95 % low", "95 % high"]
        return self.recovery.loc[:, columns]

    @property
    def targets(self) -> dict[str, bool]:
        """What our recipe was to reach, and whether it did."""
        errors, ended = self.recovery, self.games.iloc[0]
        ratios = errors.loc[errors["recipe"] == OURS, "RMSE / bound"]
        return {
            f"RMSE at most {TARGET_RATIO:g} bounds": bool((ratios <= TARGET_RATIO).all()),
            "no replication lost": int(ended["lost"]) == 0,
            "error on the same noise below 1.5 %": self.median_replication(OURS).path_error < TARGET_PATH_ERROR,
            "2000 iterations within 60 s": float(ended["largest"]) <= TARGET_SECONDS,
        }

    @property
    def status(self) -> str:
        """One sentence on what came out."""
        errors, ended = self.recovery, self.games.iloc[0]
        mine = errors[errors["recipe"] == OURS]
        ratios = ", ".join(f"{r:.2f} ({p})" for p, r in zip(mine["parameter"], mine["RMSE / bound"], strict=True))
        missed = [name for name, met in self.targets.items() if not met]
        return (
            f"Over {ended['replications']} replications the root mean square errors are {ratios} times the efficient "
            f"standard errors, {ended['lost']} replications were lost, and "
            + (f"the targets that were missed are: {'; '.join(missed)}." if missed else "all targets were reached.")
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``--json`` prints them."""
        return {
            "kind": "experiment",
            "recipe": self.recipe.name,
            "status": self.status,
            "targets": self.targets,
            "recovery": self.recovery.to_dict(orient="records"),
            "games": self.games.to_dict(orient="records"),
            "bounds": {name: asdict(bound) for name, bound in self.bounds.items()},
            "outcomes": [asdict(o) for o in self.outcomes],
            "seconds": self.seconds,
        }
