"""What the verbs do with a recovery."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simcal.calibration.prices import PriceRuns
from simcal.calibration.recipe import Recipe
from simcal.errors import DataError
from simcal.subjects import Shown


class RecoveryRuns(PriceRuns):
    """A known market found again from single long samples."""

    word, units = "a recovery", "sample"

    def play(self, recipe: Recipe, **options: Any) -> Any:
        """See `run_recovery`."""
        from simcal.calibration.recovery import run_recovery

        return run_recovery(recipe, **options)

    def bars(self, recipe: Recipe) -> tuple[int, int]:
        """One for each sample."""
        return recipe.recovery.replications, recipe.game.iterations

    def show(self, result: Any) -> Shown:
        """Errors of every method."""
        settings = result.recipe.recovery
        title = f"{result.recipe.name}, {settings.replications} samples of {settings.n_steps} steps"
        return Shown({title: result.overview}, [result.status, *result.weak])

    def conclude(self, result: Any, folder: Path, **_: Any) -> None:
        """The report."""
        from simcal.calibration.recovery import write_recovery_report

        write_recovery_report(folder, result)

    def judge(self, folder: Path, **_: Any) -> Any:
        """There is no market to judge."""
        raise DataError(f"{folder} is a recovery from simulated samples, which leaves no market; see its report.html.")

    def check_readable(self, folder: Path) -> None:
        """It leaves no market."""
        self.judge(folder)

    def report(self, folder: Path, data: Any = None, mapping: Mapping[str, str] | None = None) -> Path:
        """The report."""
        from simcal.calibration.recovery import write_recovery_report

        return write_recovery_report(folder)


RUN = RecoveryRuns()
