"""What a definition becomes when its step is run once on symbols: a tape of operations, in the order they were written.

A `Node` is one number of that step. It lives in one of four places, and nothing else about it decides how it is
compiled:

=====================  ===============================================  =====================================
``varies``, ``group``  what it is                                       where it is computed
=====================  ===============================================  =====================================
no, None               a number of the market                           once, outside the loops ("coefficient")
no, a group            a number of each trader                          once, outside the loops
yes, None              a number of each path                            in a loop over lanes
yes, a group           a number of each trader on each path             in a loop over traders and lanes
=====================  ===============================================  =====================================
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simcal.errors import ParameterError

# Everything between this folder and the user's file is left out when an error names the line of a definition.
_HERE = str(Path(__file__).parent)


class DefinitionError(ParameterError):
    """A market's or a trader's definition cannot be compiled; the message names file, line and what is allowed."""


def where_written() -> str:
    """File and line of the innermost frame outside this folder: the line of the definition that is being run."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def refuse(sentence: str) -> DefinitionError:
    """The error to raise for the line of the definition that is being run."""
    return DefinitionError(f"{where_written()}: {sentence}")


class Node:
    """One number of a step; arithmetic on it writes further nodes on its tape."""

    __array_ufunc__ = None  # NumPy gives way, and `__getattr__` below says what to write instead

    def __init__(self, tape: Tape, op: str, args: tuple[Any, ...], group: str | None, varies: bool) -> None:
        self.tape, self.op, self.args, self.group, self.varies = tape, op, args, group, varies
        self.number = len(tape.nodes)

    def __repr__(self) -> str:
        return f"<{self.op} {', '.join(str(a.number) if isinstance(a, Node) else repr(a) for a in self.args)}>"

    def __add__(self, other: Any) -> Node:
        return self.tape.operate("+", self, other)

    def __radd__(self, other: Any) -> Node:
        return self.tape.operate("+", other, self)

    def __sub__(self, other: Any) -> Node:
        return self.tape.operate("-", self, other)

    def __rsub__(self, other: Any) -> Node:
        return self.tape.operate("-", other, self)

    def __mul__(self, other: Any) -> Node:
        return self.tape.operate("*", self, other)

    def __rmul__(self, other: Any) -> Node:
        return self.tape.operate("*", other, self)

    def __truediv__(self, other: Any) -> Node:
        return self.tape.operate("/", self, other)

    def __rtruediv__(self, other: Any) -> Node:
        return self.tape.operate("/", other, self)

    def __neg__(self) -> Node:
        return self.tape.operate("negative", self)

    def __abs__(self) -> Node:
        return self.tape.operate("abs", self)

    def __pow__(self, exponent: Any) -> Node:
        if exponent == 2:
            return self * self
        if self.varies or isinstance(exponent, Node):
            raise refuse("A power other than 2 of a number that differs between paths is not allowed; use exp and log.")
        return self.tape.operate("**", self, exponent)

    def __lt__(self, other: Any) -> Node:
        return self.tape.operate("<", self, other)

    def __gt__(self, other: Any) -> Node:
        return self.tape.operate("<", other, self)

    def __le__(self, other: Any) -> Node:
        return self.tape.operate("<=", self, other)

    def __ge__(self, other: Any) -> Node:
        return self.tape.operate("<=", other, self)

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other

    def __bool__(self) -> bool:
        raise refuse(
            "A choice by `if`, `and`, `or`, `min` or `max` on a number of the step is not allowed, because it differs "
            "between paths or is to be changed; use where, minimum or maximum of simcal.definition, or "
            "self.uses(...) and self.description for choices that are made once."
        )

    def __float__(self) -> float:
        raise refuse("A number of the step has no value yet; use exp, log, tanh_half, ... of simcal.definition.")

    __int__ = __index__ = __float__  # type: ignore[assignment]

    def __iter__(self) -> Any:
        raise refuse(
            "A number of the step is one number and cannot be looped over or indexed; sums over the traders of a group "
            "are self.orders(group).demand."
        )

    def __getattr__(self, name: str) -> Any:
        raise refuse(f"A number of the step has no {name!r}; use + - * / and the functions of simcal.definition.")


class Window(Node):
    """A sum of means of the last prices; `args` is (state, exact, sign, window, sign, window, ...)."""

    def __sub__(self, other: Any) -> Node:
        if not isinstance(other, Window) or self.args[:2] != other.args[:2]:
            return super().__sub__(other)
        turned = [-x if isinstance(x, int) else x for x in other.args[2:]]
        return self.tape.window(*self.args[:2], *self.args[2:], *turned)


class Tape:
    """The nodes of one step; equal operations are one node."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.group: str | None = None  # whose traders are ordering now
        self._known: dict[tuple[Any, ...], Node] = {}

    def add(self, op: str, *args: Any, group: str | None = None, varies: bool = False, kind: type[Node] = Node) -> Node:
        """The node of an operation, which may stand on the tape already."""
        key = (op, group, *((a.number, "node") if isinstance(a, Node) else (type(a), a) for a in args))
        if key not in self._known:
            self._known[key] = node = kind(self, op, args, group, varies)
            self.nodes.append(node)
        return self._known[key]

    def constant(self, value: Any) -> Node:
        """A plain number; `DefinitionError` for anything else."""
        if isinstance(value, Node):
            if value.tape is not self:
                raise refuse("A number of one step was used in another one; keep it as a state.")
            return value
        try:
            return self.add("constant", float(value))
        except (TypeError, ValueError):
            raise refuse(
                f"{value!r} is used as a number of the step; allowed are plain numbers and numbers of the step."
            ) from None

    def operate(self, op: str, *given: Any) -> Node:
        """An operation on numbers, of the traders of a group where one of them is."""
        args = tuple(self.constant(x) for x in given)
        groups = {a.group for a in args if a.group is not None}
        if len(groups) > 1 or (groups and groups != {self.group} and self.group is not None):
            raise refuse(f"Numbers of the groups {' and '.join(sorted(map(str, groups | {self.group})))} meet in one "
                         "operation; a group's traders see others only by sums over them.")  # fmt: skip
        return self.add(op, *args, group=next(iter(groups), None), varies=any(a.varies for a in args))

    def total(self, group: str, node: Node) -> Node:
        """The sum of a number over the traders of a group."""
        return self.add("total", group, node, varies=True)

    def each(self, group: str, node: Node) -> Node:
        """A number of paths as one of each trader, so that it is at hand in the loop over them."""
        return node if node.group == group else self.add("same", node, group=group, varies=True)

    def window(self, state: str, exact: bool, *terms: Any) -> Node:
        """A sum of means of the last values of a state; `terms` alternates signs and windows."""
        group = next((x.group for x in terms if isinstance(x, Node) and x.group), None)
        return self.add("window", state, exact, *terms, group=group, varies=True, kind=Window)


def reach(nodes: list[Node], *, stop: Callable[[Node], bool] = lambda node: False) -> set[Node]:
    """The nodes that these depend on, themselves included; those at which `stop` is true are taken without what is
    below them."""
    found: set[Node] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            if not stop(node):
                waiting.extend(a for a in node.args if isinstance(a, Node))
    return found
