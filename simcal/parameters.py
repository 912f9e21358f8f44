"""What a parameter is: its value, its bounds, its unit, the paper's letter, and how it is checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simcal.errors import ParameterError

Value = float | int | tuple[float, ...] | tuple[int, ...]


@dataclass(frozen=True)
class Parameter:
    """The description of one parameter of a market.

    Parameters
    ----------
    name, default, description
        The field's name, the value when none is given, one line for people.
    low, high
        Bounds; a value on a bound is allowed unless the bound is `open` (or infinite).
    letter, unit
        The letter in the source and the unit, for docstrings, tables and figures.
    group
        Name of the count (such as ``"n_noise"``) of the traders who may each have a value of their own;
        None for a parameter of the whole market.
    integer
        The value is a whole number; such parameters cannot be trained.
    trainable
        Whether the twin has a gradient in it.
    scale
        A change that matters: what a training step is measured by where there are no bounds.
    follows
        Name of the parameter whose value it has where none (None) is given.
    """

    name: str
    default: Value
    description: str
    low: float = -math.inf
    high: float = math.inf
    open: bool = False
    letter: str = ""
    unit: str = ""
    group: str | None = None
    integer: bool = False
    trainable: bool = True
    scale: float = 1.0
    follows: str | None = None

    def allowed(self) -> str:
        """The allowed values in words, as they stand in error messages."""
        kind = "a whole number" if self.integer else "a number"
        if math.isinf(self.low) and math.isinf(self.high):
            bounds = ""
        elif math.isinf(self.high):
            bounds = f" {'above' if self.open else 'of at least'} {self.low:g}"
        elif math.isinf(self.low):
            bounds = f" {'below' if self.open else 'of at most'} {self.high:g}"
        elif self.open:
            bounds = f" between {self.low:g} and {self.high:g}, the ends excluded"
        else:
            bounds = f" from {self.low:g} to {self.high:g}"
        return kind + bounds

    def check(self, value: Any, count: int | None = None) -> Value:
        """Return `value` as a plain number or a tuple of `count` numbers, or raise `ParameterError`."""
        if isinstance(value, (str, bytes, bool, np.bool_)) or value is None:
            raise ParameterError(f"{self.name} is {value!r}, but must be {self.allowed()}.")
        try:
            array = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            raise ParameterError(f"{self.name} is {value!r}, but must be {self.allowed()}.") from None
        if array.ndim > 1 or (array.ndim == 1 and self.group is None):
            raise ParameterError(
                f"{self.name} has shape {array.shape}, but must be one number, "
                + ("the same for the whole market." if self.group is None else "or a list with one per trader.")
            )
        if array.ndim == 1 and array.size != count:
            raise ParameterError(
                f"{self.name} lists {array.size} values, but {self.group} is {count}: "
                "give one number for all of these traders or a list with one per trader."
            )
        for position, number in enumerate(array.ravel()):
            if not self._holds(float(number)):
                where = "" if array.ndim == 0 else f"[{position}]"
                raise ParameterError(f"{self.name}{where} is {number:g}, but must be {self.allowed()}.")
        numbers = [int(x) if self.integer else float(x) for x in array.ravel()]
        return numbers[0] if array.ndim == 0 else tuple(numbers)

    def _holds(self, number: float) -> bool:
        if not math.isfinite(number) or (self.integer and number != round(number)):
            return False
        if self.open:
            return self.low < number < self.high
        return self.low <= number <= self.high


def check_choices(values: object, choices: Mapping[str, Sequence[str]]) -> None:
    """Raise `ParameterError` for the first attribute, among those named in `choices`, that is none of its words."""
    for name, allowed in choices.items():
        if getattr(values, name) not in allowed:
            words = " or ".join(repr(choice) for choice in allowed)
            raise ParameterError(f"{name} is {getattr(values, name)!r}, but must be {words}.")


def check_factor(factor: float) -> None:
    """Raise `ParameterError` unless a market can be `rescaled` by the factor."""
    if not 0 < factor < math.inf:
        raise ParameterError(f"The factor is {factor!r}, but must be a positive number.")


def to_plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Tuples as lists, so that TOML and JSON can hold them; absent (None) values are left out."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items() if v is not None}


def flat_values(market: object, names: Sequence[str]) -> dict[str, float]:
    """Named parameters as numbers; a list with one value per trader becomes ``name[0]``, ``name[1]``, ..."""
    flat: dict[str, float] = {}
    for name in names:
        value = getattr(market, name)
        if isinstance(value, tuple):
            flat.update({f"{name}[{i}]": float(x) for i, x in enumerate(value)})
        else:
            flat[name] = float(value)
    return flat
