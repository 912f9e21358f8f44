"""`simcal backtest RUN --strategy NAME`: a strategy inside a market."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simcal.cli.output import Json, print_json, print_table, say
from simcal.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from simcal.trading import Backtest
    from simcal.trading.dealers import HistoryShift

_PATIENCE = 3.0  # seconds before a bar appears
_WORDS = {"spread_pnl": "spread", "carry_pnl": "carry", "volume_hit_ratio": "hit ratio by volume"}
_SHIFTS = (-0.3, -0.2, -0.1, 0.1, 0.2, 0.3)  # half spreads, for a history without --shift


def command(
    market: Annotated[str, typer.Argument(metavar="RUN", help="A market's name, a TOML file, or the folder of a run.")],
    strategy: Annotated[
        str, typer.Option(help="own, fixed, optimal, skewed, averse, or a function of yours as FILE.py:NAME.")
    ],
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=NUMBER",
            help="An option of a strategy known by name: margin (fixed, skewed), skew (skewed), cost (optimal) or "
            "risk_aversion (averse); may be repeated.",
        ),
    ] = None,
    baseline: Annotated[str, typer.Option(help="What to compare with on the same noise: a strategy, or none.")] = "own",
    paths: Annotated[int, typer.Option(help="Number of paths.")] = 1000,
    steps: Annotated[int, typer.Option(help="Requests of each path.")] = 500,
    seed: Annotated[int, typer.Option(help="Seed of the noise.")] = 0,
    burn_in: Annotated[int, typer.Option(help="Requests to leave out at the beginning.")] = 0,
    shift: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A,B,...", help="Also with all margins shifted by so many half spreads, such as -0.1,0.1."
        ),
    ] = None,
    level: Annotated[float, typer.Option(help="Probability of the bands.")] = 0.95,
    risk_level: Annotated[float, typer.Option(help="Of value at risk and expected shortfall.")] = 0.95,
    threads: Annotated[int | None, typer.Option(help="Threads; all cores when absent.")] = None,
    history: Annotated[
        str | None, typer.Option(metavar="FILE", help="Your own requests: what shifted margins had done to these.")
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS", help="Of the history, which column is which: quote=price."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A folder for numbers and report.")] = None,
    report: Annotated[bool, typer.Option(help="Write report.html into the folder of --out.")] = True,
    as_json: Json = False,
) -> None:
    """Test a pricing strategy inside a dealer market: profit, risk, hit ratio and inventory over many paths.

    Every number comes with its band and beside a baseline that met the same clients and rivals. Profit needs a mid that
    moves: a market with mid_law = "walk".
    """
    import simcal

    _check(market, map_, history, out)
    shifts = _numbers(shift or [])
    past = None if history is None else _past(history, map_ or [], market, shifts or _SHIFTS, level)
    with _progress() as told:
        result = simcal.backtest(
            strategy, simcal.load(market), n_paths=paths, n_steps=steps, seed=seed, options=_options(setting or []),
            baseline=None if baseline == "none" else baseline, shifts=shifts, burn_in=burn_in, level=level,
            risk_level=risk_level, threads=threads, progress=told,
        )  # fmt: skip
    written = None if out is None else _write(out, result, past, report)
    if as_json:
        more: dict[str, Any] = {} if past is None else {"history": past.to_dict()}
        if written is not None:
            more |= {"folder": str(out)} | ({"report": str(written)} if report else {})
        print_json(result.to_dict() | more)
        return
    print_table(
        _measures(result), f"{result.strategy}: {paths} paths of {steps} requests (\u00b1: {100 * level:g} % bands)"
    )
    if result.shifts is not None:
        print_table(_shifted(result.shift_curve(), "profit"), "Had every margin been shifted (half spreads)")
    if past is not None:
        title = f"The {past.n_requests} requests of {Path(history or '').name}, had every margin been shifted"
        print_table(_shifted(past.table, "spread_pnl"), title)
    for note in result.notes:
        say(note)
    if written is not None:
        say(f"Written to {out}" + (f"; the report is {written}." if report else "."))


def _measures(result: Backtest) -> pd.DataFrame:
    """The summary as it fits on a screen: values with half the width of their bands."""
    import pandas as pd

    from simcal.report import format_number

    table = {"measure": result.summary["measure"].tolist(), "value": _banded(result.summary, "value", "high")}
    if result.baseline is not None:
        table["baseline"] = [format_number(value) for value in result.summary["baseline"].to_numpy(float)]
        table["difference"] = _banded(result.summary, "difference", "difference_high")
    return pd.DataFrame(table)


def _shifted(curve: pd.DataFrame, profit: str) -> pd.DataFrame:
    """A row per shift, likewise; `profit` is the column of profit."""
    import pandas as pd

    from simcal.report import format_number

    table = {
        "shift": [f"{shift:+g}" if shift else "0" for shift in curve["shift"]],
        "P&L": _banded(curve, profit, f"{profit}_high"),
        "hit ratio": _banded(curve, "hit_ratio", "hit_ratio_high"),
    }
    for name in ("spread_pnl", "carry_pnl", "volume_hit_ratio"):
        if name in curve and name != profit:
            table[_WORDS[name]] = [format_number(value) for value in curve[name].to_numpy(float)]
    return pd.DataFrame(table)


def _banded(table: pd.DataFrame, value: str, high: str) -> list[str]:
    from simcal.report import format_number

    pairs = table[[value, high]].to_numpy(float)
    return [f"{format_number(middle)} \u00b1 {format_number(top - middle, 2)}" for middle, top in pairs]


def _check(market: str, map_: list[str] | None, history: str | None, out: Path | None) -> None:
    if map_ and history is None:
        raise ParameterError("--map names the columns of a history; give its file as --history too.")
    if out is not None and Path(market).is_dir() and out.resolve() == Path(market).resolve():
        raise ParameterError(f"{out} is the run's own folder, whose report would be lost; give another --out.")


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


def _numbers(texts: Sequence[str]) -> list[float]:
    try:
        return [float(part) for text in texts for part in text.split(",") if part.strip()]
    except ValueError:
        raise ParameterError(
            f"--shift {' '.join(texts)} is not understood; give numbers of half spreads, such as -0.1,0.1."
        ) from None


def _past(history: str, map_: list[str], market: str, shifts: Sequence[float], level: float) -> HistoryShift:
    from simcal.data.requests import load_requests, parse_map
    from simcal.trading.dealers import shift_history

    return shift_history(load_requests(history, parse_map(map_)), market, sorted({0.0, *shifts}), level=level)


def _write(out: Path, result: Backtest, past: HistoryShift | None, report: bool) -> Path:
    """The folder's files; the path of the report, or of the folder."""
    from simcal.files import write_atomically
    from simcal.trading import write_backtest_report

    result.save(out)
    if past is not None:
        write_atomically(out / "history.csv", past.table.to_csv(index=False, lineterminator="\n"))
    return write_backtest_report(out / "report.html", result, past) if report else out


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error for runs of more than a few seconds; yields what `backtest` takes as `progress`."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    began, bar = time.monotonic(), Progress(console=console, transient=True, disable=not console.is_terminal)
    tasks: list[Any] = []

    def told(done: int, total: int) -> None:
        if not tasks and time.monotonic() - began > _PATIENCE and done < total:
            bar.start()
            tasks.append(bar.add_task("paths played", total=total))
        if tasks:
            bar.update(tasks[0], completed=done)

    try:
        yield told
    finally:
        if tasks:
            bar.stop()
