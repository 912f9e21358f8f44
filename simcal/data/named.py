"""Series by names that other packages or this process brought, and series in a user's Python file."""

from __future__ import annotations

from typing import Any

from simcal.registry import Registry
from simcal.user_code import is_reference, load_definition

SERIES: Registry[Any] = Registry("simcal.series", "a series")
"""Beside the catalogue: what `load_series` takes, or a function without arguments that gives it."""


def named_series(source: Any) -> Any:
    """What ``FILE.py:NAME`` or a registered name stands for; every other source as it is."""
    if is_reference(source):
        found = load_definition(source)
    elif isinstance(source, str) and source in SERIES:
        found = SERIES.find(source)
    else:
        return source
    return found() if callable(found) else found
