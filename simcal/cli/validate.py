"""`simcal validate RUN|MODEL [DATA]`: the realism certificate of a market."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simcal.cli.facts import Map, mapping_of
from simcal.cli.output import Json, judging_progress, print_json, say, show
from simcal.errors import ParameterError


def command(
    market: Annotated[
        str,
        typer.Argument(metavar="RUN|MODEL", help="The folder of a run, a market's name, a TOML file or FILE.py:NAME."),
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
    map_: Map = None,
    as_json: Json = False,
) -> None:
    """Judge a market by a real series: facts in their bands, moment coverage, the classifier ladder.

    Beside it stand GARCH models and a block bootstrap. Forecasts of the held-out days are judged, too, where the market
    has an exact likelihood, and windows that are copies of real ones are counted. A run that is judged by its own data
    keeps the certificate as validation.json; `simcal report` then writes it into the report. A dealer market is judged
    by a request table: the same requests with its rivals and clients, --samples times; --window, --burn-in and
    --resamples are for prices.
    """
    import simcal
    from simcal.calibration.runs import kind_of
    from simcal.subjects import Shown, subject_of_market

    folder, options = Path(market), {"n_samples": samples, "seed": seed}
    of_prices = {"window": window, "burn_in": burn_in, "n_resamples": resamples, "jobs": jobs}
    own = data is None and (folder / "manifest.json").is_file()
    model = simcal.load(market)
    subject = subject_of_market(model)
    if map_ and subject is None:
        raise ParameterError(
            "--map names the columns of a request table, but the market is one of prices; leave it out."
        )
    if data is None and not own:
        wanted = "data to judge it by, such as sp500" if subject is None else subject.wanted
        raise ParameterError(f"{market} is not the folder of a run, so say which {wanted}.")
    with judging_progress() as listen:
        if own:
            result = kind_of(folder).judge(folder, train_share=train_share, listen=listen, **options, **of_prices)
            say(f"Written to {folder / 'validation.json'}. Next: simcal report {folder}")
        elif subject is not None:
            result = subject.judge(model, data, mapping=mapping_of(map_), train_share=train_share, **options)
        else:
            share = 0.7 if train_share is None else train_share
            result = simcal.validate(model, data, train_share=share, listen=listen, **options, **of_prices)
    if as_json:
        print_json(result.to_dict())
        return
    show(Shown(result.tables(market), result.verdict) if subject is None else subject.show(result, market))
