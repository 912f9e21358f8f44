"""What the commands share: the JSON on standard output, tables and progress on standard error or the screen."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

    from simcal.calibration.starts import Listener

Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object on standard output.")]


def print_json(result: Mapping[str, Any]) -> None:
    """One JSON object on standard output; numbers that are not finite become null."""
    print(json.dumps(_clean(result), allow_nan=False))


def say(text: str) -> None:
    """A line for the person who waits, on standard error."""
    print(text, file=sys.stderr, flush=True)


def print_table(frame: pd.DataFrame, title: str) -> None:
    """A data frame as a table on the screen; floats with four significant digits."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold")
    for column in frame.columns:
        table.add_column(str(column), justify="right" if frame[column].dtype.kind in "fi" else "left")
    for row in frame.itertuples(index=False):
        table.add_row(*(_cell(value) for value in row))
    Console().print(table)


@contextmanager
def game_progress(n_starts: int, iterations: int, *, first: str = "start") -> Iterator[Listener]:
    """A progress bar per start with losses and parameters; yields what `calibrate` takes as `listen`."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[state]}"),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), refresh_per_second=4) as progress:
        tasks = [progress.add_task(f"{first} {i}", total=iterations, state="") for i in range(n_starts)]

        def listen(number: int, row: Mapping[str, Any]) -> None:
            values = [f"{_short(k)} {v:.3g}" for k, v in row.items() if k != "iteration"]
            progress.update(tasks[number], completed=row["iteration"], state="  ".join(values[:8]))

        yield listen


def _short(name: str) -> str:
    return {"discriminator_loss": "loss D", "generator_loss": "loss G"}.get(name, name)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.4g}"
    return str(value)


def _clean(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _clean(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(v) for v in value]
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
