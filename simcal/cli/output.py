"""What the commands share: the JSON on standard output, tables and progress on standard error or the screen."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simcal.json_text import json_text

if TYPE_CHECKING:
    import pandas as pd

    from simcal.calibration.starts import Listener
    from simcal.subjects import Shown

Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object on standard output.")]

_SHORT = {"discriminator_loss": "loss D", "generator_loss": "loss G"}
_NAME = 20  # letters in a name that is not folded
_SHOWN = 8  # losses and parameters beside a bar


def print_json(result: Mapping[str, Any]) -> None:
    """One JSON object on standard output; numbers that are not finite become null."""
    print(json_text(result))


def say(text: str) -> None:
    """A line for the person who waits, on standard error."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def spoken_warnings() -> Iterator[None]:
    """Warnings as one line on standard error, without the place in the code."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        say(f"simcal: warning: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


def print_table(frame: pd.DataFrame, title: str) -> None:
    """A data frame as a table on the screen; floats with four significant digits."""
    from rich.console import Console
    from rich.table import Table

    from simcal.report.tables import format_number

    table = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(frame.columns):
        justify = "right" if frame[column].dtype.kind in "fi" else "left"
        longest = max(map(len, str(column).split()), default=1)  # of the words in the heading
        # Names in the first column stay whole where they are short.
        whole = number == 0 and frame[column].map(lambda cell: len(str(cell))).max() <= _NAME
        table.add_column(str(column), justify=justify, overflow="fold", min_width=longest, no_wrap=bool(whole))
    for row in frame.itertuples(index=False):
        table.add_row(*(format_number(value, 4) for value in row))
    Console().print(table)


def show(shown: Shown, tell: Callable[[str], None] = print) -> None:
    """Tables on the screen, and sentences below them, by `tell`."""
    for title, table in shown.tables.items():
        print_table(table, title)
    for sentence in shown.sentences:
        tell(sentence)


@contextmanager
def game_progress(n_starts: int, iterations: int, *, first: str = "start", announce: str = "") -> Iterator[Listener]:
    """A progress bar per start with losses and parameters; yields what `calibrate` takes as `listen`.

    Bars, and what is announced above them, appear with the first message, so that an error before it stands alone.
    """
    with _bars() as progress:
        tasks: list[Any] = []

        def listen(number: int, row: Mapping[str, Any]) -> None:
            if not tasks:
                say(announce)
                progress.start()
                tasks.extend(progress.add_task(f"{first} {i}", total=iterations, state="") for i in range(n_starts))
            values = [f"{_SHORT.get(k, k)} {v:.3g}" for k, v in row.items() if k != "iteration"]
            progress.update(tasks[number], completed=row["iteration"], state="  ".join(values[:_SHOWN]))

        yield listen


@contextmanager
def judging_progress(word: str = "judged") -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar over the models that `validate` judges, or other things; takes (done, total, words)."""
    with _bars() as progress:
        tasks: list[Any] = []

        def listen(done: int, total: int, what: str) -> None:
            if not tasks:
                progress.start()
                tasks.append(progress.add_task(word, total=total, state=""))
            progress.update(tasks[0], completed=done, state=what)

        yield listen


@contextmanager
def _bars() -> Iterator[Any]:
    """Progress bars on standard error, not yet shown; they stop at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    # On a narrow screen the losses and parameters are cut, not the rest.
    state = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    progress = Progress(
        TextColumn("{task.description}", table_column=Column(no_wrap=True, min_width=8)), BarColumn(bar_width=12),
        MofNCompleteColumn(table_column=Column(no_wrap=True, min_width=9)), TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[state]}", table_column=state), console=Console(stderr=True), expand=True,
        refresh_per_second=4,
    )  # fmt: skip
    try:
        yield progress
    finally:
        if progress.tasks:
            progress.stop()


@contextmanager
def progress_bar(words: str, patience: float = 0.0) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, gone at the end; yields what takes (done, total).

    It appears with the first message after `patience` seconds that leaves something to do, so that a quick run and an
    error before it stand alone.
    """
    from rich.console import Console
    from rich.progress import Progress, TaskID

    console = Console(stderr=True)
    began, bar = time.monotonic(), Progress(console=console, transient=True, disable=not console.is_terminal)
    tasks: list[TaskID] = []

    def told(done: int, total: int) -> None:
        if not tasks and time.monotonic() - began >= patience and done < total:
            bar.start()
            tasks.append(bar.add_task(words, total=total))
        if tasks:
            bar.update(tasks[0], completed=done)

    try:
        yield told
    finally:
        if tasks:
            bar.stop()
