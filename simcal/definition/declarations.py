"""What a market or a trader declares in the body of its class: parameters, states, draws, outputs, groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace as dataclass_replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from simcal.parameters import Parameter, Value

if TYPE_CHECKING:
    from simcal.definition.language import Trader

Start = float | str | Callable[[Any], Any]


@dataclass(frozen=True)
class State:
    """What a path, or each trader on it, remembers from step to step."""

    name: str
    start: Start
    checked: bool


@dataclass(frozen=True)
class Draw:
    """A standard normal per step and path, for the market or for each trader of a group."""

    name: str


@dataclass(frozen=True)
class Output:
    """What can be saved beside the prices."""

    name: str
    description: str
    start: Start


@dataclass(frozen=True)
class Choice:
    """A parameter that is one of a few words."""

    name: str
    default: str
    words: tuple[str, ...]
    description: str


@dataclass(frozen=True)
class Group:
    """Traders of one type in a market; their number is the market's parameter ``n_<name>``."""

    name: str
    trader: type[Trader]
    count: int

    @property
    def size(self) -> str:
        """The name of the parameter with the number of traders."""
        return f"n_{self.name}"


class Orders(NamedTuple):
    """The sum over a group of what its traders order, and of the sizes of these orders."""

    demand: Any
    volume: Any


def parameter(
    default: Value | None,
    description: str,
    low: float = -np.inf,
    high: float = np.inf,
    *,
    open: bool = False,
    letter: str = "",
    unit: str = "",
    integer: bool = False,
    trainable: bool = True,
    scale: float = 1.0,
    follows: str | None = None,
) -> Any:
    """Declare a parameter; the arguments are those of `simcal.parameters.Parameter`.

    In a trader it may have one value for all traders of the group or one for each. A default of None goes with
    `follows`, the name of the parameter whose value it then takes.
    """
    known: Any = default
    return Parameter(
        "", known, description, low, high, open, letter, unit, integer=integer, trainable=trainable, scale=scale,
        follows=follows,
    )  # fmt: skip


def choice(default: str, words: tuple[str, ...], description: str) -> Any:
    """Declare a parameter that is one of `words`."""
    return Choice("", default, words, description)


def state(start: Start, *, checked: bool = False, init: Literal[False] = False) -> Any:
    """Declare a state; `start` is a number, the name of a parameter, or a function of the market's parameters.

    A path on which a `checked` state or the price is not finite is counted as failed. `init` tells type checkers that
    no market is made with a state's value.
    """
    return State("", start, checked)


def draw(*, init: Literal[False] = False) -> Any:
    """Declare a standard normal that is drawn at every step, for each path (in a trader: for each trader too).

    The streams of noise are numbered in the order of declaration, the market's own before those of its groups: a group
    that is added at the end leaves the noise of the others as it was.
    """
    return Draw("")


def output(description: str, start: Start = 0.0) -> Any:
    """Declare what can be saved beside the prices; `start` is its value at time 0, as of `state`."""
    return Output("", description, start)


def group(trader: type[Trader], count: int) -> Any:
    """Declare a group of traders; its number of traders is a parameter of the market with `count` as default."""
    return Group("", trader, count)


_DECLARED = (Parameter, Choice, State, Draw, Output, Group)


def declarations(cls: type) -> dict[str, Any]:
    """What a class declares, that of its bases first, in the order written."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, _DECLARED):
                found[name] = dataclass_replace(value, name=name)
    return found


def of_kind(kind: type, declared: dict[str, Any]) -> dict[str, Any]:
    """Those of some declarations that are of one kind."""
    return {name: value for name, value in declared.items() if isinstance(value, kind)}
