"""`simcal validate RUN|MODEL [DATA]`: the realism certificate of a market."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simcal.cli.facts import Map
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
    map_: Map = None,
    as_json: Json = False,
) -> None:
    """Judge a market by a real series: facts in their bands, moment coverage, the classifier ladder.

    Beside it stand GARCH models and a block bootstrap. A run that is judged by its own data keeps the certificate as
    validation.json; `simcal report` then writes it into the report. A dealer market is judged by a request table: the
    same requests with its rivals and clients, --samples times; --window, --burn-in and --resamples are for prices.
    """
    import simcal
    from simcal.calibration import Validation, read_run, write_validation

    if _is_dealer_market(market):
        _validate_requests(market, data, samples, seed, train_share, map_, as_json)
        return
    if map_:
        raise ParameterError(
            "--map names the columns of a request table, but the market is one of prices; leave it out."
        )
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
    assert isinstance(result, Validation)  # dealer markets went their own way above
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


def _is_dealer_market(market: str) -> bool:
    from simcal import models
    from simcal.rfq import is_rfq_run

    if Path(market).is_dir() and not (Path(market) / "market.toml").is_file():
        return False  # what it lacks is said where it is read
    return is_rfq_run(market) or getattr(models.load(market), "kind", "") == "rfq"


def _validate_requests(
    market: str, data: str | None, samples: int, seed: int, train_share: float | None, maps: list[str] | None,
    as_json: bool,
) -> None:  # fmt: skip
    from simcal import models
    from simcal.rfq import RfqMarket, is_rfq_run, judge_rfq_run, load_requests, parse_map, validate_requests

    if data is None:
        if not is_rfq_run(market):
            raise ParameterError(
                f"{market} is not the folder of a run, so say which requests to judge it by, such as rfq-example."
            )
        if train_share is not None:
            raise ParameterError("A run is judged with its own training share; leave --train-share out, or give DATA.")
        result = judge_rfq_run(market, n_samples=samples, seed=seed)
        say(f"Written to {Path(market) / 'validation.json'}. Next: simcal report {market}")
    else:
        judged = models.load(market)
        assert isinstance(judged, RfqMarket)
        requests = load_requests(data, parse_map(maps or []))
        result = validate_requests(judged, requests, train_share=train_share or 1.0, n_samples=samples, seed=seed)
    if as_json:
        print_json(result.to_dict())
        return
    for part, facts in result.parts.items():
        print_table(facts.reset_index(), f"Facts of {result.data['name']} beside {market}, {part}")
    for sentence in result.verdict:
        print(sentence)
