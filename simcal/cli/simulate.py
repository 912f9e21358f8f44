"""`simcal simulate MARKET`: paths from a market, or the request table of a dealer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simcal.cli.output import Json, print_json, print_table, say
from simcal.errors import ParameterError

if TYPE_CHECKING:
    from simcal.models import Market


def command(
    market: Annotated[
        str, typer.Argument(metavar="MARKET", help="A market's name, a TOML file, or the folder of a run.")
    ],
    paths: Annotated[int, typer.Option(help="Number of paths.")] = 1000,
    steps: Annotated[
        int, typer.Option(help="Number of steps after the burn-in; in a dealer market, of requests.")
    ] = 250,
    seed: Annotated[int, typer.Option(help="Seed of the noise; path k is the same whatever the number of paths.")] = 0,
    out: Annotated[Path | None, typer.Option(help="A Parquet file, written in chunks.")] = None,
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
    as_json: Json = False,
) -> None:
    """Simulate a market; write the paths to a Parquet file, or print what they are like."""
    import simcal

    model = simcal.load(market)
    if requests:
        if save or every != 1 or burn_in:
            raise ParameterError("--requests writes all requests of one path; leave out --save, --every and --burn-in.")
        _write_requests(model, market, steps, seed, out, as_json)
        return
    result = simcal.simulate(
        model, paths, steps, seed=seed, save=tuple(save or ()), every=every, burn_in=burn_in,
        dtype=dtype, threads=threads, out=out,
    )  # fmt: skip
    if as_json:
        print_json(result.to_dict())
        return
    title = f"{paths} paths of {steps} steps, market {market}, seed {seed}"
    if model.kind == "rfq":
        from simcal.models.dealers.summary import request_summary

        summary = request_summary(model, paths, steps, seed=seed, burn_in=burn_in, threads=threads)  # type: ignore[arg-type]
        print_table(summary, title.replace("steps", "requests"))
        if out is not None:
            say(f"Written to {out}.")
        return
    print_table(result.summary(), title)
    if out is not None:
        say(f"Written to {out}. What they are like: simcal facts {out}")


def _write_requests(model: Market, market: str, n: int, seed: int, out: Path | None, as_json: bool) -> None:
    """Dealer 0's table of one path as a file."""
    from simcal.models.dealers import RfqMarket
    from simcal.models.dealers.request_table import request_table

    if not isinstance(model, RfqMarket):
        raise ParameterError(
            f"--requests needs a market of dealers, such as rfq, but {market} is one of kind {model.kind}."
        )
    if out is None:
        raise ParameterError("--requests writes a table of requests; give its file, CSV or Parquet, as --out too.")
    table = request_table(model, n, seed=seed, name=out.stem)
    table.save(out)
    if as_json:
        print_json({"file": str(out), **table.summary(), "market": model.to_dict()})
        return
    say(f"{n} requests as dealer 0 of {market} sees them, seed {seed}, written to {out}. "
        f"What they are like: simcal facts {out}")  # fmt: skip
