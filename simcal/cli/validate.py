"""`simcal validate RUN|MODEL [DATA]`: the realism certificate of a market."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simcal.cli.output import Json, judging_progress, print_json, print_table, say
from simcal.errors import ParameterError


def command(
    market: Annotated[
        str, typer.Argument(metavar="RUN|MODEL", help="The folder of a run, a market's name or a TOML file.")
    ],
    data: Annotated[
        str | None,
        typer.Argument(metavar="[DATA]", help="A series' name, a CSV or a Parquet file; a run's own when absent."),
    ] = None,
    samples: Annotated[int, typer.Option(min=2, help="Simulated samples of the data's length.")] = 200,
    window: Annotated[int, typer.Option(help="Returns in a window of the classifiers, at least 150.")] = 250,
    train_share: Annotated[
        float | None, typer.Option(help="Share of the data that baselines are fitted to; a run's own, else 0.7.")
    ] = None,
    burn_in: Annotated[int, typer.Option(min=0, help="Steps of the market to leave out before each sample.")] = 500,
    resamples: Annotated[int, typer.Option(min=2, help="Bootstrap samples for the bands.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of samples, bootstrap and classifiers.")] = 0,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; one per core when absent.")] = None,
    as_json: Json = False,
) -> None:
    """Judge a market by a real series: facts in their bands, moment coverage, the classifier ladder.

    Beside it stand GARCH models and a block bootstrap. A run that is judged by its own data keeps the certificate as
    validation.json; `simcal report` then writes it into the report.
    """
    import simcal
    from simcal.calibration import read_run, write_validation

    run = read_run(market) if data is None and Path(market).is_dir() else None
    if run is None and data is None:
        raise ParameterError(f"{market} is not the folder of a run, so say which data to judge it by, such as sp500.")
    share = train_share if train_share is not None else 0.7 if run is None else run.recipe.train_share
    with judging_progress() as listen:
        result = simcal.validate(
            market if run is None else run.market, data if run is None else run.series, train_share=share,
            n_samples=samples, window=window, burn_in=burn_in, seed=seed, n_resamples=resamples, jobs=jobs,
            listen=listen,
        )  # fmt: skip
    if run is not None:
        say(f"Written to {write_validation(run.folder, result)}. Next: simcal report {run.folder}")
    if as_json:
        print_json(result.to_dict())
        return
    columns = ["label", "unit", "data", "low", "high", "simulated", "passes"]
    print_table(
        result.all_data.fact_table().reindex(columns=columns),
        f"Facts of {market} beside {result.data['name']}, all data",
    )
    print_table(result.summary, "How like the real series")
    for sentence in result.verdict:
        print(sentence)
