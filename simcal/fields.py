"""Frozen dataclasses whose fields say what they allow: a field, its default and its bounds are written once."""

from __future__ import annotations

import functools
import math
from dataclasses import field, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from simcal.errors import ParameterError
from simcal.parameters import Parameter, check_choices


def parameter(
    default: Any,
    description: str,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    integer: bool = False,
    trainable: bool | None = None,
    **more: Any,
) -> Any:
    """A field with all that `Parameter` says of it; see there for the arguments.

    Whole numbers are not trainable unless that is said, a default of None means that None is allowed, and the group
    "each" that any number of values is.
    """
    trainable = not integer if trainable is None else trainable
    found = Parameter("", default, description, low, high, integer=integer, trainable=trainable, **more)
    return field(default=default, metadata={"parameter": found})


@functools.cache
def parameters_of(kind: type) -> dict[str, Parameter]:
    """The parameters of such a dataclass by name, in the order of its fields."""
    found = {one.name: one.metadata.get("parameter") for one in fields(kind)}
    return {name: replace(one, name=name) for name, one in found.items() if one is not None}


@functools.cache
def _others_of(kind: type) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The fields that are words, with those that are allowed, and those that are true or false."""
    hints = get_type_hints(kind)
    words = {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal}
    return words, [name for name, hint in hints.items() if hint is bool]


def check_fields(values: Any) -> None:
    """Check the parameters, words and truth values of such a dataclass, and make its numbers plain ones.

    Raises
    ------
    ParameterError
        For the first value that is not allowed, in one sentence.
    """
    for name, one in parameters_of(type(values)).items():
        value = getattr(values, name)
        if value is not None or one.default is not None:
            if one.group == "each":
                count = len(value) if isinstance(value, (tuple, list)) else None
            else:
                count = getattr(values, one.group) if one.group else None
            object.__setattr__(values, name, one.check(value, count))
    words, truths = _others_of(type(values))
    check_choices(values, words)
    for name in truths:
        if not isinstance(getattr(values, name), bool):
            raise ParameterError(f"{name} is {getattr(values, name)!r}, but must be true or false.")
