"""`simcal filter RUN|MARKET [DATA]` and `simcal forecast`: where a market stands today, and what comes next."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from simcal.cli.output import Json, print_json, print_table, progress_bar, say
from simcal.errors import ParameterError

Subject = Annotated[
    str, typer.Argument(metavar="RUN|MARKET", help="The folder of a run, a market's name, a TOML file or FILE.py:NAME.")
]
Data = Annotated[
    str | None,
    typer.Argument(metavar="[DATA]", help="A series' name, a CSV or a Parquet file; a run's own when absent."),
]
Out = Annotated[Path | None, typer.Option(help="A CSV file for the whole table.")]
Figure = Annotated[Path | None, typer.Option(help="A PNG or PDF file for the figure.")]


def subject_of(market: str, data: str | None) -> tuple[Any, Any, Any]:
    """The market, the series, and the estimate with standard errors where the subject is a run that has one."""
    import simcal
    from simcal.calibration.result import read_run

    if (Path(market) / "manifest.json").is_file():
        run = read_run(market, None if data is None else simcal.load_series(data))
        return run.market, run.series, run.estimate
    if data is None:
        raise ParameterError(f"{market} is not the folder of a run, so say which prices to go by, such as sp500.")
    return simcal.load(market), simcal.load_series(data), None


def market_of(market: str, from_today: bool) -> Any:
    """The market of a name, a file or a run; from today, that of the last day of a run's own prices."""
    import simcal

    return simcal.filter(*subject_of(market, None)[:2]).market if from_today else simcal.load(market)


def filter_command(
    market: Subject, data: Data = None, out: Out = None, figure: Figure = None, as_json: Json = False
) -> None:
    """Follow a market's hidden state through a price series, to its last day."""
    import simcal

    model, series, _ = subject_of(market, data)
    found = simcal.filter(model, series)
    write_result(found.table, out, found, figure, as_json)
    if as_json:
        return
    print_table(found.summary(), f"{series.name}, {len(found.table)} returns: the last day and the range of all days")
    say(f"Mean log density of a return: {found.log_score:.4f}. The next return is expected to deviate by "
        f"{100 * found.next_deviation:.2f} %.")  # fmt: skip


def forecast_command(
    market: Subject,
    data: Data = None,
    horizon: Annotated[int, typer.Option(min=1, help="Steps ahead.")] = 20,
    paths: Annotated[int, typer.Option(min=1, help="Paths.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the noise and of the drawn parameters.")] = 0,
    draws: Annotated[
        int, typer.Option(min=0, help="Sets of parameters drawn around a run's estimate; 0 takes it as certain.")
    ] = 20,
    given_fall: Annotated[
        float | None, typer.Option(help="Only paths that fall by this share, such as 0.15, within the --within steps.")
    ] = None,
    within: Annotated[int, typer.Option(min=1, help="With --given-fall: steps in which the fall happens.")] = 20,
    tilted: Annotated[
        bool, typer.Option(help="With --given-fall: all paths, redrawn so that they fall by it on average.")
    ] = False,
    judge: Annotated[
        bool,
        typer.Option("--judge", help="Instead say how good forecasts were after the training part, beside others."),
    ] = False,
    train_share: Annotated[
        float, typer.Option(min=0.05, max=0.95, help="With --judge: the part that is not judged by.")
    ] = 0.7,
    out: Out = None,
    figure: Figure = None,
    as_json: Json = False,
) -> None:
    """Prices to come, from the last observed one, in the state that prices tell: quantiles, value at risk, falls."""
    import simcal

    model, series, estimate = subject_of(market, data)
    if judge:
        if figure is not None:
            raise ParameterError("--figure draws a forecast, which --judge does not make; leave one of the two out.")
        with progress_bar("forecasters") as listen:
            judged = simcal.inference.judge_forecasts(
                model, series, train_share=train_share, seed=seed, listen=listen,
                horizons=[h for h in simcal.inference.HORIZONS if h <= horizon],
            )  # fmt: skip
        write_result(judged.scores, out, judged, None, as_json)
        if not as_json:
            for steps, rows in judged.scores.groupby("steps"):
                title = f"{series.name}: {rows['forecasts'].iloc[0]} forecasts, steps ahead: {steps}"
                print_table(rows.drop(columns=["steps", "forecasts"]).dropna(axis=1, how="all"), title)
            say("CRPS and the score of Fissler and Ziegel are smaller where forecasts are better.")
        return
    known = estimate if draws and estimate is not None and estimate.method == "likelihood" else None
    found = simcal.forecast(
        model, series, horizon, n_paths=paths, seed=seed, estimate=known, n_draws=max(draws, 1)
    )  # fmt: skip
    if given_fall is not None:
        found = found.given(given_fall, within=within, tilted=tilted, seed=seed)
    write_result(found.quantiles(), out, found, figure, as_json)
    if as_json:
        return
    print_table(found.risk(), f"{series.name}: losses over steps ahead, as shares of the last price")
    falls = ", ".join(f"{share:.0%}: {found.probability_of_fall(share):.2%}" for share in (0.05, 0.1, 0.2))
    say(f"Probability of a fall within {horizon} steps by {falls}.")
    drawn = f"are drawn {found.n_draws} times around the estimate" if known is not None else "are taken as certain"
    say(f"Parameters {drawn}.")
    if given_fall is not None:
        say(f"Given a fall by {given_fall:.0%} within {within} steps; worth {found.effective:.0f} independent paths.")


def write_result(table: Any, out: Path | None, result: Any, figure: Path | None, as_json: bool) -> None:
    """Write a result's table, its figure and its JSON where they are asked for."""
    from simcal.files import make_folder

    if out is not None:
        make_folder(out.parent)
        table.to_csv(out)
        say(f"Written to {out}.")
    if figure is not None:
        import numpy as np

        make_folder(figure.parent)
        ax = np.ravel(result.plot())[0]
        ax.figure.savefig(figure, bbox_inches="tight", dpi=150)
        say(f"Drawn to {figure}.")
    if as_json:
        print_json(result.to_dict())
