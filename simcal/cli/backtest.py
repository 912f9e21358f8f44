"""`simcal backtest RUN --strategy NAME`: a strategy inside a market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simcal.cli.filter import market_of
from simcal.cli.output import Json, print_json, progress_bar, say
from simcal.errors import ParameterError

if TYPE_CHECKING:
    from simcal.rfq import HistoryShift
    from simcal.trading import Backtest, FamilyBacktest

_PATIENCE = 3.0  # seconds before a bar appears
_SHIFTS = (-0.3, -0.2, -0.1, 0.1, 0.2, 0.3)  # half spreads, for a history without --shift


def command(
    market: Annotated[str, typer.Argument(metavar="RUN", help="A market's name, a TOML file, or the folder of a run.")],
    strategy: Annotated[
        list[str],
        typer.Option(
            help="hold, crossover, reversion, twap, vwap, metaorder or random; in a dealer market own, fixed, optimal, "
            "skewed or averse; or a function of yours as FILE.py:NAME. Given again: they trade together."
        ),
    ],
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=NUMBER",
            help="An option of a strategy known by name, such as long (crossover), window (reversion), duration (twap) "
            "or margin (fixed); may be repeated.",
        ),
    ] = None,
    size: Annotated[
        list[float] | None,
        typer.Option(help="Traders of the model that a unit counts as (0.1); again for each further strategy."),
    ] = None,
    sizes: Annotated[
        list[str] | None,
        typer.Option(metavar="A,B,...", help="Also at these sizes: the capacity curve, and impact against size."),
    ] = None,
    execution: Annotated[
        str | None, typer.Option(help="Price of an order: next, which it helps to make (default), last, or mid.")
    ] = None,
    fixed_cost: Annotated[float | None, typer.Option(help="Money per trade.")] = None,
    proportional_cost: Annotated[float | None, typer.Option(help="Share of the value traded.")] = None,
    quadratic_cost: Annotated[float | None, typer.Option(help="Money per squared trader.")] = None,
    returns: Annotated[
        str | None, typer.Option(help="What your function returns: target (default), the position, or order.")
    ] = None,
    periods_per_year: Annotated[float | None, typer.Option(help="Steps in a year (252).")] = None,
    baseline: Annotated[
        str, typer.Option(help="To compare with on the same noise: a strategy, or none.", show_default="hold, or own")
    ] = "default",
    paths: Annotated[int, typer.Option(help="Number of paths.")] = 1000,
    steps: Annotated[int, typer.Option(help="Steps, or requests, of each path.")] = 500,
    seed: Annotated[int, typer.Option(help="Seed of the noise.")] = 0,
    burn_in: Annotated[
        int | None, typer.Option(help="Steps before those that count.", show_default="250; dealers, --from-today: 0")
    ] = None,
    from_today: Annotated[
        bool, typer.Option("--from-today", help="Of a run: begin after its last price, in the state of that day.")
    ] = False,
    shift: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A,B,...", help="Dealers: also with all margins shifted by so many half spreads, such as -0.1,0.1."
        ),
    ] = None,
    level: Annotated[float, typer.Option(help="Probability of the bands.")] = 0.95,
    risk_level: Annotated[float, typer.Option(help="Of value at risk and expected shortfall.")] = 0.95,
    threads: Annotated[int | None, typer.Option(help="Threads; all cores when absent.")] = None,
    history: Annotated[
        str | None, typer.Option(metavar="FILE", help="Dealers: your own requests at shifted margins.")
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS", help="Of the history, which column is which: quote=price."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A folder for numbers and report.")] = None,
    report: Annotated[bool, typer.Option(help="Write report.html into the folder of --out.")] = True,
    as_json: Json = False,
) -> None:
    """Test a strategy inside a market that notices it: profit and risk over many paths, with bands.

    In a market with a price its orders move the price; the same noise without them tells their impact. In a dealer
    market it quotes beside rivals, on the same requests as a baseline, and profit needs mid_law = "walk".
    """
    import simcal

    if map_ and history is None:
        raise ParameterError("--map names the columns of a history; give its file as --history too.")
    refuse_run_folder(out, [market], "the run's")
    played = market_of(market, from_today)
    shifts = _numbers("--shift", shift or [], "half spreads, such as -0.1,0.1")
    grid = None if sizes is None else _numbers("--sizes", sizes, "sizes, such as 0.1,1,10")
    past = None
    if history is not None:
        if played.kind != "rfq":
            raise ParameterError(
                f"--history holds a dealer's own requests, but {market} is a market with a price; leave it out."
            )
        from simcal.rfq import load_requests, parse_map, shift_history

        requests = load_requests(history, parse_map(map_ or []))
        past = shift_history(requests, market, sorted({0.0, *(shifts or _SHIFTS)}), level=level)
    given: Any = {"size": size[0] if size and len(size) == 1 else size, "execution": execution, "returns": returns}
    with progress_bar("paths played", _PATIENCE) as told:
        result = simcal.backtest(
            strategy if len(strategy) > 1 else strategy[0], played, n_paths=paths, n_steps=steps, seed=seed, **given,
            sizes=grid, fixed_cost=fixed_cost, proportional_cost=proportional_cost, quadratic_cost=quadratic_cost,
            options=_options(setting or []), baseline=None if baseline == "none" else baseline, shifts=shifts,
            burn_in=burn_in, periods_per_year=periods_per_year, level=level, risk_level=risk_level, threads=threads,
            progress=told,
        )  # fmt: skip
    written = {} if out is None else write_folder(out, result, report, past)
    if as_json:
        print_json(result.to_dict() | ({} if past is None else {"history": past.to_dict()}) | written)
        return
    from simcal.cli.backtest_tables import print_history, print_result

    print_result(result)
    if past is not None:
        print_history(past, Path(history or "").name)
    for note in result.notes:
        say(note)
    say_where(written)


def _options(settings: Sequence[str]) -> dict[str, float]:
    options: dict[str, float] = {}
    for text in settings:
        name, _, value = (part.strip() for part in text.partition("="))
        if name in options:
            raise ParameterError(f"--set gives {name} twice; give it once.")
        try:
            options[name] = float(value if name else "")
        except ValueError:
            raise ParameterError(
                f"--set {text} is not understood; give a name and a number, such as margin=0.5, and --set again for "
                "each further option."
            ) from None
    return options


def _numbers(option: str, texts: Sequence[str], what: str) -> list[float]:
    try:
        return [float(part) for text in texts for part in text.split(",") if part.strip()]
    except ValueError:
        raise ParameterError(f"{option} {' '.join(texts)} is not understood; give numbers of {what}.") from None


def refuse_run_folder(out: Path | None, markets: Sequence[str], whose: str) -> None:
    """Raise where results would be written over those of the run that is the market."""
    if out is not None and out.resolve() in [Path(market).resolve() for market in markets if Path(market).is_dir()]:
        raise ParameterError(f"{out} is {whose} own folder, whose report would be lost; give another --out.")


def write_folder(
    out: Path, result: Backtest | FamilyBacktest, report: bool, past: HistoryShift | None = None
) -> dict[str, str]:
    """Write the files of a result; where its folder is, and its report."""
    result.save(out)
    if past is not None:
        from simcal.files import write_atomically

        write_atomically(out / "history.csv", past.table.to_csv(index=False, lineterminator="\n"))
    if not report:
        return {"folder": str(out)}
    from simcal.report import write_report

    page = result.page()
    if past is not None:
        page = replace(page, sections=[*page.sections, *past.sections()])
    return {"folder": str(out), "report": str(write_report(page, out / "report.html"))}


def say_where(written: Mapping[str, str]) -> None:
    """Say what was written, if anything was."""
    if written:
        report = f"; the report is {written['report']}." if "report" in written else "."
        say(f"Written to {written['folder']}{report}")
