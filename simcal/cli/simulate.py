"""`simcal simulate MARKET`: paths from a market."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simcal.cli.output import Json, print_json, print_table, say


def command(
    market: Annotated[
        str, typer.Argument(metavar="MARKET", help="A market's name, a TOML file, or the folder of a run.")
    ],
    paths: Annotated[int, typer.Option(help="Number of paths.")] = 1000,
    steps: Annotated[int, typer.Option(help="Number of steps after the burn-in.")] = 250,
    seed: Annotated[int, typer.Option(help="Seed of the noise; path k is the same whatever the number of paths.")] = 0,
    out: Annotated[Path | None, typer.Option(help="A Parquet file, written in chunks.")] = None,
    save: Annotated[list[str] | None, typer.Option(help="More to save, such as demand_noise; may be repeated.")] = None,
    every: Annotated[int, typer.Option(help="Save every so many steps.")] = 1,
    burn_in: Annotated[int, typer.Option(help="Steps to leave out at the beginning.")] = 0,
    dtype: Annotated[str, typer.Option(help="float64 or float32.")] = "float64",
    threads: Annotated[int | None, typer.Option(help="Threads; all cores when absent.")] = None,
    as_json: Json = False,
) -> None:
    """Simulate a market; write the paths to a Parquet file, or print what they are like."""
    import simcal

    result = simcal.simulate(
        simcal.load(market), paths, steps, seed=seed, save=tuple(save or ()), every=every, burn_in=burn_in,
        dtype=dtype, threads=threads, out=out,
    )  # fmt: skip
    if as_json:
        print_json(result.to_dict())
        return
    print_table(result.summary(), f"{paths} paths of {steps} steps, market {market}, seed {seed}")
    if out is not None:
        say(f"Written to {out}. What they are like: simcal facts {out}")
