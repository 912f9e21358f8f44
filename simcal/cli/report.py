"""`simcal report RUN`: the report of a run, made anew from its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simcal.cli.facts import Map
from simcal.cli.output import Json, print_json, say


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run or of an experiment.")],
    data: Annotated[
        str | None, typer.Argument(metavar="[DATA]", help="The run's data, where their file has moved since.")
    ] = None,
    map_: Map = None,
    as_json: Json = False,
) -> None:
    """Write report.html anew from what lies in a run folder; nothing is trained or judged again."""
    from simcal.calibration.run import read_manifest
    from simcal.rfq import is_rfq_run, write_rfq_experiment_report, write_rfq_report

    kind = read_manifest(run).get("kind")
    if kind == "experiment":
        from simcal.calibration.experiment.report import write_experiment_report

        path = write_experiment_report(run)
    elif kind == "request experiment":
        path = write_rfq_experiment_report(run)
    elif kind == "recovery":
        from simcal.calibration.recovery import write_recovery_report

        path = write_recovery_report(run)
    elif kind == "equilibrium":
        from simcal.calibration.equilibrium import write_equilibrium_run_report
        from simcal.data import load_series

        path = write_equilibrium_run_report(run, series=None if data is None else load_series(data))
    elif is_rfq_run(run):
        from simcal.rfq import load_requests, parse_map

        path = write_rfq_report(run, requests=None if data is None else load_requests(data, parse_map(map_ or [])))
    else:
        from simcal.calibration import write_run_report
        from simcal.data import load_series

        path = write_run_report(run, series=None if data is None else load_series(data))
    if as_json:
        print_json({"report": str(path)})
    else:
        say(f"The report is {path}.")
