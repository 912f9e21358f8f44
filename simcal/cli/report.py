"""`simcal report RUN`: the report of a run, made anew from its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simcal.cli.facts import Map, mapping_of
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
    from simcal.calibration.runs import kind_of

    path = kind_of(run).report(run, data, mapping_of(map_))
    if as_json:
        print_json({"report": str(path)})
    else:
        say(f"The report is {path}.")
