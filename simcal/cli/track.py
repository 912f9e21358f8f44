"""`simcal track DATA`: a market's parameters through time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simcal.cli.filter import Figure, write_result
from simcal.cli.output import Json, print_table, progress_bar, say


def command(
    data: Annotated[str, typer.Argument(metavar="DATA", help="A series' name, a CSV or a Parquet file.")],
    market: Annotated[str | None, typer.Option(help="Where to begin; the recipe's market when absent.")] = None,
    recipe: Annotated[str, typer.Option(help="A recipe that estimates by likelihood.")] = "likelihood",
    window: Annotated[
        int | None, typer.Option(min=1, help="Returns in a rolling window; when absent, windows grow from the start.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Returns from one window's end to the next.")] = 250,
    out: Annotated[Path | None, typer.Option(help="A folder; interrupted, the same command continues there.")] = None,
    figure: Figure = None,
    as_json: Json = False,
) -> None:
    """Calibrate a market over windows of a price series, each time from the last solution, by exact likelihood.

    A test of constancy (Nyblom) says which parameters stayed the same.
    """
    import simcal

    with progress_bar("windows") as listen:
        found = simcal.track(data, market=market, recipe=recipe, window=window, every=every, out=out, listen=listen)
    write_result(None, None, found, figure, as_json)
    if as_json:
        return
    print_table(found.summary(), f"{found.series.name}, {len(found.estimates)} windows: parameters through time")
    joint = found.constancy.iloc[-1]
    say(f"That all of them stayed the same: p = {joint['p']:.2g} (Nyblom's statistic {joint['statistic']:.2f}).")
    if out is not None:
        say(f"Every window is in {out / 'track.csv'}.")
