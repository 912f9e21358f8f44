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
    from simcal.equilibrium import calibrate_equilibrium, write_equilibrium_run_report

    if device != "cpu":
        raise ParameterError(f"The recipe {recipe.name} fits moments on the CPU; leave --device out.")
    found = calibrate_equilibrium(data, recipe, out=folder)
    page = write_equilibrium_run_report(folder, series=found.series) if report else None
    if as_json:
        print_json(found.to_dict() | {"folder": str(folder)} | ({} if page is None else {"report": str(page)}))
        return
    for title, table in found.summary().items():
        print_table(table, title)
    print(found.status)
    say(f"The run is in {folder}" + (f", its report is {page}." if page is not None else "."))
    say(f"Next: simcal validate {folder}, or simcal simulate {folder} --save volume --out paths.parquet")
