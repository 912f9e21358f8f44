"""What the verbs do with a calibration to prices and volume."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from simcal.calibration.prices import PriceRuns
from simcal.calibration.recipe import Recipe
from simcal.subjects import Shown


class EquilibriumRuns(PriceRuns):
    """A market with trading costs, from prices and volume; it is judged as markets of prices are."""

    word = "a calibration with trading costs"

    def calibrate(self, market: Any, data: Any, recipe: Recipe, *, out: Path | None = None, device: str = "cpu",
                  **_: Any) -> Any:  # fmt: skip
        """See `simcal.calibrate`."""
        from simcal.equilibrium import calibrate_equilibrium

        return calibrate_equilibrium(data, recipe, out=out)

    def bars(self, recipe: Recipe) -> tuple[int, int]:
        """No progress is told."""
        return 0, 0

    def show(self, result: Any) -> Shown:
        """The estimates and what the data do not tell."""
        table = result.estimates.drop(columns=["of", "if the model holds"])
        return Shown(
            {f"From {result.series.name}": table}, [result.status],
            "simcal validate {folder}, or simcal simulate {folder} --save volume --out paths.parquet",
        )  # fmt: skip

    def conclude(self, result: Any, folder: Path, *, jobs: int | None = None, listen: Any = None,
                 say: Callable[[str], object] = print) -> None:  # fmt: skip
        """The report."""
        from simcal.equilibrium import write_equilibrium_run_report

        write_equilibrium_run_report(folder, series=result.series)

    def report(self, folder: Path, data: Any = None, mapping: Mapping[str, str] | None = None) -> Path:
        """The report, with volume."""
        from simcal.data import load_series
        from simcal.equilibrium import write_equilibrium_run_report

        return write_equilibrium_run_report(folder, series=None if data is None else load_series(data))


RUN = EquilibriumRuns()
