"""`simcal backtest-family RUN --data NAME`: many strategies, calibrated markets, held-out prices as the judge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simcal.cli.backtest import refuse_run_folder, say_where, write_folder
from simcal.cli.output import Json, print_json, progress_bar
from simcal.errors import ParameterError


def command(
    markets: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...", help="Markets: names, TOML files, or folders of runs, of which all starts are taken."
        ),
    ],
    family: Annotated[
        str,
        typer.Option(help="standard, trend, reversion, a TOML file with tables [[strategy]], or FILE.py:NAME."),
    ] = "standard",
    data: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Prices, whose held-out part judges; none when absent.")
    ] = None,
    train_share: Annotated[
        float | None,
        typer.Option(help="Share of the prices that was trained on.", show_default="the run's own, or 0.7"),
    ] = None,
    drift: Annotated[
        bool, typer.Option(help="Keep the drift of prices, which markets of returns alone do not know.")
    ] = True,
    paths: Annotated[int, typer.Option(help="Paths of each market.")] = 200,
    steps: Annotated[
        int | None, typer.Option(help="Steps of each path.", show_default="as many as are held out, or 1000")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the noise.")] = 0,
    size: Annotated[float, typer.Option(help="Traders of the model that a unit counts as; 0 moves no price.")] = 0.0,
    execution: Annotated[str, typer.Option(help="Price of an order: next, last, or mid.")] = "next",
    fixed_cost: Annotated[float, typer.Option(help="Money per trade.")] = 0.0,
    proportional_cost: Annotated[float, typer.Option(help="Share of the value traded.")] = 0.0,
    quadratic_cost: Annotated[float, typer.Option(help="Money per squared trader.")] = 0.0,
    burn_in: Annotated[int, typer.Option(help="Steps that strategies see before they trade.")] = 250,
    level: Annotated[float, typer.Option(help="Probability of the bands.")] = 0.95,
    out: Annotated[Path | None, typer.Option(help="A folder for numbers and report.")] = None,
    report: Annotated[bool, typer.Option(help="Write report.html into the folder of --out.")] = True,
    as_json: Json = False,
) -> None:
    """Test a family of strategies in calibrated markets, and on the prices that were held out.

    Says how sure each strategy's Sharpe ratio is over paths and over markets that the calibration may have ended in,
    how much of the best one is luck, and whether the market ranks the family as held-out prices do.
    """
    import simcal

    if train_share is not None and data is None:
        raise ParameterError("--train-share splits prices; give them as --data too.")
    refuse_run_folder(out, markets, "a run's")
    with progress_bar("markets played") as told:
        result = simcal.backtest_family(
            family, markets if len(markets) > 1 else markets[0], data, train_share=train_share, drift=drift,
            n_paths=paths, n_steps=steps, seed=seed, size=size, execution=execution,  # pyright: ignore[reportArgumentType]
            fixed_cost=fixed_cost, proportional_cost=proportional_cost, quadratic_cost=quadratic_cost, burn_in=burn_in,
            level=level, progress=told,
        )  # fmt: skip
    written = {} if out is None else write_folder(out, result, report)
    if as_json:
        print_json(result.to_dict() | written)
        return
    from simcal.cli.backtest_tables import print_family

    print_family(result)
    say_where(written)
