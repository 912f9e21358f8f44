"""A market's step, run once on symbols: the program from which kernels, sweeps and tables of coefficients are made."""

from __future__ import annotations

import operator
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from simcal.definition import functions
from simcal.definition.declarations import Draw, Group, Orders, Output, State
from simcal.definition.language import Definition, states, streams
from simcal.definition.trace import DefinitionError, Node, Tape, reach, refuse

Key = tuple[str | None, str]  # (group, name) of a state; no group for the market's own
Numbers = dict[str, np.ndarray]


class Program:
    """One step of a market as a tape.

    Parameters
    ----------
    market
        The market; numbers that are 0 in it may leave terms out, and its choices decide which rules are written.
    trained
        Parameters whose terms are written even where they are 0.

    Attributes
    ----------
    before, after
        The states' nodes before and after the step, by (group, name).
    outputs
        Nodes of the outputs, ``"price"`` among them.
    starts
        Nodes (numbers of the market) of states and outputs at time 0, by (group, name).
    streams
        (group, draw): the number of the first stream.
    lagged
        States of which past values are asked for, and the nodes that ask.
    """

    def __init__(self, market: Definition, trained: frozenset[str] = frozenset()) -> None:
        self.market, self.tape = market, Tape()
        self.streams = {(g, name): number for g, name, number in streams(market)}
        self.before: dict[Key, Node] = {}
        self.after: dict[Key, Node] = {}
        self.starts: dict[Key, Node] = {}
        self.gates: dict[str, Node] = {}
        self.engine = engine = _Symbols(self, trained)
        for group, what in states(market):
            self.before[group, what.name] = self.tape.add("state", group, what.name, group=group, varies=True)
        now = engine.market_now()
        with_line = f"The step of {type(market).__name__}"
        now.step()
        self.after |= {(None, name): self._numeric(now.__dict__[name]) for g, name in self.before if g is None}
        silent = [name for name in market.GROUPS if name not in engine.ordered]
        if silent:
            raise DefinitionError(
                f"{with_line} never asks for the orders of {', '.join(silent)}; add self.orders(...)."
            )
        declared = [what for what in market.DECLARED.values() if isinstance(what, Output)]
        self.outputs = {what.name: self._numeric(now.__dict__.get(what.name, 0.0)) for what in declared}
        if "price" not in self.outputs:
            self.outputs["price"] = self.after[None, "price"]
        start = engine.market_now(starting=True)
        for group, what in states(market):
            self.starts[group, what.name] = self._start(start, what, group)
        for what in declared:
            self.starts[None, what.name] = self._start(start, what, None)
        self.checked = [key for key in self.before if self._state(key).checked]
        needed = reach([*self.after.values(), self.outputs["price"]])
        self.lagged = {n.args[0] for n in self.tape.nodes if n.op in ("lag", "window")}
        used = [s for n in needed | reach(list(self.outputs.values())) if n.op == "draw" for s in [n.args]]
        self.draws_per_step = max(
            (self.streams[key] + (getattr(market, f"n_{key[0]}") if key[0] else 1) for key in used), default=0
        )

    def _numeric(self, value: Any) -> Node:
        node = self.tape.constant(value)
        if node.group is not None:
            raise DefinitionError(
                f"A state or output of {type(self.market).__name__} is set to a number of each trader of {node.group}; "
                "sum over them first."
            )
        return node

    def _state(self, key: Key) -> State:
        group, name = key
        declared = self.market.GROUPS[group].trader.DECLARED if group else self.market.DECLARED
        return declared[name]

    def _start(self, now: Any, what: State | Output, group: str | None) -> Node:
        start = what.start
        if group is None and what.name in self.market.begun:
            return self.tape.add("parameter", f"{self.market.BEGUN}.{what.name}")
        if group is not None:
            now = self.engine.trader_now(self.market.GROUPS[group])
        node = self.tape.constant(
            start(now) if callable(start) else getattr(now, start) if isinstance(start, str) else start
        )
        if node.varies:
            raise DefinitionError(
                f"{what.name} of {type(self.market).__name__} starts at a number that differs between paths; allowed "
                "are parameters and what is made from them."
            )
        return node

    def windows(self) -> list[Node]:
        """The means of past values that something is made from; a difference of two of them is one itself."""
        used = {a for n in self.tape.nodes if n.op != "window" for a in n.args if isinstance(a, Node)}
        used |= {*self.after.values(), *self.outputs.values()}
        return [n for n in self.tape.nodes if n.op == "window" and n in used]


class _Symbols:
    """What a step asks for, answered by nodes."""

    def __init__(self, program: Program, trained: frozenset[str]) -> None:
        self.program, self.tape, self.trained = program, program.tape, trained
        self.description = program.market
        self.ordered: dict[str, Orders] = {}

    def market_now(self, *, starting: bool = False) -> Any:
        market, now = self.description, object.__new__(type(self.description))
        numbers = {n: market.__dict__[n] for n in market.CHOICES}
        for name, spec in market.SPECS.items():
            if spec.group is None:
                numbers[name] = self.parameter(name)
        if not starting:
            numbers |= {name: node for (group, name), node in self.program.before.items() if group is None}
            numbers |= {
                name: self.tape.add("draw", None, name, varies=True)
                for name, what in market.DECLARED.items() if isinstance(what, Draw)
            }  # fmt: skip
        now.__dict__.update(numbers, engine=self)
        return now

    def trader_now(self, group: Group) -> Any:
        trader, name = object.__new__(group.trader), group.name
        for field, what in group.trader.DECLARED.items():
            if isinstance(what, Draw):
                trader.__dict__[field] = self.tape.add("draw", name, field, group=name, varies=True)
            elif isinstance(what, State):
                trader.__dict__[field] = self.program.before[name, field]
            else:
                trader.__dict__[field] = self.parameter(field)
        return trader

    def parameter(self, name: str) -> Node:
        spec = self.description.SPECS[name]
        return self.tape.add("parameter", name, group=spec.group.removeprefix("n_") if spec.group else None)

    @property
    def outside(self) -> Node:
        return self.tape.add("outside", varies=True)

    @property
    def age(self) -> Node:
        return self.tape.add("age", varies=True)

    def uses(self, names: tuple[str, ...]) -> bool:
        return any(name in self.trained or np.any(np.asarray(getattr(self.description, name)) != 0) for name in names)

    def _steps(self, name: str, steps: Any) -> Node:
        if not isinstance(self.description.DECLARED.get(name), State):
            raise refuse(f"{name!r} is not a state of the market; past values are kept of states only.")
        node = self.tape.constant(steps)
        whole = node.op == "constant" and node.args[0] >= 1 and node.args[0] == int(node.args[0])
        if not whole and not (node.op == "parameter" and self.description.SPECS[node.args[0]].integer):
            raise refuse("A lag or window is a whole number of at least 1 or a parameter with integer=True.")
        return node

    def lag(self, name: str, steps: Any) -> Node:
        node = self._steps(name, steps)
        if node.op == "constant" and node.args[0] == 1:
            return self.program.before[None, name]
        return self.tape.add("lag", name, node, group=node.group, varies=True)

    def mean(self, name: str, window: Any, exact: bool) -> Node:
        return self.tape.window(name, exact, 1, self._steps(name, window))

    def orders(self, now: Any, group: Group) -> Orders:
        name = group.name
        if name not in self.ordered:
            trader = self.trader_now(group)
            self.tape.group = name
            order = self.tape.constant(trader.orders(now))
            self.tape.group = None
            self.program.after |= {
                (name, field): self.tape.each(name, self.tape.constant(trader.__dict__[field]))
                for field, what in group.trader.DECLARED.items() if isinstance(what, State)
            }  # fmt: skip
            if group.trader.first_step is not None:
                self.program.gates[name] = self.parameter(group.trader.first_step)
            self.ordered[name] = Orders(self.tape.total(name, order), self.tape.total(name, abs(order)))
        return self.ordered[name]


_NUMERIC: dict[str, Any] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow,
    "<": operator.lt, "<=": operator.le, "negative": operator.neg, "abs": abs, "exp": functions.exp,
    "log": functions.log, "tanh_half": functions.tanh_half, "root": functions.root, "where": functions.where,
    "sign": functions.sign, "sinh": functions.sinh,
    "root_slope": lambda value: np.where(value <= 0, 0.0, 0.5 / np.where(value <= 0, 1.0, value)),
    "traders": lambda values: values.sum(),
}  # fmt: skip


def evaluate(
    nodes: list[Node], numbers: Mapping[str, np.ndarray], market: Definition, **given: Any
) -> list[np.ndarray]:
    """The values of numbers of the market, float64: a scalar, or (count,) where they belong to a group's traders.

    `numbers` has every parameter by name; `given` the values of further symbols by their operation.
    """
    known: dict[Node, Any] = {}
    for node in sorted(reach(nodes), key=lambda n: n.number):
        if node.op == "constant":
            value: Any = np.float64(node.args[0])
        elif node.op == "parameter":
            value = numbers[node.args[0]]
        elif node.op in given:
            value = given[node.op][node.args[0]]
        else:
            with np.errstate(all="ignore"):
                value = _NUMERIC[node.op](*(known[a] for a in node.args if isinstance(a, Node)))
        known[node] = value
    found = []
    for node in nodes:
        count = getattr(market, f"n_{node.group}") if node.group else None
        value = np.asarray(known[node], dtype=np.float64)
        found.append(value if count is None else np.broadcast_to(value, (count,)))
    return found


def numbers_of(market: Definition, given: Mapping[str, Any] | None = None) -> Numbers:
    """Every parameter as a float64 array, (count,) where it belongs to a group's traders.

    What is `given` takes the place of the market's value and is not checked: it may be NaN, and then the prices are.
    """
    numbers: Numbers = {}
    for name, spec in market.SPECS.items():
        value = (given or {}).get(name, getattr(market, name))
        if value is not None:
            array = np.asarray(value, dtype=np.float64)
            numbers[name] = np.full(getattr(market, spec.group), array) if spec.group else array
    numbers |= {f"{market.BEGUN}.{name}": np.asarray(value) for name, value in market.begun.items()}
    return numbers | {name: numbers[followed] for name, followed in following(market, given or ()).items()}


def following(market: Definition, given: Collection[str] = ()) -> dict[str, str]:
    """The parameters that are not given and have the value of another one, and which one."""
    own = {name: str(spec.follows) for name, spec in market.SPECS.items() if getattr(market, name) is None}
    return {name: followed for name, followed in own.items() if name not in given}
