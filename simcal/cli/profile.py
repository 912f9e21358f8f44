"""`simcal profile RUN [DATA]`: how well a run by likelihood knows its parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simcal.cli.filter import Figure, write_result
from simcal.cli.output import Json, progress_bar, say, show


def command(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The folder of a run of the estimator likelihood.")],
    data: Annotated[
        str | None, typer.Argument(metavar="[DATA]", help="The run's own series, where it has moved since.")
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option(help="One to profile, may be repeated; all of the run's when absent.")
    ] = None,
    bootstrap: Annotated[
        int, typer.Option(min=0, help="Series to simulate from the estimate and to estimate from again; 0: none.")
    ] = 0,
    terms: Annotated[
        bool, typer.Option("--terms", help="Also estimate without each term that the run's recipe names.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="A folder, RUN/profile when absent; interrupted, the same command continues there."),
    ] = None,
    figure: Figure = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; one per core when absent.")] = None,
    as_json: Json = False,
) -> None:
    """Profile likelihoods of a run's parameters, with 95 % intervals beside those by standard errors.

    On request a parametric bootstrap, and likelihood ratios that say which terms of the market the data want.
    """
    import simcal
    from simcal.calibration.result import read_run
    from simcal.subjects import Shown

    subject, folder = read_run(run, None if data is None else simcal.load_series(data)), out or Path(run) / "profile"
    with progress_bar("searches") as listen:
        found = simcal.profile(
            subject, parameters=parameter, bootstrap=bootstrap, terms=terms, out=folder, jobs=jobs, listen=listen
        )
    write_result(None, None, found, figure, as_json)
    if not as_json:
        show(Shown(found.tables(), found.sentences()))
    say(f"Points and tables are in {folder}.")
