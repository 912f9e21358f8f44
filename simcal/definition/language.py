"""The language in which a price market is written: parameters, states, draws, outputs, groups of traders, one step.

A market is a class whose body declares what it has and whose method ``step`` says, in plain arithmetic, how one step
goes. Inside ``step`` the market's names stand for numbers *now*: a parameter for its value, a draw for a standard
normal, a state for its value before the step until it is assigned, and for its value after it from then on. Everything
else is made from that one method: see `simcal.definition`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace as dataclass_replace
from typing import Any, ClassVar, Self, dataclass_transform

import numpy as np

from simcal.definition.declarations import (
    Choice,
    Draw,
    Group,
    Orders,
    Output,
    State,
    choice,
    declarations,
    draw,
    of_kind,
    parameter,
    state,
)
from simcal.definition.trace import DefinitionError, refuse
from simcal.errors import ParameterError, check_names
from simcal.parameters import Parameter, to_plain


@dataclass_transform(kw_only_default=True, field_specifiers=(parameter, state, draw))
class Trader:
    """A type of trader: its parameters, what it remembers, its draws, and what it orders.

    ``orders`` is called once per step for all traders of a group: ``self`` stands for each of them, the argument for
    what the market shows. ``first_step`` may name a parameter: the trader takes part from that step of a path on.
    """

    first_step: ClassVar[str | None] = None
    DECLARED: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        cls.DECLARED = declarations(cls)
        for name, what in cls.DECLARED.items():
            if isinstance(what, (Output, Group, Choice)):
                raise DefinitionError(
                    f"The trader {cls.__name__} declares {name} as {type(what).__name__.lower()}; allowed in a trader "
                    "are parameters, states and draws."
                )

    def orders(self, market: Any) -> Any:
        """What one trader orders in this step; positive is to buy, 1 is the full order of one trader."""
        raise NotImplementedError

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(self.DECLARED.get(name), State):
            raise refuse(f"{name} is not a state of {type(self).__name__}, so a step cannot assign it; declare "
                         f"{name} = state(...), or use a local variable.")  # fmt: skip
        self.__dict__[name] = value


@dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(parameter, choice, state, draw))
class Definition:
    """Base of the markets that are written in this language: an immutable description, checked when it is made."""

    kind: ClassVar[str]
    title: ClassVar[str]
    DECLARED: ClassVar[dict[str, Any]]
    SPECS: ClassVar[dict[str, Parameter]]
    CHOICES: ClassVar[dict[str, Choice]]
    GROUPS: ClassVar[dict[str, Group]]
    OUTPUTS: ClassVar[tuple[str, ...]]
    BEGUN = "begun"  # key under which a description keeps where its paths begin, see `started`

    def __init_subclass__(cls) -> None:
        cls.DECLARED = declared = declarations(cls)
        cls.kind = vars(cls).get("kind", cls.__name__)
        cls.title = vars(cls).get("title", f"market {cls.kind}")
        cls.GROUPS = of_kind(Group, declared)
        counts = {
            g.size: Parameter(g.size, g.count, f"number of {g.name} traders", 0, integer=True, trainable=False)
            for g in cls.GROUPS.values()
        }
        cls.SPECS = {**counts, **of_kind(Parameter, declared)}
        for g in cls.GROUPS.values():
            for name, spec in of_kind(Parameter, g.trader.DECLARED).items():
                if name in cls.SPECS or name in declared:
                    raise DefinitionError(
                        f"The market {cls.__name__} has {name} twice: its group {g.name} brings a parameter of that "
                        f"name. Rename it in {g.trader.__name__}, for example to {g.name}_{name}."
                    )
                cls.SPECS[name] = dataclass_replace(spec, group=g.size)
        cls.CHOICES = of_kind(Choice, declared)
        cls.OUTPUTS = tuple(name for name in of_kind(Output, declared) if name != "price")
        if cls.step is not Definition.step and "price" not in {**of_kind(State, declared), **of_kind(Output, declared)}:
            raise DefinitionError(
                f"The market {cls.__name__} declares no price: give price = state(...) or output(...)."
            )

    def __init__(self, **values: Any) -> None:
        self._check_names(values)
        specs, numbers = self.SPECS, self.__dict__
        for name, spec in specs.items():
            value = values.get(name, spec.default)
            follows = value is None and spec.follows is not None
            count = numbers[spec.group] if spec.group else None
            numbers[name] = None if follows else spec.check(value, count)
        for name, spec in self.CHOICES.items():
            value = numbers[name] = values.get(name, spec.default)
            if value not in spec.words:
                raise ParameterError(f"{name} is {value!r}, but must be {' or '.join(map(repr, spec.words))}.")
        self.check()

    def check(self) -> None:
        """Raise `ParameterError` where values that are each allowed do not go together; for markets to override."""

    def step(self) -> None:
        """One step of the market; for markets to write."""
        raise NotImplementedError

    def __setattr__(self, name: str, value: Any) -> None:
        if "engine" not in self.__dict__:
            raise AttributeError(f"A market does not change; use market.replace({name}=...).")
        if not isinstance(self.DECLARED.get(name), (State, Output)):
            raise refuse(
                f"{name} is neither a state nor an output of {type(self).__name__}, so a step cannot assign it; "
                f"declare {name} = state(...) or output(...), or use a local variable."
            )
        self.__dict__[name] = value

    def __delattr__(self, name: str) -> None:
        raise AttributeError("A market does not change; use market.replace(...).")

    def _values(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in (*self.SPECS, *self.CHOICES)}

    @property
    def begun(self) -> dict[str, float]:
        """States and outputs at which paths begin, where `started` says so."""
        return self.__dict__.get(self.BEGUN, {})

    def started(self, **states: float) -> Self:
        """The market with paths that begin in other states than its definition says, as those of a certain day.

        Parameters
        ----------
        **states
            States and outputs of the market (not of each trader) by name; the others stay. None at all: the definition.

        Raises
        ------
        ParameterError
            An unknown name, or a number that is not finite.

        Examples
        --------
        >>> import simcal
        >>> crowded = simcal.load("herding").started(balance=-0.9)  # 95 % chartists
        >>> crowded.replace(growth=0.001).begun
        {'balance': -0.9}
        """
        known = [name for name, what in self.DECLARED.items() if isinstance(what, (State, Output))]
        check_names(states, known, f"a state or output of the {self.title}")
        for name, value in states.items():
            if not math.isfinite(value):
                raise ParameterError(f"{name} is to begin at {value}, but must be a finite number.")
        new = self.replace()
        new.__dict__[self.BEGUN] = {**self.begun, **{n: float(v) for n, v in states.items()}} if states else {}
        return new

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values() == other._values() and self.begun == other.begun

    def __hash__(self) -> int:
        return hash((type(self), *self._values().values(), *self.begun.items()))

    def __repr__(self) -> str:
        given = {**{n: s.default for n, s in self.SPECS.items()}, **{n: c.default for n, c in self.CHOICES.items()}}
        changed = [f"{name}={value!r}" for name, value in self._values().items() if value != given[name]]
        begun = f".started({', '.join(f'{n}={v!r}' for n, v in self.begun.items())})" if self.begun else ""
        return f"{type(self).__name__}({', '.join(changed)}){begun}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as they stand in TOML: ``kind`` first, then every parameter."""
        return {"kind": self.kind, **to_plain(self._values()), **({self.BEGUN: self.begun} if self.begun else {})}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The market that a TOML file describes; `ParameterError` for unknown names."""
        followers = {name: None for name, spec in cls.SPECS.items() if spec.follows}
        begun, other = values.get(cls.BEGUN, {}), ("kind", "description", "source", cls.BEGUN)
        market = cls(**followers | {k: v for k, v in values.items() if k not in other})
        if not isinstance(begun, dict):
            raise ParameterError(f"begun is {begun!r}, but must be a table of states and where they begin.")
        return market.started(**begun) if begun else market

    def replace(self, **changes: Any) -> Self:
        """A market with some parameters changed; everything is checked again."""
        self._check_names(changes)
        new = type(self)(**self._values() | changes)
        if self.begun:
            new.__dict__[self.BEGUN] = self.begun
        return new

    def describe(self) -> list[dict[str, Any]]:
        """One row per parameter: name, letter, value, unit, description; for tables."""
        return [
            {"parameter": p.name, "letter": p.letter, "value": getattr(self, p.name), "unit": p.unit,
             "meaning": p.description}
            for p in self.SPECS.values()
        ]  # fmt: skip

    def starting(self, name: str) -> Any:
        """A parameter's value, that of the parameter it follows where it is not given."""
        value = getattr(self, name)
        return getattr(self, str(self.SPECS[name].follows)) if value is None else value

    def vector(self, name: str) -> np.ndarray:
        """A parameter of a group as an array with one value per trader, shape (count,), float64."""
        spec = self.SPECS[name]
        if spec.group is None:
            raise ParameterError(f"{name} belongs to the whole market and has no value per trader.")
        return np.broadcast_to(np.asarray(getattr(self, name), dtype=float), (getattr(self, spec.group),)).copy()

    @classmethod
    def _check_names(cls, values: dict[str, Any]) -> None:
        check_names(values, (*cls.SPECS, *cls.CHOICES), f"a parameter of the {cls.title}")

    # What a step may ask for. `engine` is there only while a step runs, on symbols, arrays or tensors.

    @property
    def description(self) -> Self:
        """Inside ``step``: the market itself, with plain numbers, for choices that are made once."""
        return self._now().description

    @property
    def outside(self) -> Any:
        """Inside ``step``: excess demand from outside, of strategies; 0 where nobody trades."""
        return self._now().outside

    @property
    def age(self) -> Any:
        """Inside ``step``: the number of the step on this path, 1 for the first."""
        return self._now().age

    def uses(self, *names: str) -> bool:
        """Inside ``step``: whether one of these parameters is not 0, or is trained; else its term may be left out."""
        return self._now().uses(names)

    def lag(self, name: str, steps: Any) -> Any:
        """Inside ``step``: a state `steps` steps before this one; 1 is its value before this step."""
        return self._now().lag(name, steps)

    def mean(self, name: str, window: Any, *, exact: bool = False) -> Any:
        """Inside ``step``: the mean of the last `window` values of a state, those before the path its start.

        It is kept by adding what enters and taking off what leaves, and summed anew from time to time, or at every
        step where it is to be `exact`: equal values then give exactly no difference of two means.
        """
        return self._now().mean(name, window, exact)

    def orders(self, name: str) -> Orders:
        """Inside ``step``: what the traders of a group order together."""
        return self._now().orders(self, self.GROUPS[name])

    def _now(self) -> Any:
        if "engine" not in self.__dict__:
            raise ParameterError("This is there only inside a market's step.")
        return self.__dict__["engine"]


def streams(market: Definition) -> Iterator[tuple[str | None, str, int]]:
    """(group, draw, first stream) of every draw, in the order of their numbers."""
    number = 0
    for name in of_kind(Draw, market.DECLARED):
        yield None, name, number
        number += 1
    for g in market.GROUPS.values():
        for name in of_kind(Draw, g.trader.DECLARED):
            yield g.name, name, number
            number += getattr(market, g.size)


def states(market: Definition | type[Definition]) -> Iterator[tuple[str | None, State]]:
    """(group, state) of every state."""
    for what in of_kind(State, market.DECLARED).values():
        yield None, what
    for g in market.GROUPS.values():
        for what in of_kind(State, g.trader.DECLARED).values():
            yield g.name, what
