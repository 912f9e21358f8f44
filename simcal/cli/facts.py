"""`simcal facts SERIES|PATHS.parquet|REQUESTS`: stylised facts of prices, or what a dealer's request table tells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simcal.cli.output import Json, print_json, print_table, say, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="OURS=THEIRS", help="Of a request table, which column is which: quote=price,status=won."
    ),
]


def command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SERIES|PATHS.parquet|REQUESTS",
            help="A series' name or file, paths that simcal wrote, or a dealer's request table.",
        ),
    ],
    fact: Annotated[
        list[str] | None, typer.Option(help="A fact's name; may be repeated. The default list else.")
    ] = None,
    paths: Annotated[int, typer.Option(min=1, help="Of simulated paths, the first so many.")] = 1000,
    level: Annotated[float, typer.Option(help="Probability of the bands.")] = 0.95,
    resamples: Annotated[int, typer.Option(min=2, help="Bootstrap samples for the bands of a series.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
    map_: Map = None,
    report: Annotated[
        Path | None, typer.Option(metavar="PATH.html", help="Of a request table, write tables and figures there.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the stylised facts of prices with their bands, or what dealers measure from requests for quotes."""
    from simcal.subjects import subject_of_data

    subject = None if is_paths_file(source) else subject_of_data(source, map_)
    if subject is None:
        _refuse_given(source, "a request table", {"--map": map_, "--report": report})
        _price_facts(source, fact, paths, {"level": level, "n_resamples": resamples, "seed": seed}, as_json)
        return
    _refuse_given(source, "prices", {"--fact": fact})
    found, shown = subject.facts(source, map_ or [], level, report)
    if as_json:
        print_json({"source": source, **found})
    else:
        show(shown, say)


def _price_facts(source: str, fact: list[str] | None, paths: int, options: dict[str, Any], as_json: bool) -> None:
    from simcal.facts import fact_table

    chosen = list(fact) if fact else None
    if is_paths_file(source):
        returns = first_returns(source, paths)
        what, described = f"{len(returns)} simulated paths", {"paths": len(returns), "n": returns.shape[1]}
        table = fact_table(returns, chosen, **options)
    else:
        from simcal.data import load_series

        series = load_series(source)
        what = f"{series.name}, {series.n - 1} returns"
        described = {"name": series.name, "n": series.n, "sha256": series.sha256}
        table = fact_table(series.log_returns, chosen, volume=_volume(series.volume), **options)
    if as_json:
        print_json({"source": source, **described, "facts": table.reset_index().to_dict(orient="records")})
        return
    left_out = ["label", "number"]
    if any(table["undefined"]):
        say("'undefined' counts the samples in which a fact does not exist.")
    else:
        left_out.append("undefined")
    print_table(table.reset_index().drop(columns=left_out), f"Stylised facts of {what}")


def mapping_of(maps: list[str] | None) -> Mapping[str, str] | None:
    """What --map says of the names of columns; None without any."""
    from simcal.subjects import SUBJECTS

    return next((subject.mapping(maps) for subject in SUBJECTS.values()), None) if maps else None


def _refuse_given(source: str, what: str, options: dict[str, Any]) -> None:
    from simcal.errors import ParameterError

    given = next((name for name, value in options.items() if value), None)
    if given is not None:
        raise ParameterError(f"{given} is for {what}, which '{source}' is not. Leave the option out.")


def is_paths_file(source: str) -> bool:
    """Whether this is a Parquet file with simulated paths (one of prices has no header of simcal)."""
    if not (source.endswith(".parquet") and Path(source).is_file()):
        return False
    from simcal.errors import DataError
    from simcal.path_files import read_header

    try:
        read_header(source)
    except DataError:
        return False
    return True


def first_returns(source: str, n_paths: int) -> np.ndarray:
    """Log returns of the first paths of a file, (paths, steps), without reading the others."""
    import numpy as np
    import pyarrow.parquet as pq

    from simcal.path_files import read_header

    header = read_header(source)
    length = header["n_steps"] // header["every"] + 1
    wanted = min(n_paths, header["n_paths"]) * length
    parts, rows = [], 0
    with pq.ParquetFile(source) as file:
        for batch in file.iter_batches(columns=["price"]):
            parts.append(batch.column(0).to_numpy())
            rows += len(batch)
            if rows >= wanted:
                break
    prices = np.concatenate(parts)[:wanted].reshape(-1, length)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.diff(np.log(prices))


def _volume(volume: np.ndarray | None) -> Any:
    """Volume beside the returns where all of it is known."""
    import numpy as np

    if volume is None or not bool(np.isfinite(volume).all()) or not bool((volume > 0).all()):
        return None
    return volume[1:]
