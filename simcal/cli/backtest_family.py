"""`simcal backtest-family RUN --data NAME`: many strategies, calibrated markets, held-out prices as the judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simcal.cli.output import Json, print_json, print_table, say
from simcal.errors import ParameterError

if TYPE_CHECKING:
    from simcal.trading import FamilyBacktest

_SHOWN = 12  # strategies on the screen; the folder has all


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

    _check(markets, train_share, data, out)
    with _progress() as told:
        result = simcal.backtest_family(
            family, markets if len(markets) > 1 else markets[0], data, train_share=train_share, n_paths=paths,
            n_steps=steps, seed=seed, size=size, execution=execution,  # pyright: ignore[reportArgumentType]
            fixed_cost=fixed_cost, proportional_cost=proportional_cost, quadratic_cost=quadratic_cost, burn_in=burn_in,
            level=level, progress=told,
        )  # fmt: skip
    written = None if out is None else _write(out, result, report)
    if as_json:
        more = {} if out is None else {"folder": str(out)} | ({"report": str(written)} if report else {})
        print_json(result.to_dict() | more)
        return
    _print(result)
    if written is not None:
        say(f"Written to {out}" + (f"; the report is {written}." if report else "."))


def _check(markets: list[str], train_share: float | None, data: str | None, out: Path | None) -> None:
    if train_share is not None and data is None:
        raise ParameterError("--train-share splits prices; give them as --data too.")
    folders = [Path(market).resolve() for market in markets if Path(market).is_dir()]
    if out is not None and out.resolve() in folders:
        raise ParameterError(f"{out} is a run's own folder, whose report would be lost; give another --out.")


def _print(result: FamilyBacktest) -> None:
    from simcal.trading.families.reporting import (
        agreement_for_readers,
        selection_for_readers,
        strategies_for_readers,
        verdict,
    )

    s, table = result.settings, strategies_for_readers(result)
    n = len(table)
    half = _SHOWN // 2
    cut = table if n <= _SHOWN else table.iloc[[*range(half), *range(n - half, n)]]
    shown = f"the best and the worst {half} of {n}" if n > _SHOWN else f"all {n}"
    title = f"Sharpe ratios a year, {shown} ({s['n_markets']} markets, {s['n_paths']} paths of {s['n_steps']} steps)"
    print_table(cut, title)
    print_table(selection_for_readers(result.selection), "Luck of the choice of the best")
    if result.agreement is not None:
        print_table(agreement_for_readers(result.agreement, "spearman"), "Rank correlation with held-out prices")
        say(verdict(result.agreement))
    for note in result.notes:
        say(note)


def _write(out: Path, result: FamilyBacktest, report: bool) -> Path:
    """The folder's files; the path of the report, or of the folder."""
    from simcal.trading import write_family_report

    result.save(out)
    return write_family_report(out / "report.html", result) if report else out


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error from the first message on, so that an error before it stands alone."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    console = Console(stderr=True)
    bar = Progress(console=console, transient=True, disable=not console.is_terminal)
    tasks: list[TaskID] = []

    def told(done: int, total: int) -> None:
        if not tasks:
            bar.start()
            tasks.append(bar.add_task("markets played", total=total))
        bar.update(tasks[0], completed=done)

    try:
        yield told
    finally:
        if tasks:
            bar.stop()
