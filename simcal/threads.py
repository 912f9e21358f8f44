"""Shares work among threads: for compiled functions that let go of the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from simcal.errors import ParameterError


def check_threads(threads: int | None) -> int:
    """The number of threads; None is one per core that this process may use. `ParameterError` below 1."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ParameterError(
            f"threads is {threads!r}, but must be a whole number of at least 1, or None for one per core."
        )
    return threads


def split(n: int, parts: int) -> list[tuple[int, int]]:
    """At most `parts` ranges (begin, end) of nearly equal length that cover 0 to `n`; none of them is empty."""
    parts = min(parts, n)
    return [(n * i // parts, n * (i + 1) // parts) for i in range(parts)]


def run(tasks: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]]) -> None:
    """Call each ``(function, arguments)``, one per thread; the first in this thread. Errors come back as they are."""
    if not tasks:
        return
    if len(tasks) == 1:
        function, arguments = tasks[0]
        function(*arguments)
        return
    with ThreadPoolExecutor(len(tasks) - 1) as pool:
        futures = [pool.submit(function, *arguments) for function, arguments in tasks[1:]]
        tasks[0][0](*tasks[0][1])
        for future in futures:
            future.result()
