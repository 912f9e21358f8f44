"""`simcal simulate MARKET`: paths from a market, or the request table of a dealer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simcal.cli.filter import market_of
from simcal.cli.output import Json, print_json, print_table, say
from simcal.errors import ParameterError

if TYPE_CHECKING:
    from simcal.models import Market
    from simcal.paths import Paths


def command(
    market: Annotated[
        str, typer.Argument(metavar="MARKET", help="A market's name, a TOML file, a run's folder, or FILE.py:NAME.")
    ],
    paths: Annotated[int, typer.Option(help="Number of paths.")] = 1000,
    steps: Annotated[
        int, typer.Option(help="Number of steps after the burn-in; in a dealer market, of requests.")
    ] = 250,
    seed: Annotated[int, typer.Option(help="Seed of the noise; path k is the same whatever the number of paths.")] = 0,
    out: Annotated[Path | None, typer.Option(help="A Parquet file, written in chunks; with --as, CSV too.")] = None,
    save: Annotated[
        list[str] | None, typer.Option(help="More to save, such as demand_noise or best_quote; may be repeated.")
    ] = None,
    every: Annotated[int, typer.Option(help="Save every so many steps.")] = 1,
    burn_in: Annotated[int, typer.Option(help="Steps to leave out at the beginning.")] = 0,
    dtype: Annotated[str, typer.Option(help="float64 or float32.")] = "float64",
    threads: Annotated[int | None, typer.Option(help="Threads; all cores when absent.")] = None,
    requests: Annotated[
        bool,
        typer.Option(
            "--requests", help="Dealer markets: write dealer 0's own requests on path 0 to --out, CSV or Parquet."
        ),
    ] = False,
    as_: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="ohlcv|wide|returns",
            help="Write --out for backtesters: bars with volume, or prices or returns with a column per path; "
            "dates are business days from 2000-01-03.",
        ),
    ] = None,
    bar: Annotated[int, typer.Option(help="With --as ohlcv, steps per bar.")] = 1,
    from_today: Annotated[
        bool, typer.Option("--from-today", help="Of a run: begin after its last price, in the state of that day.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Simulate a market; write the paths to a Parquet file, or print what they are like."""
    import simcal
    from simcal.subjects import subject_of_market

    model = market_of(market, from_today)
    if as_ is not None and (requests or save or every != 1):
        raise ParameterError("--as writes every step, with volumes in bars; leave out --requests, --save and --every.")
    if bar != 1 and as_ != "ohlcv":
        raise ParameterError("--bar is for --as ohlcv; give that too, or leave --bar out.")
    if requests:
        if save or every != 1 or burn_in:
            raise ParameterError("--requests writes all requests of one path; leave out --save, --every and --burn-in.")
        _write_requests(model, market, steps, seed, out, as_json)
        return
    options: dict[str, Any] = {"seed": seed, "burn_in": burn_in, "dtype": dtype, "threads": threads}
    if as_ is None:
        result = simcal.simulate(model, paths, steps, save=tuple(save or ()), every=every, out=out, **options)
        described = result.to_dict()
    else:
        result = _export(model, paths, steps, options, as_, out, bar)
        described = {"file": str(out), "as": as_, "bar": bar, **result.to_dict()}
    if as_json:
        print_json(described)
        return
    title = f"{paths} paths of {steps} steps, market {market}, seed {seed}"
    subject = subject_of_market(model)
    if subject is not None:
        summary = subject.summary(model, paths, steps, seed=seed, burn_in=burn_in, threads=threads)
        print_table(summary, title.replace("steps", "requests"))
        if out is not None:
            say(f"Written to {out}.")
        return
    print_table(result.summary(), title)
    if out is not None:
        say(f"Written to {out}." + ("" if as_ else f" What they are like: simcal facts {out}"))


def _export(
    model: Market, n_paths: int, n_steps: int, options: dict[str, Any], layout: str, out: Path | None, bar: int
) -> Paths:
    """Simulate, and write the paths as a table for other tools."""
    import simcal
    from simcal.exports import check_target, volumes, write

    if out is None:
        raise ParameterError(f"--as {layout} writes a table; give its file, CSV or Parquet, as --out too.")
    check_target(layout, out)
    save = volumes(model.OUTPUTS) if layout == "ohlcv" else []
    result = simcal.simulate(model, n_paths, n_steps, save=save, **options)
    write(result, layout, out, bar)
    return result


def _write_requests(model: Market, market: str, n: int, seed: int, out: Path | None, as_json: bool) -> None:
    """Dealer 0's table of one path as a file."""
    from simcal.subjects import subject_of_market

    subject = subject_of_market(model)
    if subject is None:
        raise ParameterError(
            f"--requests needs a market of dealers, such as rfq, but {market} is one of kind {model.kind}."
        )
    if out is None:
        raise ParameterError("--requests writes a table of requests; give its file, CSV or Parquet, as --out too.")
    described = subject.write_table(model, n, seed, out)
    if as_json:
        print_json({"file": str(out), **described, "market": model.to_dict()})
        return
    say(f"{n} requests as dealer 0 of {market} sees them, seed {seed}, written to {out}. "
        f"What they are like: simcal facts {out}")  # fmt: skip
