"""What the verbs do with an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simcal.calibration.prices import PriceRuns
from simcal.calibration.recipe import Recipe
from simcal.errors import DataError
from simcal.subjects import Shown


class ExperimentRuns(PriceRuns):
    """A known market found again from its own paths."""

    word, units = "an experiment", "replication"

    def play(self, recipe: Recipe, **options: Any) -> Any:
        """See `run_experiment`."""
        from simcal.calibration.experiment import run_experiment

        return run_experiment(recipe, **options)

    def bars(self, recipe: Recipe) -> tuple[int, int]:
        """One for each replication."""
        return recipe.experiment.replications, recipe.game.iterations

    def show(self, result: Any) -> Shown:
        """Errors against the bound."""
        return Shown({f"The experiment {result.recipe.name}": result.summary()}, [result.status])

    def conclude(self, result: Any, folder: Path, **_: Any) -> None:
        """The report."""
        from simcal.calibration.experiment.report import write_experiment_report

        write_experiment_report(folder, result)

    def judge(self, folder: Path, **_: Any) -> Any:
        """There are no data to judge by."""
        raise DataError(f"{folder} is an experiment on simulated data; to judge its market, give data as well.")

    def check_readable(self, folder: Path) -> None:
        """It has no data of its own."""
        self.judge(folder)

    def report(self, folder: Path, data: Any = None, mapping: Mapping[str, str] | None = None) -> Path:
        """The report."""
        from simcal.calibration.experiment.report import write_experiment_report

        return write_experiment_report(folder)


RUN = ExperimentRuns()
