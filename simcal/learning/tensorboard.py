"""A training's rows for TensorBoard, where that is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simcal.errors import ParameterError


@contextmanager
def tensorboard(folder: str | Path) -> Iterator[Callable[[Mapping[str, float]], None]]:
    """What `simcal.learning.train` takes as `listen`: writes every number of a row by its iteration into `folder`.

    Where a training goes on after an interruption, rows that it plays again replace the old ones.

    Raises
    ------
    ParameterError
        TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ParameterError(
            "TensorBoard is not installed: install it with `pip install tensorboard`, or train without it; "
            "history.csv has the same numbers."
        ) from None
    writers: list[Any] = []

    def listen(row: Mapping[str, float]) -> None:
        iteration = int(row["iteration"])
        if not writers:
            writers.append(SummaryWriter(str(folder), purge_step=iteration))
        for name, value in row.items():
            writers[0].add_scalar(name, value, iteration)

    try:
        yield listen
    finally:
        for writer in writers:
            writer.close()
