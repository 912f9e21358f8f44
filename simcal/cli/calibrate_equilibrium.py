"""`simcal calibrate DATA --recipe equilibrium`: a market with trading costs, from prices and volume."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from simcal.cli.output import print_json, print_table, say
from simcal.errors import ParameterError

if TYPE_CHECKING:
    from simcal.calibration import Recipe


def calibrate_to_volume(data: str, recipe: Recipe, folder: Path, device: str, report: bool, as_json: bool) -> None:
    """Fit moments, leave a run folder, and print the estimates."""
    import simcal
    from simcal.calibration.equilibrium import EquilibriumCalibration, write_equilibrium_run_report

    if device != "cpu":
        raise ParameterError(f"The recipe {recipe.name} fits moments on the CPU; leave --device out.")
    found = simcal.calibrate(None, data, recipe=recipe, out=folder)
    assert isinstance(found, EquilibriumCalibration)  # what such a recipe gives
    if report:
        write_equilibrium_run_report(folder, series=found.series)
    if as_json:
        result = found.to_dict() | {"folder": str(folder)}
        print_json(result | ({"report": str(folder / "report.html")} if report else {}))
        return
    print_table(found.estimates.drop(columns=["of", "if the model holds"]), f"From {found.series.name}")
    print(found.status)
    say(f"The run is in {folder}" + (f", its report is {folder / 'report.html'}." if report else "."))
    say(f"Next: simcal validate {folder}, or simcal simulate {folder} --save volume --out paths.parquet")
